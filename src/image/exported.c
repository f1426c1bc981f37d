#include "image/exported.h"

#include "base/mem.h"
#include "image/saved.h"
#include "image/tar.h"
#include "image/v1_id.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK (64 * KIB)
#define TELL_EVERY_BYTES ((int64_t)MIB)

/* Another worker reads: how long before a look at the world's own wishes. */
#define LOOK_UP_MS 100

/* Of a file that is to be looked at whole: configs, manifests. */
#define SMALL_CEILING MANIFEST_CEILING

/* A blob that travels as it is: containerd's store keeps layers compressed. */
struct kept {
	struct kept *next;
	struct digest digest;
	struct temp bytes;
};

struct exported {
	struct pending pending;
	struct engine *engine;
	char *name;
	struct strings origins; /* of the image itself: RepoDigests */
	struct temp *layers;	/* packed, as in pending */
	bool *is_begun;		/* as in pending: somebody packs it */
	struct kept *kept;
	bool has_root; /* what has the image's ID is a manifest: all blobs are the image's */
	bool is_whole; /* a pass went to the archive's end */
	size_t inside; /* who is in pack_next */
	size_t unsure; /* jobs behind the pass of which nobody knows yet what they are */

	/* The pass. Its members belong to who has set is_read, the rest to the monitor. */
	bool is_read;
	struct err failed; /* of the pass: told to everybody */
	struct stream *stream;
	struct tar *tar;
	const struct cancel *cancel; /* that the pass listens to */
	struct v1_id *v1;	     /* of the directory that is passed */
};

/* A layer between being read and being packed. */
struct job {
	size_t hinted; /* layer_count: what it is will be seen */
	struct hasher *plain;
	struct hasher *packed;
	struct packing *packing;
	struct temp bytes;
	int64_t told_bytes;
};

static void job_clear(struct job *j)
{
	packing_free(j->packing);
	hasher_free(j->plain);
	hasher_free(j->packed);
	temp_clear(&j->bytes);
}

static void enter(struct exported *x)
{
	monitor_enter(x->pending.sched, x->pending.monitor);
}

static void leave(struct exported *x)
{
	monitor_leave(x->pending.sched, x->pending.monitor);
}

/* What a file may be, by its name */

#define HEX_LEN 64

