/*
 * landed verify REF...: the proof alone, of what anybody pushed.
 */
#include "cli/command.h"

#include "cli/outcomes.h"

struct verify_settings {
	struct common_settings common;
	char *expect;
};

#define AT(member) offsetof(struct verify_settings, member)

static const struct opt verify_options[] = {
	{ .name = "expect",
	  .kind = OPT_STRING,
	  .offset = AT(expect),
	  .argument = "DIGEST",
	  .help = "the digest that must be found; as good as writing REF@DIGEST" },
};

static const struct opt_group verify_group = { "Verify", verify_options,
					       ARRAY_SIZE(verify_options) };
static const struct opt_use verify_uses[] = { { &verify_group, 0 }, COMMON_USES };

static const struct command_example verify_examples[] = {
	{ "is the tag there, whole?", "landed verify registry.example/team/app:1.4" },
	{ "is it what was built?",
	  "landed verify --expect \"$(cat digest)\" registry.example/team/app:1.4" },
};

static bool verify_one(const struct run *run, struct session_maker *sessions, struct settled *s,
		       const struct digest *expect)
{
	const struct common_settings *common = run->settings;
	CLEANUP(session_freep) struct session *session = NULL;

	return world_check(run->world, &s->err) &&
	       session_make(sessions, run->world, &s->ref, SESSION_PULL, &session, &s->err) &&
	       image_verify(run->world, session, &s->ref, expect, common->depth,
			    (size_t)common->jobs, &s->proof, &s->err);
}

static bool verify_all(struct outcomes *o, const struct digest *expect, struct err *err)
{
	const struct common_settings *common = o->run->settings;
	CLEANUP(connect_freep) struct session_maker *sessions = NULL;

	if (!connect_new(&common->connect, o->run->world, &sessions, err)) {
		outcomes_settle_all(o, "verify", err);
		return outcomes_finish(o, common->receipt, NULL, err);
	}
	for (size_t i = 0; i < o->count; i++) {
		struct settled *s = &o->at[i];

		outcomes_begin(o, i, "verify");
		if (!verify_one(o->run, sessions, s, expect))
			err_wrap(&s->err, "verifying '%s'", o->run->operands[i]);
		outcomes_settle(o, i, false);
	}
	return outcomes_finish(o, common->receipt, NULL, err);
}

/* Two digests for one name cannot both be right: that is a slip, and no matter for the registry. */
static bool check_digests(const struct outcomes *o, const struct digest *expect, struct err *err)
{
	for (size_t i = 0; i < o->count && *expect->text; i++) {
		const struct digest *written = &o->at[i].ref.digest;

		if (*written->text && !digest_same(written, expect))
			return err_set(err, ERR_USAGE, "'%s' and --expect name different digests",
				       o->run->operands[i]);
	}
	return true;
}

static bool cmd_verify(const struct run *run, struct err *err)
{
	const struct verify_settings *settings = run->settings;
	CLEANUP(outcomes_clear) struct outcomes outcomes = { 0 };
	struct digest expect = { "" };

	if (!run->operand_count) {
		err_set(err, ERR_USAGE, "verify needs a REF");
		err_hint(err, "landed verify --help");
		return false;
	}
	if (settings->expect && !digest_parse(settings->expect, ERR_USAGE, &expect, err))
		return err_wrap(err, "--expect");
	return outcomes_init(&outcomes, run, 0, err) && check_digests(&outcomes, &expect, err) &&
	       verify_all(&outcomes, settings->expect ? &expect : NULL, err);
}

const struct command command_verify = {
	.name = "verify",
	.operands = "REF...",
	.summary = "prove that an image is whole in its registry",
	.description =
		"Asks the registry what REF names, hashes the manifest's bytes and those of every "
		"child, and looks whether every blob is there with its size. REF@DIGEST or --expect "
		"says what is expected; a REF with both tag and digest must have the tag on that "
		"digest. It never waits for a tag that is not there yet.",
	.completes = OPERANDS_REF,
	.options = { verify_uses, ARRAY_SIZE(verify_uses) },
	.settings_size = sizeof(struct verify_settings),
	.examples = verify_examples,
	.example_count = ARRAY_SIZE(verify_examples),
	.run = cmd_verify,
};
