#include "image/compress.h"

#include "base/mem.h"
#include "image/codec.h"
#include "image/descriptor.h"

#include <string.h>

/* Counts up whenever the same input would become other bytes: a new library that does so, too. */
#define FORM 1

static const char *const names[] = { [COMPRESS_GZIP] = "gzip", [COMPRESS_ZSTD] = "zstd" };

static bool refuse(const char *text, struct err *err)
{
	err_set(err, ERR_USAGE, "'%s' is no compression", text);
	err_hint(err, "gzip, gzip:%d to gzip:%d, zstd, or zstd:%d to zstd:%d",
		 codec_level_min(COMPRESS_GZIP), codec_level_max(COMPRESS_GZIP),
		 codec_level_min(COMPRESS_ZSTD), codec_level_max(COMPRESS_ZSTD));
	return false;
}

/* Digits only: strtol would take blanks and signs. */
static bool parse_level(const char *text, enum compress_algorithm a, int *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len > 2 || strspn(text, "0123456789") != len)
		return false;
	*ret = atoi(text);
	return *ret >= codec_level_min(a) && *ret <= codec_level_max(a);
}

bool compression_parse(const char *text, struct compression *ret, struct err *err)
{
	const char *colon = strchrnul(text, ':');
	size_t len = (size_t)(colon - text);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		enum compress_algorithm a = (enum compress_algorithm)i;

		if (strlen(names[i]) != len || memcmp(text, names[i], len) != 0)
			continue;
		*ret = (struct compression){ .algorithm = a, .level = codec_level_usual(a) };
		return !*colon || parse_level(colon + 1, a, &ret->level) || refuse(text, err);
	}
	return refuse(text, err);
}

char *compression_name(const struct compression *c)
{
	return mem_printf("%s:%d/%zuk/%d", names[c->algorithm], codec_settled(c).level,
			  codec_block_bytes(c->algorithm) / KIB, FORM);
}

const char *compression_media_type(const struct compression *c)
{
	return c->algorithm == COMPRESS_ZSTD ? MEDIA_OCI_LAYER_ZSTD : MEDIA_DOCKER_LAYER;
}
