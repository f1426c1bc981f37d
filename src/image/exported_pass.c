/* The one pass over an export: who reads on, when it is over, and how what was read is packed. */
#include "image/exported_private.h"

#include <string.h>

/* Another worker reads: how long before a look at the world's own wishes. */
#define LOOK_UP_MS 100

void exported_pass_end(struct exported *x)
{
	tar_free(x->tar);
	stream_free(x->stream);
	x->tar = NULL;
	x->stream = NULL;
}

static bool pass_begin(struct exported *x, const struct world *w, struct err *err)
{
	world_note(w, EVENT_PHASE, "exporting from %s", engine_product(x->engine));
	x->cancel = w->cancel;
	/* all platforms: narrowed by the engine, what comes is not what the ID names */
	return engine_export(x->engine, w, x->name, NULL, &x->stream, err) &&
	       tar_open_stream(x->stream, &x->tar, err);
}

/* Inside the monitor. */
static bool is_more_wanted(const struct exported *x)
{
	const struct pending *p = &x->pending;

	if (x->has_root || !p->config_bytes)
		return !x->has_root || !x->is_whole;
	for (size_t i = 0; i < p->layer_count; i++)
		if (p->layers[i].state == LAYER_OPEN && !x->is_begun[i])
			return true;
	return false;
}

/* Inside the monitor. False with the pass's failure, if it has one. */
static bool is_going_on(const struct exported *x, struct err *err)
{
	if (x->failed.code != ERR_NONE)
		err_copy(err, &x->failed);
	return x->failed.code == ERR_NONE;
}

/* What seems to be missing may be what somebody is packing still. */
static bool await_unsure(struct exported *x, const struct world *w, struct err *err)
{
	bool ok;

	exported_enter(x);
	while ((ok = is_going_on(x, err) && world_check(w, err)) && x->unsure)
		monitor_wait(x->pending.sched, x->pending.monitor, LOOK_UP_MS);
	x->is_whole |= ok;
	exported_leave(x);
	return ok;
}

static bool check_all_there(struct exported *x, const struct world *w, struct err *err)
{
	const struct pending *p = &x->pending;

	if (!await_unsure(x, w, err))
		return false;
	if (x->has_root)
		return true;
	if (!p->config_bytes)
		return err_set(err, ERR_CORRUPT, "the engine's export does not hold the config %s",
			       p->id.text);
	for (size_t i = 0; i < p->layer_count; i++)
		if (p->layers[i].state == LAYER_OPEN && !x->is_begun[i])
			return err_set(err, ERR_CORRUPT,
				       "the engine's export does not hold the layer %s",
				       p->layers[i].diff_id.text);
	return true;
}

enum pass_step { PASS_LAYER, PASS_OVER };

/* To the next layer, or to the end: of what is wanted, or of the archive. */
static bool read_on(struct exported *x, const struct world *w, struct export_job *j,
		    enum pass_step *ret_step, struct err *err)
{
	struct tar_member m;
	bool end, is_layer = false, more = true;

	if (x->stream && x->cancel != w->cancel)
		exported_pass_end(x); /* of a pool that is gone */
	if (!x->stream && !pass_begin(x, w, err))
		return false;
	while (!is_layer && more) {
		if (!world_check(w, err) || !tar_next(x->tar, &m, &end, err))
			return false;
		if (!end && !exported_read_member(x, w, &m, j, &is_layer, err))
			return false;
		exported_enter(x);
		more = !end && is_more_wanted(x);
		exported_leave(x);
		if (end && !check_all_there(x, w, err))
			return false;
	}
	*ret_step = is_layer ? PASS_LAYER : PASS_OVER;
	if (!more)
		exported_pass_end(x);
	return true;
}

/* True: the pass is the caller's to read on. False: it is over, or ERR says why it cannot go on. */
static bool pass_take(struct exported *x, const struct world *w, struct err *err)
{
	bool taken = false;

	exported_enter(x);
	while (x->is_read && x->failed.code == ERR_NONE && world_check(w, err))
		monitor_wait(x->pending.sched, x->pending.monitor, LOOK_UP_MS);
	if (err->code == ERR_NONE && is_going_on(x, err) && is_more_wanted(x))
		taken = x->is_read = true;
	exported_leave(x);
	return taken;
}

/* Inside the monitor. The first failure is everybody's. */
static void fail(struct exported *x, const struct err *err)
{
	if (x->failed.code == ERR_NONE)
		err_copy(&x->failed, err);
}

