#include "image/layer.h"

#include "base/mem.h"
#include "image/gunzip.h"
#include "image/unzstd.h"

#include <string.h>

#define CHUNK (64 * KIB)
#define TELL_EVERY_BYTES ((int64_t)MIB)

/* A layer's file as it is read, in full chunks. */
struct flow {
	const struct world *world;
	struct stream *stream;
	const struct layer *layer;
	int64_t size_bytes;
	int64_t done_bytes;
	int64_t told_bytes;
	size_t len; /* of the chunk; shorter than CHUNK only at the end */
	char chunk[CHUNK];
};

static void flow_freep(struct flow **f)
{
	if (*f)
		stream_free((*f)->stream);
	free(*f);
}

static bool fill_chunk(struct flow *f, struct err *err)
{
	size_t len;

	f->len = 0;
	do {
		if (!stream_read(f->stream, f->chunk + f->len, CHUNK - f->len, &len, err))
			return false;
		f->len += len;
	} while (len > 0 && f->len < CHUNK);
	f->done_bytes += (int64_t)f->len;
	return true;
}

static void tell(struct flow *f)
{
	struct event e = { .kind = EVENT_BLOB };

	if (f->done_bytes < f->told_bytes + TELL_EVERY_BYTES && f->len == CHUNK)
		return;
	f->told_bytes = f->done_bytes;
	e.blob.stage = BLOB_STAGE_PACKING;
	e.blob.digest = f->layer->diff_id.text;
	e.blob.done_bytes = f->done_bytes;
	e.blob.size_bytes = f->size_bytes;
	world_tell(f->world, &e);
}

/* To the next chunk; an empty one is the end. */
static bool flow_next(struct flow *f, struct err *err)
{
	if (!world_check(f->world, err) || !fill_chunk(f, err))
		return false;
	tell(f);
	return true;
}

void layer_init(struct layer *l, const char *name, const struct digest *diff_id)
{
	*l = (struct layer){ .name = name, .diff_id = *diff_id, .packed = TEMP_INIT };
}

void layer_clear(struct layer *l)
{
	descriptor_clear(&l->descriptor);
	temp_clear(&l->packed);
}

static bool check_diff_id(const struct layer *l, struct hasher *plain, struct err *err)
{
	struct digest found = hasher_finish(plain);

	if (digest_same(&found, &l->diff_id))
		return true;
	return err_set(err, ERR_CORRUPT, "its diff ID is %s, the image's config says %s",
		       found.text, l->diff_id.text);
}

static void describe(struct layer *l, const char *media_type, struct hasher *h)
{
	l->descriptor.media_type = mem_strdup(media_type);
	l->descriptor.size_bytes = hasher_bytes(h);
	l->descriptor.digest = hasher_finish(h);
}

struct packed_out {
	struct temp *file;
	struct hasher *hasher;
};

static bool keep(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct packed_out *out = arg;

	hasher_add(out->hasher, bytes, len);
	return temp_add(out->file, bytes, len, err);
}

/* A plain tar: hashed as it comes, compressed, hashed again, all in one pass. */
static bool pack_plain(struct flow *f, const struct layer_means *means, struct layer *l,
		       struct err *err)
{
	CLEANUP(hasher_freep) struct hasher *plain = hasher_new(&l->diff_id);
	CLEANUP(hasher_freep) struct hasher *packed = hasher_new(NULL);
	struct packed_out out = { .file = &l->packed, .hasher = packed };
	CLEANUP(packing_freep)
	struct packing *packing = packing_begin(means->compressor, f->world, keep, &out);

	temp_init(&l->packed, means->budget, means->tmp_dir);
	while (f->len > 0) {
		hasher_add(plain, f->chunk, f->len);
		if (!packing_add(packing, f->chunk, f->len, err) || !flow_next(f, err))
			return false;
	}
	if (!packing_end(packing, err) || !check_diff_id(l, plain, err))
		return false;
	describe(l, compression_media_type(compressor_compression(means->compressor)), packed);
	return true;
}

static bool only_hash(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct hasher *h = arg;

	(void)err;
	hasher_add(h, bytes, len);
	return true;
}

static bool inspect_gzip(struct flow *f, struct layer *l, struct err *err)
{
	CLEANUP(hasher_freep) struct hasher *plain = hasher_new(&l->diff_id);
	CLEANUP(hasher_freep) struct hasher *whole = hasher_new(NULL);
	CLEANUP(gunzip_freep) struct gunzip *gunzip = gunzip_new(only_hash, plain);

	if (!gunzip)
		return err_set(err, ERR_LOCAL, "out of memory");
	while (f->len > 0) {
		hasher_add(whole, f->chunk, f->len);
		if (!gunzip_add(gunzip, f->chunk, f->len, err) || !flow_next(f, err))
			return false;
	}
	if (!gunzip_end(gunzip, err) || !check_diff_id(l, plain, err))
		return false;
	describe(l, MEDIA_DOCKER_LAYER, whole);
	return true;
}

static bool inspect_zstd(struct flow *f, struct layer *l, struct err *err)
{
	CLEANUP(hasher_freep) struct hasher *plain = hasher_new(&l->diff_id);
	CLEANUP(hasher_freep) struct hasher *whole = hasher_new(NULL);
	CLEANUP(unzstd_freep) struct unzstd *unzstd = unzstd_new(only_hash, plain);

	if (!unzstd)
		return err_set(err, ERR_LOCAL, "out of memory");
	while (f->len > 0) {
		hasher_add(whole, f->chunk, f->len);
		if (!unzstd_add(unzstd, f->chunk, f->len, err) || !flow_next(f, err))
			return false;
	}
	if (!unzstd_end(unzstd, err) || !check_diff_id(l, plain, err))
		return false;
	describe(l, MEDIA_OCI_LAYER_ZSTD, whole);
	return true;
}

static bool begins_with(const struct flow *f, const char *magic)
{
	return f->len >= strlen(magic) && memcmp(f->chunk, magic, strlen(magic)) == 0;
}

static bool flow_open(const struct world *w, struct container *c, const struct layer *l,
		      struct flow **ret, struct err *err)
{
	CLEANUP(flow_freep) struct flow *f = NEW(struct flow);

	f->world = w;
	f->layer = l;
	if (!container_size(c, l->name, &f->size_bytes, err) ||
	    !container_open(c, l->name, &f->stream, err) || !flow_next(f, err))
		return false;
	*ret = TAKE(f);
	return true;
}

static bool pack(struct flow *f, const struct layer_means *means, struct layer *l, struct err *err)
{
	if (begins_with(f, "\x1f\x8b"))
		return inspect_gzip(f, l, err);
	if (begins_with(f, "\x28\xb5\x2f\xfd"))
		return inspect_zstd(f, l, err);
	return pack_plain(f, means, l, err);
}

bool layer_pack(const struct world *w, struct container *c, const struct layer_means *means,
		struct layer *l, struct err *err)
{
	CLEANUP(flow_freep) struct flow *f = NULL;

	return (flow_open(w, c, l, &f, err) && pack(f, means, l, err)) ||
	       err_wrap(err, "layer '%s'", l->name);
}
