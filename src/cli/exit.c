#include "cli/exit.h"

#include <signal.h>

#define SIGNALLED 128

static const struct exit_class classes[] = {
	{ ERR_NONE, 0, "landed", "landed: the proof is complete", EXIT_AGAIN_NO },
	{ ERR_UNEXPECTED, 1, "unexpected", "unexpected failure", EXIT_AGAIN_NO },
	{ ERR_USAGE, 2, "usage", "wrong usage, configuration or reference", EXIT_AGAIN_NO },
	{ ERR_UNPROVEN, 3, "unproven", "sent or landed, but not proven or not reported",
	  EXIT_AGAIN_YES },
	{ ERR_ABSENT, 10, "absent", "the registry does not have it", EXIT_AGAIN_PERHAPS },
	{ ERR_OTHER_DIGEST, 11, "other-digest", "another digest is under that tag", EXIT_AGAIN_NO },
	{ ERR_INCOMPLETE, 12, "incomplete", "the manifest is there, a child or a blob is missing",
	  EXIT_AGAIN_YES },
	{ ERR_DISPROVEN, 13, "disproven",
	  "the wrapped command ended with 0, and the registry does not show what it claims",
	  EXIT_AGAIN_PERHAPS },
	{ ERR_REFUSED, 20, "refused", "refused although the credential was fresh", EXIT_AGAIN_NO },
	{ ERR_DENIED, 21, "denied", "permission denied, or no such repository", EXIT_AGAIN_NO },
	{ ERR_NO_CREDENTIAL, 22, "no-credential", "no credential could be obtained",
	  EXIT_AGAIN_YES },
	{ ERR_NET, 30, "network", "network trouble or server errors after all retries",
	  EXIT_AGAIN_YES },
	{ ERR_NO_REGISTRY, 30, "no-registry", "what answers there is no registry", EXIT_AGAIN_YES },
	{ ERR_TIMEOUT, 31, "timeout", "the time given by --timeout is over", EXIT_AGAIN_YES },
	{ ERR_RATE_LIMITED, 32, "rate-limited", "the registry allows no more requests for now",
	  EXIT_AGAIN_YES },
	{ ERR_NO_SOURCE, 40, "no-source", "the image to send was not found", EXIT_AGAIN_NO },
	{ ERR_CORRUPT, 41, "corrupt", "the image is not what it says", EXIT_AGAIN_NO },
	{ ERR_LOCAL, 42, "local", "local trouble: disk full, permission, memory",
	  EXIT_AGAIN_PERHAPS },
	{ ERR_NOT_LANDED, 50, "did-not-land",
	  "nodes miss the image, and so does its registry, or a part of it", EXIT_AGAIN_PERHAPS },
	{ ERR_NOT_PULLED, 51, "not-pulled", "the node may not or cannot pull the image",
	  EXIT_AGAIN_PERHAPS },
	{ ERR_CRASHES, 52, "crashes", "the container crashes", EXIT_AGAIN_NO },
	{ ERR_NOT_RUNNING, 53, "not-running",
	  "pods cannot be scheduled or created, or are not ready by --timeout", EXIT_AGAIN_YES },
	{ ERR_SUPERSEDED, 54, "superseded", "another rollout took its place, or it was deleted",
	  EXIT_AGAIN_NO },
	{ ERR_CLUSTER_REFUSED, 55, "cluster-refused",
	  "refused by the cluster: rights, quota, policy, admission", EXIT_AGAIN_NO },
	{ ERR_WRAPPER, 125, "wrapper", "exec itself failed, before the command ran",
	  EXIT_AGAIN_NO },
	{ ERR_NOT_EXECUTABLE, 126, "not-executable", "the command is there and cannot be executed",
	  EXIT_AGAIN_NO },
	{ ERR_NOT_FOUND, 127, "not-found", "the command was not found", EXIT_AGAIN_NO },
	{ ERR_CANCELLED, SIGNALLED + SIGINT, "interrupted",
	  "interrupted: 128 + the signal, 143 for SIGTERM, 129 for SIGHUP", EXIT_AGAIN_YES },
};

const struct exit_class *exit_at(size_t index)
{
	return index < ARRAY_SIZE(classes) ? &classes[index] : NULL;
}

const struct exit_class *exit_of(enum err_code error)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].error == error)
			return &classes[i];
	}
	return exit_of(ERR_UNEXPECTED);
}

int exit_code(enum err_code error, int reason)
{
	if (error == ERR_CANCELLED && reason > 0)
		return SIGNALLED + reason;
	return exit_of(error)->code;
}

const char *exit_again_text(enum exit_again again)
{
	static const char *const texts[] = {
		[EXIT_AGAIN_NO] = "no",
		[EXIT_AGAIN_PERHAPS] = "perhaps",
		[EXIT_AGAIN_YES] = "yes",
	};

	return texts[again];
}
