/*
 * gzip, whose bytes depend on nothing but what goes in: the same layer packed twice has the same
 * digest, so that a second push finds it in the registry. That holds for one version of zlib and
 * for input in the same pieces.
 */
#ifndef IMAGE_GZIP_H
#define IMAGE_GZIP_H

#include "base/err.h"

struct gzip;

/* Is given what comes out; false stops the work. */
typedef bool (*gzip_out)(void *arg, const void *bytes, size_t len, struct err *err);

struct gzip *gzip_packer(gzip_out out, void *arg);
struct gzip *gzip_unpacker(gzip_out out, void *arg);
void gzip_free(struct gzip *g);
DEFINE_FREEP(struct gzip, gzip_free)

/* ERR_CORRUPT for what cannot be unpacked. */
MUST_USE bool gzip_add(struct gzip *g, const void *bytes, size_t len, struct err *err);

/* The end of the input; ERR_CORRUPT when it came too early. */
MUST_USE bool gzip_end(struct gzip *g, struct err *err);

#endif
