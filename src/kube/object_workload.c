#include "kube/object_private.h"

#include <stdlib.h>
#include <string.h>

/* The API's defaults, for what an old server or a test leaves out. */
#define DEFAULT_REPLICAS 1
#define DEFAULT_PROGRESS_DEADLINE_S 600

static const struct {
	const char *name;
	const char *api;
} kinds[] = {
	[WORKLOAD_DEPLOYMENT] = { "deployment", "Deployment" },
	[WORKLOAD_STATEFULSET] = { "statefulset", "StatefulSet" },
	[WORKLOAD_DAEMONSET] = { "daemonset", "DaemonSet" },
	[WORKLOAD_CRONJOB] = { "cronjob", "CronJob" },
};

const char *workload_kind_name(enum workload_kind kind)
{
	return kinds[kind].name;
}

const char *workload_kind_api(enum workload_kind kind)
{
	return kinds[kind].api;
}

struct fields {
	int64_t replicas;
	bool paused;
	bool suspend;
	int64_t min_ready_s;
	int64_t progress_deadline_s;
	const char *management;
	const struct js *strategy;	  /* Deployment */
	const struct js *update_strategy; /* StatefulSet, DaemonSet */
	const struct js *selector;
	const struct js *template;
	const struct js *job_template;

	const char *strategy_type;
	const struct js *rolling;
	int64_t partition;
	const struct js *match_labels;

	int64_t observed_generation;
	int64_t status_replicas, updated, ready, available;
	int64_t desired_scheduled, current_scheduled, updated_scheduled;
	int64_t number_ready, number_available;
	const char *current_revision;
	const char *update_revision;
	const struct js *conditions;
};

#define FIELD(name, type, member)                                        \
	{                                                                \
		name, type, offsetof(struct fields, member), JS_OPTIONAL \
	}

static const struct js_field spec_fields[] = {
	FIELD("replicas", JS_INTEGER, replicas),
	FIELD("paused", JS_BOOL, paused),
	FIELD("suspend", JS_BOOL, suspend),
	FIELD("minReadySeconds", JS_INTEGER, min_ready_s),
	FIELD("progressDeadlineSeconds", JS_INTEGER, progress_deadline_s),
	FIELD("podManagementPolicy", JS_STRING, management),
	FIELD("strategy", JS_OBJECT, strategy),
	FIELD("updateStrategy", JS_OBJECT, update_strategy),
	FIELD("selector", JS_OBJECT, selector),
	FIELD("template", JS_OBJECT, template),
	FIELD("jobTemplate", JS_OBJECT, job_template),
};

static const struct js_field strategy_fields[] = {
	FIELD("type", JS_STRING, strategy_type),
	FIELD("rollingUpdate", JS_OBJECT, rolling),
};

static const struct js_field rolling_fields[] = {
	FIELD("partition", JS_INTEGER, partition),
};

static const struct js_field selector_fields[] = {
	FIELD("matchLabels", JS_OBJECT, match_labels),
};

static const struct js_field status_fields[] = {
	FIELD("observedGeneration", JS_INTEGER, observed_generation),
	FIELD("replicas", JS_INTEGER, status_replicas),
	FIELD("updatedReplicas", JS_INTEGER, updated),
	FIELD("readyReplicas", JS_INTEGER, ready),
	FIELD("availableReplicas", JS_INTEGER, available),
	FIELD("desiredNumberScheduled", JS_INTEGER, desired_scheduled),
	FIELD("currentNumberScheduled", JS_INTEGER, current_scheduled),
	FIELD("updatedNumberScheduled", JS_INTEGER, updated_scheduled),
	FIELD("numberReady", JS_INTEGER, number_ready),
	FIELD("numberAvailable", JS_INTEGER, number_available),
	FIELD("currentRevision", JS_STRING, current_revision),
	FIELD("updateRevision", JS_STRING, update_revision),
	FIELD("conditions", JS_ARRAY, conditions),
};

#define PART(part, name, fields, target, err) \
	object_part(part, name, fields, ARRAY_SIZE(fields), target, err)

static bool read_fields(const struct object_parts *p, struct fields *f, struct err *err)
{
	return PART(p->spec, "spec", spec_fields, f, err) &&
	       PART(f->strategy ? f->strategy : f->update_strategy, "spec: strategy",
		    strategy_fields, f, err) &&
	       PART(f->rolling, "spec: strategy: rollingUpdate", rolling_fields, f, err) &&
	       PART(f->selector, "spec: selector", selector_fields, f, err) &&
	       PART(p->status, "status", status_fields, f, err);
}

static enum update_strategy strategy_of(const char *type)
{
	if (type && strcmp(type, "OnDelete") == 0)
		return UPDATE_ON_DELETE;
	return type && strcmp(type, "Recreate") == 0 ? UPDATE_RECREATE : UPDATE_ROLLING;
}

