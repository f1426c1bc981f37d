/*
 * The image that is made of files in a `docker save` archive: its config as it is, its layers
 * compressed where they were not, and a Docker schema 2 manifest of our own that says so.
 */
#ifndef IMAGE_PACKED_H
#define IMAGE_PACKED_H

#include "image/container.h"
#include "image/content.h"
#include "image/image.h"
#include "image/saved.h"

/*
 * Packs what SAVED names from C, options->jobs layers at a time. C is taken, also when this fails.
 * *ret_root is the manifest, *ret_content holds what it names; both are the caller's.
 * ERR_CORRUPT, ERR_LOCAL, and ERR_NO_SOURCE when it is not for the platform that OPTIONS ask for.
 */
MUST_USE bool packed_open(const struct world *w, struct container *c,
			  const struct saved_image *saved, const struct image_options *options,
			  struct manifest **ret_root, struct content **ret_content,
			  struct err *err);

#endif
