#include "image/manifest.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct media {
	const char *name;
	enum manifest_kind kind;
} medias[] = {
	{ MEDIA_OCI_MANIFEST, MANIFEST_IMAGE },
	{ MEDIA_OCI_INDEX, MANIFEST_INDEX },
	{ MEDIA_DOCKER_MANIFEST, MANIFEST_IMAGE },
	{ MEDIA_DOCKER_LIST, MANIFEST_INDEX },
};

static const char *const schema1_medias[] = {
	"application/vnd.docker.distribution.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v1+prettyjws",
};

/* What a server says that does not know what it serves: no contradiction. */
static const char *const vague_medias[] = {
	"application/json",
	"application/octet-stream",
	"text/plain",
};

struct fields {
	int64_t schema_version;
	const char *media_type;
	const struct js *config;
	const struct js *layers;
	const struct js *manifests;
	const struct js *fs_layers; /* schema 1 only */
};

static const struct js_field manifest_fields[] = {
	{ "schemaVersion", JS_INTEGER, offsetof(struct fields, schema_version), JS_REQUIRED },
	{ "mediaType", JS_STRING, offsetof(struct fields, media_type), JS_OPTIONAL },
	{ "config", JS_OBJECT, offsetof(struct fields, config), JS_OPTIONAL },
	{ "layers", JS_ARRAY, offsetof(struct fields, layers), JS_OPTIONAL },
	{ "manifests", JS_ARRAY, offsetof(struct fields, manifests), JS_OPTIONAL },
	{ "fsLayers", JS_ARRAY, offsetof(struct fields, fs_layers), JS_OPTIONAL },
};

static const struct media *media_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(medias); i++)
		if (strcasecmp(name, medias[i].name) == 0)
			return &medias[i];
	return NULL;
}

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

bool media_type_is_index(const char *media_type)
{
	const struct media *m = media_find(media_type);

	return m && m->kind == MANIFEST_INDEX;
}

bool media_type_is_manifest(const char *media_type)
{
	return media_find(media_type) != NULL;
}

/* Without parameters ("; charset=utf-8"), NULL when it says nothing. */
static char *bare_media_type(const char *media_type)
{
	CLEANUP(mem_freep) char *bare = NULL;

	if (!media_type)
		return NULL;
	media_type += strspn(media_type, " \t");
	bare = mem_strndup(media_type, strcspn(media_type, "; \t"));
	if (*bare == '\0' || is_one_of(vague_medias, ARRAY_SIZE(vague_medias), bare))
		return NULL;
	return TAKE(bare);
}

static bool refuse_schema1(enum err_code code, struct err *err)
{
	err_set(err, code, "this is a Docker schema 1 manifest, which registries no longer take");
	err_hint(err, "build or pull the image again with a current tool");
	return false;
}

/* NAME is NULL or has to be the name of a manifest type. */
static bool media_known(const char *name, enum err_code code, const struct media **ret,
			struct err *err)
{
	*ret = media_find(name);
	if (!name || *ret)
		return true;
	if (is_one_of(schema1_medias, ARRAY_SIZE(schema1_medias), name))
		return refuse_schema1(code, err);
	return err_set(err, code, "'%.100s' is not the media type of a manifest", name);
}

/*
 * Nobody says what it is: an index has "manifests", an image has "config" (OCI image 1.1 leaves
 * mediaType out).
 */
static const struct media *media_recognised(const struct fields *f)
{
	const char *config = js_string(js_get(f->config, "mediaType"));

	if (f->manifests)
		return media_find(MEDIA_OCI_INDEX);
	if (config && strcmp(config, MEDIA_DOCKER_CONFIG) == 0)
		return media_find(MEDIA_DOCKER_MANIFEST);
	return f->config ? media_find(MEDIA_OCI_MANIFEST) : NULL;
}

static bool decide_media(const struct fields *f, const char *said, enum err_code code,
			 const struct media **ret, struct err *err)
{
	const struct media *outside, *inside;

	if (!media_known(said, code, &outside, err) ||
	    !media_known(f->media_type, code, &inside, err))
		return false;
	if (outside && inside && outside != inside)
		return err_set(err, code,
			       "the document says that it is '%s', but it was given as '%s'",
			       inside->name, outside->name);
	*ret = inside ? inside : outside ? outside : media_recognised(f);
	if (!*ret)
		return err_set(err, code, "neither an image manifest nor an index");
	return true;
}