/* The layer whose diff ID stands in the name: blobs/sha256/HEX, or HEX.tar as podman has it. */
static size_t layer_of_name(const struct exported *x, const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	size_t len = strspn(base, "0123456789abcdef");
	struct digest d = { "" };

	if (len != HEX_LEN || (base[len] && strcmp(base + len, ".tar") != 0))
		return x->pending.layer_count;
	memcpy(d.text, "sha256:", 7);
	memcpy(d.text + 7, base, HEX_LEN);
	return pending_find(&x->pending, &d);
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static bool may_be_layer(const char *name)
{
	return ends_with(name, "/layer.tar") || ends_with(name, ".tar");
}

static bool is_blob(const char *name)
{
	return strncmp(name, "blobs/sha256/", 13) == 0;
}

/* Reading */

static bool keep_packed(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct job *j = arg;

	hasher_add(j->packed, bytes, len);
	return temp_add(&j->bytes, bytes, len, err);
}

static void tell_packing(struct exported *x, const struct world *w, struct job *j,
			 int64_t size_bytes)
{
	struct event e = { .kind = EVENT_BLOB };

	e.blob.done_bytes = hasher_bytes(j->plain);
	if (j->hinted == x->pending.layer_count ||
	    (e.blob.done_bytes < j->told_bytes + TELL_EVERY_BYTES &&
	     e.blob.done_bytes < size_bytes))
		return;
	j->told_bytes = e.blob.done_bytes;
	e.blob.stage = BLOB_STAGE_PACKING;
	e.blob.digest = x->pending.layers[j->hinted].diff_id.text;
	e.blob.size_bytes = size_bytes;
	world_tell(w, &e);
}

static bool read_layer(struct exported *x, const struct world *w, const struct tar_member *m,
		       struct job *j, struct err *err)
{
	CLEANUP(mem_freep) char *chunk = mem_alloc(CHUNK);
	struct layer_means means;
	size_t len = 1;

	if (!pending_means(&x->pending, &means, err))
		return false;
	temp_init(&j->bytes, means.budget, means.tmp_dir);
	j->plain = hasher_new(NULL);
	j->packed = hasher_new(NULL);
	j->packing = packing_begin(means.compressor, w, keep_packed, j);
	while (len) {
		if (!world_check(w, err) || !tar_read(x->tar, chunk, CHUNK, &len, err))
			return false;
		hasher_add(j->plain, chunk, len);
		if (!packing_add(j->packing, chunk, len, err))
			return false;
		tell_packing(x, w, j, m->size_bytes);
	}
	return true;
}

static bool read_small(struct exported *x, struct buf *out, struct err *err)
{
	char chunk[8 * KIB];
	size_t len = 1;

	while (len) {
		if (!tar_read(x->tar, chunk, sizeof(chunk), &len, err))
			return false;
		if (!buf_add(out, chunk, len))
			return err_set(err, ERR_CORRUPT, "a file of more than %zu bytes",
				       out->ceiling);
	}
	return true;
}

static bool is_config(const struct buf *bytes)
{
	CLEANUP(saved_config_clear) struct saved_config config = { .diff_ids = NULL };
	struct err no = ERR_INIT;
	bool is = saved_config_parse(buf_str(bytes), bytes->len, &config, &no);

	err_clear(&no);
	return is;
}

static void keep(struct exported *x, struct kept *k)
{
	enter(x);
	k->next = x->kept;
	x->kept = k;
	x->has_root |= digest_same(&k->digest, &x->pending.id);
	leave(x);
}

static struct kept *kept_new(struct exported *x)
{
	struct kept *k = NEW(struct kept);

	temp_init(&k->bytes, &x->pending.budget, x->pending.tmp_dir);
	return k;
}

static void kept_free(struct kept *k)
{
	temp_clear(&k->bytes);
	free(k);
}

static bool keep_small(struct exported *x, const struct digest *d, const struct buf *bytes,
		       struct err *err)
{
	struct kept *k = kept_new(x);

	k->digest = *d;
	if (!temp_add(&k->bytes, buf_str(bytes), bytes->len, err)) {
		kept_free(k);
		return false;
	}
	keep(x, k);
	return true;
}

/* Of the files with the image's ID, one is its config: or, with containerd's store, its manifest. */
static bool take_small(struct exported *x, const struct tar_member *m, struct err *err)
{
	CLEANUP(mem_freep) char *name = mem_strdup(m->name);
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(SMALL_CEILING);
	struct digest d;

	if (!read_small(x, &bytes, err))
		return false;
	if (v1_id_take(x->v1, name, buf_str(&bytes), bytes.len))
		return true;
	d = digest_of(buf_str(&bytes), bytes.len);
	if (digest_same(&d, &x->pending.id) && is_config(&bytes)) {
		pending_set_config(&x->pending, buf_str(&bytes), bytes.len);
		return true;
	}
	return (!is_blob(name) && !digest_same(&d, &x->pending.id)) ||
	       keep_small(x, &d, &bytes, err);
}

static bool fill(struct exported *x, const struct world *w, struct kept *k, struct err *err)
{
	CLEANUP(mem_freep) char *chunk = mem_alloc(CHUNK);
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(NULL);
	size_t len = 1;

	while (len) {
		if (!world_check(w, err) || !tar_read(x->tar, chunk, CHUNK, &len, err) ||
		    !temp_add(&k->bytes, chunk, len, err))
			return false;
		hasher_add(h, chunk, len);
	}
	k->digest = hasher_finish(h);
	return true;
}

static bool take_large(struct exported *x, const struct world *w, struct err *err)
{
	struct kept *k = kept_new(x);

	if (!fill(x, w, k, err)) {
		kept_free(k);
		return false;
	}
	keep(x, k);
	return true;
}

/* Whether it is still to be packed; if so it is the caller's. */
static bool claim(struct exported *x, size_t layer)
{
	bool is_wanted;

	enter(x);
	is_wanted = x->pending.layers[layer].state == LAYER_OPEN && !x->is_begun[layer];
	x->is_begun[layer] |= is_wanted;
	leave(x);
	return is_wanted;
}

static size_t hint(const struct exported *x, const char *name)
{
	size_t layer = layer_of_name(x, name);

	return layer < x->pending.layer_count ? layer : v1_id_layer(x->v1, name);
}

/* *ret_layer: J has a layer's bytes. Else the member was of another kind, or not wanted. */
static bool read_member(struct exported *x, const struct world *w, const struct tar_member *m,
			struct job *j, bool *ret_layer, struct err *err)
{
	size_t none = x->pending.layer_count;

	*ret_layer = false;
	if (m->kind != TAR_FILE || !m->name)
		return true;
	j->hinted = hint(x, m->name);
	if (j->hinted < none && !claim(x, j->hinted))
		return true;
	if (j->hinted < none || (may_be_layer(m->name) && !is_blob(m->name))) {
		*ret_layer = true;
		return read_layer(x, w, m, j, err);
	}
	if (m->size_bytes <= (int64_t)SMALL_CEILING)
		return take_small(x, m, err);
	return !is_blob(m->name) || take_large(x, w, err);
}

/* The pass */

static void pass_end(struct exported *x)
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

	enter(x);
	while ((ok = is_going_on(x, err) && world_check(w, err)) && x->unsure)
		monitor_wait(x->pending.sched, x->pending.monitor, LOOK_UP_MS);
	x->is_whole |= ok;
	leave(x);
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
static bool read_on(struct exported *x, const struct world *w, struct job *j,
		    enum pass_step *ret_step, struct err *err)
{
	struct tar_member m;
	bool end, is_layer = false, more = true;

	if (x->stream && x->cancel != w->cancel)
		pass_end(x); /* of a pool that is gone */
	if (!x->stream && !pass_begin(x, w, err))
		return false;
	while (!is_layer && more) {
		if (!world_check(w, err) || !tar_next(x->tar, &m, &end, err))
			return false;
		if (!end && !read_member(x, w, &m, j, &is_layer, err))
			return false;
		enter(x);
		more = !end && is_more_wanted(x);
		leave(x);
		if (end && !check_all_there(x, w, err))
			return false;
	}
	*ret_step = is_layer ? PASS_LAYER : PASS_OVER;
	if (!more)
		pass_end(x);
	return true;
}

/* True: the pass is the caller's to read on. False: it is over, or ERR says why it cannot go on. */
static bool pass_take(struct exported *x, const struct world *w, struct err *err)
{
	bool taken = false;

	enter(x);
	while (x->is_read && x->failed.code == ERR_NONE && world_check(w, err))
		monitor_wait(x->pending.sched, x->pending.monitor, LOOK_UP_MS);
	if (err->code == ERR_NONE && is_going_on(x, err) && is_more_wanted(x))
		taken = x->is_read = true;
	leave(x);
	return taken;
}

/* Inside the monitor. The first failure is everybody's. */
static void fail(struct exported *x, const struct err *err)
{
	if (x->failed.code == ERR_NONE)
		err_copy(&x->failed, err);
}

/* J: what was read, of which may be unknown what it is. */
static void pass_give_back(struct exported *x, const struct job *j, const struct err *failed)
{
	enter(x);
	x->is_read = false;
	if (failed)
		fail(x, failed);
	else if (j->packing && j->hinted == x->pending.layer_count)
		x->unsure++;
	monitor_wake_all(x->pending.sched, x->pending.monitor);
	leave(x);
}

static void job_over(struct exported *x, const struct job *j, const struct err *err)
{
	enter(x);
	if (err->code != ERR_NONE)
		fail(x, err);
	if (j->hinted == x->pending.layer_count)
		x->unsure--;
	monitor_wake_all(x->pending.sched, x->pending.monitor);
	leave(x);
}

/* Packing what was read */

static bool refuse_hint(const struct exported *x, const struct job *j, const struct digest *found,
			struct err *err)
{
	return err_set(err, ERR_CORRUPT,
		       "layer %s is damaged in the engine's export: its bytes have %s",
		       x->pending.layers[j->hinted].diff_id.text, found->text);
}

/* LAYER's bytes are J's, unless somebody was faster. */
static void settle_layer(struct exported *x, struct job *j, size_t layer)
{
	struct descriptor blob = {
		.media_type = (char *)compression_media_type(&x->pending.compression),
		.size_bytes = hasher_bytes(j->packed),
		.digest = hasher_finish(j->packed),
	};
	bool is_first;

	enter(x);
	is_first = x->pending.layers[layer].state == LAYER_OPEN && !x->layers[layer].size_bytes;
	if (is_first)
		temp_move(&x->layers[layer], &j->bytes);
	leave(x);
	if (is_first)
		pending_packed(&x->pending, layer, &blob);
}

/* *ret_layer is layer_count for what is no layer of this image, or is not wanted. */
static bool finish(struct exported *x, struct job *j, size_t *ret_layer, struct err *err)
{
	size_t none = x->pending.layer_count;
	struct digest found;

	if (!packing_end(j->packing, err))
		return false;
	found = hasher_finish(j->plain);
	*ret_layer = pending_find(&x->pending, &found);
	if (j->hinted < none && *ret_layer != j->hinted)
		return refuse_hint(x, j, &found, err);
	if (*ret_layer == none || (j->hinted == none && !claim(x, *ret_layer))) {
		*ret_layer = none;
		return true;
	}
	settle_layer(x, j, *ret_layer);
	return true;
}

/* *ret_layer is layer_count when it is over or what came was none. */
static bool pack_one(struct exported *x, const struct world *w, size_t *ret_layer, struct err *err)
{
	CLEANUP(job_clear) struct job j = { .bytes = TEMP_INIT };
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
		pass_end(x);
}

static void come_in(struct exported *x)
{
	enter(x);
	if (x->inside++ == 0)
		begin_anew(x);
	leave(x);
}

/* The last one closes a pass that nobody reads on, while the world is there that it was opened in. */
static void go_out(struct exported *x)
{
	enter(x);
	if (--x->inside == 0 && (x->failed.code != ERR_NONE || !is_more_wanted(x)))
		pass_end(x);
	leave(x);
}

static bool exported_pack_next(struct pending *base, const struct world *w, size_t *ret_layer,
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

/* Bytes */

static const struct kept *kept_find(struct exported *x, const struct digest *d)
{
	const struct kept *k;

	enter(x);
	k = x->kept;
	while (k && !digest_same(&k->digest, d))
		k = k->next;
	leave(x);
	return k;
}

static bool exported_size(struct pending *base, const struct digest *d, int64_t *ret_size_bytes,
			  struct err *err)
{
	const struct kept *k = kept_find((struct exported *)base, d);

	(void)err;
	*ret_size_bytes = k ? k->bytes.size_bytes : CONTENT_ABSENT;
	return true;
}

static bool exported_open_blob(struct pending *base, const struct digest *d, struct stream **ret,
			       struct err *err)
{
	struct exported *x = (struct exported *)base;
	size_t layer = pending_find_packed(base, d);
	const struct kept *k = layer < base->layer_count ? NULL : kept_find(x, d);

	if (layer == base->layer_count && !k)
		return err_set(err, ERR_CORRUPT, "blob %s is missing", d->text);
	*ret = temp_stream(k ? &k->bytes : &x->layers[layer], d->text);
	return true;
}

/* Where it comes from */

#define BASES_MAX 64

static bool is_below(const struct engine_image *base, const struct pending *p)
{
	if (base->diff_id_count == 0 || base->diff_id_count > p->order_count)
		return false;
	for (size_t i = 0; i < base->diff_id_count; i++)
		if (!digest_same(&base->diff_ids[i], &p->layers[p->order[i]].diff_id))
			return false;
	return true;
}

static void add_all(struct strings *to, const struct strings *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!strings_have(to, from->at[i]))
			strings_add(to, from->at[i]);
}

static bool add_if_below(struct exported *x, const struct world *w,
			 const struct engine_listed *listed, struct strings *ret, struct err *err)
{
	CLEANUP(engine_image_clear) struct engine_image base = { .diff_ids = NULL };

	if (!engine_inspect(x->engine, w, listed->id.text, &base, err))
		return false;
	if (is_below(&base, &x->pending))
		add_all(ret, &listed->repo_digests);
	return true;
}

/* The image's own places, then those of the images that it is built upon. */
static bool exported_origins(struct pending *base, const struct world *w, struct strings *ret,
			     struct err *err)
{
	struct exported *x = (struct exported *)base;
	CLEANUP(engine_list_clear) struct engine_list list = { .at = NULL };
	size_t looked_at = 0;

	add_all(ret, &x->origins);
	if (!engine_images(x->engine, w, &list, err))
		return false;
	for (size_t i = 0; i < list.count && looked_at < BASES_MAX; i++) {
		if (list.at[i].repo_digests.count == 0 ||
		    digest_same(&list.at[i].id, &x->pending.id))
			continue;
		looked_at++;
		if (!add_if_below(x, w, &list.at[i], ret, err))
			return false;
	}
	return true;
}

static void exported_clear(struct pending *base)
{
	struct exported *x = (struct exported *)base;

	pass_end(x);
	while (x->kept) {
		struct kept *k = x->kept;

		x->kept = k->next;
		kept_free(k);
	}
	for (size_t i = 0; i < base->layer_count; i++)
		temp_clear(&x->layers[i]);
	free(x->layers);
	free(x->is_begun);
	free(x->name);
	strings_clear(&x->origins);
	err_clear(&x->failed);
	v1_id_free(x->v1);
	engine_free(x->engine);
}

static const struct pending_ops exported_ops = {
	.pack_next = exported_pack_next,
	.open = exported_open_blob,
	.size = exported_size,
	.origins = exported_origins,
	.clear = exported_clear,
};

static bool check_platform(const struct engine_image *i, const struct image_options *options,
			   struct err *err)
{
	CLEANUP(mem_freep) char *there = platform_text(&i->platform);

	if (options->platform_count == 0 || i->descriptor.media_type)
		return true;
	for (size_t k = 0; k < options->platform_count; k++)
		if (!platform_serves(&i->platform, &options->platforms[k]))
			return err_set(err, ERR_NO_SOURCE, "the image is only for: %s", there);
	return true;
}

bool exported_open(const struct world *w, struct engine *e, const char *name,
		   const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(engine_freep) struct engine *owned = e;
	CLEANUP(engine_image_clear) struct engine_image there = { .diff_ids = NULL };
	struct exported *x;

	if (!engine_inspect(e, w, name, &there, err) || !check_platform(&there, options, err))
		return false;
	x = NEW(struct exported);
	pending_init(&x->pending, &exported_ops, w, options, there.diff_ids, there.diff_id_count);
	x->pending.id = there.id;
	platform_move(&x->pending.platform, &there.platform);
	x->engine = TAKE(owned);
	x->name = mem_strdup(name);
	x->layers = mem_alloc((x->pending.layer_count + 1) * sizeof(*x->layers));
	for (size_t i = 0; i < x->pending.layer_count; i++)
		x->layers[i] = (struct temp)TEMP_INIT;
	x->is_begun = mem_alloc(x->pending.layer_count + 1);
	x->v1 = v1_id_new(&x->pending);
	add_all(&x->origins, &there.repo_digests);
	into->pending = &x->pending;
	into->content = &x->pending.content;
	return true;
}
