/*
 * Follows one rollout to its verdict: watches of the workload, its replica sets or revisions, its pods and the
 * namespace's events feed the judge (kube/judge.h), and the registry answers what the judge asks. All that is decided
 * is decided there; here are only threads. Progress goes to the world's observer, a phase for each change of what is
 * waited for; nothing is printed.
 */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli/command.h"
#include "kube/client.h"
#include "kube/judge.h"
#include "kube/verdict.h"

/* Options of commands that follow one, in a struct that begins with common_settings. */
extern const struct opt_group rollout_limits;

struct rollout_wanted {
	struct kube_client *client;
	const char *namespace;
	struct rollout_plan
		plan; /* kind, name and deadline_ms at least; has_arbiter is set by us */
	struct session_maker *sessions; /* NULL: no registry is asked */
	size_t jobs;			/* requests at once to the registry, 1 at least */
};

/* How it ended, or how far it was seen. Begins as zeros. */
struct rollout_end {
	struct rollout *judge; /* owns the verdict's texts */
	struct verdict verdict;
	int64_t at_ms;	 /* boot clock */
	int64_t took_ms; /* since the watching began */
};

void rollout_end_clear(struct rollout_end *e);

/*
 * True with a verdict, whatever it is. At plan.deadline_ms there is one in any case; the world's deadline plays no part.
 * False without one, RET as far as it was seen: ERR_CANCELLED at once after a cancel, ERR_USAGE (no such object),
 * ERR_CLUSTER_REFUSED (no right to read the workload itself; what else may not be read is noted and done without), and
 * what kube_get fails with.
 */
MUST_USE bool rollout_follow(const struct world *w, const struct rollout_wanted *wanted,
			     struct rollout_end *ret, struct err *err);

/*
 * The verdict as an object, without "schema" and "command":
 *	kind, name, namespace, verdict, why, cause, exit, headline, hint, seconds
 *	pods		{wanted, seen, ready}
 *	evidence	[{pod, node, container, image, cause, reason, message, seconds, attempts, restarts, exitCode}]
 *	registry	{says, text}, of the deciding image
 *	waiting		of what is undecided
 */
struct js *rollout_json(const struct rollout_end *e, const struct verdict_subject *s);

/* Lines of evidence on stderr; none with --quiet or where progress is JSON. */
void rollout_say_evidence(const struct run *run, const struct rollout_end *e);

/* VERDICT_RUNNING is true; else ERR with the headline, the hint and the code of the verdict's exit code. */
MUST_USE bool rollout_check(const struct rollout_end *e, const struct verdict_subject *s,
			    struct err *err);

#endif
