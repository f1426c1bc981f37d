#include "image/choice.h"

#include "base/mem.h"
#include "image/tree.h"

#include <stdlib.h>
#include <string.h>

/*
 * buildkit marks by these what it puts beside an image (docs/attestations/attestation-storage.md).
 */
#define ANNOTATION_REFERENCE_DIGEST "vnd.docker.reference.digest"

static const struct js_field config_fields[] = {
	{ "os", JS_STRING, offsetof(struct platform, os), JS_OPTIONAL },
	{ "architecture", JS_STRING, offsetof(struct platform, architecture), JS_OPTIONAL },
	{ "variant", JS_STRING, offsetof(struct platform, variant), JS_OPTIONAL },
};

static bool is_image_config(const struct descriptor *d)
{
	return strcmp(d->media_type, MEDIA_OCI_CONFIG) == 0 ||
	       strcmp(d->media_type, MEDIA_DOCKER_CONFIG) == 0;
}

static void platform_set(struct platform *to, const struct platform *from)
{
	mem_replace(&to->os, from->os);
	mem_replace(&to->architecture, from->architecture);
	mem_replace(&to->variant, from->variant && *from->variant ? from->variant : NULL);
}

bool config_platform(const char *bytes, size_t len, struct platform *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct platform borrowed = { .os = NULL };

	if (!js_parse(bytes, len, MANIFEST_CEILING, ERR_CORRUPT, &j, err) ||
	    !js_dispatch(j, config_fields, ARRAY_SIZE(config_fields), ERR_CORRUPT, &borrowed, err))
		return err_wrap(err, "config");
	platform_set(ret, &borrowed);
	return true;
}

static bool read_config(struct content *c, const struct descriptor *config, struct platform *ret,
			struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);

	return content_read(c, config, &bytes, err) &&
	       config_platform(buf_str(&bytes), bytes.len, ret, err);
}

/* What is not there says nothing; whether it has to be there is another question. */
static bool ask_config(struct content *c, const struct descriptor *d, struct platform *ret,
		       struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	bool there;

	if (!content_has(c, d, &there, err) || (there && !content_manifest(c, d, &m, err)))
		return false;
	if (!there || m->kind != MANIFEST_IMAGE || !is_image_config(&m->entries[0]))
		return true;
	if (!content_has(c, &m->entries[0], &there, err))
		return false;
	return !there || read_config(c, &m->entries[0], ret, err);
}

static bool add_leaf(struct content *c, const struct descriptor *d, const struct js *js,
		     struct leaves *ret, struct err *err)
{
	struct leaf *l;

	if (ret->count == ret->room) {
		ret->room = ret->room ? 2 * ret->room : 8;
		ret->at = mem_realloc(ret->at, ret->room, sizeof(*ret->at));
	}
	l = &ret->at[ret->count++];
	*l = (struct leaf){ .js = js ? js_copy(js) : NULL };
	descriptor_copy(&l->descriptor, d);
	if (!d->platform.os)
		return ask_config(c, d, &l->platform, err);
	platform_set(&l->platform, &d->platform);
	return true;
}

static bool collect(struct content *c, const struct descriptor *root, int depth, struct leaves *ret,
		    struct err *err);

static bool collect_child(struct content *c, const struct descriptor *d, const struct js *js,
			  int depth, struct leaves *ret, struct err *err)
{
	bool there;

	if (ret->count >= MANIFEST_ENTRIES_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d images", MANIFEST_ENTRIES_MAX);
	if (!media_type_is_index(d->media_type))
		return !media_type_is_manifest(d->media_type) || add_leaf(c, d, js, ret, err);
	if (!content_has(c, d, &there, err))
		return false;
	return !there || collect(c, d, depth + 1, ret, err);
}

static bool collect(struct content *c, const struct descriptor *root, int depth, struct leaves *ret,
		    struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	CLEANUP(js_freep) struct js *j = NULL;

	if (depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_CORRUPT, "indexes are nested more than %d deep",
			       TREE_DEPTH_MAX);
	/* One index may stand in many others: what bounds the depth does not bound the work. */
	if (++ret->indexes > TREE_MANIFESTS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d indexes", TREE_MANIFESTS_MAX);
	if (!content_manifest(c, root, &m, err))
		return false;
	if (m->kind == MANIFEST_IMAGE)
		return add_leaf(c, root, NULL, ret, err);
	if (!js_parse(m->bytes, m->size_bytes, MANIFEST_CEILING, ERR_CORRUPT, &j, err))
		return false;
	for (size_t i = 0; i < m->entry_count; i++)
		if (!collect_child(c, &m->entries[i], js_at(js_get(j, "manifests"), i), depth, ret,
				   err))
			return false;
	return true;
}

bool leaves_collect(struct content *c, const struct descriptor *root, struct leaves *ret,
		    struct err *err)
{
	*ret = (struct leaves){ .at = NULL };
	return collect(c, root, 1, ret, err);
}

void leaves_truncate(struct leaves *l, size_t count)
{
	for (; l->count > count; l->count--) {
		struct leaf *last = &l->at[l->count - 1];

		descriptor_clear(&last->descriptor);
		platform_clear(&last->platform);
		js_free(last->js);
	}
}

void leaves_clear(struct leaves *l)
{
	leaves_truncate(l, 0);
	free(l->at);
	*l = (struct leaves){ .at = NULL };
}

static const char *attested(const struct leaf *l)
{
	return js_string(js_get(js_get(l->js, "annotations"), ANNOTATION_REFERENCE_DIGEST));
}

bool leaf_is_attestation(const struct leaf *l)
{
	return attested(l) || (l->platform.os && strcmp(l->platform.os, "unknown") == 0);
}

char *leaves_platforms(const struct leaves *l)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < l->count; i++) {
		CLEANUP(mem_freep) char *platform = platform_text(&l->at[i].platform);

		if (!leaf_is_attestation(&l->at[i]))
			buf_printf(&text, "%s%s", text.len ? ", " : "", platform);
	}
	if (text.len == 0)
		buf_puts(&text, "no image");
	return buf_take(&text);
}

