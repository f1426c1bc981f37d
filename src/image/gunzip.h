/*
 * What gzip packed, member by member (RFC 1952 §2.2), while it comes. Packing is image/compress.h.
 */
#ifndef IMAGE_GUNZIP_H
#define IMAGE_GUNZIP_H

#include "base/err.h"

struct gunzip;

/* Is given what comes out; false stops the work. */
typedef bool (*gunzip_out)(void *arg, const void *bytes, size_t len, struct err *err);

/* NULL when there is no memory for it. */
struct gunzip *gunzip_new(gunzip_out out, void *arg);
void gunzip_free(struct gunzip *g);
DEFINE_FREEP(struct gunzip, gunzip_free)

/* ERR_CORRUPT for what cannot be unpacked. */
MUST_USE bool gunzip_add(struct gunzip *g, const void *bytes, size_t len, struct err *err);

/* The end of the input; ERR_CORRUPT when it came too early. */
MUST_USE bool gunzip_end(struct gunzip *g, struct err *err);

#endif
