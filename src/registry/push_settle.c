/*
 * The registry as the cache. What the layers of an image become is looked up before anything is compressed: the whole
 * image under its ID, then layer by layer, cheapest first, until each has a candidate. A candidate is taken only when
 * the registry shows the blob. What remains is packed and sent in the order in which the source yields it.
 */
#include "registry/push_private.h"

#include "base/mem.h"
#include "base/pool.h"
#include "registry/blob.h"
#include "registry/recent.h"

#include <string.h>

/* What is looked up saves time: it is not waited for longer than that could be. */
#define LOOKING_MS 20000

static void begin_looking(struct push *p)
{
	int64_t until_ms = clock_after(world_now_ms(p->w), LOOKING_MS);

	p->looking = *p->w;
	if (until_ms < p->looking.deadline_ms)
		p->looking.deadline_ms = until_ms;
}

/* That something cannot be looked up is no failure of the push, unless the work as a whole is over. */
static bool go_on(struct push *p, struct err *failed, struct err *err)
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

static char *place_of(const struct push *p)
{
	return mem_printf("%s/%s", p->ref->host, p->ref->repository);
}

/* Under the tag already, or noted down as this repository's from an earlier push. */
static bool find_whole(struct push *p, const struct manifest **ret, struct manifest **ret_owned,
		       struct err *err)
{
	const struct pending *wanted = image_pending(p->image);
	CLEANUP(mem_freep) char *place = place_of(p);
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
		return go_on(p, &failed, err);
	if (*ret_owned && is_this_image(wanted, *ret_owned))
		*ret = *ret_owned;
	return true;
}

static bool take(struct push *p, const struct manifest *m, struct err *err)
{
	p->result->layers_adopted = image_pending(p->image)->layer_count;
	return pending_take(p->image, m, err);
}

static bool take_whole(struct push *p, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *owned = NULL;
	const struct manifest *m = NULL;

	begin_looking(p);
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
		return go_on(p, &failed, err);
	if (child || m->kind == MANIFEST_IMAGE)
		if (!learn_from_image(p, s, child ? child : m, repository, &failed))
			return go_on(p, &failed, err);
	return true;
}

static bool learn_from_name(struct push *p, struct session *s, const char *name,
			    const char *repository, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct err failed = ERR_INIT;

	if (!manifest_get(&p->looking, s, name, NULL, &m, &failed))
		return go_on(p, &failed, err);
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
		return go_on(p, &failed, err);
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
		return go_on(p, &failed, err);
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

	if (!pending_origins(&p->looking, p->image, &origins, &failed) && !go_on(p, &failed, err))
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

static bool gather(struct push *p, struct err *err)
{
	begin_looking(p);
	look_into_record(p);
	if ((!is_enough(p) && !learn_from_there(p, err)) || !learn_from_cache(p, err))
		return false;
	if (!is_base_known(p) && !learn_from_recent_tags(p, err))
		return false;
	return is_base_known(p) || learn_from_origins(p, err);
}

/* Adopting */

static void adopt(struct push *p, const struct world *w, size_t layer, const struct known_blob *k,
		  enum blob_stage stage)
{
	pending_adopt(p->image, layer, &k->blob);
	push_count_blob(p, w, stage, &k->blob);
	monitor_enter(w->sched, p->monitor);
	p->result->layers_adopted++;
	monitor_leave(w->sched, p->monitor);
}

static bool try_candidate(struct push *p, const struct world *w, size_t layer,
			  const struct known_blob *k, bool *ret_adopted, struct err *err)
{
	enum blob_state state;
	bool mounted = false;
	int64_t size;

	if (!blob_exists(w, p->s, &k->blob, &state, &size, err))
		return false;
	if (state != BLOB_PRESENT && k->repository &&
	    !push_mount(p, w, &k->blob, k->repository, &mounted, err))
		return false;
	*ret_adopted = state == BLOB_PRESENT || mounted;
	if (*ret_adopted)
		adopt(p, w, layer, k, mounted ? BLOB_STAGE_MOUNTED : BLOB_STAGE_EXISTS);
	return true;
}

static bool look_for_layer(const struct world *w, void *arg, size_t layer, struct err *err)
{
	struct push *p = arg;
	struct pending *wanted = image_pending(p->image);
	const struct known_blob *k = NULL;
	bool adopted = false;

	if (pending_state(wanted, layer) != LAYER_OPEN)
		return true;
	while (!adopted && (k = known_next(&p->known, &wanted->layers[layer].diff_id, k)))
		if (pending_accepts(wanted, &k->blob) &&
		    !try_candidate(p, w, layer, k, &adopted, err))
			return false;
	return true;
}

/* When every layer is known the config may be too: then nothing is needed of the source at all. */
static bool look_for_config(struct push *p, struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);
	struct err failed = ERR_INIT;
	bool found;

	if (pending_has_config(p->image) || pending_open_count(p->image) > 0)
		return true;
	begin_looking(p);
	if (!blob_read(&p->looking, p->s, &image_pending(p->image)->id, &bytes, &found, &failed))
		return go_on(p, &failed, err);
	if (found)
		pending_offer_config(p->image, buf_str(&bytes), bytes.len);
	return true;
}

