#include "image/packed.h"

#include "base/mem.h"
#include "base/pool.h"
#include "image/choice.h"
#include "image/layer.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_CEILING MANIFEST_CEILING

struct packed {
	struct content content;
	struct container *container;
	const char *tmp_dir; /* only while packing */
	char *config_name;
	struct strings layer_names;
	struct descriptor config;
	struct layer *layers; /* each diff ID once */
	size_t layer_count;
};

static struct layer *layer_find(struct packed *p, const struct digest *diff_id)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (digest_same(&p->layers[i].diff_id, diff_id))
			return &p->layers[i];
	return NULL;
}

static const struct layer *layer_of_blob(const struct packed *p, const struct digest *d)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (digest_same(&p->layers[i].descriptor.digest, d))
			return &p->layers[i];
	return NULL;
}

static bool packed_size(struct content *c, const struct digest *d, int64_t *ret_size_bytes,
			struct err *err)
{
	const struct packed *p = (const struct packed *)c;
	const struct layer *l = layer_of_blob(p, d);

	(void)err;
	*ret_size_bytes = l				      ? l->descriptor.size_bytes
			  : digest_same(&p->config.digest, d) ? p->config.size_bytes
							      : CONTENT_ABSENT;
	return true;
}

static bool packed_open_blob(struct content *c, const struct digest *d, struct stream **ret,
			     struct err *err)
{
	const struct packed *p = (const struct packed *)c;
	const struct layer *l = layer_of_blob(p, d);

	if (l && l->packed.fd >= 0) {
		*ret = stream_of_file(l->packed.fd, l->packed.size_bytes, d->text);
		return true;
	}
	if (l || digest_same(&p->config.digest, d))
		return container_open(p->container, l ? l->name : p->config_name, ret, err);
	return err_set(err, ERR_CORRUPT, "blob %s is missing", d->text);
}

static void packed_free(struct content *c)
{
	struct packed *p = (struct packed *)c;

	for (size_t i = 0; i < p->layer_count; i++)
		layer_clear(&p->layers[i]);
	free(p->layers);
	descriptor_clear(&p->config);
	strings_clear(&p->layer_names);
	free(p->config_name);
	container_free(p->container);
	free(p);
}

static const struct content_ops packed_ops = {
	.size = packed_size,
	.open = packed_open_blob,
	.free = packed_free,
};

static struct packed *packed_new(struct container *c, const struct saved_image *saved)
{
	struct packed *p = NEW(struct packed);

	p->content.ops = &packed_ops;
	p->container = c;
	p->config_name = mem_strdup(saved->config);
	for (size_t i = 0; i < saved->layers.count; i++)
		strings_add(&p->layer_names, saved->layers.at[i]);
	return p;
}

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

static bool read_config(struct packed *p, const struct image_options *options,
			struct saved_config *ret, struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(CONFIG_CEILING);

	if (!container_read(p->container, p->config_name, &bytes, err))
		return false;
	p->config.media_type = mem_strdup(MEDIA_DOCKER_CONFIG);
	p->config.digest = digest_of(buf_str(&bytes), bytes.len);
	p->config.size_bytes = (int64_t)bytes.len;
	if (!check_config_name(p->config_name, &p->config.digest, err))
		return false;
	if (!saved_config_parse(buf_str(&bytes), bytes.len, ret, err))
		return err_wrap(err, "config '%s'", p->config_name);
	return choose_config(buf_str(&bytes), bytes.len, options, err);
}

static bool list_layers(struct packed *p, const struct saved_config *config, struct err *err)
{
	if (config->count != p->layer_names.count)
		return err_set(err, ERR_CORRUPT, "%zu layers, but the image's config says %zu",
			       p->layer_names.count, config->count);
	p->layers = mem_alloc((config->count + 1) * sizeof(*p->layers));
	for (size_t i = 0; i < config->count; i++)
		if (!layer_find(p, &config->diff_ids[i]))
			layer_init(&p->layers[p->layer_count++], p->layer_names.at[i],
				   &config->diff_ids[i]);
	return true;
}

static bool pack_one(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct packed *p = arg;

	return layer_pack(w, p->container, p->tmp_dir, &p->layers[index], err);
}

static struct js *describe(const struct descriptor *d)
{
	struct js *j = js_object();

	js_put_string(j, "mediaType", d->media_type);
	js_put_integer(j, "size", d->size_bytes);
	js_put_string(j, "digest", d->digest.text);
	return j;
}

static bool compose(struct packed *p, const struct saved_config *config, struct manifest **ret,
		    struct err *err)
{
	CLEANUP(js_freep) struct js *manifest = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	struct js *layers = js_array();

	js_put_integer(manifest, "schemaVersion", 2);
	js_put_string(manifest, "mediaType", MEDIA_DOCKER_MANIFEST);
	js_put(manifest, "config", describe(&p->config));
	js_put(manifest, "layers", layers);
	for (size_t i = 0; i < config->count; i++)
		js_append(layers, describe(&layer_find(p, &config->diff_ids[i])->descriptor));
	text = js_text(manifest, JS_COMPACT);
	return manifest_parse(text, strlen(text), MEDIA_DOCKER_MANIFEST, NULL, ERR_CORRUPT, ret,
			      err);
}

bool packed_open(const struct world *w, struct container *c, const struct saved_image *saved,
		 const struct image_options *options, struct manifest **ret_root,
		 struct content **ret_content, struct err *err)
{
	struct packed *p = packed_new(c, saved);
	CLEANUP(content_freep) struct content *owned = &p->content;
	CLEANUP(saved_config_clear) struct saved_config config = { .diff_ids = NULL };

	p->tmp_dir = options->tmp_dir;
	if (!read_config(p, options, &config, err) || !list_layers(p, &config, err))
		return false;
	if (!pool_run(w, options->jobs, p->layer_count, pack_one, p, err))
		return false;
	if (!compose(p, &config, ret_root, err))
		return false;
	*ret_content = TAKE(owned);
	return true;
}
