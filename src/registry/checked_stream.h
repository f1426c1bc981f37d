/*
 * A blob's bytes on their way out, hashed as they pass. What does not match the descriptor is an error before its last
 * bytes are handed over, so that no wrong blob is ever whole at the other end.
 */
#ifndef REGISTRY_CHECKED_STREAM_H
#define REGISTRY_CHECKED_STREAM_H

#include "image/image.h"

/* Of D, opened from IMAGE. Its read fails with ERR_CORRUPT, or as the source does. D must outlive it. */
MUST_USE bool checked_stream_open(struct image *image, const struct descriptor *d,
				  struct stream **ret, struct err *err);

#endif
