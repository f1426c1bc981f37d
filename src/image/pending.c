#include "image/pending.h"

#include "base/mem.h"
#include "image/choice.h"
#include "image/compose.h"
#include "image/present.h"
#include "image/saved.h"
#include "image/tree.h"

#include <stdlib.h>
#include <string.h>

static void enter(struct pending *p)
{
	monitor_enter(p->sched, p->monitor);
}

static void leave(struct pending *p)
{
	monitor_leave(p->sched, p->monitor);
}

/* As content */

static bool is_config(const struct pending *p, const struct digest *d)
{
	return p->config_bytes && digest_same(&p->config.digest, d);
}

static const struct pending_layer *layer_of_blob(const struct pending *p, const struct digest *d)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (p->layers[i].state != LAYER_OPEN && digest_same(&p->layers[i].blob.digest, d))
			return &p->layers[i];
	return NULL;
}

static bool content_op_size(struct content *c, const struct digest *d, int64_t *ret_size_bytes,
			    struct err *err)
{
	struct pending *p = (struct pending *)c;
	const struct pending_layer *l;
	bool found;

	enter(p);
	l = layer_of_blob(p, d);
	found = l || is_config(p, d);
	if (found)
		*ret_size_bytes = l ? l->blob.size_bytes : p->config.size_bytes;
	leave(p);
	return found || p->ops->size(p, d, ret_size_bytes, err);
}

static bool content_op_open(struct content *c, const struct digest *d, struct stream **ret,
			    struct err *err)
{
	struct pending *p = (struct pending *)c;

	bool found;

	enter(p);
	found = is_config(p, d);
	if (found)
		*ret = stream_of_bytes(p->config_bytes, (size_t)p->config.size_bytes);
	leave(p);
	return found || p->ops->open(p, d, ret, err);
}

static void content_op_free(struct content *c)
{
	struct pending *p = (struct pending *)c;

	p->ops->clear(p);
	compressor_free(p->compressor);
	free(p->tmp_dir);
	for (size_t i = 0; i < p->layer_count; i++)
		descriptor_clear(&p->layers[i].blob);
	for (size_t i = 0; i < p->retired_count; i++)
		manifest_free(p->retired[i]);
	free(p->retired);
	free(p->layers);
	free(p->order);
	free(p->config_bytes);
	descriptor_clear(&p->config);
	platform_clear(&p->platform);
	monitor_free(p->sched, p->monitor);
	free(p);
}

static const struct content_ops pending_content_ops = {
	.size = content_op_size,
	.open = content_op_open,
	.free = content_op_free,
};

/* For sources */

size_t pending_find(const struct pending *p, const struct digest *diff_id)
{
	size_t i = 0;

	while (i < p->layer_count && !digest_same(&p->layers[i].diff_id, diff_id))
		i++;
	return i;
}

static void list_layers(struct pending *p, const struct digest *diff_ids, size_t count)
{
	p->layers = mem_alloc((count + 1) * sizeof(*p->layers));
	p->order = mem_alloc((count + 1) * sizeof(*p->order));
	for (; p->order_count < count; p->order_count++) {
		size_t at = pending_find(p, &diff_ids[p->order_count]);

		if (at == p->layer_count)
			p->layers[p->layer_count++].diff_id = diff_ids[p->order_count];
		p->order[p->order_count] = at;
	}
}

void pending_init(struct pending *p, const struct pending_ops *ops, const struct world *w,
		  const struct image_options *options, const struct digest *diff_ids, size_t count)
{
	p->content.ops = &pending_content_ops;
	p->ops = ops;
	p->world = w;
	p->sched = w->sched;
	p->monitor = monitor_new(w->sched);
	p->options = *options;
	p->compression = options->compression;
	p->budget = (struct temp_budget)TEMP_BUDGET_INIT;
	p->tmp_dir = mem_strdup(options->tmp_dir);
	list_layers(p, diff_ids, count);
}

bool pending_means(struct pending *p, struct layer_means *ret, struct err *err)
{
	bool ok;

	enter(p);
	ok = p->compressor || compressor_new(p->world, &p->compression, 0, &p->compressor, err);
	*ret = (struct layer_means){ p->compressor, &p->budget, p->tmp_dir };
	leave(p);
	return ok;
}

