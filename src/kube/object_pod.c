#include "kube/object_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define WRONG ERR_UNEXPECTED

/* Container states */

struct state_fields {
	const struct js *waiting;
	const struct js *running;
	const struct js *terminated;
};

static const struct js_field state_fields[] = {
	{ "waiting", JS_OBJECT, offsetof(struct state_fields, waiting), JS_OPTIONAL },
	{ "running", JS_OBJECT, offsetof(struct state_fields, running), JS_OPTIONAL },
	{ "terminated", JS_OBJECT, offsetof(struct state_fields, terminated), JS_OPTIONAL },
};

static const struct js_field detail_fields[] = {
	{ "reason", JS_STRING, offsetof(struct container_state, reason), JS_OPTIONAL },
	{ "message", JS_STRING, offsetof(struct container_state, message), JS_OPTIONAL },
	{ "exitCode", JS_INTEGER, offsetof(struct container_state, exit_code), JS_OPTIONAL },
};

static bool read_state(const struct js *state, const char *name, struct container_state *ret,
		       struct err *err)
{
	struct state_fields f = { 0 };
	const struct js *detail;

	if (!object_part(state, name, state_fields, ARRAY_SIZE(state_fields), &f, err))
		return false;
	detail = f.waiting ? f.waiting : f.terminated;
	ret->phase = f.waiting	    ? CONTAINER_WAITING
		     : f.terminated ? CONTAINER_ENDED
		     : f.running    ? CONTAINER_RUNNING
				    : CONTAINER_UNKNOWN;
	return object_part(detail, name, detail_fields, ARRAY_SIZE(detail_fields), ret, err);
}

struct status_fields {
	struct pod_container container;
	const struct js *state;
	const struct js *last_state;
};

static const struct js_field status_fields[] = {
	{ "name", JS_STRING, offsetof(struct status_fields, container.name), JS_REQUIRED },
	{ "image", JS_STRING, offsetof(struct status_fields, container.status_image), JS_OPTIONAL },
	{ "imageID", JS_STRING, offsetof(struct status_fields, container.image_id), JS_OPTIONAL },
	{ "ready", JS_BOOL, offsetof(struct status_fields, container.is_ready), JS_OPTIONAL },
	{ "started", JS_BOOL, offsetof(struct status_fields, container.is_started), JS_OPTIONAL },
	{ "restartCount", JS_INTEGER, offsetof(struct status_fields, container.restarts),
	  JS_OPTIONAL },
	{ "state", JS_OBJECT, offsetof(struct status_fields, state), JS_OPTIONAL },
	{ "lastState", JS_OBJECT, offsetof(struct status_fields, last_state), JS_OPTIONAL },
};

static struct pod_container *container_find(struct pod *p, const char *name, bool is_init)
{
	for (size_t i = 0; i < p->container_count; i++)
		if (p->containers[i].is_init == is_init && strcmp(p->containers[i].name, name) == 0)
			return &p->containers[i];
	return NULL;
}

static bool read_status(const struct js *j, bool is_init, struct pod *p, struct err *err)
{
	struct status_fields f = { 0 };
	struct pod_container *c;

	if (!js_dispatch(j, status_fields, ARRAY_SIZE(status_fields), WRONG, &f, err) ||
	    !read_state(f.state, "state", &f.container.state, err) ||
	    !read_state(f.last_state, "lastState", &f.container.last, err))
		return false;
	c = container_find(p, f.container.name, is_init);
	if (!c)
		return true;
	f.container.name = c->name;
	f.container.image = c->image;
	f.container.is_init = is_init;
	*c = f.container;
	return true;
}

static bool read_statuses(const struct js *list, const char *name, bool is_init, struct pod *p,
			  struct err *err)
{
	size_t count = js_count(list);

	if (count > OBJECT_LIST_MAX)
		return err_set(err, WRONG, "status: %s has more than %d entries", name,
			       OBJECT_LIST_MAX);
	for (size_t i = 0; i < count; i++)
		if (!read_status(js_at(list, i), is_init, p, err))
			return err_wrap(err, "status: %s[%zu]", name, i);
	return true;
}

