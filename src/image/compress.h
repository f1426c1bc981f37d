/*
 * The compression of layers that come plain, by a pool of workers that all layers of a run share. It
 * knows nothing of images, files or registries.
 *
 * A layer is cut into blocks of a fixed size; each becomes a whole gzip member (RFC 1952 §2.2) or
 * zstd frame (RFC 8878 §3.1), so that blocks are compressed side by side and their row is an
 * ordinary .gz or .zst. The bytes depend on nothing but the input, the algorithm, the level and
 * the library's version: not on the pieces in which the input comes, the number of workers, or the
 * CPU.
 *
 *	packing = packing_begin(compressor, w, out, arg);
 *	packing_add ... packing_end; packing_free
 */
#ifndef IMAGE_COMPRESS_H
#define IMAGE_COMPRESS_H

#include "base/world.h"

enum compress_algorithm {
	COMPRESS_GZIP,
	COMPRESS_ZSTD,
};

/* All zero is what is usual. */
struct compression {
	enum compress_algorithm algorithm;
	int level; /* 0: the algorithm's usual one */
};

/* "gzip", "gzip:LEVEL", "zstd" or "zstd:LEVEL". ERR_USAGE with the levels that there are. */
MUST_USE bool compression_parse(const char *text, struct compression *ret, struct err *err);

/* Everything that the bytes depend on, for a key: "gzip:5/1024k/1". The caller frees. */
char *compression_name(const struct compression *c);

/*
 * What a manifest calls a layer that was packed so. Docker's manifests have no word for zstd: an
 * image with such a layer needs an OCI manifest (image/compose.h).
 */
const char *compression_media_type(const struct compression *c);

/* The ceiling of all memory of one compressor, whatever the number of cores and layers. */
#define COMPRESSOR_CEILING_BYTES (28 * MIB)

struct compressor;

/*
 * WORKERS 0: as many as this process may use cores, and the ceiling allows. With fewer tasks to be
 * had than that, or none, the work is done by those there are, or in packing_add. W must outlive
 * it; its cancel and deadline are not looked at, those of the packings are.
 */
MUST_USE bool compressor_new(const struct world *w, const struct compression *c, size_t workers,
			     struct compressor **ret, struct err *err);

/* All its packings are freed before it. */
void compressor_free(struct compressor *c);
DEFINE_FREEP(struct compressor, compressor_free)

const struct compression *compressor_compression(const struct compressor *c);

/* Is given what comes out, in order; false stops the work. */
typedef bool (*packing_out)(void *arg, const void *bytes, size_t len, struct err *err);

struct packing;

/*
 * One layer. OUT is called inside of packing_add and packing_end only, in the caller's own thread.
 * Any number of packings may go on side by side, each in one thread at a time.
 */
struct packing *packing_begin(struct compressor *c, const struct world *w, packing_out out,
			      void *arg);

/*
 * Takes a copy. Waits while too much is under way, but not beyond W's cancel or deadline:
 * ERR_CANCELLED, ERR_TIMEOUT, or what OUT fails with. After a failure only packing_free is left.
 */
MUST_USE bool packing_add(struct packing *p, const void *bytes, size_t len, struct err *err);

/* The end of the input: when it returns all was given to OUT. No input makes an empty .gz or .zst. */
MUST_USE bool packing_end(struct packing *p, struct err *err);

/* Also in the middle: what is under way is waited for and thrown away. */
void packing_free(struct packing *p);
DEFINE_FREEP(struct packing, packing_free)

#endif
