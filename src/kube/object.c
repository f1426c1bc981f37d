#include "kube/object_private.h"

#include "base/mem.h"
#include "wire/time.h"

#include <string.h>

#define WRONG ERR_UNEXPECTED

bool object_part(const struct js *part, const char *name, const struct js_field *fields,
		 size_t count, void *target, struct err *err)
{
	if (!part || js_dispatch(part, fields, count, WRONG, target, err))
		return true;
	return err_wrap(err, "%s", name);
}

bool object_list(const struct js *list, const char *name, size_t size,
		 bool (*each)(const struct js *j, void *entry, struct err *err), void **ret_at,
		 size_t *ret_count, struct err *err)
{
	size_t count = js_count(list);

	if (count > OBJECT_LIST_MAX)
		return err_set(err, WRONG, "%s has more than %d entries", name, OBJECT_LIST_MAX);
	if (count == 0)
		return true;
	*ret_at = mem_alloc(count * size);
	for (*ret_count = 0; *ret_count < count; (*ret_count)++)
		if (!each(js_at(list, *ret_count), (char *)*ret_at + *ret_count * size, err))
			return err_wrap(err, "%s[%zu]", name, *ret_count);
	return true;
}

int64_t object_time(const char *text)
{
	int64_t wall_ms;

	return text && time_parse_rfc3339(text, &wall_ms) ? wall_ms : 0;
}

/* metadata */

struct meta_fields {
	struct object_meta meta;
	const char *created;
	const char *deleted;
	const struct js *owners;
};

static const struct js_field meta_fields[] = {
	{ "name", JS_STRING, offsetof(struct meta_fields, meta.name), JS_REQUIRED },
	{ "namespace", JS_STRING, offsetof(struct meta_fields, meta.namespace), JS_OPTIONAL },
	{ "uid", JS_STRING, offsetof(struct meta_fields, meta.uid), JS_OPTIONAL },
	{ "resourceVersion", JS_STRING, offsetof(struct meta_fields, meta.resource_version),
	  JS_OPTIONAL },
	{ "generation", JS_INTEGER, offsetof(struct meta_fields, meta.generation), JS_OPTIONAL },
	{ "creationTimestamp", JS_STRING, offsetof(struct meta_fields, created), JS_OPTIONAL },
	{ "deletionTimestamp", JS_STRING, offsetof(struct meta_fields, deleted), JS_OPTIONAL },
	{ "ownerReferences", JS_ARRAY, offsetof(struct meta_fields, owners), JS_OPTIONAL },
	{ "labels", JS_OBJECT, offsetof(struct meta_fields, meta.labels), JS_OPTIONAL },
	{ "annotations", JS_OBJECT, offsetof(struct meta_fields, meta.annotations), JS_OPTIONAL },
};

struct owner_fields {
	struct object_owner owner;
	bool is_controller;
};

static const struct js_field owner_fields[] = {
	{ "kind", JS_STRING, offsetof(struct owner_fields, owner.kind), JS_REQUIRED },
	{ "name", JS_STRING, offsetof(struct owner_fields, owner.name), JS_REQUIRED },
	{ "uid", JS_STRING, offsetof(struct owner_fields, owner.uid), JS_REQUIRED },
	{ "controller", JS_BOOL, offsetof(struct owner_fields, is_controller), JS_OPTIONAL },
};

static bool read_owner(const struct js *owners, struct object_owner *ret, struct err *err)
{
	size_t count = js_count(owners);

	if (count > OBJECT_LIST_MAX)
		return err_set(err, WRONG, "ownerReferences has more than %d entries",
			       OBJECT_LIST_MAX);
	for (size_t i = 0; i < count; i++) {
		struct owner_fields f = { 0 };

		if (!js_dispatch(js_at(owners, i), owner_fields, ARRAY_SIZE(owner_fields), WRONG,
				 &f, err))
			return err_wrap(err, "ownerReferences[%zu]", i);
		if (f.is_controller)
			*ret = f.owner;
	}
	return true;
}

