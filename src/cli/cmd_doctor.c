/*
 * landed doctor [REF]: what stands in the way of a push from here, before it is tried. The findings are the result.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "base/pool.h"
#include "cli/doctor.h"

struct doctor_settings {
	struct common_settings common;
};

/* As those of other commands, but for somebody who waits. */
static const struct opt limits_options[] = {
	COMMON_LIMITS("60s",
		      "all of it must be over by then; each check has a few seconds of its own",
		      "10s", "1", "3s"),
};

static const struct opt_group doctor_limits = { "Limits", limits_options,
						ARRAY_SIZE(limits_options) };
static const struct opt_use doctor_uses[] = {
	{ &common_output, 0 },
	{ &doctor_limits, 0 },
	{ &common_credentials, 0 },
	{ &common_connection, 0 },
};

static const struct command_example doctor_examples[] = {
	{ "is this machine fit for pushing?", "landed doctor" },
	{ "may I push there?", "landed doctor europe-docker.pkg.dev/acme/web/app:1.4" },
	{ "in a pipeline", "landed doctor -o json registry.example/team/app:1.4" },
};

/* The checks */

enum needs {
	NEEDS_REF = 1,
	NEEDS_REGISTRY = 2,   /* it was reached */
	NEEDS_CREDENTIAL = 4, /* there is one that works, or none is needed */
};

struct check {
	const char *name;
	unsigned int needs;
	doctor_check *run;
};

/* Side by side: one that waits does not keep the others. */
static const struct check of_machine[] = {
	{ "docker-config", 0, doctor_docker_files },
	{ "docker-cli", 0, doctor_docker_cli },
	{ "engine", 0, doctor_engine },
	{ "kubeconfig", 0, doctor_kubeconfig },
	{ "gcloud", 0, doctor_gcloud },
	{ "metadata", 0, doctor_metadata },
};

/* One after another, as far as it leads. */
static const struct check on_the_way[] = {
	{ "dns", NEEDS_REF, doctor_dns },
	{ "registry", NEEDS_REF, doctor_registry },
	{ "credential", 0, doctor_credential },
	{ "upload", NEEDS_REF | NEEDS_REGISTRY | NEEDS_CREDENTIAL, doctor_upload },
	{ "tag", NEEDS_REF | NEEDS_REGISTRY | NEEDS_CREDENTIAL, doctor_tag },
};

#define LANES (ARRAY_SIZE(of_machine) + 1)

struct examination {
	struct doctor doctor;
	struct findings lanes[LANES]; /* the last is the way to the registry */
};

static void run_check(struct doctor *d, const struct world *w, const struct check *c,
		      struct findings *f)
{
	f->check = c->name;
	if ((c->needs & NEEDS_REF) && !d->ref)
		return;
	if ((c->needs & NEEDS_REGISTRY) && !d->known.reached)
		finding_note(f, "not looked at, because the registry was not reached");
	else if ((c->needs & NEEDS_CREDENTIAL) && !d->known.credential)
		finding_note(f, "not looked at, because there is no credential that works");
	else
		c->run(d, w, f);
}

static bool run_lane(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct examination *e = arg;
	struct findings *f = &e->lanes[index];

	(void)err;
	if (index < ARRAY_SIZE(of_machine)) {
		run_check(&e->doctor, w, &of_machine[index], f);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(on_the_way); i++)
		run_check(&e->doctor, w, &on_the_way[i], f);
	return true;
}

static void print_findings(const struct run *run, const struct findings *f)
{
	const struct common_settings *common = run->settings;
	CLEANUP(mem_freep) char *text = NULL;
	struct js *all;

	talk_finish(run->talk); /* a display would be drawn into the result */
	if (common->output != RESULT_JSON) {
		findings_print(f, run->out, common->quiet);
	} else {
		all = findings_json(f);
		text = js_text(all, JS_COMPACT);
		fprintf(run->out, "%s\n", text);
		js_free(all);
	}
	fflush(run->out); /* main looks whether it arrived */
}

static bool judge(const struct findings *f, struct err *err)
{
	size_t count;
	const struct finding *worst = findings_worst(f, &count);

	if (!worst)
		return true;
	if (count == 1)
		return err_set(err, worst->cause, "one finding stands in the way of a push: %s",
			       worst->check);
	return err_set(err, worst->cause, "%zu findings stand in the way of a push, %s first",
		       count, worst->check);
}

/* What was found is told also when the rest was cut short. */
static bool examine(const struct run *run, const struct reference *ref, struct err *err)
{
	const struct common_settings *common = run->settings;
	CLEANUP(findings_clear) struct findings all = { 0 };
	struct examination e = {
		.doctor = { .connect = common->connect,
			    .ref = ref,
			    .host = ref ? ref->host : DOCTOR_HOST },
	};
	bool done = pool_run(run->world, LANES, LANES, run_lane, &e, err);

	for (size_t i = 0; i < LANES; i++)
		findings_move(&all, &e.lanes[i]);
	print_findings(run, &all);
	return done && cancel_check(run->world->cancel, err) && judge(&all, err);
}

static bool cmd_doctor(const struct run *run, struct err *err)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };

	if (run->operand_count > 1) {
		err_set(err, ERR_USAGE, "doctor takes one REF, or none");
		err_hint(err, "landed doctor --help");
		return false;
	}
	if (!run->operand_count)
		return examine(run, NULL, err);
	talk_title(run->talk, run->operands[0]);
	return reference_parse(run->operands[0], &ref, err) && examine(run, &ref, err);
}

const struct command command_doctor = {
	.name = "doctor",
	.operands = "[REF]",
	.summary = "look for what would keep a push from landing",
	.description =
		"Looks at this machine: docker's and podman's files and the helpers they name, the "
		"docker CLI, the engine's socket, the kubeconfig, Google's logins and the "
		"credential that a push would use. With REF it also goes to that registry: its "
		"name, its answer, its clock, whether this identity may upload (an upload is begun "
		"and cancelled), whether the tag is there.\n\n"
		"Each finding is a line on stdout, with what was seen and how to mend it below; "
		"with -o json they are one array. An error is what a push from here would fail "
		"with, and the exit code is that of the first; a warning is a trap for another "
		"tool or another day. Nothing is changed, and no secret is shown.",
	.completes = OPERANDS_REF,
	.options = { doctor_uses, ARRAY_SIZE(doctor_uses) },
	.settings_size = sizeof(struct doctor_settings),
	.examples = doctor_examples,
	.example_count = ARRAY_SIZE(doctor_examples),
	.run = cmd_doctor,
};
