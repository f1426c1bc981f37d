/* The export as a bag of files: which of them are wanted, and for what. */
#include "image/exported_private.h"

#include "base/mem.h"
#include "base/strings.h"
#include "image/saved.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK (64 * KIB)
#define TELL_EVERY_BYTES ((int64_t)MIB)

/* Of a file that is to be looked at whole: configs, manifests. */
#define SMALL_CEILING MANIFEST_CEILING

void export_job_clear(struct export_job *j)
{
	packing_free(j->packing);
	hasher_free(j->plain);
	hasher_free(j->packed);
	temp_clear(&j->bytes);
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

static bool may_be_layer(const char *name)
{
	return text_ends_with(name, ".tar");
}

static bool is_blob(const char *name)
{
	return strncmp(name, "blobs/sha256/", 13) == 0;
}

/* Reading */

static bool keep_packed(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct export_job *j = arg;

	hasher_add(j->packed, bytes, len);
	return temp_add(&j->bytes, bytes, len, err);
}

static void tell_packing(struct exported *x, const struct world *w, struct export_job *j,
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
		       struct export_job *j, struct err *err)
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
	exported_enter(x);
	k->next = x->kept;
	x->kept = k;
	x->has_root |= digest_same(&k->digest, &x->pending.id);
	exported_leave(x);
}

static struct kept *kept_new(struct exported *x)
{
	struct kept *k = NEW(struct kept);

	temp_init(&k->bytes, &x->pending.budget, x->pending.tmp_dir);
	return k;
}

void kept_free(struct kept *k)
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

bool exported_claim(struct exported *x, size_t layer)
{
	bool is_wanted;

	exported_enter(x);
	is_wanted = x->pending.layers[layer].state == LAYER_OPEN && !x->is_begun[layer];
	x->is_begun[layer] |= is_wanted;
	exported_leave(x);
	return is_wanted;
}

static size_t hint(const struct exported *x, const char *name)
{
	size_t layer = layer_of_name(x, name);

	return layer < x->pending.layer_count ? layer : v1_id_layer(x->v1, name);
}

bool exported_read_member(struct exported *x, const struct world *w, const struct tar_member *m,
			  struct export_job *j, bool *ret_layer, struct err *err)
{
	size_t none = x->pending.layer_count;

	*ret_layer = false;
	if (m->kind != TAR_FILE || !m->name)
		return true;
	j->hinted = hint(x, m->name);
	if (j->hinted < none && !exported_claim(x, j->hinted))
		return true;
	if (j->hinted < none || (may_be_layer(m->name) && !is_blob(m->name))) {
		*ret_layer = true;
		return read_layer(x, w, m, j, err);
	}
	if (m->size_bytes <= (int64_t)SMALL_CEILING)
		return take_small(x, m, err);
	return !is_blob(m->name) || take_large(x, w, err);
}
