/*
 * landed deploy KIND/NAME CONTAINER=REF...: what has landed, into the cluster, by digest, to its verdict.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/deploy.h"

struct settings {
	struct common_settings common;
	struct deploy_settings deploy;
};

#define DEPLOY offsetof(struct settings, deploy)

static const struct opt_use deploy_uses[] = {
	{ &deploy_options, DEPLOY },
	{ &cluster_options, DEPLOY + offsetof(struct deploy_settings, cluster) },
	{ &common_output, 0 },
	{ &rollout_limits, 0 },
	{ &common_credentials, 0 },
	{ &common_connection, 0 },
};

static const struct command_example deploy_examples[] = {
	{ "instead of kubectl set image and rollout status",
	  "landed deploy deployment/my-app app=registry.example/team/app:1.4" },
	{ "put the old image back when the new one does not come up",
	  "landed deploy --rollback-on-failure sts/db db=registry.example/team/db:9" },
	{ "all that run this image",
	  "landed deploy -l app=shop deployment,cronjob '*'=registry.example/shop/web:2" },
	{ "would it work?",
	  "landed deploy --dry-run -n shop deploy/web '*'=registry.example/shop/web:2" },
};

struct words {
	struct assignment *at;
	size_t count;
};

static void words_clear(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		assignment_clear(&w->at[i]);
	free(w->at);
}

static bool words_parse(char *const *words, size_t count, struct words *ret, struct err *err)
{
	ret->at = mem_alloc(count * sizeof(*ret->at));
	for (size_t i = 0; i < count; i++)
		if (!assignment_parse(words[i], &ret->at[ret->count++], err))
			return false;
	return true;
}

static bool cmd_deploy(const struct run *run, struct err *err)
{
	const struct settings *settings = run->settings;
	CLEANUP(words_clear) struct words words = { 0 };

	if (run->operand_count < 2) {
		err_set(err, ERR_USAGE, "deploy needs KIND/NAME and CONTAINER=REF");
		err_hint(err, "landed deploy --help");
		return false;
	}
	return words_parse(run->operands + 1, run->operand_count - 1, &words, err) &&
	       deploy_run(run, &settings->deploy, run->operands[0], words.at, words.count, err);
}

const struct command command_deploy = {
	.name = "deploy",
	.operands = "KIND/NAME CONTAINER=REF...",
	.summary = "put a proven image into a cluster's workload and follow it until it runs",
	.description =
		"Proves in the registry that REF is there, whole, and for every platform of the nodes that "
		"its pods may land on; pins it to its digest; asks the cluster for a dry run; then patches "
		"the container with the precondition that nobody else has changed its image in between. "
		"When any of this fails, nothing is changed. It then follows the pods of exactly this "
		"revision, and ends with one verdict: they run what was pushed, or why not. The "
		"exit code is the verdict's.\n\n"
		"KIND is deployment, statefulset, daemonset or cronjob, in kubectl's spellings. CONTAINER "
		"may be an init container, and '*' is every container that is not named. A cronjob is "
		"patched and not followed. With -l it is all workloads of KIND, or of several kinds with "
		"commas between them, that have these labels: nothing is changed before all of "
		"them were rehearsed, and they are followed side by side. With --rollback-on-failure exactly the images that were "
		"replaced come back, while ours are still there; of a statefulset the broken pod is "
		"deleted too, because its controller would wait for it for ever.",
	.completes = OPERANDS_WORKLOAD_REF,
	.options = { deploy_uses, ARRAY_SIZE(deploy_uses) },
	.settings_size = sizeof(struct settings),
	.examples = deploy_examples,
	.example_count = ARRAY_SIZE(deploy_examples),
	.run = cmd_deploy,
};
