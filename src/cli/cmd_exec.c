/*
 * landed exec -- CMD...: runs any pusher with credentials that are always fresh, then proves what it claims.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/exec_learn.h"
#include "cli/exec_proof.h"
#include "cli/outcomes.h"

#include <stdio.h>

#define RETRY_PAUSE_MS 1000

struct exec_settings {
	struct common_settings common;
	char *expect;
	struct strings refs;
	struct strings registries;
	int64_t retry_push;
	int64_t settle_ms;
};

#define AT(member) offsetof(struct exec_settings, member)

static const struct opt exec_options[] = {
	{ .name = "expect",
	  .kind = OPT_STRING,
	  .offset = AT(expect),
	  .argument = "DIGEST",
	  .help = "the digest that must be found, whatever the command claims" },
	{ .name = "ref",
	  .kind = OPT_STRINGS,
	  .offset = AT(refs),
	  .argument = "REF",
	  .help = "what the command pushes, where neither its words nor its output say it; may be "
		  "repeated" },
	{ .name = "registry",
	  .kind = OPT_STRINGS,
	  .offset = AT(registries),
	  .argument = "HOST",
	  .help = "a registry that the command needs credentials for, beside those it names; may be "
		  "repeated" },
	{ .name = "retry-push",
	  .kind = OPT_INTEGER,
	  .offset = AT(retry_push),
	  .argument = "N",
	  .fallback = "0",
	  .least = 0,
	  .most = 100,
	  .help = "run the command so many times more when it failed or the proof did; its standard "
		  "input is not there a second time" },
	COMMON_SETTLE(AT(settle_ms)),
};

static const struct opt_group exec_group = { "Exec", exec_options, ARRAY_SIZE(exec_options) };
static const struct opt_use exec_uses[] = { { &exec_group, 0 }, COMMON_USES };

static const struct command_example exec_examples[] = {
	{ "docker, with a token that is read again each time docker asks",
	  "landed exec --cred file:/run/token -- docker push registry.example/team/app:1.4" },
	{ "a script that hides failures",
	  "landed exec --ref registry.example/team/app:1.4 -- ./release.sh" },
};

static void name_claims(const struct claims *claims, struct strings *ret)
{
	for (size_t i = 0; i < claims->count; i++) {
		CLEANUP(mem_freep) char *text = reference_text(&claims->at[i].ref);

		strings_add(ret, text);
	}
}

static void prove_each(struct outcomes *o, const struct claim_proof *proof,
		       const struct claims *claims, const char *program)
{
	for (size_t i = 0; i < o->count; i++) {
		struct settled *s = &o->at[i];

		outcomes_begin(o, i, "exec");
		if (!claim_prove(proof, &claims->at[i], &s->proof, &s->err))
			err_wrap(&s->err, "'%s' ended with 0, but '%s' is not proven", program,
				 o->run->operands[i]);
		outcomes_settle(o, i, false);
	}
}

static bool nothing_claimed(const char *program, struct err *err)
{
	err_set(err, ERR_DISPROVEN, "'%s' ended with 0, but nothing says what it has pushed",
		program);
	err_hint(err, "landed exec --ref REF -- %s ...", program);
	return false;
}

/* Another push of the same command may well have landed. */
static bool unfinished(const char *program, const struct claims *claims, struct err *err)
{
	err_set(err, ERR_DISPROVEN,
		"'%s' ended with 0, but a push to '%s' began and never said its digest", program,
		claims->unfinished.at[0]);
	err_hint(err, "landed exec --ref REF -- %s ...", program);
	return false;
}

static bool all_settled(const struct outcomes *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->at[i].outcome.err)
			return false;
	return true;
}

/* IS_LAST: whatever comes out is the result; else a failure is told as a line, and the command runs again. */
static bool prove_claims(const struct run *run, const struct claims *claims,
			 const struct digest *expect, bool is_last, struct err *err)
{
	const struct exec_settings *settings = run->settings;
	const struct common_settings *common = &settings->common;
	CLEANUP(strings_clear) struct strings names = { 0 };
	CLEANUP(outcomes_clear) struct outcomes outcomes = { 0 };
	CLEANUP(connect_freep) struct session_maker *sessions = NULL;
	struct run about = *run;

	name_claims(claims, &names);
	about.operands = names.at;
	about.operand_count = names.count;
	about.out = common->quiet ? NULL : stderr; /* stdout is the command's */
	if (!outcomes_init(&outcomes, &about, 0, err))
		return false;
	if (!connect_new(&common->connect, run->world, &sessions, err)) {
		err->code = err->code == ERR_CANCELLED ? err->code : ERR_DISPROVEN;
		outcomes_settle_all(&outcomes, "exec", err);
		return outcomes_finish(&outcomes, common->receipt, NULL, err);
	}
	prove_each(&outcomes,
		   &(struct claim_proof){ .world = run->world,
					  .sessions = sessions,
					  .expect = expect,
					  .depth = common->depth,
					  .jobs = (size_t)common->jobs,
					  .settle_ms = settings->settle_ms },
		   claims, run->operands[0]);
	if (is_last || all_settled(&outcomes))
		return outcomes_finish(&outcomes, common->receipt, NULL, err);
	return outcomes_finish(&outcomes, NULL, NULL, err);
}