/* Pods */

struct pod_fields {
	const struct js *containers;
	const struct js *init_containers;
	const char *node;

	const char *phase;
	const char *reason;
	const char *message;
	const struct js *conditions;
	const struct js *statuses;
	const struct js *init_statuses;
};

static const struct js_field pod_spec_fields[] = {
	{ "containers", JS_ARRAY, offsetof(struct pod_fields, containers), JS_REQUIRED },
	{ "initContainers", JS_ARRAY, offsetof(struct pod_fields, init_containers), JS_OPTIONAL },
	{ "nodeName", JS_STRING, offsetof(struct pod_fields, node), JS_OPTIONAL },
};

static const struct js_field pod_status_fields[] = {
	{ "phase", JS_STRING, offsetof(struct pod_fields, phase), JS_OPTIONAL },
	{ "reason", JS_STRING, offsetof(struct pod_fields, reason), JS_OPTIONAL },
	{ "message", JS_STRING, offsetof(struct pod_fields, message), JS_OPTIONAL },
	{ "conditions", JS_ARRAY, offsetof(struct pod_fields, conditions), JS_OPTIONAL },
	{ "containerStatuses", JS_ARRAY, offsetof(struct pod_fields, statuses), JS_OPTIONAL },
	{ "initContainerStatuses", JS_ARRAY, offsetof(struct pod_fields, init_statuses),
	  JS_OPTIONAL },
};

struct named {
	const char *name;
	const char *image;
};

static const struct js_field named_fields[] = {
	{ "name", JS_STRING, offsetof(struct named, name), JS_REQUIRED },
	{ "image", JS_STRING, offsetof(struct named, image), JS_OPTIONAL },
};

static bool add_containers(const struct js *list, const char *name, bool is_init, struct pod *p,
			   struct err *err)
{
	size_t count = js_count(list);

	if (count > OBJECT_LIST_MAX)
		return err_set(err, WRONG, "spec: %s has more than %d entries", name,
			       OBJECT_LIST_MAX);
	p->containers =
		mem_realloc(p->containers, p->container_count + count + 1, sizeof(*p->containers));
	for (size_t i = 0; i < count; i++) {
		struct named f = { 0 };

		if (!js_dispatch(js_at(list, i), named_fields, ARRAY_SIZE(named_fields), WRONG, &f,
				 err))
			return err_wrap(err, "spec: %s[%zu]", name, i);
		p->containers[p->container_count++] = (struct pod_container){ .name = f.name,
									      .image = f.image,
									      .is_init = is_init };
	}
	return true;
}

static bool read_pod(const struct object_parts *parts, struct pod *p, struct err *err)
{
	struct pod_fields f = { 0 };

	if (!object_part(parts->spec, "spec", pod_spec_fields, ARRAY_SIZE(pod_spec_fields), &f,
			 err) ||
	    !object_part(parts->status, "status", pod_status_fields, ARRAY_SIZE(pod_status_fields),
			 &f, err) ||
	    !add_containers(f.init_containers, "initContainers", true, p, err) ||
	    !add_containers(f.containers, "containers", false, p, err) ||
	    !read_statuses(f.init_statuses, "initContainerStatuses", true, p, err) ||
	    !read_statuses(f.statuses, "containerStatuses", false, p, err) ||
	    !object_conditions_read(f.conditions, &p->conditions, err))
		return false;
	p->node = f.node;
	p->phase = f.phase;
	p->reason = f.reason;
	p->message = f.message;
	return true;
}

bool pod_parse(const struct js *object, struct pod *ret, struct err *err)
{
	struct object_parts parts = { 0 };
	const struct object_condition *ready;

	*ret = (struct pod){ 0 };
	if (!object_parts_read(object, &parts, &ret->meta, err) || !read_pod(&parts, ret, err))
		return false;
	ret->template_hash = object_label(&ret->meta, "pod-template-hash");
	ret->revision_hash = object_label(&ret->meta, "controller-revision-hash");
	ready = object_condition(&ret->conditions, "Ready");
	ret->is_ready = ready && ready->is_true;
	return true;
}