static void take_counters(const struct fields *f, struct workload *w)
{
	bool is_daemonset = w->kind == WORKLOAD_DAEMONSET;

	w->wanted = is_daemonset ? f->desired_scheduled : f->replicas;
	w->replicas = is_daemonset ? f->current_scheduled : f->status_replicas;
	w->updated = is_daemonset ? f->updated_scheduled : f->updated;
	w->ready = is_daemonset ? f->number_ready : f->ready;
	w->available = is_daemonset ? f->number_available : f->available;
}

static void take_fields(const struct fields *f, struct workload *w)
{
	w->observed_generation = f->observed_generation;
	w->is_paused = w->kind == WORKLOAD_CRONJOB ? f->suspend : f->paused;
	w->strategy = strategy_of(f->strategy_type);
	w->partition = f->partition;
	w->is_ordered = w->kind == WORKLOAD_STATEFULSET &&
			(!f->management || strcmp(f->management, "OrderedReady") == 0);
	w->progress_deadline_s = f->progress_deadline_s;
	w->min_ready_s = f->min_ready_s;
	w->current_revision = f->current_revision;
	w->update_revision = f->update_revision;
	w->match_labels = f->match_labels;
	take_counters(f, w);
}

/* A CronJob's pods stand two templates deep. */
static const struct js *template_of(const struct fields *f, enum workload_kind kind)
{
	if (kind != WORKLOAD_CRONJOB)
		return f->template;
	return js_get(js_get(f->job_template, "spec"), "template");
}

static bool parse_parts(const struct object_parts *p, struct workload *ret, struct err *err)
{
	struct fields f = { .replicas = DEFAULT_REPLICAS,
			    .progress_deadline_s = DEFAULT_PROGRESS_DEADLINE_S };

	if (!read_fields(p, &f, err))
		return false;
	take_fields(&f, ret);
	if (!object_template_read(template_of(&f, ret->kind), &ret->template, err))
		return err_wrap(err, "spec");
	return object_conditions_read(f.conditions, &ret->conditions, err);
}

bool workload_parse_as(const struct js *object, enum workload_kind kind, struct workload *ret,
		       struct err *err)
{
	struct object_parts p = { 0 };

	*ret = (struct workload){ .kind = kind };
	return object_parts_read(object, &p, &ret->meta, err) && parse_parts(&p, ret, err);
}

bool workload_parse(const struct js *object, struct workload *ret, struct err *err)
{
	const char *kind = js_string(js_get(object, "kind"));

	*ret = (struct workload){ 0 };
	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kind, kinds[i].api) == 0)
			return workload_parse_as(object, (enum workload_kind)i, ret, err);
	return err_set(err, ERR_UNEXPECTED, "'%.100s' is no kind that rolls out", kind ? kind : "");
}

void workload_clear(struct workload *w)
{
	object_template_clear(&w->template);
	free(w->conditions.at);
	*w = (struct workload){ 0 };
}

/* Replica sets: their spec and status are a Deployment's, in so far as they are there. */

bool replica_set_parse(const struct js *object, struct replica_set *ret, struct err *err)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	const char *revision;

	*ret = (struct replica_set){ 0 };
	if (!workload_parse_as(object, WORKLOAD_DEPLOYMENT, &w, err))
		return false;
	revision = object_annotation(&w.meta, "deployment.kubernetes.io/revision");
	ret->meta = w.meta;
	ret->template_hash = object_label(&w.meta, "pod-template-hash");
	ret->revision = revision ? strtoll(revision, NULL, 10) : 0;
	ret->wanted = w.wanted;
	ret->replicas = w.replicas;
	ret->ready = w.ready;
	ret->available = w.available;
	ret->conditions = w.conditions;
	ret->template = w.template;
	w.conditions = (struct object_conditions){ 0 };
	w.template = (struct pod_template){ 0 };
	return true;
}

void replica_set_clear(struct replica_set *s)
{
	object_template_clear(&s->template);
	free(s->conditions.at);
	*s = (struct replica_set){ 0 };
}

/* Controller revisions: the template is in `data`, as a patch of the workload. */

struct revision_fields {
	int64_t revision;
	const struct js *data;
};

static const struct js_field revision_fields[] = {
	{ "revision", JS_INTEGER, offsetof(struct revision_fields, revision), JS_REQUIRED },
	{ "data", JS_OBJECT, offsetof(struct revision_fields, data), JS_REQUIRED },
};

bool controller_revision_parse(const struct js *object, struct controller_revision *ret,
			       struct err *err)
{
	struct object_parts p = { 0 };
	struct revision_fields f = { 0 };

	*ret = (struct controller_revision){ 0 };
	if (!object_parts_read(object, &p, &ret->meta, err) ||
	    !js_dispatch(object, revision_fields, ARRAY_SIZE(revision_fields), ERR_UNEXPECTED, &f,
			 err))
		return false;
	ret->revision = f.revision;
	ret->hash = object_label(&ret->meta, "controller-revision-hash");
	if (!object_template_read(js_get(js_get(f.data, "spec"), "template"), &ret->template, err))
		return err_wrap(err, "data: spec");
	return true;
}

void controller_revision_clear(struct controller_revision *r)
{
	object_template_clear(&r->template);
	*r = (struct controller_revision){ 0 };
}
