/*
 * A layer's diff ID (OCI image 1.1, config.md, "Layer DiffID") out of the blob as it travels, while it comes: the digest of
 * what is inside of gzip or zstd, where its first bytes say so as they do to engines, else of the bytes themselves. The
 * memory is bounded, whatever it unpacks to; the time by the world.
 *
 * What goes wrong is told at the end, so that who reads the blob for its own digest reads on.
 */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "base/world.h"
#include "wire/digest.h"

struct unpack;

/* LIKE gives the diff ID's algorithm. W must outlive it. */
struct unpack *unpack_new(const struct world *w, const struct digest *like);
void unpack_free(struct unpack *u);
DEFINE_FREEP(struct unpack, unpack_free)

/* Begin again with nothing unpacked. */
void unpack_reset(struct unpack *u);

void unpack_add(struct unpack *u, const void *bytes, size_t len);

/* ERR_CORRUPT for what cannot be unpacked, ERR_CANCELLED, ERR_TIMEOUT. */
MUST_USE bool unpack_end(struct unpack *u, struct digest *ret, struct err *err);

/* It could not be unpacked for a window wider than ours (image/unzstd.h), which says nothing against it. */
bool unpack_is_too_wide(const struct unpack *u);

#endif
