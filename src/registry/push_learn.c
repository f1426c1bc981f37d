/*
 * What could be known of an image with pending layers: the registry is the cache. The whole image under its ID, then layer by
 * layer, cheapest first, until each has a candidate.
 */
#include "registry/push_private.h"

#include "base/mem.h"
#include "registry/blob.h"
#include "registry/recent.h"

#include <string.h>

/* What is looked up saves time: it is not waited for longer than that could be. */
#define LOOKING_MS 20000

void push_begin_looking(struct push *p)
{
	int64_t until_ms = clock_after(world_now_ms(p->w), LOOKING_MS);

	p->looking = *p->w;
	if (until_ms < p->looking.deadline_ms)
		p->looking.deadline_ms = until_ms;
}

bool push_go_on(struct push *p, struct err *failed, struct err *err)
{
	if (push_was_cut_short(failed) && !world_check(p->w, err)) {
		err_clear(err);
		err_move(err, failed);
		return false;
	}
	err_clear(failed);
	return true;
}

/* The whole image */

/* An engine's ID is the config's digest, or the manifest's in containerd's store. */
static bool is_this_image(const struct pending *wanted, const struct manifest *m)
{
	if (digest_same(&m->digest, &wanted->id))
		return m->kind == MANIFEST_IMAGE || wanted->options.platform_count == 0;
	if (m->kind != MANIFEST_IMAGE || m->entry_count != wanted->order_count + 1 ||
	    !digest_same(&m->entries[0].digest, &wanted->id))
		return false;
	for (size_t i = 1; i < m->entry_count; i++)
		if (!pending_accepts(wanted, &m->entries[i]))
			return false;
	return true;
}

char *push_place(const struct push *p)
{
	return mem_printf("%s/%s", p->ref->host, p->ref->repository);
}

/* Under the tag already, or noted down as this repository's from an earlier push. */
static bool find_whole(struct push *p, const struct manifest **ret, struct manifest **ret_owned,
		       struct err *err)
{
	const struct pending *wanted = image_pending(p->image);
	CLEANUP(mem_freep) char *place = push_place(p);
	struct err failed = ERR_INIT;
	struct digest noted;

	if (p->there && is_this_image(wanted, p->there)) {
		*ret = p->there;
		return true;
	}
	if (!p->options->record ||
	    !record_find_image(p->options->record, &wanted->id, place, &noted))
		return true;
	if (!manifest_get(&p->looking, p->s, noted.text, &noted, ret_owned, &failed))
		return push_go_on(p, &failed, err);
	if (*ret_owned && is_this_image(wanted, *ret_owned))
		*ret = *ret_owned;
	return true;
}

static bool take(struct push *p, const struct manifest *m, struct err *err)
{
	p->result->layers_adopted = image_pending(p->image)->layer_count;
	return pending_take(p->image, m, err);
}

bool push_take_whole(struct push *p, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *owned = NULL;
	const struct manifest *m = NULL;

	push_begin_looking(p);
	return find_whole(p, &m, &owned, err) && (!m || take(p, m, err));
}

/* Candidates */

static bool has_candidate(const struct push *p, const struct pending_layer *l)
{
	const struct pending *wanted = image_pending(p->image);
	const struct known_blob *k = NULL;

	while ((k = known_next(&p->known, &l->diff_id, k)))
		if (pending_accepts(wanted, &k->blob))
			return true;
	return false;
}

/* Nothing more needs to be looked for. */
static bool is_enough(const struct push *p)
{
	const struct pending *wanted = image_pending(p->image);

	if (image_is_settled(p->image))
		return true;
	for (size_t i = 0; i < wanted->layer_count; i++)
		if (!has_candidate(p, &wanted->layers[i]))
			return false;
	return true;
}

static void look_into_record(struct push *p)
{
	const struct pending *wanted = image_pending(p->image);
	CLEANUP(mem_freep) char *name = compression_name(&wanted->compression);

	for (size_t i = 0; p->options->record && i < wanted->layer_count; i++)
		record_find_layer(p->options->record, name, &wanted->layers[i].diff_id, &p->known);
}

/* Of an index the image for our platform. *ret is NULL when there is none. */
static bool narrow(struct push *p, struct session *s, const struct manifest *index,
		   struct manifest **ret, struct err *err)
{
	const struct pending *wanted = image_pending(p->image);

	for (size_t i = 0; i < index->entry_count; i++) {
		const struct descriptor *d = &index->entries[i];

		if (d->platform.os && wanted->platform.os &&
		    platform_serves(&d->platform, &wanted->platform))
			return manifest_get(&p->looking, s, d->digest.text, &d->digest, ret, err);
	}
	return true;
}

