#include "image/engine_image.h"

#include "base/mem.h"

#include <string.h>

#define NOTHING "<none>" /* how engines write a tag or digest that is not there */

struct fields {
	const char *id;
	const struct js *repo_tags;
	const struct js *repo_digests;
	const struct js *root_fs;
	const char *os;
	const char *architecture;
	const char *variant;
	int64_t size;
	const struct js *descriptor;
};

static const struct js_field image_fields[] = {
	{ "Id", JS_STRING, offsetof(struct fields, id), JS_REQUIRED },
	{ "RepoTags", JS_ARRAY, offsetof(struct fields, repo_tags), JS_OPTIONAL },
	{ "RepoDigests", JS_ARRAY, offsetof(struct fields, repo_digests), JS_OPTIONAL },
	{ "RootFS", JS_OBJECT, offsetof(struct fields, root_fs), JS_REQUIRED },
	{ "Os", JS_STRING, offsetof(struct fields, os), JS_OPTIONAL },
	{ "Architecture", JS_STRING, offsetof(struct fields, architecture), JS_OPTIONAL },
	{ "Variant", JS_STRING, offsetof(struct fields, variant), JS_OPTIONAL },
	{ "Size", JS_INTEGER, offsetof(struct fields, size), JS_OPTIONAL },
	{ "Descriptor", JS_OBJECT, offsetof(struct fields, descriptor), JS_OPTIONAL },
};

static const struct js_field listed_fields[] = {
	{ "Id", JS_STRING, offsetof(struct fields, id), JS_REQUIRED },
	{ "RepoTags", JS_ARRAY, offsetof(struct fields, repo_tags), JS_OPTIONAL },
	{ "RepoDigests", JS_ARRAY, offsetof(struct fields, repo_digests), JS_OPTIONAL },
};

struct root_fs {
	const char *type;
	const struct js *layers;
};

static const struct js_field root_fs_fields[] = {
	{ "Type", JS_STRING, offsetof(struct root_fs, type), JS_OPTIONAL },
	{ "Layers", JS_ARRAY, offsetof(struct root_fs, layers), JS_OPTIONAL },
};

/* podman has been seen to leave the algorithm out. */
static bool take_id(const char *text, struct digest *ret, struct err *err)
{
	CLEANUP(mem_freep)
	char *whole = mem_printf("%s%s", strchr(text, ':') ? "" : "sha256:", text);

	return digest_parse(whole, ERR_CORRUPT, ret, err) || err_wrap(err, "Id");
}

static bool take_names(const struct js *list, const char *what, struct strings *ret,
		       struct err *err)
{
	size_t count = js_count(list);

	if (count > ENGINE_NAMES_MAX)
		return err_set(err, ERR_CORRUPT, "%s has more than %d entries", what,
			       ENGINE_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *name = js_string(js_at(list, i));

		if (!name)
			return err_set(err, ERR_CORRUPT, "%s[%zu] is not a string", what, i);
		if (!strstr(name, NOTHING))
			strings_add(ret, name);
	}
	return true;
}

static bool take_layers(const struct js *root_fs, struct engine_image *ret, struct err *err)
{
	struct root_fs f = { 0 };
	size_t count;

	if (!js_dispatch(root_fs, root_fs_fields, ARRAY_SIZE(root_fs_fields), ERR_CORRUPT, &f, err))
		return err_wrap(err, "RootFS");
	if (f.type && *f.type && strcmp(f.type, "layers") != 0)
		return err_set(err, ERR_CORRUPT, "RootFS: its type is '%.80s', not 'layers'",
			       f.type);
	count = js_count(f.layers);
	if (count > ENGINE_LAYERS_MAX)
		return err_set(err, ERR_CORRUPT, "RootFS has more than %d layers",
			       ENGINE_LAYERS_MAX);
	ret->diff_ids = mem_alloc((count + 1) * sizeof(ret->diff_ids[0]));
	for (size_t i = 0; i < count; i++) {
		const char *text = js_string(js_at(f.layers, i));

		if (!digest_parse(text ? text : "", ERR_CORRUPT, &ret->diff_ids[i], err))
			return err_wrap(err, "RootFS: layer %zu", i);
		ret->diff_id_count++;
	}
	return true;
}

static char *word_or_null(const char *text)
{
	return text && *text ? mem_strdup(text) : NULL;
}

bool engine_image_parse(const char *bytes, size_t len, struct engine_image *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct fields f = { .size = -1 };

	*ret = (struct engine_image){ .size_bytes = -1 };
	if (!js_parse(bytes, len, ENGINE_IMAGE_CEILING, ERR_CORRUPT, &j, err) ||
	    !js_dispatch(j, image_fields, ARRAY_SIZE(image_fields), ERR_CORRUPT, &f, err))
		return false;
	ret->platform.os = word_or_null(f.os);
	ret->platform.architecture = word_or_null(f.architecture);
	ret->platform.variant = word_or_null(f.variant);
	ret->size_bytes = f.size < 0 ? -1 : f.size;
	if (!take_id(f.id, &ret->id, err) ||
	    !take_names(f.repo_tags, "RepoTags", &ret->repo_tags, err) ||
	    !take_names(f.repo_digests, "RepoDigests", &ret->repo_digests, err) ||
	    !take_layers(f.root_fs, ret, err))
		return false;
	return !f.descriptor ||
	       descriptor_parse(f.descriptor, ERR_CORRUPT, &ret->descriptor, err) ||
	       err_wrap(err, "Descriptor");
}

void engine_image_clear(struct engine_image *i)
{
	strings_clear(&i->repo_tags);
	strings_clear(&i->repo_digests);
	free(i->diff_ids);
	platform_clear(&i->platform);
	descriptor_clear(&i->descriptor);
	*i = (struct engine_image){ .size_bytes = -1 };
}

static bool take_listed(const struct js *j, struct engine_listed *ret, struct err *err)
{
	struct fields f = { 0 };

	return js_dispatch(j, listed_fields, ARRAY_SIZE(listed_fields), ERR_CORRUPT, &f, err) &&
	       take_id(f.id, &ret->id, err) &&
	       take_names(f.repo_tags, "RepoTags", &ret->repo_tags, err) &&
	       take_names(f.repo_digests, "RepoDigests", &ret->repo_digests, err);
}

bool engine_list_parse(const char *bytes, size_t len, struct engine_list *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	size_t count;

	*ret = (struct engine_list){ 0 };
	if (!js_parse(bytes, len, ENGINE_LIST_CEILING, ERR_CORRUPT, &j, err))
		return false;
	if (!js_is_array(j))
		return err_set(err, ERR_CORRUPT, "not a JSON array");
	count = js_count(j);
	if (count > ENGINE_IMAGES_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d images", ENGINE_IMAGES_MAX);
	ret->at = mem_alloc((count + 1) * sizeof(ret->at[0]));
	for (ret->count = 0; ret->count < count; ret->count++)
		if (!take_listed(js_at(j, ret->count), &ret->at[ret->count], err)) {
			err_wrap(err, "image %zu", ret->count++);
			return false;
		}
	return true;
}

void engine_list_clear(struct engine_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		strings_clear(&l->at[i].repo_tags);
		strings_clear(&l->at[i].repo_digests);
	}
	free(l->at);
	*l = (struct engine_list){ 0 };
}
