/*
 * landed ship IMAGE KIND/NAME [CONTAINER]: push and deploy as one, and what is deployed is what was pushed.
 */
#include "base/mem.h"
#include "cli/deploy.h"
#include "cli/push.h"

struct settings {
	struct common_settings common;
	struct push_settings push;
	struct deploy_settings deploy;
	char *ref;    /* has landed; NULL: it is pushed */
	char *source; /* NULL: the image of that name in the engine */
	int64_t rollout_timeout_ms;
};

#define DEPLOY offsetof(struct settings, deploy)

static const struct opt ship_options[] = {
	{ .name = "ref",
	  .kind = OPT_STRING,
	  .offset = offsetof(struct settings, ref),
	  .argument = "REF",
	  .help = "an image that has landed: nothing is pushed, and the operands begin with KIND/NAME" },
	{ .name = "source",
	  .kind = OPT_STRING,
	  .offset = offsetof(struct settings, source),
	  .argument = "SOURCE",
	  .help = "where the image is that goes to IMAGE, in the words of landed push; without it the "
		  "image of this name in the container engine" },
	{ .name = "rollout-timeout",
	  .kind = OPT_DURATION,
	  .offset = offsetof(struct settings, rollout_timeout_ms),
	  .argument = "TIME",
	  .fallback = "3m",
	  .least = 1000,
	  .most = 7 * 24 * 3600000,
	  .help = "how much of --timeout the deploy may take; what is still waited for then ends with "
		  "exit code 53" },
};
static const struct opt_group ship_group = { "Ship", ship_options, ARRAY_SIZE(ship_options) };

static const struct opt_use ship_uses[] = {
	{ &ship_group, 0 },
	{ &push_options, offsetof(struct settings, push) },
	{ &push_mounts, 0 },
	{ &deploy_options, DEPLOY },
	{ &cluster_options, DEPLOY + offsetof(struct deploy_settings, cluster) },
	COMMON_USES,
};

static const struct command_example ship_examples[] = {
	{ "from the container engine to running pods",
	  "landed ship registry.example/team/app:1.4 deployment/my-app" },
	{ "what a build has written",
	  "landed ship --source oci-archive:app.tar registry.example/team/app:1.4 sts/db server" },
	{ "what was pushed already",
	  "landed ship --ref registry.example/team/app:1.4 deployment/my-app" },
};

/* What the operands say. All of it is borrowed. */
struct words {
	const char *image;
	const char *target;
	struct assignment assignment;
};

static bool read_operands(const struct run *run, struct words *ret, struct err *err)
{
	const struct settings *s = run->settings;
	size_t first = s->ref ? 0 : 1;

	if (run->operand_count < first + 1 || run->operand_count > first + 2) {
		err_set(err, ERR_USAGE,
			s->ref ? "ship --ref needs KIND/NAME, and CONTAINER at most"
			       : "ship needs IMAGE and KIND/NAME, and CONTAINER at most");
		err_hint(err, "landed ship --help");
		return false;
	}
	ret->image = s->ref ? s->ref : run->operands[0];
	ret->target = run->operands[first];
	ret->assignment.container =
		run->operand_count > first + 1 ? run->operands[first + 1] : NULL;
	ret->assignment.image = (char *)ret->image;
	return true;
}

/* The first option that says something about a push; NULL when there is none. */
static const char *option_of_push(const struct settings *s)
{
	return s->source	       ? "--source"
	       : s->push.digest_file   ? "--digest-file"
	       : s->push.metadata_file ? "--metadata-file"
	       : s->common.receipt     ? "--receipt"
				       : NULL;
}

static bool check_settings(const struct settings *s, const struct words *words, struct err *err)
{
	if (s->ref && option_of_push(s))
		return err_set(err, ERR_USAGE, "--ref has landed: no push, and no %s of one",
			       option_of_push(s));
	if (!s->deploy.dry_run)
		return true;
	err_set(err, ERR_USAGE,
		"a push cannot be rehearsed, and what is not pushed cannot be deployed");
	err_hint(err, "landed deploy --dry-run %s CONTAINER=REF, once REF has landed",
		 words->target);
	return false;
}

/* *ret is IMAGE with the digest that has landed under it; the caller frees. */
static bool push(const struct run *run, const struct words *words, char **ret, struct err *err)
{
	const struct settings *s = run->settings;
	CLEANUP(mem_freep)
	char *source =
		s->source ? mem_strdup(s->source) : mem_printf("docker-daemon:%s", words->image);
	CLEANUP(reference_clear) struct reference ref = { 0 };
	struct run pushing = *run;

	pushing.operand_count = 1;
	if (s->common.output != RESULT_JSON)
		pushing.out = NULL; /* the result is what runs */
	if (!reference_parse(words->image, &ref, err) ||
	    !push_run(&pushing, &s->push, source, 0, &ref.digest, err))
		return false;
	*ret = reference_text(&ref);
	return true;
}

static bool deploy(const struct run *run, const struct words *words, const char *pushed,
		   struct err *err)
{
	const struct settings *s = run->settings;
	struct assignment assignment = { words->assignment.container, (char *)pushed };
	struct world w = *run->world;
	int64_t end_ms = world_now_ms(&w) + s->rollout_timeout_ms;
	struct run deploying = *run;

	if (w.deadline_ms > end_ms)
		w.deadline_ms = end_ms;
	deploying.world = &w;
	return deploy_run(&deploying, &s->deploy, words->target, &assignment, 1, err);
}

/* The cluster is asked first: a long push for a container that there is not would be in vain. */
static bool cmd_ship(const struct run *run, struct err *err)
{
	const struct settings *s = run->settings;
	CLEANUP(mem_freep) char *pushed = NULL;
	struct words words = { 0 };

	if (!read_operands(run, &words, err) || !check_settings(s, &words, err))
		return false;
	if (s->ref)
		return deploy(run, &words, s->ref, err);
	if (!deploy_look(run, &s->deploy, words.target, &words.assignment, 1, err))
		return err_wrap(err, "nothing was pushed");
	return push(run, &words, &pushed, err) && deploy(run, &words, pushed, err);
}

const struct command command_ship = {
	.name = "ship",
	.operands = "IMAGE KIND/NAME [CONTAINER]",
	.summary = "push an image and deploy what has landed",
	.description =
		"landed push and landed deploy in one, in place of the script that pushes, asks for the "
		"digest, sets the image and waits. Whether the workload and the container are there is asked "
		"first; then the image is pushed and proven; then exactly what landed, by its digest, is "
		"put into the cluster and followed until it runs or its cause of failure is known. "
		"The exit code is the push's, or else the rollout's.\n\n"
		"CONTAINER may be left out where the workload has only one beside its init containers. IMAGE "
		"is the name of an image in the local container engine and where it goes to; --source says "
		"that it is somewhere else. With -o json there is an object for the push, then one for "
		"each workload. After any failure the same command again does only what is missing.",
	.completes = OPERANDS_REF,
	.options = { ship_uses, ARRAY_SIZE(ship_uses) },
	.settings_size = sizeof(struct settings),
	.examples = ship_examples,
	.example_count = ARRAY_SIZE(ship_examples),
	.run = cmd_ship,
};