static bool adopt_known(struct push *p, struct err *err)
{
	if (!gather(p, err))
		return false;
	if (image_is_settled(p->image))
		return true;
	return pool_run(p->w, p->options->jobs, image_pending(p->image)->layer_count,
			look_for_layer, p, err) &&
	       look_for_config(p, err);
}

/* Packing */

/* Where it is known before all layers are sent it goes beside the last of them. */
static bool send_config(struct push *p, const struct world *w, struct err *err)
{
	CLEANUP(descriptor_clear) struct descriptor config = { .size_bytes = 0 };

	return !pending_config(p->image, &config) ||
	       push_send_blob(p, w, &(struct image_blob){ .descriptor = config, .in_source = true },
			      err);
}

/* Each call takes one layer, whichever the source has next. */
static bool pack_and_send(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct push *p = arg;
	struct image_blob blob = { .in_source = true };
	size_t layer;
	bool end;

	(void)index;
	if (!pending_pack_next(w, p->image, &layer, &end, err))
		return false;
	if (end)
		return send_config(p, w, err);
	blob.descriptor = image_pending(p->image)->layers[layer].blob;
	return push_send_blob(p, w, &blob, err);
}

/* One call more than there are layers: the config may come behind them. */
static bool pack_rest(struct push *p, struct err *err)
{
	size_t open = pending_open_count(p->image);

	if (open == 0 && pending_has_config(p->image))
		return true;
	return pool_run(p->w, p->options->jobs, open + 1, pack_and_send, p, err);
}

bool push_settle(struct push *p, struct err *err)
{
	if (image_is_settled(p->image))
		return true;
	if (p->adopts && !take_whole(p, err))
		return false;
	if (image_is_settled(p->image))
		return true;
	world_note(p->w, EVENT_PHASE, "layers");
	if (p->adopts && !adopt_known(p, err))
		return false;
	if (image_is_settled(p->image))
		return true;
	return pack_rest(p, err) && pending_settle(p->w, p->image, err);
}

/* For the next push from here. That it cannot be written down is worth a line, no more. */
void push_note_down(struct push *p)
{
	const struct pending *image = image_pending(p->image);
	struct record *record = p->options->record;
	CLEANUP(mem_freep) char *place = place_of(p);
	struct err failed = ERR_INIT;

	if (!image || !record)
		return;
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct pending_layer *l = &image->layers[i];
		CLEANUP(mem_freep) char *name = compression_name(&image->compression);

		if (l->state != LAYER_OPEN)
			record_note_layer(record, name, &l->diff_id, &l->blob);
	}
	record_note_image(record, &image->id, place, &image_root(p->image)->digest);
	if (!record_save(record, &failed))
		world_note(p->w, EVENT_NOTE, "what was learnt is not kept: %s", failed.message);
	err_clear(&failed);
}
