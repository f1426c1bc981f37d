/* The registry's side of a deploy: what is to run must be there, whole, and for every platform where it may land. */
#include "cli/deploy.h"

#include "base/mem.h"
#include "registry/manifest_io.h"

#include <string.h>

/* To look whether the way back is open is worth so much of the time that there is. */
#define LOOK_MS 5000

/* Which platforms */

static bool see_node(void *arg, const struct js *item, struct err *err)
{
	const struct release *r = arg;
	CLEANUP(node_clear) struct node n = { 0 };

	if (!node_parse(item, &n, err))
		return false;
	for (size_t i = 0; i < r->count; i++)
		placement_add(&r->deploys[i].placement, &r->deploys[i].workload, &n);
	return true;
}

static void begin_again(void *arg)
{
	const struct release *r = arg;

	for (size_t i = 0; i < r->count; i++)
		placement_clear(&r->deploys[i].placement);
}

/* Who may not read nodes deploys as well: then the image's own platforms have to do. */
static bool read_nodes(struct release *r, struct err *err)
{
	const struct kube_selection selection = { .path = "/api/v1/nodes" };
	const struct kube_visitor visitor = { see_node, begin_again, r };

	if (r->settings->platforms.count ||
	    kube_list(r->connection->client, r->run->world, &selection, &visitor, NULL, err))
		return true;
	if (err->code != ERR_CLUSTER_REFUSED)
		return err_wrap(err, "reading the nodes");
	err_clear(err);
	begin_again(r);
	world_note(r->run->world, EVENT_NOTE,
		   "nodes may not be read: which platforms they have is not known, name them with "
		   "--platform");
	return true;
}

/* Borrowed from D: what was asked for by name, else those of the nodes. */
static const struct strings *platforms_of(const struct deploy *d)
{
	const struct placement *p = &d->placement;

	if (d->release->settings->platforms.count)
		return &d->release->settings->platforms;
	if (p->nodes && !p->admitted)
		world_note(
			&d->world, EVENT_NOTE,
			"none of %zu nodes takes these pods as they stand: no platform is asked for",
			p->nodes);
	return &p->platforms;
}

static bool lacks(const struct deploy *d, const struct deploy_image *i, const char *platform,
		  struct err *err)
{
	CLEANUP(mem_freep) char *served = identity_platforms(&i->identity);
	CLEANUP(mem_freep) char *name = deploy_name(d);

	err_set(err, ERR_INCOMPLETE, "'%s' has no image for %s, where pods of %s may land",
		i->words->image, platform, name);
	err_evidence(err, "it is for %s", served);
	err_hint(err,
		 "push it for %s too, or keep the pods off such nodes (nodeSelector "
		 "kubernetes.io/arch); --platform says which ones count",
		 platform);
	return false;
}

static bool check_image(const struct deploy *d, const struct deploy_image *i,
			const struct strings *platforms, struct err *err)
{
	for (size_t k = 0; k < platforms->count; k++) {
		CLEANUP(platform_clear) struct platform wanted = { 0 };

		if (!platform_parse(platforms->at[k], &wanted, err))
			return false;
		if (!identity_serves(&i->identity, &wanted))
			return lacks(d, i, platforms->at[k], err);
	}
	return true;
}

static bool check_platforms(const struct deploy *d, struct err *err)
{
	const struct strings *platforms = platforms_of(d);

	for (size_t i = 0; i < d->release->image_count; i++)
		if (!check_image(d, &d->release->images[i], platforms, err))
			return false;
	return true;
}

/* The proof */

static char *pinned_text(const struct deploy_image *i)
{
	struct reference pinned = i->ref;

	pinned.digest = i->proof.digest;
	return reference_text(&pinned);
}

static bool prove_one(struct release *r, struct deploy_image *i, struct err *err)
{
	CLEANUP(session_freep) struct session *session = NULL;
	const struct world *w = r->run->world;

	if (!world_check(w, err) ||
	    !session_make(r->sessions, w, &i->ref, SESSION_PULL, &session, err) ||
	    !image_verify(w, session, &i->ref, NULL, VERIFY_TREE, (size_t)r->common->jobs,
			  &i->proof, err) ||
	    !identity_read(w, session, &i->proof.digest, &i->identity, err)) {
		err_wrap(err, "'%s' is not proven, nothing was changed", i->words->image);
		err_hint(err, "landed verify %s", i->words->image);
		return false;
	}
	i->pinned = pinned_text(i);
	return true;
}

bool release_prove(struct release *r, struct err *err)
{
	if (!read_nodes(r, err))
		return false;
	world_note(r->run->world, EVENT_PHASE, "proving the image in its registry");
	for (size_t i = 0; i < r->image_count; i++)
		if (!prove_one(r, &r->images[i], err))
			return false;
	for (size_t i = 0; i < r->count; i++) {
		struct image_changes *changes = &r->deploys[i].changes;

		if (!check_platforms(&r->deploys[i], err))
			return false;
		for (size_t k = 0; k < changes->count; k++)
			changes->at[k].to = r->images[changes->at[k].assignment].pinned;
	}
	return true;
}

/* The way back */

/* False with what is to be said. */
static bool is_there(struct deploy *d, const char *image, const struct world *w, struct err *err)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	CLEANUP(session_freep) struct session *session = NULL;
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	const char *name;

	if (!reference_parse(image, &ref, err) ||
	    !session_make(d->release->sessions, w, &ref, SESSION_PULL, &session, err))
		return false;
	name = *ref.digest.text ? ref.digest.text : ref.tag;
	if (!manifest_get(w, session, name, *ref.digest.text ? &ref.digest : NULL, &m, err))
		return false;
	return m || err_set(err, ERR_ABSENT, "its registry does not have it any more");
}

static void bound(struct world *w)
{
	int64_t end_ms = world_now_ms(w) + LOOK_MS;

	if (w->deadline_ms > end_ms)
		w->deadline_ms = end_ms;
}

void deploy_check_way_back(struct deploy *d)
{
	struct world w = d->world;

	bound(&w);
	for (size_t i = 0; i < d->changes.count; i++) {
		const char *from = d->changes.at[i].from;
		struct err err = ERR_INIT;

		if (from && strcmp(from, d->changes.at[i].to) != 0 && !is_there(d, from, &w, &err))
			deploy_say(d, "warning: a rollback would need '%s': %s", from, err.message);
		err_clear(&err);
	}
}
