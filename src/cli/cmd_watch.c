/*
 * landed watch KIND/NAME: follows a rollout that anybody has begun to its verdict.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/exit.h"
#include "cli/kube_connect.h"
#include "cli/rollout.h"
#include "kube/target.h"
#include "report/format.h"

#include <string.h>

struct watch_settings {
	struct common_settings common;
	struct cluster_settings cluster;
};

static const struct opt_use watch_uses[] = {
	{ &cluster_options, offsetof(struct watch_settings, cluster) },
	{ &common_output, 0 },
	{ &rollout_limits, 0 },
	{ &common_credentials, 0 },
	{ &common_connection, 0 },
};

static const struct command_example watch_examples[] = {
	{ "does what was deployed run?", "landed watch deployment/my-app" },
	{ "in a pipeline", "landed watch -n web -o json --timeout 5m statefulset/db" },
};

/* Operands */

static bool not_watched(const struct target *t, struct err *err)
{
	err_set(err, ERR_USAGE,
		"a cronjob rolls nothing out: its next run takes the image, and '%s' has none before",
		t->name);
	err_hint(err, "kubectl create job %s-now --from cronjob/%s", t->name, t->name);
	return false;
}

/* KIND/NAME, or KIND NAME as kubectl takes it too. */
static bool parse_operands(const struct run *run, struct target *ret, struct err *err)
{
	bool is_pair = run->operand_count == 2 && !strchr(run->operands[0], '/');
	CLEANUP(mem_freep) char *text = NULL;

	if (run->operand_count != 1 && !is_pair) {
		err_set(err, ERR_USAGE,
			run->operand_count ? "watch follows one KIND/NAME"
					   : "watch needs a KIND/NAME");
		err_hint(err, "landed watch --help");
		return false;
	}
	text = is_pair ? mem_printf("%s/%s", run->operands[0], run->operands[1])
		       : mem_strdup(run->operands[0]);
	return target_parse(text, ret, err) &&
	       (ret->kind != WORKLOAD_CRONJOB || not_watched(ret, err));
}

/* The result */

/*
 * Schema "landed/1": command, verdict, exit, rollout (rollout_json), error {message, evidence, cause, hint}. Without a
 * verdict the error's word is all there is, and what is known is told with it.
 */
static void print_json(const struct run *run, const struct rollout_end *e,
		       const struct verdict_subject *s, const struct err *err, bool has_verdict)
{
	CLEANUP(js_freep) struct js *object = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	int reason = cancel_reason(run->world->cancel);

	js_put_string(object, "schema", "landed/1");
	js_put_string(object, "command", "watch");
	js_put_string(object, "verdict",
		      has_verdict ? verdict_word(e->verdict.kind) : exit_of(err->code)->name);
	js_put_integer(object, "exit",
		       has_verdict ? verdict_exit(e->verdict.kind) : exit_code(err->code, reason));
	js_put(object, "rollout", rollout_json(e, s));
	if (err->code)
		js_put(object, "error", error_json(err));
	text = js_text(object, JS_COMPACT);
	fprintf(run->out, "%s\n", text);
}

/* The verdict is the result, whatever it is; a failure without one is told by whoever tells errors. */
static bool finish(const struct run *run, const struct rollout_end *e,
		   const struct verdict_subject *s, bool has_verdict, struct err *err)
{
	const struct common_settings *common = run->settings;
	bool ok = has_verdict && rollout_check(e, s, err);

	talk_finish(run->talk); /* a display would be drawn into the result */
	if (common->output == RESULT_JSON) {
		print_json(run, e, s, err, has_verdict);
	} else if (ok) {
		CLEANUP(mem_freep) char *line = verdict_headline(&e->verdict, s);

		print_clean(run->out, line);
		fputc('\n', run->out);
	}
	fflush(run->out); /* main looks whether it arrived */
	if (!ok)
		rollout_say_evidence(run, e);
	return ok;
}

/* Without a credential for the registry nobody is asked, and the judge does with what the nodes say. */
static bool find_registry(const struct run *run, struct session_maker **ret, struct err *err)
{
	const struct common_settings *common = run->settings;

	if (connect_new(&common->connect, run->world, ret, err))
		return true;
	if (err->code != ERR_NO_CREDENTIAL)
		return false;
	world_note(run->world, EVENT_NOTE, "the registry is not asked: %s", err->message);
	err_clear(err);
	return true;
}

static bool watch(const struct run *run, const struct target *target, struct err *err)
{
	const struct watch_settings *settings = run->settings;
	CLEANUP(kube_connection_freep) struct kube_connection *connection = NULL;
	CLEANUP(connect_freep) struct session_maker *sessions = NULL;
	CLEANUP(rollout_end_clear) struct rollout_end end = { 0 };
	struct verdict_subject subject = { target->kind, target->name, NULL };
	struct rollout_wanted wanted = {
		.plan = { .kind = target->kind,
			  .name = target->name,
			  .deadline_ms = run->world->deadline_ms },
		.jobs = (size_t)settings->common.jobs,
	};
	bool has_verdict;

	if (!kube_connect(&settings->cluster, &settings->common.connect, run->world, &connection,
			  err) ||
	    !find_registry(run, &sessions, err))
		return false;
	wanted.client = connection->client;
	wanted.namespace = connection->namespace;
	wanted.sessions = sessions;
	subject.namespace = connection->namespace;
	has_verdict = rollout_follow(run->world, &wanted, &end, err);
	return finish(run, &end, &subject, has_verdict, err);
}

static bool cmd_watch(const struct run *run, struct err *err)
{
	CLEANUP(target_clear) struct target target = { 0 };
	CLEANUP(mem_freep) char *title = NULL;

	if (!parse_operands(run, &target, err))
		return false;
	title = mem_printf("%s/%s", workload_kind_name(target.kind), target.name);
	talk_title(run->talk, title);
	return watch(run, &target, err);
}

const struct command command_watch = {
	.name = "watch",
	.operands = "KIND/NAME",
	.summary = "follow a rollout until it runs, or until its cause of failure is known",
	.description =
		"Watches a deployment, statefulset or daemonset, the pods of exactly its newest "
		"revision, and the events, and ends with one verdict: it runs (0); the image did "
		"not land, or not whole (50); the node may not pull it (51); the container crashes "
		"(52); pods cannot be scheduled or created, or are not ready by --timeout (53); "
		"another rollout took its place (54); the cluster refuses it (55); nothing failed, "
		"and nothing shows that it works: no replicas, paused (3).\n\n"
		"When a node cannot pull an image its registry is asked, with the credentials that "
		"a push from here would use: whether it is there, whole, and for the node's "
		"platform. What may heal by itself ends nothing before --timeout. KIND is as "
		"kubectl has it (deploy, sts, ds, deployment.apps); so are the kubeconfig and what "
		"it names. Nothing is changed.\n\n"
		"Reading the workload is a right that it needs. Without the right to read replica "
		"sets, pods, events or nodes it says so once and goes on with the rest.",
	.completes = OPERANDS_ROLLOUT,
	.options = { watch_uses, ARRAY_SIZE(watch_uses) },
	.settings_size = sizeof(struct watch_settings),
	.examples = watch_examples,
	.example_count = ARRAY_SIZE(watch_examples),
	.run = cmd_watch,
};
