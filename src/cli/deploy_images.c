/* The registry's side of a deploy: what is to run must be there, whole, and for every platform where it may land. */
#include "cli/deploy.h"

#include "base/mem.h"
#include "kube/placement.h"
#include "registry/manifest_io.h"

#include <string.h>

/* To look whether the way back is open is worth so much of the time that there is. */
#define LOOK_MS 5000

/* Which platforms */

struct nodes {
	const struct workload *workload;
	struct placement *placement;
};

static bool see_node(void *arg, const struct js *item, struct err *err)
{
	const struct nodes *nodes = arg;
	CLEANUP(node_clear) struct node n = { 0 };

	if (!node_parse(item, &n, err))
		return false;
	placement_add(nodes->placement, nodes->workload, &n);
	return true;
}

static void begin_again(void *arg)
{
	const struct nodes *nodes = arg;

	placement_clear(nodes->placement);
}

/* Who may not read nodes deploys as well: then the image's own platforms have to do. */
static bool read_nodes(struct deploy *d, struct placement *ret, struct err *err)
{
	struct nodes nodes = { &d->workload, ret };
	const struct kube_selection selection = { .path = "/api/v1/nodes" };
	const struct kube_visitor visitor = { see_node, begin_again, &nodes };

	if (kube_list(d->connection->client, d->run->world, &selection, &visitor, NULL, err))
		return true;
	if (err->code != ERR_CLUSTER_REFUSED)
		return err_wrap(err, "reading the nodes");
	err_clear(err);
	placement_clear(ret);
	world_note(d->run->world, EVENT_NOTE,
		   "nodes may not be read: which platforms they have is not known, name them with "
		   "--platform");
	return true;
}

static bool find_platforms(struct deploy *d, struct strings *ret, struct err *err)
{
	CLEANUP(placement_clear) struct placement p = { 0 };

	if (d->settings->platforms.count) {
		for (size_t i = 0; i < d->settings->platforms.count; i++)
			strings_add(ret, d->settings->platforms.at[i]);
		return true;
	}
	if (!read_nodes(d, &p, err))
		return false;
	if (p.nodes && !p.admitted)
		world_note(
			d->run->world, EVENT_NOTE,
			"none of %zu nodes takes these pods as they stand: no platform is asked for",
			p.nodes);
	for (size_t i = 0; i < p.platforms.count; i++)
		strings_add(ret, p.platforms.at[i]);
	return true;
}

static bool lacks(const struct deploy_image *i, const char *platform, struct err *err)
{
	CLEANUP(mem_freep) char *served = identity_platforms(&i->identity);

	err_set(err, ERR_INCOMPLETE,
		"'%s' has no image for %s, where pods of this workload may land", i->words.image,
		platform);
	err_evidence(err, "it is for %s", served);
	err_hint(err,
		 "push it for %s too, or keep the pods off such nodes (nodeSelector "
		 "kubernetes.io/arch); --platform says which ones count",
		 platform);
	return false;
}

static bool check_platforms(const struct deploy_image *i, const struct strings *platforms,
			    struct err *err)
{
	for (size_t k = 0; k < platforms->count; k++) {
		CLEANUP(platform_clear) struct platform wanted = { 0 };

		if (!platform_parse(platforms->at[k], &wanted, err))
			return false;
		if (!identity_serves(&i->identity, &wanted))
			return lacks(i, platforms->at[k], err);
	}
	return true;
}

/* The proof */

static char *pinned_text(const struct deploy_image *i)
{
	struct reference pinned = i->ref;

	pinned.digest = i->proof.digest;
	return reference_text(&pinned);
}

static bool prove_one(struct deploy *d, struct deploy_image *i, struct err *err)
{
	CLEANUP(session_freep) struct session *session = NULL;
	const struct world *w = d->run->world;

	if (!world_check(w, err) ||
	    !session_make(d->sessions, w, &i->ref, SESSION_PULL, &session, err) ||
	    !image_verify(w, session, &i->ref, NULL, VERIFY_TREE, (size_t)d->common->jobs,
			  &i->proof, err) ||
	    !identity_read(w, session, &i->proof.digest, &i->identity, err)) {
		err_wrap(err, "'%s' is not proven, nothing was changed", i->words.image);
		err_hint(err, "landed verify %s", i->words.image);
		return false;
	}
	i->pinned = pinned_text(i);
	return true;
}

bool deploy_prove(struct deploy *d, struct err *err)
{
	CLEANUP(strings_clear) struct strings platforms = { 0 };

	if (!find_platforms(d, &platforms, err))
		return false;
	world_note(d->run->world, EVENT_PHASE, "proving the image in its registry");
	for (size_t i = 0; i < d->image_count; i++)
		if (!prove_one(d, &d->images[i], err) ||
		    !check_platforms(&d->images[i], &platforms, err))
			return false;
	for (size_t i = 0; i < d->changes.count; i++)
		d->changes.at[i].to = d->images[d->changes.at[i].assignment].pinned;
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
	    !session_make(d->sessions, w, &ref, SESSION_PULL, &session, err))
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
	struct world w = *d->run->world;

	bound(&w);
	for (size_t i = 0; i < d->changes.count; i++) {
		const char *from = d->changes.at[i].from;
		CLEANUP(mem_freep) char *line = NULL;
		struct err err = ERR_INIT;

		if (from && strcmp(from, d->changes.at[i].to) != 0 &&
		    !is_there(d, from, &w, &err)) {
			line = mem_printf("warning: a rollback would need '%s': %s", from,
					  err.message);
			talk_say(d->run->talk, line);
		}
		err_clear(&err);
	}
}