void pod_clear(struct pod *p)
{
	free(p->containers);
	free(p->conditions.at);
	*p = (struct pod){ 0 };
}

/* Events */

struct event_fields {
	struct kube_event event;
	const char *type;
	const char *field_path;
	const struct js *involved;
	const struct js *series;
	int64_t series_count;
	const char *first;
	const char *last;
	const char *moment; /* eventTime, where the others are null */
	const char *series_last;
};

static const struct js_field event_fields[] = {
	{ "reason", JS_STRING, offsetof(struct event_fields, event.reason), JS_OPTIONAL },
	{ "message", JS_STRING, offsetof(struct event_fields, event.message), JS_OPTIONAL },
	{ "type", JS_STRING, offsetof(struct event_fields, type), JS_OPTIONAL },
	{ "count", JS_INTEGER, offsetof(struct event_fields, event.count), JS_OPTIONAL },
	{ "involvedObject", JS_OBJECT, offsetof(struct event_fields, involved), JS_REQUIRED },
	{ "series", JS_OBJECT, offsetof(struct event_fields, series), JS_OPTIONAL },
	{ "firstTimestamp", JS_STRING, offsetof(struct event_fields, first), JS_OPTIONAL },
	{ "lastTimestamp", JS_STRING, offsetof(struct event_fields, last), JS_OPTIONAL },
	{ "eventTime", JS_STRING, offsetof(struct event_fields, moment), JS_OPTIONAL },
};

static const struct js_field involved_fields[] = {
	{ "kind", JS_STRING, offsetof(struct event_fields, event.kind), JS_OPTIONAL },
	{ "name", JS_STRING, offsetof(struct event_fields, event.name), JS_OPTIONAL },
	{ "uid", JS_STRING, offsetof(struct event_fields, event.uid), JS_OPTIONAL },
	{ "fieldPath", JS_STRING, offsetof(struct event_fields, field_path), JS_OPTIONAL },
};

static const struct js_field series_fields[] = {
	{ "count", JS_INTEGER, offsetof(struct event_fields, series_count), JS_OPTIONAL },
	{ "lastObservedTime", JS_STRING, offsetof(struct event_fields, series_last), JS_OPTIONAL },
};

/* "spec.initContainers{NAME}" */
static void read_container_name(const char *path, char *ret, size_t size)
{
	const char *brace = path ? strchr(path, '{') : NULL;

	if (brace)
		snprintf(ret, size, "%.*s", (int)strcspn(brace + 1, "}"), brace + 1);
}

static void take_times(const struct event_fields *f, struct kube_event *e)
{
	const char *last = f->series_last ? f->series_last : f->last;

	e->first_wall_ms = object_time(f->first ? f->first : f->moment);
	e->last_wall_ms = object_time(last ? last : f->moment);
	if (e->last_wall_ms < e->first_wall_ms)
		e->last_wall_ms = e->first_wall_ms;
}

bool kube_event_parse(const struct js *object, struct kube_event *ret, struct err *err)
{
	struct object_parts parts = { 0 };
	struct event_fields f = { 0 };

	*ret = (struct kube_event){ 0 };
	if (!object_parts_read(object, &parts, &f.event.meta, err) ||
	    !js_dispatch(object, event_fields, ARRAY_SIZE(event_fields), WRONG, &f, err) ||
	    !object_part(f.involved, "involvedObject", involved_fields, ARRAY_SIZE(involved_fields),
			 &f, err) ||
	    !object_part(f.series, "series", series_fields, ARRAY_SIZE(series_fields), &f, err))
		return false;
	f.event.is_warning = f.type && strcmp(f.type, "Warning") == 0;
	if (f.event.count < f.series_count)
		f.event.count = f.series_count;
	if (f.event.count < 1)
		f.event.count = 1;
	read_container_name(f.field_path, f.event.container, sizeof(f.event.container));
	take_times(&f, &f.event);
	*ret = f.event;
	return true;
}
