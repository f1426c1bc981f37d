/*
 * manifest.json of `docker save`: which images an archive holds (moby image/tarexport,
 * "manifestItem").
 */
#ifndef IMAGE_SAVED_H
#define IMAGE_SAVED_H

#include "base/err.h"
#include "base/strings.h"
#include "wire/digest.h"

#define SAVED_CEILING (8 * MIB)
#define SAVED_IMAGES_MAX 10000
#define SAVED_LAYERS_MAX 10000

struct saved_image {
	char *config; /* names of files in the archive */
	struct strings layers;
	struct strings repo_tags; /* none for an image without a name */
};

struct saved {
	struct saved_image *images;
	size_t count;
};

/* ERR_CORRUPT. RET must be cleared by the caller. */
MUST_USE bool saved_parse(const char *bytes, size_t len, struct saved *ret, struct err *err);
void saved_clear(struct saved *s);
void saved_image_clear(struct saved_image *i);

/*
 * The image that REF names in short or in full, or the only one when REF is NULL; ERR_NO_SOURCE.
 * Borrowed.
 */
MUST_USE bool saved_choose(const struct saved *s, const char *ref, const struct saved_image **ret,
			   struct err *err);

/* What is needed of an image's config. */
struct saved_config {
	struct digest *diff_ids; /* of the layers, uncompressed */
	size_t count;
};

/* ERR_CORRUPT. RET must be cleared by the caller. */
MUST_USE bool saved_config_parse(const char *bytes, size_t len, struct saved_config *ret,
				 struct err *err);
void saved_config_clear(struct saved_config *c);

#endif
