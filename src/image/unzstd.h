/*
 * What zstd packed, frame by frame (RFC 8878 §3), while it comes, in bounded memory. Packing is
 * image/compress.h.
 */
#ifndef IMAGE_UNZSTD_H
#define IMAGE_UNZSTD_H

#include "base/err.h"

/*
 * 8 MiB, which everybody is to support and levels up to 19 stay within (RFC 8878 §3.1.1.1.2): a
 * frame may ask for terabytes.
 */
#define UNZSTD_WINDOW_LOG_MAX 23

struct unzstd;

/* Is given what comes out; false stops the work. */
typedef bool (*unzstd_out)(void *arg, const void *bytes, size_t len, struct err *err);

/* NULL when there is no memory for it. */
struct unzstd *unzstd_new(unzstd_out out, void *arg);
void unzstd_free(struct unzstd *u);
DEFINE_FREEP(struct unzstd, unzstd_free)

/* ERR_CORRUPT for what cannot be unpacked, or not within the window. */
MUST_USE bool unzstd_add(struct unzstd *u, const void *bytes, size_t len, struct err *err);

/* The end of the input; ERR_CORRUPT when it came too early. */
MUST_USE bool unzstd_end(struct unzstd *u, struct err *err);

/* The failure was the window's. */
bool unzstd_is_too_wide(const struct unzstd *u);

#endif