/* J: what was read, of which may be unknown what it is. */
static void pass_give_back(struct exported *x, const struct export_job *j, const struct err *failed)
{
	exported_enter(x);
	x->is_read = false;
	if (failed)
		fail(x, failed);
	else if (j->packing && j->hinted == x->pending.layer_count)
		x->unsure++;
	monitor_wake_all(x->pending.sched, x->pending.monitor);
	exported_leave(x);
}

static void job_over(struct exported *x, const struct export_job *j, const struct err *err)
{
	exported_enter(x);
	if (err->code != ERR_NONE)
		fail(x, err);
	if (j->hinted == x->pending.layer_count)
		x->unsure--;
	monitor_wake_all(x->pending.sched, x->pending.monitor);
	exported_leave(x);
}

/* Packing what was read */

static bool refuse_hint(const struct exported *x, const struct export_job *j,
			const struct digest *found, struct err *err)
{
	return err_set(err, ERR_CORRUPT,
		       "layer %s is damaged in the engine's export: its bytes have %s",
		       x->pending.layers[j->hinted].diff_id.text, found->text);
}

/* LAYER's bytes are J's, unless somebody was faster. */
static void settle_layer(struct exported *x, struct export_job *j, size_t layer)
{
	struct descriptor blob = {
		.media_type = (char *)compression_media_type(&x->pending.compression),
		.size_bytes = hasher_bytes(j->packed),
		.digest = hasher_finish(j->packed),
	};
	bool is_first;

	exported_enter(x);
	is_first = x->pending.layers[layer].state == LAYER_OPEN && !x->layers[layer].size_bytes;
	if (is_first)
		temp_move(&x->layers[layer], &j->bytes);
	exported_leave(x);
	if (is_first)
		pending_packed(&x->pending, layer, &blob);
}

/* *ret_layer is layer_count for what is no layer of this image, or is not wanted. */
static bool finish(struct exported *x, struct export_job *j, size_t *ret_layer, struct err *err)
{
	size_t none = x->pending.layer_count;
	struct digest found;

	if (!packing_end(j->packing, err))
		return false;
	found = hasher_finish(j->plain);
	*ret_layer = pending_find(&x->pending, &found);
	if (j->hinted < none && *ret_layer != j->hinted)
		return refuse_hint(x, j, &found, err);
	if (*ret_layer == none || (j->hinted == none && !exported_claim(x, *ret_layer))) {
		*ret_layer = none;
		return true;
	}
	settle_layer(x, j, *ret_layer);
	return true;
}

/* *ret_layer is layer_count when it is over or what came was none. */
static bool pack_one(struct exported *x, const struct world *w, size_t *ret_layer, struct err *err)
{
	CLEANUP(export_job_clear) struct export_job j = { .bytes = TEMP_INIT };
	enum pass_step step;
	bool finished;

	*ret_layer = x->pending.layer_count;
	if (!read_on(x, w, &j, &step, err)) {
		pass_give_back(x, &j, err);
		return false;
	}
	pass_give_back(x, &j, NULL);
	if (step == PASS_OVER)
		return true;
	finished = finish(x, &j, ret_layer, err);
	job_over(x, &j, err);
	return finished;
}

/*
 * The first to come in: what was begun and came to nothing was another pool's, which has failed. It
 * takes another pass.
 */
static void begin_anew(struct exported *x)
{
	const struct pending *p = &x->pending;
	bool is_stale = x->failed.code != ERR_NONE;

	for (size_t i = 0; i < p->layer_count; i++) {
		is_stale |= x->is_begun[i] && p->layers[i].state == LAYER_OPEN;
		x->is_begun[i] &= p->layers[i].state != LAYER_OPEN;
	}
	err_clear(&x->failed);
	if (is_stale)
		exported_pass_end(x);
}

static void come_in(struct exported *x)
{
	exported_enter(x);
	if (x->inside++ == 0)
		begin_anew(x);
	exported_leave(x);
}

/* The last one closes a pass that nobody reads on, while the world is there that it was opened in. */
static void go_out(struct exported *x)
{
	exported_enter(x);
	if (--x->inside == 0 && (x->failed.code != ERR_NONE || !is_more_wanted(x)))
		exported_pass_end(x);
	exported_leave(x);
}

bool exported_pack_next(struct pending *base, const struct world *w, size_t *ret_layer,
			bool *ret_end, struct err *err)
{
	struct exported *x = (struct exported *)base;

	*ret_layer = base->layer_count;
	come_in(x);
	while (*ret_layer == base->layer_count && pass_take(x, w, err))
		if (!pack_one(x, w, ret_layer, err))
			break;
	go_out(x);
	*ret_end = err->code == ERR_NONE && *ret_layer == base->layer_count;
	return err->code == ERR_NONE;
}
