/*
 * Bytes through a compressor, for tests that want them packed.
 */
#ifndef UNIT_IMAGE_PACKING_H
#define UNIT_IMAGE_PACKING_H

#include "base/fake_world.h"

#include "image/compress.h"
#include "image/gunzip.h"
#include "image/unzstd.h"

static inline bool collect(void *arg, const void *bytes, size_t len, struct err *err)
{
	return buf_add(arg, bytes, len) || err_set(err, ERR_LOCAL, "full");
}

static inline struct compressor *compressor_of(struct fake_world *f, const char *text,
					       size_t workers)
{
	struct compressor *ret = NULL;
	struct compression c;

	assert_true(compression_parse(text, &c, &f->err));
	assert_true(compressor_new(&f->world, &c, workers, &ret, &f->err));
	return ret;
}

/* In adds of PIECE bytes; adds to OUT. */
static inline void pack_with(struct fake_world *f, struct compressor *c, const char *bytes,
			     size_t len, size_t piece, struct buf *out)
{
	CLEANUP(packing_freep)
	struct packing *p = packing_begin(c, &f->world, collect, out);

	for (size_t at = 0; at < len; at += piece)
		assert_true(
			packing_add(p, bytes + at, len - at < piece ? len - at : piece, &f->err));
	assert_true(packing_end(p, &f->err));
}

/* By an independent way to read it, in pieces of PIECE bytes. */
static inline bool gunzip_with(const char *bytes, size_t len, size_t piece, struct buf *out,
			       struct err *err)
{
	CLEANUP(gunzip_freep) struct gunzip *g = gunzip_new(collect, out);

	for (size_t at = 0; at < len; at += piece)
		if (!gunzip_add(g, bytes + at, len - at < piece ? len - at : piece, err))
			return false;
	return gunzip_end(g, err);
}

static inline bool unzstd_with(const char *bytes, size_t len, size_t piece, struct buf *out,
			       struct err *err)
{
	CLEANUP(unzstd_freep) struct unzstd *u = unzstd_new(collect, out);

	for (size_t at = 0; at < len; at += piece)
		if (!unzstd_add(u, bytes + at, len - at < piece ? len - at : piece, err))
			return false;
	return unzstd_end(u, err);
}

/* Compressible, and the same on every machine. */
static inline void fill(char *bytes, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 29);
	}
}

#endif
