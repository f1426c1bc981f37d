#include "image/exported_private.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Bytes */

static const struct kept *kept_find(struct exported *x, const struct digest *d)
{
	const struct kept *k;

	exported_enter(x);
	k = x->kept;
	while (k && !digest_same(&k->digest, d))
		k = k->next;
	exported_leave(x);
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

	exported_pass_end(x);
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
