/*
 * What the layers of an image become, decided before anything is compressed: a candidate (push_learn.c) is taken only when
 * the registry shows the blob. What remains is packed and sent in the order in which the source yields it.
 */
#include "registry/push_private.h"

#include "base/mem.h"
#include "base/pool.h"
#include "registry/blob.h"

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
	push_begin_looking(p);
	if (!blob_read(&p->looking, p->s, &image_pending(p->image)->id, &bytes, &found, &failed))
		return push_go_on(p, &failed, err);
	if (found)
		pending_offer_config(p->image, buf_str(&bytes), bytes.len);
	return true;
}

static bool adopt_known(struct push *p, struct err *err)
{
	if (!push_gather(p, err))
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
	if (p->adopts && !push_take_whole(p, err))
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
	CLEANUP(mem_freep) char *place = push_place(p);
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