bool object_meta_read(const struct js *metadata, struct object_meta *ret, struct err *err)
{
	struct meta_fields f = { 0 };

	if (!js_dispatch(metadata, meta_fields, ARRAY_SIZE(meta_fields), WRONG, &f, err) ||
	    !read_owner(f.owners, &f.meta.owner, err))
		return err_wrap(err, "metadata");
	f.meta.created_wall_ms = object_time(f.created);
	f.meta.is_deleting = f.deleted != NULL;
	*ret = f.meta;
	return true;
}

const char *object_label(const struct object_meta *m, const char *key)
{
	return js_string(js_get(m->labels, key));
}

const char *object_annotation(const struct object_meta *m, const char *key)
{
	return js_string(js_get(m->annotations, key));
}

static bool is_plain_number(const char *s)
{
	return s && *s >= '1' && *s <= '9' && s[strspn(s, "0123456789")] == '\0';
}

int object_version_compare(const char *a, const char *b)
{
	size_t a_len, b_len;

	if (!is_plain_number(a) || !is_plain_number(b))
		return 0;
	a_len = strlen(a);
	b_len = strlen(b);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

/* The whole */

static const struct js_field parts_fields[] = {
	{ "kind", JS_STRING, offsetof(struct object_parts, kind), JS_OPTIONAL },
	{ "metadata", JS_OBJECT, offsetof(struct object_parts, metadata), JS_REQUIRED },
	{ "spec", JS_OBJECT, offsetof(struct object_parts, spec), JS_OPTIONAL },
	{ "status", JS_OBJECT, offsetof(struct object_parts, status), JS_OPTIONAL },
};

bool object_parts_read(const struct js *object, struct object_parts *ret,
		       struct object_meta *ret_meta, struct err *err)
{
	return js_dispatch(object, parts_fields, ARRAY_SIZE(parts_fields), WRONG, ret, err) &&
	       object_meta_read(ret->metadata, ret_meta, err);
}

/* conditions */

struct condition_fields {
	struct object_condition condition;
	const char *status;
	const char *updated;
	const char *changed;
};

static const struct js_field condition_fields[] = {
	{ "type", JS_STRING, offsetof(struct condition_fields, condition.type), JS_REQUIRED },
	{ "status", JS_STRING, offsetof(struct condition_fields, status), JS_REQUIRED },
	{ "reason", JS_STRING, offsetof(struct condition_fields, condition.reason), JS_OPTIONAL },
	{ "message", JS_STRING, offsetof(struct condition_fields, condition.message), JS_OPTIONAL },
	{ "lastUpdateTime", JS_STRING, offsetof(struct condition_fields, updated), JS_OPTIONAL },
	{ "lastTransitionTime", JS_STRING, offsetof(struct condition_fields, changed),
	  JS_OPTIONAL },
	{ "observedGeneration", JS_INTEGER,
	  offsetof(struct condition_fields, condition.observed_generation), JS_OPTIONAL },
};

static bool read_condition(const struct js *j, void *entry, struct err *err)
{
	struct condition_fields f = { 0 };

	if (!js_dispatch(j, condition_fields, ARRAY_SIZE(condition_fields), WRONG, &f, err))
		return false;
	f.condition.is_true = strcmp(f.status, "True") == 0;
	f.condition.updated_wall_ms = object_time(f.updated ? f.updated : f.changed);
	*(struct object_condition *)entry = f.condition;
	return true;
}

bool object_conditions_read(const struct js *list, struct object_conditions *ret, struct err *err)
{
	void *at = NULL;
	bool ok = object_list(list, "status: conditions", sizeof(*ret->at), read_condition, &at,
			      &ret->count, err);

	ret->at = at;
	return ok;
}

const struct object_condition *object_condition(const struct object_conditions *c, const char *type)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->at[i].type, type) == 0)
			return &c->at[i];
	return NULL;
}