/* --timeout is about what we do: how long the command may take is nobody's business but its own. */
static struct world proof_world(const struct run *run)
{
	const struct common_settings *common = run->settings;
	struct world w = *run->world;

	if (common->timeout_ms)
		w.deadline_ms = clock_after(world_now_ms(&w), common->timeout_ms);
	return w;
}

static bool prove(const struct run *run, const struct claims *claims, const struct child_end *end,
		  const struct digest *expect, bool is_last, struct err *err)
{
	struct world w = proof_world(run);
	struct run in_time = *run;

	in_time.world = &w;
	if (claims->unfinished.count)
		return unfinished(run->operands[0], claims, err);
	if (!claims->count)
		return nothing_claimed(run->operands[0], err);
	if (!prove_claims(&in_time, claims, expect, is_last, err))
		return false;
	return !end->lost_output ||
	       err_set(err, ERR_UNPROVEN,
		       "landed, but not reported: what '%s' wrote could not be written to stdout",
		       run->operands[0]);
}

enum once { ONCE_LANDED, ONCE_FAILED, ONCE_OVER };

/* ONCE_OVER: running it again is no use. With *run->passed_on set there is no error. */
static enum once run_once(const struct run *run, const struct digest *expect, bool is_last,
			  struct err *err)
{
	const struct exec_settings *settings = run->settings;
	const struct exec_run x = {
		.settings = &settings->common,
		.cancel = run->world->cancel,
		.argv = run->operands,
		.argc = run->operand_count,
		.refs = &settings->refs,
		.registries = &settings->registries,
	};
	CLEANUP(claims_clear) struct claims claims = { 0 };
	struct child_end end = { 0 };

	*run->passed_on = 0;
	if (!exec_run(&x, &claims, &end, err))
		return ONCE_OVER;
	is_last = is_last || end.signal;
	if (end.code)
		*run->passed_on = end.code;
	else if (prove(run, &claims, &end, expect, is_last, err))
		return ONCE_LANDED;
	return end.signal || err->code == ERR_CANCELLED ? ONCE_OVER : ONCE_FAILED;
}

static void tell_again(const struct run *run, int64_t done, struct err *err)
{
	const struct exec_settings *settings = run->settings;
	CLEANUP(mem_freep)
	char *why = *run->passed_on ? mem_printf("exit code %d", *run->passed_on)
				    : mem_strdup(err->message ? err->message : "not proven");
	CLEANUP(mem_freep)
	char *line = mem_printf("%s; '%s' runs again (%lld of %lld)", why, run->operands[0],
				(long long)done + 1, (long long)settings->retry_push);

	talk_say(run->talk, line);
	err_clear(err);
}

static bool run_until_proven(const struct run *run, const struct digest *expect, struct err *err)
{
	const struct exec_settings *settings = run->settings;
	struct world unhurried = *run->world;

	unhurried.deadline_ms = NEVER_MS;
	for (int64_t done = 0;; done++) {
		bool is_last = done == settings->retry_push;
		enum once once = run_once(run, expect, is_last, err);

		if (once != ONCE_FAILED || is_last)
			return once == ONCE_LANDED;
		tell_again(run, done, err);
		if (!world_sleep(&unhurried, RETRY_PAUSE_MS, err))
			return false;
	}
}

static bool check_words(const struct run *run, struct digest *ret_expect, struct err *err)
{
	const struct exec_settings *settings = run->settings;

	if (!run->operand_count) {
		err_set(err, ERR_WRAPPER, "exec needs a command to run");
		err_hint(err, "landed exec --help");
		return false;
	}
	if (settings->common.depth < VERIFY_TREE)
		return err_set(err, ERR_WRAPPER, "--depth manifest proves too little for a push");
	if (!settings->expect || digest_parse(settings->expect, ERR_WRAPPER, ret_expect, err))
		return true;
	return err_wrap(err, "--expect");
}

static bool cmd_exec(const struct run *run, struct err *err)
{
	const struct exec_settings *settings = run->settings;
	struct digest expect = { "" };

	return check_words(run, &expect, err) &&
	       run_until_proven(run, settings->expect ? &expect : NULL, err);
}

const struct command command_exec = {
	.name = "exec",
	.operands = "[--] COMMAND...",
	.summary = "run any pusher with fresh credentials and prove what it claims",
	.description =
		"Runs docker, podman, buildah, skopeo, crane, buildx or a script, with a private "
		"configuration whose credential helper is landed itself: whenever the command asks, the "
		"sources named by --cred are asked anew. All else in the user's configuration stays. "
		"Output, signals and a failure's exit code pass through unchanged.\n\n"
		"When the command ends with 0, what it claims is proven: a digest in its output or in "
		"the file of its --metadata-file or --digestfile, or else the names in its words. Where no "
		"digest was claimed, the registry must show the very image that the engine, archive or "
		"layout in those words has, or what --expect says. Without that the exit code is 13. "
		"landed's own result goes to standard error, as standard output is the command's. On a "
		"terminal the command's output is not read.",
	.completes = OPERANDS_COMMAND,
	.wraps = true,
	.options = { exec_uses, ARRAY_SIZE(exec_uses) },
	.settings_size = sizeof(struct exec_settings),
	.examples = exec_examples,
	.example_count = ARRAY_SIZE(exec_examples),
	.run = cmd_exec,
};
