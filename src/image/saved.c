#include "image/saved.h"

#include "base/mem.h"
#include "image/layout.h"
#include "wire/js.h"

#include <stdlib.h>

struct fields {
	const char *config;
	const struct js *repo_tags;
	const struct js *layers;
};

static const struct js_field image_fields[] = {
	{ "Config", JS_STRING, offsetof(struct fields, config), JS_REQUIRED },
	{ "RepoTags", JS_ARRAY, offsetof(struct fields, repo_tags), JS_OPTIONAL },
	{ "Layers", JS_ARRAY, offsetof(struct fields, layers), JS_OPTIONAL },
};

static bool take_strings(const struct js *array, const char *what, struct strings *ret,
			 struct err *err)
{
	size_t count = js_count(array);

	if (count > SAVED_LAYERS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d entries in '%s'", SAVED_LAYERS_MAX,
			       what);
	for (size_t i = 0; i < count; i++) {
		const char *s = js_string(js_at(array, i));

		if (!s || !*s)
			return err_set(err, ERR_CORRUPT, "%s[%zu] is not a text", what, i);
		strings_add(ret, s);
	}
	return true;
}

static bool take_image(const struct js *j, struct saved_image *ret, struct err *err)
{
	struct fields f = { .config = NULL };

	if (!js_dispatch(j, image_fields, ARRAY_SIZE(image_fields), ERR_CORRUPT, &f, err))
		return false;
	ret->config = mem_strdup(f.config);
	return take_strings(f.repo_tags, "RepoTags", &ret->repo_tags, err) &&
	       take_strings(f.layers, "Layers", &ret->layers, err);
}

static bool take_images(const struct js *j, struct saved *ret, struct err *err)
{
	size_t count = js_count(j);

	if (!js_is_array(j))
		return err_set(err, ERR_CORRUPT, "not an array");
	if (count > SAVED_IMAGES_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d images", SAVED_IMAGES_MAX);
	ret->images = mem_alloc((count + 1) * sizeof(*ret->images));
	for (size_t i = 0; i < count; i++)
		if (!take_image(js_at(j, i), &ret->images[ret->count++], err))
			return err_wrap(err, "image %zu", i);
	return true;
}

bool saved_parse(const char *bytes, size_t len, struct saved *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;

	*ret = (struct saved){ .images = NULL };
	if (!js_parse(bytes, len, SAVED_CEILING, ERR_CORRUPT, &j, err))
		return err_wrap(err, "manifest.json");
	return take_images(j, ret, err) || err_wrap(err, "manifest.json");
}

void saved_image_clear(struct saved_image *i)
{
	free(i->config);
	strings_clear(&i->layers);
	strings_clear(&i->repo_tags);
}

void saved_clear(struct saved *s)
{
	for (size_t i = 0; i < s->count; i++)
		saved_image_clear(&s->images[i]);
	free(s->images);
	*s = (struct saved){ .images = NULL };
}

static bool image_matches(const struct saved_image *image, const char *ref)
{
	for (size_t i = 0; i < image->repo_tags.count; i++)
		if (ref_matches(image->repo_tags.at[i], ref))
			return true;
	return false;
}

#define LISTED_MAX 20

static char *names(const struct saved *s)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < s->count && i < LISTED_MAX; i++) {
		const struct strings *tags = &s->images[i].repo_tags;

		for (size_t k = 0; k < tags->count && k < LISTED_MAX; k++)
			buf_printf(&text, "%s%.200s", text.len ? ", " : "", tags->at[k]);
	}
	return text.len ? buf_take(&text) : mem_strdup("images without a name");
}

static bool refuse_choice(const struct saved *s, const char *ref, struct err *err)
{
	CLEANUP(mem_freep) char *there = names(s);

	if (s->count == 0)
		return err_set(err, ERR_NO_SOURCE, "there is no image in it");
	if (ref)
		return err_set(err, ERR_NO_SOURCE, "there is no image '%s', only: %s", ref, there);
	err_set(err, ERR_NO_SOURCE, "there is more than one image: %s", there);
	err_hint(err, "add the name of one of them to the source, behind a colon");
	return false;
}

bool saved_choose(const struct saved *s, const char *ref, const struct saved_image **ret,
		  struct err *err)
{
	if (!ref && s->count != 1)
		return refuse_choice(s, NULL, err);
	for (size_t i = 0; i < s->count; i++) {
		if (!ref || image_matches(&s->images[i], ref)) {
			*ret = &s->images[i];
			return true;
		}
	}
	return refuse_choice(s, ref, err);
}

static bool take_diff_ids(const struct js *list, struct saved_config *ret, struct err *err)
{
	size_t count = js_count(list);

	if (count > SAVED_LAYERS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d diff_ids", SAVED_LAYERS_MAX);
	ret->diff_ids = mem_alloc((count + 1) * sizeof(*ret->diff_ids));
	for (; ret->count < count; ret->count++) {
		const char *text = js_string(js_at(list, ret->count));

		if (!text)
			return err_set(err, ERR_CORRUPT, "diff_ids[%zu] is not a text", ret->count);
		if (!digest_parse(text, ERR_CORRUPT, &ret->diff_ids[ret->count], err))
			return err_wrap(err, "diff_ids[%zu]", ret->count);
	}
	return true;
}

bool saved_config_parse(const char *bytes, size_t len, struct saved_config *ret, struct err *err)
{
	static const struct js_field config_fields[] = { { "rootfs", JS_OBJECT, 0, JS_REQUIRED } };
	static const struct js_field rootfs_fields[] = { { "diff_ids", JS_ARRAY, 0, JS_OPTIONAL } };
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *rootfs = NULL, *diff_ids = NULL;

	*ret = (struct saved_config){ .diff_ids = NULL };
	if (!js_parse(bytes, len, SAVED_CEILING, ERR_CORRUPT, &j, err) ||
	    !js_dispatch(j, config_fields, ARRAY_SIZE(config_fields), ERR_CORRUPT, &rootfs, err) ||
	    !js_dispatch(rootfs, rootfs_fields, ARRAY_SIZE(rootfs_fields), ERR_CORRUPT, &diff_ids,
			 err))
		return false;
	return take_diff_ids(diff_ids, ret, err);
}

void saved_config_clear(struct saved_config *c)
{
	free(c->diff_ids);
	*c = (struct saved_config){ .diff_ids = NULL };
}
