#include "image/compose.h"

#include "base/mem.h"

#include <string.h>

/* The words of one kind of manifest. */
struct words {
	const char *manifest;
	const char *config;
	const char *gzip;
	const char *zstd; /* NULL: there is none */
};

static const struct words docker_words = {
	.manifest = MEDIA_DOCKER_MANIFEST,
	.config = MEDIA_DOCKER_CONFIG,
	.gzip = MEDIA_DOCKER_LAYER,
};

static const struct words oci_words = {
	.manifest = MEDIA_OCI_MANIFEST,
	.config = MEDIA_OCI_CONFIG,
	.gzip = MEDIA_OCI_LAYER_GZIP,
	.zstd = MEDIA_OCI_LAYER_ZSTD,
};

static bool is_zstd(const struct descriptor *layer)
{
	return strcmp(layer->media_type, MEDIA_OCI_LAYER_ZSTD) == 0;
}

static bool is_gzip(const struct descriptor *layer)
{
	return strcmp(layer->media_type, MEDIA_OCI_LAYER_GZIP) == 0 ||
	       strcmp(layer->media_type, MEDIA_DOCKER_LAYER) == 0;
}

static const struct words *choose_words(const struct compression *compression,
					const struct descriptor *layers, size_t count)
{
	bool zstd = compression->algorithm == COMPRESS_ZSTD;

	for (size_t i = 0; i < count; i++)
		zstd |= is_zstd(&layers[i]);
	return zstd ? &oci_words : &docker_words;
}

static const char *layer_word(const struct words *words, const struct descriptor *layer)
{
	if (is_gzip(layer))
		return words->gzip;
	return is_zstd(layer) ? words->zstd : layer->media_type;
}

static struct js *describe(const struct descriptor *d, const char *media_type)
{
	struct js *j = js_object();

	js_put_string(j, "mediaType", media_type);
	js_put_integer(j, "size", d->size_bytes);
	js_put_string(j, "digest", d->digest.text);
	return j;
}

bool compose_manifest(const struct compression *compression, const struct descriptor *config,
		      const struct descriptor *layers, size_t count, struct manifest **ret,
		      struct err *err)
{
	const struct words *words = choose_words(compression, layers, count);
	CLEANUP(js_freep) struct js *manifest = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	struct js *list = js_array();

	js_put_integer(manifest, "schemaVersion", 2);
	js_put_string(manifest, "mediaType", words->manifest);
	js_put(manifest, "config", describe(config, words->config));
	js_put(manifest, "layers", list);
	for (size_t i = 0; i < count; i++)
		js_append(list, describe(&layers[i], layer_word(words, &layers[i])));
	text = js_text(manifest, JS_COMPACT);
	return manifest_parse(text, strlen(text), words->manifest, NULL, ERR_CORRUPT, ret, err);
}
