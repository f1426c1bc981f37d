/*
 * Bytes that can be read once only, from a pipe or through a decompressor, kept as a plain file.
 */
#ifndef IMAGE_SPOOL_H
#define IMAGE_SPOOL_H

#include "base/world.h"
#include "image/temp.h"

/*
 * All that FD gives, decompressed if it is compressed. Waiting for FD ends with the world's cancel
 * or deadline. ERR_CORRUPT for a compressed stream that is cut short or broken; ERR_LOCAL when the
 * disk is full.
 */
MUST_USE bool spool(const struct world *w, int fd, const char *tmp_dir, struct temp *ret,
		    struct err *err);

#endif