/* "linux/arm" takes any arm, but arm without a variant or of the usual one (v7) before v6. */
static const struct leaf *best_leaf(const struct leaves *l, const struct platform *wanted)
{
	const struct platform usual = { .os = wanted->os, .architecture = wanted->architecture };
	const struct leaf *any = NULL;

	for (size_t i = 0; i < l->count; i++) {
		const struct platform *p = &l->at[i].platform;

		if (leaf_is_attestation(&l->at[i]) || !platform_serves(p, wanted))
			continue;
		if (wanted->variant || platform_serves(&usual, p))
			return &l->at[i];
		any = any ? any : &l->at[i];
	}
	return any;
}

static bool refuse_platform(const struct leaves *l, const struct platform *wanted, struct err *err)
{
	CLEANUP(mem_freep) char *text = platform_text(wanted);
	CLEANUP(mem_freep) char *offered = leaves_platforms(l);

	return err_set(err, ERR_NO_SOURCE, "no image for platform '%s', only for: %s", text,
		       offered);
}

static bool is_in(const struct leaf *const *list, size_t count, const struct leaf *l)
{
	for (size_t i = 0; i < count; i++)
		if (digest_same(&list[i]->descriptor.digest, &l->descriptor.digest))
			return true;
	return false;
}

/* LIST holds at least as many as there are platforms. */
static bool choose_leaves(const struct leaves *l, const struct image_options *options,
			  const struct leaf **list, size_t *ret_count, struct err *err)
{
	*ret_count = 0;
	for (size_t i = 0; i < options->platform_count; i++) {
		const struct leaf *best = best_leaf(l, &options->platforms[i]);

		if (!best)
			return refuse_platform(l, &options->platforms[i], err);
		if (!is_in(list, *ret_count, best))
			list[(*ret_count)++] = best;
	}
	return true;
}

bool choose_config(const char *bytes, size_t len, const struct image_options *options,
		   struct err *err)
{
	struct leaf leaf = { .js = NULL };
	const struct leaves leaves = { .at = &leaf, .count = 1 };
	bool served = true;

	if (!config_platform(bytes, len, &leaf.platform, err))
		return false;
	for (size_t i = 0; served && i < options->platform_count; i++)
		served = platform_serves(&leaf.platform, &options->platforms[i]) ||
			 refuse_platform(&leaves, &options->platforms[i], err);
	platform_clear(&leaf.platform);
	return served;
}

static bool belongs(const struct leaf *const *list, size_t count, const struct leaf *l)
{
	const char *about = attested(l);

	if (!about)
		return is_in(list, count, l);
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i]->descriptor.digest.text, about) == 0)
			return true;
	return false;
}

/* The descriptors keep the order of the index that they come from. */
static bool compose_index(const struct leaves *l, const struct leaf *const *list, size_t count,
			  const struct descriptor *root, struct manifest **ret, struct err *err)
{
	CLEANUP(js_freep) struct js *index = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	struct js *manifests = js_array();

	js_put_integer(index, "schemaVersion", 2);
	js_put_string(index, "mediaType", root->media_type);
	js_put(index, "manifests", manifests);
	for (size_t i = 0; i < l->count; i++)
		if (belongs(list, count, &l->at[i]))
			js_append(manifests, js_copy(l->at[i].js));
	text = js_text(index, JS_COMPACT);
	return manifest_parse(text, strlen(text), root->media_type, NULL, ERR_CORRUPT, ret, err);
}

bool choose_platforms(struct content *c, const struct descriptor *root,
		      const struct image_options *options, struct manifest **ret, struct err *err)
{
	CLEANUP(leaves_clear) struct leaves leaves = { .at = NULL };
	CLEANUP(mem_freep) const struct leaf **list = NULL;
	size_t count;

	if (options->platform_count == 0)
		return content_manifest(c, root, ret, err);
	list = mem_alloc(options->platform_count * sizeof(*list));
	if (!leaves_collect(c, root, &leaves, err) ||
	    !choose_leaves(&leaves, options, list, &count, err))
		return false;
	if (count == 1)
		return content_manifest(c, &list[0]->descriptor, ret, err);
	return compose_index(&leaves, list, count, root, ret, err);
}