size_t pending_find_packed(struct pending *p, const struct digest *blob)
{
	const struct pending_layer *l;
	size_t found;

	enter(p);
	l = layer_of_blob(p, blob);
	found = l && l->state == LAYER_PACKED ? (size_t)(l - p->layers) : p->layer_count;
	leave(p);
	return found;
}

enum layer_state pending_state(struct pending *p, size_t layer)
{
	enum layer_state state;

	enter(p);
	state = p->layers[layer].state;
	leave(p);
	return state;
}

static bool decide(struct pending *p, size_t layer, enum layer_state state,
		   const struct descriptor *blob)
{
	struct pending_layer *l = &p->layers[layer];
	bool is_first;

	enter(p);
	is_first = l->state == LAYER_OPEN;
	if (is_first) {
		descriptor_copy(&l->blob, blob);
		l->state = state;
	}
	leave(p);
	return is_first;
}

bool pending_packed(struct pending *p, size_t layer, const struct descriptor *blob)
{
	return decide(p, layer, LAYER_PACKED, blob);
}

void pending_set_config(struct pending *p, const char *bytes, size_t len)
{
	enter(p);
	if (!p->config_bytes) {
		p->config.digest = digest_of(bytes, len);
		p->config.size_bytes = (int64_t)len;
		p->config_bytes = mem_alloc(len + 1);
		memcpy(p->config_bytes, bytes, len);
	}
	leave(p);
}

/* For those who want the image */

bool pending_accepts(const struct pending *p, const struct descriptor *blob)
{
	enum layer_form wanted =
		p->compression.algorithm == COMPRESS_GZIP ? LAYER_FORM_GZIP : LAYER_FORM_ZSTD;

	return descriptor_layer_form(blob) == wanted;
}

void pending_adopt(struct image *i, size_t layer, const struct descriptor *blob)
{
	decide(i->pending, layer, LAYER_ADOPTED, blob);
}

size_t pending_open_count(struct image *i)
{
	struct pending *p = i->pending;
	size_t count = 0;

	enter(p);
	for (size_t k = 0; k < p->layer_count; k++)
		count += p->layers[k].state == LAYER_OPEN;
	leave(p);
	return count;
}

bool pending_has_config(struct image *i)
{
	bool has;

	enter(i->pending);
	has = i->pending->config_bytes != NULL;
	leave(i->pending);
	return has;
}

bool pending_config(struct image *i, struct descriptor *ret)
{
	struct pending *p = i->pending;
	bool known;

	enter(p);
	known = p->config_bytes != NULL;
	if (known)
		descriptor_copy(ret, &p->config);
	leave(p);
	return known;
}

static bool has_these_layers(const struct pending *p, const struct saved_config *config)
{
	if (config->count != p->order_count)
		return false;
	for (size_t i = 0; i < config->count; i++)
		if (!digest_same(&config->diff_ids[i], &p->layers[p->order[i]].diff_id))
			return false;
	return true;
}

/* An ID may also be a manifest's, and there are registries that give manifests out as blobs. */
static bool is_config_of(const struct pending *p, const char *bytes, size_t len)
{
	CLEANUP(saved_config_clear) struct saved_config config = { .diff_ids = NULL };
	struct err ignored = ERR_INIT;
	bool is = saved_config_parse(bytes, len, &config, &ignored) && has_these_layers(p, &config);

	err_clear(&ignored);
	return is;
}

bool pending_offer_config(struct image *i, const char *bytes, size_t len)
{
	struct digest d = digest_of(bytes, len);

	if (!digest_same(&d, &i->pending->id) || !is_config_of(i->pending, bytes, len))
		return false;
	pending_set_config(i->pending, bytes, len);
	return true;
}

bool pending_pack_next(const struct world *w, struct image *i, size_t *ret_layer, bool *ret_end,
		       struct err *err)
{
	return i->pending->ops->pack_next(i->pending, w, ret_layer, ret_end, err);
}

static bool is_adopted(const struct pending *p, const struct digest *d)
{
	const struct pending_layer *l = layer_of_blob(p, d);

	return l && l->state == LAYER_ADOPTED;
}