/*
 * A document that can be read as an image and as an index means different things to different
 * readers (CVE-2021-41190); so does a key that a reader which ignores case takes for another.
 */
static bool key_is_unambiguous(void *arg, const char *key, const struct js *value)
{
	const char **ret_key = arg;

	(void)value;
	for (size_t i = 0; i < ARRAY_SIZE(manifest_fields); i++) {
		const char *name = manifest_fields[i].name;

		if (strcasecmp(key, name) == 0 && strcmp(key, name) != 0) {
			*ret_key = name;
			return false;
		}
	}
	return true;
}

static bool check_unambiguous(const struct js *j, const struct fields *f, const struct media *media,
			      enum err_code code, struct err *err)
{
	const char *key = NULL;

	if (f->manifests && (f->config || f->layers))
		return err_set(err, code,
			       "ambiguous: it has the fields of an image and of an index");
	if (!js_each(j, key_is_unambiguous, &key))
		return err_set(err, code, "ambiguous: field '%s' is also there in other case", key);
	if (media->kind == MANIFEST_INDEX && !f->manifests)
		return err_set(err, code, "field 'manifests' is missing");
	if (media->kind == MANIFEST_IMAGE && !f->config)
		return err_set(err, code, "field 'config' is missing");
	return true;
}

static bool take_entry(struct manifest *m, const struct js *j, enum err_code code, struct err *err)
{
	/* Counted first: what a failure leaves half made is cleared with the rest. */
	return descriptor_parse(j, code, &m->entries[m->entry_count++], err);
}

static bool take_entries(struct manifest *m, const struct fields *f, enum err_code code,
			 struct err *err)
{
	const struct js *list = m->kind == MANIFEST_INDEX ? f->manifests : f->layers;
	const char *name = m->kind == MANIFEST_INDEX ? "manifests" : "layers";
	size_t count = js_count(list);

	if (count > MANIFEST_ENTRIES_MAX)
		return err_set(err, code, "%zu entries in '%s', more than %d", count, name,
			       MANIFEST_ENTRIES_MAX);
	m->entries = mem_alloc((count + 1) * sizeof(*m->entries));
	if (m->kind == MANIFEST_IMAGE && !take_entry(m, f->config, code, err))
		return err_wrap(err, "config");
	for (size_t i = 0; i < count; i++)
		if (!take_entry(m, js_at(list, i), code, err))
			return err_wrap(err, "%s[%zu]", name, i);
	return true;
}

static struct manifest *manifest_new(const char *bytes, size_t len, const struct digest *like)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(like);
	struct manifest *m = NEW(struct manifest);

	hasher_add(h, bytes, len);
	m->digest = hasher_finish(h);
	m->bytes = mem_strndup(bytes, len);
	m->size_bytes = len;
	return m;
}

static bool read_document(struct manifest *m, const struct js *j, const char *said,
			  enum err_code code, struct err *err)
{
	struct fields f = { .media_type = NULL };
	const struct media *media;

	if (!js_dispatch(j, manifest_fields, ARRAY_SIZE(manifest_fields), code, &f, err))
		return false;
	if (f.schema_version == 1 || f.fs_layers)
		return refuse_schema1(code, err);
	if (f.schema_version != 2)
		return err_set(err, code, "schemaVersion is %lld, not 2",
			       (long long)f.schema_version);
	if (!decide_media(&f, said, code, &media, err) ||
	    !check_unambiguous(j, &f, media, code, err))
		return false;
	m->kind = media->kind;
	m->media_type = mem_strdup(media->name);
	return take_entries(m, &f, code, err);
}

bool manifest_parse(const char *bytes, size_t len, const char *media_type,
		    const struct digest *like, enum err_code code, struct manifest **ret,
		    struct err *err)
{
	CLEANUP(mem_freep) char *said = bare_media_type(media_type);
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	CLEANUP(js_freep) struct js *j = NULL;

	if (!js_parse(bytes, len, MANIFEST_CEILING, code, &j, err))
		return err_wrap(err, "bad manifest");
	m = manifest_new(bytes, len, like);
	if (!read_document(m, j, said, code, err))
		return err_wrap(err, "bad manifest");
	*ret = TAKE(m);
	return true;
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->entry_count; i++)
		descriptor_clear(&m->entries[i]);
	free(m->entries);
	free(m->media_type);
	free(m->bytes);
	free(m);
}
