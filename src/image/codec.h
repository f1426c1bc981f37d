/*
 * One block into one gzip member or zstd frame. What a codec keeps between blocks is memory only,
 * never anything that a later block's bytes depend on.
 */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include "image/compress.h"

struct codec;

/* The lowest and highest level, and the one that is taken when none is said. */
int codec_level_min(enum compress_algorithm a);
int codec_level_max(enum compress_algorithm a);
int codec_level_usual(enum compress_algorithm a);

/* With its usual level in the place of 0. */
struct compression codec_settled(const struct compression *c);

/* How much of the input becomes one member or frame. */
size_t codec_block_bytes(enum compress_algorithm a);

/* Room for whatever a whole block can become. */
size_t codec_bound_bytes(enum compress_algorithm a);

/* The most memory that one codec of this kind takes. */
size_t codec_memory_bytes(const struct compression *c);

/* ERR_LOCAL. */
MUST_USE bool codec_new(const struct compression *c, struct codec **ret, struct err *err);
void codec_free(struct codec *c);
DEFINE_FREEP(struct codec, codec_free)

/* LEN is at most a block; TO has room for the bound. */
MUST_USE bool codec_pack(struct codec *c, const void *bytes, size_t len, void *to, size_t *ret_len,
			 struct err *err);

#endif
