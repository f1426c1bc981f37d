/* Which workloads a deploy is about: the one that is named, or those that a selector finds. */
#include "cli/deploy.h"

#include "base/mem.h"

#include <string.h>

/* A selector that finds more was meant otherwise. */
#define WORKLOADS_MAX 100

/* What a workload of several says is said with its name. */
static void tell_named(struct observer *o, const struct event *e)
{
	const struct deploy *d = (const struct deploy *)o;
	CLEANUP(mem_freep) char *name = NULL;
	CLEANUP(mem_freep) char *text = NULL;
	struct observer *outer = d->release->run->world->observer;
	struct event named = *e;

	if (e->kind == EVENT_PHASE || e->kind == EVENT_NOTE) {
		name = deploy_name(d);
		text = mem_printf("%s: %s", name, e->text);
		named.text = text;
	}
	outer->tell(outer, &named);
}

/* Takes TARGET over. */
static void add(struct release *r, struct target *target)
{
	struct deploy *d;

	r->deploys = mem_realloc(r->deploys, r->count + 1, sizeof(*r->deploys));
	d = &r->deploys[r->count++];
	*d = (struct deploy){ .release = r, .target = *target, .world = *r->run->world };
	*target = (struct target){ 0 };
}

/* With a selector */

struct search {
	struct release *release;
	enum workload_kind kind;
	size_t first; /* of this kind */
};

static bool found(void *arg, const struct js *item, struct err *err)
{
	const struct search *s = arg;
	const char *name = js_string(js_get(js_get(item, "metadata"), "name"));
	struct target target = { .kind = s->kind };

	if (!name)
		return err_set(err, ERR_UNEXPECTED, "an item of the list has no name");
	if (s->release->count == WORKLOADS_MAX) {
		err_set(err, ERR_USAGE, "more than %d workloads have these labels", WORKLOADS_MAX);
		err_hint(err, "a selector that says more");
		return false;
	}
	target.name = mem_strdup(name);
	add(s->release, &target);
	return true;
}

static void begin_again(void *arg)
{
	struct search *s = arg;

	while (s->release->count > s->first)
		deploy_clear(&s->release->deploys[--s->release->count]);
}

static bool search(struct release *r, enum workload_kind kind, struct err *err)
{
	const struct target all = { .kind = kind };
	CLEANUP(mem_freep) char *path = target_path(&all, r->connection->namespace);
	struct search s = { r, kind, r->count };
	const struct kube_selection selection = {
		.path = path,
		.labels = r->settings->selector,
		.metadata_only = true,
	};
	const struct kube_visitor visitor = { found, begin_again, &s };

	return kube_list(r->connection->client, r->run->world, &selection, &visitor, NULL, err) ||
	       err_wrap(err, "looking for %ss", workload_kind_name(kind));
}

/* "deployment,statefulset" */
static bool each_kind(struct release *r, const char *kinds,
		      bool (*each)(struct release *r, enum workload_kind kind, struct err *err),
		      struct err *err)
{
	for (const char *at = kinds;; at++) {
		size_t len = strcspn(at, ",");
		enum workload_kind kind;

		if (!target_parse_kind(at, len, &kind, err) || (each && !each(r, kind, err)))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

static bool search_all(struct release *r, const char *kinds, struct err *err)
{
	if (!each_kind(r, kinds, search, err))
		return false;
	return r->count || err_set(err, ERR_USAGE, "no %s in namespace '%s' has the labels '%s'",
				   kinds, r->connection->namespace, r->settings->selector);
}

bool release_name(struct release *r, const char *target, struct err *err)
{
	CLEANUP(target_clear) struct target one = { 0 };

	if (!r->settings->selector) {
		if (!target_parse(target, &one, err))
			return false;
		add(r, &one);
		return true;
	}
	if (!strchr(target, '/'))
		return each_kind(r, target, NULL, err);
	err_set(err, ERR_USAGE, "'%s' is one workload, and a selector is for many", target);
	err_hint(err, "-l LABELS with deployment, say, or without -l");
	return false;
}

bool release_find(struct release *r, const char *target, struct err *err)
{
	if (r->settings->selector && !search_all(r, target, err))
		return false;
	for (size_t i = 0; i < r->count; i++) {
		struct deploy *d = &r->deploys[i];

		d->path = target_path(&d->target, r->connection->namespace);
		d->observer.tell = tell_named;
		if (r->count > 1 && d->world.observer)
			d->world.observer = &d->observer;
	}
	return true;
}
