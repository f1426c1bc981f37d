/*
 * The image that is made of files in a `docker save` archive: its config as it is, its layers
 * compressed where they are not. They can be had in any order, so several are packed side by side.
 */
#ifndef IMAGE_PACKED_H
#define IMAGE_PACKED_H

#include "image/container.h"
#include "image/pending.h"
#include "image/saved.h"

/*
 * C is taken, also when this fails. INTO's content and pending become what SAVED names in C, all
 * layers open. ERR_CORRUPT, ERR_LOCAL, and ERR_NO_SOURCE when it is not for the platform that
 * OPTIONS ask for.
 */
MUST_USE bool packed_open(const struct world *w, struct container *c,
			  const struct saved_image *saved, const struct image_options *options,
			  struct image *into, struct err *err);

#endif
