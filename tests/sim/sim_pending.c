#include "sim/sim_pending.h"

#include "base/mem.h"
#include "base/stream.h"
#include "image/codec.h"

#include <string.h>

#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"

struct bytes {
	char *at;
	size_t len;
};

struct sim_pending {
	struct pending pending;
	struct sim_pending_options options;
	struct bytes *layers; /* packed, as in pending */
	bool *is_begun;
	char *config;
	size_t packed;
};

static struct sim_pending *pending_of(const struct image *i)
{
	return (struct sim_pending *)i->pending;
}

static size_t begin_next(struct sim_pending *s)
{
	struct pending *p = &s->pending;
	size_t i = 0;

	monitor_enter(p->sched, p->monitor);
	while (i < p->layer_count && (s->is_begun[i] || p->layers[i].state != LAYER_OPEN))
		i++;
	if (i < p->layer_count)
		s->is_begun[i] = true;
	monitor_leave(p->sched, p->monitor);
	return i;
}

static bool breaks(struct sim_pending *s, struct err *err)
{
	return s->options.fails_at && s->packed >= s->options.fails_at &&
	       !err_set(err, ERR_CORRUPT, "the source has gone");
}

static bool sim_pack_next(struct pending *p, const struct world *w, size_t *ret_layer,
			  bool *ret_end, struct err *err)
{
	struct sim_pending *s = (struct sim_pending *)p;
	size_t i = begin_next(s);
	struct descriptor blob = { .media_type = (char *)GZIP };

	*ret_end = i == p->layer_count;
	if (*ret_end) {
		pending_set_config(p, s->config, strlen(s->config));
		return true;
	}
	if (!world_sleep(w, s->options.pack_ms, err) || breaks(s, err)) {
		s->is_begun[i] = false;
		return false;
	}
	s->packed++;
	blob.size_bytes = (int64_t)s->layers[i].len;
	blob.digest = digest_of(s->layers[i].at, s->layers[i].len);
	pending_packed(p, i, &blob);
	*ret_layer = i;
	return true;
}

static bool sim_open(struct pending *p, const struct digest *d, struct stream **ret,
		     struct err *err)
{
	struct sim_pending *s = (struct sim_pending *)p;
	size_t i = pending_find_packed(p, d);

	if (i == p->layer_count)
		return err_set(err, ERR_CORRUPT, "'%s' is missing", d->text);
	*ret = stream_of_bytes(s->layers[i].at, s->layers[i].len);
	return true;
}

static bool sim_size(struct pending *p, const struct digest *d, int64_t *ret, struct err *err)
{
	(void)p;
	(void)d;
	(void)err;
	*ret = CONTENT_ABSENT;
	return true;
}

static bool sim_origins(struct pending *p, const struct world *w, struct strings *ret,
			struct err *err)
{
	struct sim_pending *s = (struct sim_pending *)p;

	(void)w;
	if (s->options.origins_are_lost)
		return err_set(err, ERR_NO_SOURCE, "the engine has gone");
	if (s->options.origin)
		strings_add(ret, s->options.origin);
	return true;
}

static void sim_clear_pending(struct pending *p)
{
	struct sim_pending *s = (struct sim_pending *)p;

	for (size_t i = 0; i < p->layer_count; i++)
		free(s->layers[i].at);
	free(s->layers);
	free(s->is_begun);
	free(s->config);
}

static const struct pending_ops sim_pending_ops = {
	.pack_next = sim_pack_next,
	.open = sim_open,
	.size = sim_size,
	.origins = sim_origins,
	.clear = sim_clear_pending,
};

static struct bytes pack(struct codec *c, const char *bytes, size_t len)
{
	struct err err = ERR_INIT;
	struct bytes b = { mem_alloc(codec_bound_bytes(COMPRESS_GZIP)), 0 };

	if (!codec_pack(c, bytes, len, b.at, &b.len, &err))
		abort();
	b.at = mem_realloc(b.at, b.len, 1);
	return b;
}

/* Packed; *RET_DIFF_ID is what it was before. */
static struct bytes draw_layer(struct sim_rng *rng, struct codec *c, size_t max,
			       struct digest *ret_diff_id)
{
	size_t len = 1 + (size_t)sim_rng_below(rng, max);
	CLEANUP(mem_freep) char *bytes = mem_alloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('a' + sim_rng_below(rng, 26));
	*ret_diff_id = digest_of(bytes, len);
	return pack(c, bytes, len);
}

static char *config_of(const struct digest *diff_ids, size_t count)
{
	struct buf json = BUF_INIT(64 * KIB);

	buf_puts(&json, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
			"\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < count; i++)
		buf_printf(&json, "%s\"%s\"", i ? "," : "", diff_ids[i].text);
	buf_puts(&json, "]}}");
	return buf_take(&json);
}

struct image *sim_pending_new(const struct world *w, struct sim_rng *rng,
			      const struct sim_pending_options *options)
{
	const struct image_options none = { .tmp_dir = "/nonexistent" };
	CLEANUP(codec_freep) struct codec *codec = NULL;
	struct err err = ERR_INIT;
	struct digest *diff_ids = mem_alloc((options->layers + 1) * sizeof(*diff_ids));
	struct sim_pending *s = NEW(struct sim_pending);
	struct image *i = NEW(struct image);

	if (!codec_new(&(struct compression){ .algorithm = COMPRESS_GZIP }, &codec, &err))
		abort();
	s->options = *options;
	s->layers = mem_alloc((options->layers + 1) * sizeof(*s->layers));
	s->is_begun = mem_alloc(options->layers + 1);
	for (size_t k = 0; k < options->layers; k++) {
		s->layers[k] = draw_layer(rng, codec, options->layer_bytes_max, &diff_ids[k]);
	}
	s->config = config_of(diff_ids, options->layers);
	pending_init(&s->pending, &sim_pending_ops, w, &none, diff_ids, options->layers);
	if (s->pending.layer_count != options->layers)
		abort(); /* two of the layers are the same: another seed, or more bytes */
	s->pending.id = digest_of(s->config, strlen(s->config));
	s->pending.platform.os = mem_strdup("linux");
	s->pending.platform.architecture = mem_strdup("amd64");
	if (options->knows_config)
		pending_set_config(&s->pending, s->config, strlen(s->config));
	i->pending = &s->pending;
	i->content = &s->pending.content;
	free(diff_ids);
	return i;
}

size_t sim_pending_packed(const struct image *i)
{
	return pending_of(i)->packed;
}

static void store_blob(struct image *i, const struct descriptor *d, struct sim_repo *into)
{
	CLEANUP(stream_freep) struct stream *bytes = NULL;
	CLEANUP(buf_clear) struct buf all = BUF_INIT(SIM_BODY_CEILING);
	struct err err = ERR_INIT;

	if (!image_open_blob(i, d, &bytes, &err) || !stream_read_all(bytes, &all, ERR_LOCAL, &err))
		abort();
	sim_blob_put(into, &d->digest, buf_str(&all), all.len, 0);
}

void sim_pending_store(struct image *i, struct sim_registry *r, const char *repo, const char *tag)
{
	struct sim_repo *into = sim_store_repo(&r->store, repo);
	const struct manifest *root = image_root(i);

	for (size_t k = 0; k < i->blob_count; k++)
		if (i->blobs[k].in_source)
			store_blob(i, &i->blobs[k].descriptor, into);
	sim_manifest_put(into, &root->digest, root->media_type, root->bytes, root->size_bytes, 0);
	sim_tag_put(into, tag, &root->digest, 0, 0);
}