/* REPOSITORY is where the blobs are, NULL for the one that is pushed to. */
static bool learn_from_image(struct push *p, struct session *s, const struct manifest *m,
			     const char *repository, struct err *err)
{
	CLEANUP(saved_config_clear) struct saved_config config = { .diff_ids = NULL };
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);
	bool found;

	if (m->kind != MANIFEST_IMAGE || m->entry_count < 2)
		return true;
	if (!blob_read(&p->looking, s, &m->entries[0].digest, &bytes, &found, err))
		return false;
	if (!found || !saved_config_parse(buf_str(&bytes), bytes.len, &config, err))
		return err->code == ERR_NONE;
	known_add_image(&p->known, m, &config, repository);
	return true;
}

static bool learn(struct push *p, struct session *s, const struct manifest *m,
		  const char *repository, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *child = NULL;
	struct err failed = ERR_INIT;

	if (m->kind == MANIFEST_INDEX && !narrow(p, s, m, &child, &failed))
		return push_go_on(p, &failed, err);
	if (child || m->kind == MANIFEST_IMAGE)
		if (!learn_from_image(p, s, child ? child : m, repository, &failed))
			return push_go_on(p, &failed, err);
	return true;
}

static bool learn_from_name(struct push *p, struct session *s, const char *name,
			    const char *repository, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct err failed = ERR_INIT;

	if (!manifest_get(&p->looking, s, name, NULL, &m, &failed))
		return push_go_on(p, &failed, err);
	if (m && !repository && is_this_image(image_pending(p->image), m))
		return take(p, m, err);
	return !m || learn(p, s, m, repository, err);
}

/* Only where blobs can be mounted from: another registry's are of no use. */
static bool learn_from_reference(struct push *p, const struct reference *ref, struct err *err)
{
	const char *name = *ref->digest.text ? ref->digest.text : ref->tag;
	CLEANUP(session_freep) struct session *elsewhere = NULL;
	struct err failed = ERR_INIT;

	if (strcmp(ref->host, p->ref->host) != 0)
		return true;
	if (strcmp(ref->repository, p->ref->repository) == 0)
		return learn_from_name(p, p->s, name, NULL, err);
	if (!session_make(p->sessions, &p->looking, ref, SESSION_PULL, &elsewhere, &failed))
		return push_go_on(p, &failed, err);
	return learn_from_name(p, elsewhere, name, ref->repository, err);
}

static bool learn_from_there(struct push *p, struct err *err)
{
	return !p->there || learn(p, p->s, p->there, NULL, err);
}

static bool learn_from_cache(struct push *p, struct err *err)
{
	for (size_t i = 0; i < p->options->cache_from_count && !is_enough(p); i++)
		if (!learn_from_reference(p, &p->options->cache_from[i], err))
			return false;
	return true;
}

#define RECENT_TAGS_MAX 3

/* A new tag beside older ones, as CI makes them. */
static bool learn_from_recent_tags(struct push *p, struct err *err)
{
	CLEANUP(strings_clear) struct strings tags = { 0 };
	struct err failed = ERR_INIT;

	if (!recent_tags(&p->looking, p->s, RECENT_TAGS_MAX, &tags, &failed))
		return push_go_on(p, &failed, err);
	for (size_t i = 0; i < tags.count && !is_enough(p); i++)
		if (!p->ref->tag || strcmp(tags.at[i], p->ref->tag) != 0)
			if (!learn_from_name(p, p->s, tags.at[i], NULL, err))
				return false;
	return true;
}

#define ORIGINS_MAX 3

/* Where the engine has the base from. */
static bool learn_from_origins(struct push *p, struct err *err)
{
	CLEANUP(strings_clear) struct strings origins = { 0 };
	struct err failed = ERR_INIT;

	if (!pending_origins(&p->looking, p->image, &origins, &failed) &&
	    !push_go_on(p, &failed, err))
		return false;
	for (size_t i = 0, tried = 0; i < origins.count && tried < ORIGINS_MAX; i++) {
		CLEANUP(reference_clear) struct reference ref = { 0 };

		if (is_enough(p))
			break;
		if (!reference_parse(origins.at[i], &ref, &failed)) {
			err_clear(&failed);
			continue;
		}
		tried += strcmp(ref.host, p->ref->host) == 0;
		if (!learn_from_reference(p, &ref, err))
			return false;
	}
	return true;
}

/*
 * An image that shares its lowest layer shares what can be shared; what is unknown above it is new, and searching for
 * it would cost more than it saves.
 */
static bool is_base_known(const struct push *p)
{
	const struct pending *wanted = image_pending(p->image);

	return is_enough(p) ||
	       (wanted->order_count > 0 && has_candidate(p, &wanted->layers[wanted->order[0]]));
}

bool push_gather(struct push *p, struct err *err)
{
	push_begin_looking(p);
	look_into_record(p);
	if ((!is_enough(p) && !learn_from_there(p, err)) || !learn_from_cache(p, err))
		return false;
	if (!is_base_known(p) && !learn_from_recent_tags(p, err))
		return false;
	return is_base_known(p) || learn_from_origins(p, err);
}
