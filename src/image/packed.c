#include "image/packed.h"

#include "base/mem.h"
#include "image/choice.h"
#include "image/layer.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_CEILING MANIFEST_CEILING

struct packed {
	struct pending pending;
	struct container *container;
	struct strings layer_names;
	struct layer *layers; /* as in pending */
	bool *is_begun;
};

static size_t begin_next(struct packed *p)
{
	struct pending *base = &p->pending;
	size_t i = 0;

	monitor_enter(base->sched, base->monitor);
	while (i < base->layer_count && (p->is_begun[i] || base->layers[i].state != LAYER_OPEN))
		i++;
	if (i < base->layer_count)
		p->is_begun[i] = true;
	monitor_leave(base->sched, base->monitor);
	return i;
}

/* It came to nothing, by the failure of one push: the next may try it again. */
static void give_back(struct packed *p, size_t i)
{
	struct pending *base = &p->pending;
	const char *name = p->layers[i].name;

	layer_clear(&p->layers[i]);
	layer_init(&p->layers[i], name, &base->layers[i].diff_id);
	monitor_enter(base->sched, base->monitor);
	p->is_begun[i] = false;
	monitor_leave(base->sched, base->monitor);
}

static bool packed_pack_next(struct pending *base, const struct world *w, size_t *ret_layer,
			     bool *ret_end, struct err *err)
{
	struct packed *p = (struct packed *)base;
	size_t i = begin_next(p);
	struct layer_means means;

	*ret_end = i == base->layer_count;
	if (*ret_end)
		return true;
	if (!pending_means(base, &means, err) ||
	    !layer_pack(w, p->container, &means, &p->layers[i], err)) {
		give_back(p, i);
		return false;
	}
	pending_packed(base, i, &p->layers[i].descriptor);
	*ret_layer = i;
	return true;
}

static bool packed_open_blob(struct pending *base, const struct digest *d, struct stream **ret,
			     struct err *err)
{
	struct packed *p = (struct packed *)base;
	size_t i = pending_find_packed(base, d);
	const struct layer *l = &p->layers[i];

	if (i == base->layer_count)
		return err_set(err, ERR_CORRUPT, "blob %s is missing", d->text);
	if (l->packed.size_bytes == 0)
		return container_open(p->container, l->name, ret, err);
	*ret = temp_stream(&l->packed, d->text);
	return true;
}

static bool packed_size(struct pending *base, const struct digest *d, int64_t *ret_size_bytes,
			struct err *err)
{
	(void)base;
	(void)d;
	(void)err;
	*ret_size_bytes = CONTENT_ABSENT;
	return true;
}

static void packed_clear(struct pending *base)
{
	struct packed *p = (struct packed *)base;

	for (size_t i = 0; i < base->layer_count; i++)
		layer_clear(&p->layers[i]);
	free(p->layers);
	free(p->is_begun);
	strings_clear(&p->layer_names);
	container_free(p->container);
}

static const struct pending_ops packed_ops = {
	.pack_next = packed_pack_next,
	.open = packed_open_blob,
	.size = packed_size,
	.clear = packed_clear,
};

/*
 * `docker save` names a config by its SHA-256: HEX.json, later blobs/sha256/HEX. Other tools need
 * not.
 */
static bool check_config_name(const char *name, const struct digest *d, struct err *err)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	size_t len = strspn(base, "0123456789abcdef");

	if (len != 64 || (base[len] && strcmp(base + len, ".json") != 0))
		return true;
	if (memcmp(base, digest_hex(d), len) == 0)
		return true;
	return err_set(err, ERR_CORRUPT, "config '%s' is damaged: its bytes have %s", name,
		       d->text);
}

static bool read_config(struct container *c, const char *name, struct buf *out, struct err *err)
{
	struct digest d;

	if (!container_read(c, name, out, err))
		return false;
	d = digest_of(buf_str(out), out->len);
	return check_config_name(name, &d, err);
}

static void list_layers(struct packed *p, const struct saved_image *saved)
{
	struct pending *base = &p->pending;

	for (size_t i = 0; i < saved->layers.count; i++)
		strings_add(&p->layer_names, saved->layers.at[i]);
	p->layers = mem_alloc((base->layer_count + 1) * sizeof(*p->layers));
	p->is_begun = mem_alloc(base->layer_count + 1);
	for (size_t i = base->order_count; i-- > 0;) {
		size_t at = base->order[i];

		layer_init(&p->layers[at], p->layer_names.at[i], &base->layers[at].diff_id);
	}
}

static bool check_count(const struct saved_config *config, const struct saved_image *saved,
			struct err *err)
{
	return config->count == saved->layers.count ||
	       err_set(err, ERR_CORRUPT, "%zu layers, but the image's config says %zu",
		       saved->layers.count, config->count);
}

bool packed_open(const struct world *w, struct container *c, const struct saved_image *saved,
		 const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(container_freep) struct container *owned = c;
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(CONFIG_CEILING);
	CLEANUP(saved_config_clear) struct saved_config config = { .diff_ids = NULL };
	struct packed *p;

	if (!read_config(c, saved->config, &bytes, err))
		return false;
	if (!saved_config_parse(buf_str(&bytes), bytes.len, &config, err))
		return err_wrap(err, "config '%s'", saved->config);
	if (!check_count(&config, saved, err) ||
	    !choose_config(buf_str(&bytes), bytes.len, options, err))
		return false;
	p = NEW(struct packed);
	pending_init(&p->pending, &packed_ops, w, options, config.diff_ids, config.count);
	list_layers(p, saved);
	pending_set_config(&p->pending, buf_str(&bytes), bytes.len);
	p->pending.id = p->pending.config.digest;
	p->container = TAKE(owned);
	into->pending = &p->pending;
	into->content = &p->pending.content;
	return config_platform(buf_str(&bytes), bytes.len, &p->pending.platform, err);
}