static bool compose(const struct pending *p, struct manifest **ret, struct err *err)
{
	CLEANUP(mem_freep)
	struct descriptor *layers = mem_alloc((p->order_count + 1) * sizeof(*layers));

	for (size_t i = 0; i < p->order_count; i++) {
		const struct pending_layer *l = &p->layers[p->order[i]];

		if (l->state == LAYER_OPEN)
			return err_set(err, ERR_CORRUPT, "the source does not yield the layer %s",
				       l->diff_id.text);
		layers[i] = l->blob; /* borrowed */
	}
	return compose_manifest(&p->compression, &p->config, layers, p->order_count, ret, err);
}

static bool read_composed(const struct world *w, struct image *i, struct err *err)
{
	struct pending *p = i->pending;
	struct manifest *root = NULL;

	if (!is_config_of(p, p->config_bytes, (size_t)p->config.size_bytes))
		return err_set(err, ERR_CORRUPT,
			       "the image's config %s names other layers than the source has told",
			       p->config.digest.text);
	return compose(p, &root, err) && tree_read(w, i->content, root, i, NULL, err);
}

/* What an engine with containerd's store has is an image of its own: nothing is composed. */
static bool read_own(const struct world *w, struct image *i, struct err *err)
{
	struct pending *p = i->pending;
	struct descriptor own = { .digest = p->id };
	struct manifest *root = NULL;

	if (!content_size(&p->content, &p->id, &own.size_bytes, err))
		return false;
	if (own.size_bytes == CONTENT_ABSENT)
		return err_set(err, ERR_CORRUPT, "the source does not hold its image's config, %s",
			       p->id.text);
	return choose_platforms(i->content, &own, &p->options, &root, err) &&
	       tree_read_present(w, &own, root, &p->options, i, err);
}

bool pending_settle(const struct world *w, struct image *i, struct err *err)
{
	bool is_composed = i->pending->config_bytes != NULL;

	if (!(is_composed ? read_composed(w, i, err) : read_own(w, i, err)))
		return false;
	for (size_t k = 0; k < i->blob_count; k++)
		i->blobs[k].in_source &= !is_adopted(i->pending, &i->blobs[k].descriptor.digest);
	return true;
}

static bool lists(const struct image *i, const struct digest *d)
{
	for (size_t k = 0; k < i->blob_count; k++)
		if (digest_same(&i->blobs[k].descriptor.digest, d))
			return true;
	return false;
}

bool pending_take(struct image *i, const struct manifest *m, struct err *err)
{
	struct manifest *copy = NULL;

	if (!manifest_parse(m->bytes, m->size_bytes, m->media_type, &m->digest, ERR_UNEXPECTED,
			    &copy, err))
		return false;
	i->manifests = mem_alloc(sizeof(*i->manifests));
	i->manifests[i->manifest_count++] = copy;
	if (m->kind != MANIFEST_IMAGE)
		return true;
	i->blobs = mem_alloc(m->entry_count * sizeof(*i->blobs));
	for (size_t k = 0; k < m->entry_count; k++) {
		struct image_blob *b = &i->blobs[i->blob_count];

		if (lists(i, &m->entries[k].digest))
			continue;
		descriptor_copy(&b->descriptor, &m->entries[k]);
		b->nondistributable = descriptor_is_nondistributable(&m->entries[k]);
		i->blob_count++;
	}
	return true;
}

/* Results speak of the root until the image is freed. */
static void retire_root(struct image *i)
{
	struct pending *p = i->pending;

	if (i->manifest_count == 0)
		return;
	p->retired = mem_realloc(p->retired, p->retired_count + 1, sizeof(struct manifest *));
	p->retired[p->retired_count++] = i->manifests[--i->manifest_count];
}

void pending_reopen(struct image *i)
{
	struct pending *p = i->pending;

	retire_root(i);
	tree_clear(i);
	enter(p);
	for (size_t k = 0; k < p->layer_count; k++) {
		if (p->layers[k].state == LAYER_ADOPTED) {
			p->layers[k].state = LAYER_OPEN;
			descriptor_clear(&p->layers[k].blob);
		}
	}
	leave(p);
}

bool pending_origins(const struct world *w, struct image *i, struct strings *ret, struct err *err)
{
	return !i->pending->ops->origins || i->pending->ops->origins(i->pending, w, ret, err);
}
