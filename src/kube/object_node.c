#include "kube/object_private.h"

#include <stdlib.h>

struct fields {
	bool unschedulable;
	const struct js *taints;
	const struct js *conditions;
	const struct js *info;
	const char *os;
	const char *arch;
};

static const struct js_field spec_fields[] = {
	{ "unschedulable", JS_BOOL, offsetof(struct fields, unschedulable), JS_OPTIONAL },
	{ "taints", JS_ARRAY, offsetof(struct fields, taints), JS_OPTIONAL },
};

static const struct js_field status_fields[] = {
	{ "conditions", JS_ARRAY, offsetof(struct fields, conditions), JS_OPTIONAL },
	{ "nodeInfo", JS_OBJECT, offsetof(struct fields, info), JS_OPTIONAL },
};

static const struct js_field info_fields[] = {
	{ "operatingSystem", JS_STRING, offsetof(struct fields, os), JS_OPTIONAL },
	{ "architecture", JS_STRING, offsetof(struct fields, arch), JS_OPTIONAL },
};

static const struct js_field taint_fields[] = {
	{ "key", JS_STRING, offsetof(struct node_taint, key), JS_REQUIRED },
	{ "value", JS_STRING, offsetof(struct node_taint, value), JS_OPTIONAL },
	{ "effect", JS_STRING, offsetof(struct node_taint, effect), JS_REQUIRED },
};

static bool read_taint(const struct js *j, void *entry, struct err *err)
{
	return js_dispatch(j, taint_fields, ARRAY_SIZE(taint_fields), ERR_UNEXPECTED, entry, err);
}

static bool read_lists(const struct fields *f, struct node *ret, struct err *err)
{
	struct object_conditions conditions = { 0 };
	const struct object_condition *ready;
	void *taints = NULL;
	bool ok = object_list(f->taints, "spec: taints", sizeof(*ret->taints), read_taint, &taints,
			      &ret->taint_count, err) &&
		  object_conditions_read(f->conditions, &conditions, err);

	ret->taints = taints;
	ready = ok ? object_condition(&conditions, "Ready") : NULL;
	ret->is_ready = ready && ready->is_true;
	free(conditions.at);
	return ok;
}

bool node_parse(const struct js *object, struct node *ret, struct err *err)
{
	struct object_parts p = { 0 };
	struct fields f = { 0 };

	*ret = (struct node){ 0 };
	if (!object_parts_read(object, &p, &ret->meta, err) ||
	    !object_part(p.spec, "spec", spec_fields, ARRAY_SIZE(spec_fields), &f, err) ||
	    !object_part(p.status, "status", status_fields, ARRAY_SIZE(status_fields), &f, err) ||
	    !object_part(f.info, "status: nodeInfo", info_fields, ARRAY_SIZE(info_fields), &f,
			 err) ||
	    !read_lists(&f, ret, err))
		return false;
	ret->os = f.os;
	ret->arch = f.arch;
	ret->is_unschedulable = f.unschedulable;
	return true;
}

void node_clear(struct node *n)
{
	free(n->taints);
	*n = (struct node){ 0 };
}
