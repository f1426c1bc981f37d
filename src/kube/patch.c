#include "kube/patch.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

void image_changes_clear(struct image_changes *c)
{
	free(c->at);
	*c = (struct image_changes){ 0 };
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Which containers */

static bool check_twice(const struct assignment *assignments, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (assignments[i].container &&
			    is_same(assignments[i].container, assignments[k].container))
				return err_set(err, ERR_USAGE, "container '%s' is given two images",
					       assignments[i].container);
	return true;
}

/* The caller frees. */
static char *container_names(const struct workload *w)
{
	struct buf names = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < w->template.container_count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", w->template.containers[i].name);
	return buf_take(&names);
}

/* The one that is no init container; NULL when there are none or several. */
static const char *only_container(const struct workload *w)
{
	const char *only = NULL;

	for (size_t i = 0; i < w->template.container_count; i++) {
		const struct template_container *c = &w->template.containers[i];

		if (c->is_init)
			continue;
		if (only)
			return NULL;
		only = c->name;
	}
	return only;
}

static bool check_known(const struct workload *w, const struct assignment *a, struct err *err)
{
	CLEANUP(mem_freep) char *names = NULL;
	const char *kind = workload_kind_name(w->kind);

	if (assignment_is_all(a) ||
	    (a->container ? template_container(&w->template, a->container) != NULL
			  : only_container(w) != NULL))
		return true;
	names = container_names(w);
	if (a->container)
		return err_set(err, ERR_USAGE,
			       "%s/%s has no container '%s', its containers are: %s", kind,
			       w->meta.name, a->container, names ? names : "");
	return err_set(err, ERR_USAGE, "which container of %s/%s? Its containers are: %s", kind,
		       w->meta.name, names ? names : "");
}

/* COUNT when no assignment is about it; ONLY is who is meant where none is named. */
static size_t assignment_of(const char *container, const char *only,
			    const struct assignment *assignments, size_t count)
{
	size_t all = count;

	for (size_t i = 0; i < count; i++) {
		const char *named = assignments[i].container ? assignments[i].container : only;

		if (is_same(named, container))
			return i;
		if (assignment_is_all(&assignments[i]))
			all = i;
	}
	return all;
}

static void add_changes(const struct workload *w, const struct assignment *assignments,
			size_t count, struct image_changes *ret)
{
	const char *only = only_container(w);
	size_t places[2] = { 0 };

	ret->at = mem_alloc((w->template.container_count + 1) * sizeof(*ret->at));
	for (size_t i = 0; i < w->template.container_count; i++) {
		const struct template_container *c = &w->template.containers[i];
		size_t place = places[c->is_init]++;
		size_t which = assignment_of(c->name, only, assignments, count);

		if (which == count)
			continue;
		ret->at[ret->count++] = (struct image_change){ .container = c->name,
							       .is_init = c->is_init,
							       .index = place,
							       .assignment = which,
							       .from = c->image };
	}
}

bool image_changes_plan(const struct workload *w, const struct assignment *assignments,
			size_t count, struct image_changes *ret, struct err *err)
{
	*ret = (struct image_changes){ 0 };
	if (!check_twice(assignments, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!check_known(w, &assignments[i], err))
			return false;
	add_changes(w, assignments, count, ret);
	return ret->count || err_set(err, ERR_USAGE, "%s/%s has no container to change",
				     workload_kind_name(w->kind), w->meta.name);
}

/* What becomes of them */

bool image_changes_are_made(const struct workload *w, const struct image_changes *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct template_container *now =
			template_container(&w->template, c->at[i].container);

		if (!now || !is_same(now->image, c->at[i].to))
			return false;
	}
	return true;
}

void image_changes_reverse(struct image_changes *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const char *from = c->at[i].from;

		c->at[i].from = c->at[i].to;
		c->at[i].to = from;
	}
}

static void add(struct js *patch, const char *op, const char *path, const char *value)
{
	struct js *operation = js_object();

	js_put_string(operation, "op", op);
	js_put_string(operation, "path", path);
	js_put_string(operation, "value", value);
	js_append(patch, operation);
}

/* The name is tested as well: the list may have been reordered. */
static void add_change(struct js *patch, enum workload_kind kind, const struct image_change *c)
{
	const char *where = kind == WORKLOAD_CRONJOB ? "/jobTemplate/spec" : "";
	CLEANUP(mem_freep)
	char *place = mem_printf("/spec%s/template/spec/%s/%zu", where,
				 c->is_init ? "initContainers" : "containers", c->index);
	CLEANUP(mem_freep) char *name = mem_printf("%s/name", place);
	CLEANUP(mem_freep) char *image = mem_printf("%s/image", place);

	add(patch, "test", name, c->container);
	if (c->from)
		add(patch, "test", image, c->from);
	if (c->to && !is_same(c->from, c->to))
		add(patch, c->from ? "replace" : "add", image, c->to);
}

struct js *image_changes_patch(const struct workload *w, const struct image_changes *c)
{
	struct js *patch = js_array();

	if (w->meta.uid)
		add(patch, "test", "/metadata/uid", w->meta.uid);
	for (size_t i = 0; i < c->count; i++)
		add_change(patch, w->kind, &c->at[i]);
	return patch;
}
