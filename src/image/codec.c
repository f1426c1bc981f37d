#include "image/codec.h"

#include "base/mem.h"

#include <libdeflate.h>
#include <zstd.h>

/*
 * docs/performance.md, "Compression", says how the sizes and usual levels were chosen. A change of
 * any of them changes the digest of every layer: compression_name must then say another form.
 */
#define GZIP_BLOCK_BYTES (1 * MIB)
#define GZIP_LEVEL_USUAL 5
#define GZIP_LEVEL_MAX 12
#define GZIP_LEVEL_NEAR_OPTIMAL 10 /* and above: another algorithm, with other memory */

#define ZSTD_BLOCK_BYTES (1 * MIB)
#define ZSTD_LEVEL_USUAL 3
#define ZSTD_LEVEL_MAX 19 /* above: windows that not everybody unpacks */

/* A header, a check sum, and what stored blocks add: 5 bytes for at least 5000. */
#define BOUND_EXTRA_BYTES (4 * KIB)

struct codec {
	struct libdeflate_compressor *deflate; /* one of the two */
	ZSTD_CCtx *zstd;
};

int codec_level_min(enum compress_algorithm a)
{
	(void)a;
	return 1;
}

int codec_level_max(enum compress_algorithm a)
{
	return a == COMPRESS_ZSTD ? ZSTD_LEVEL_MAX : GZIP_LEVEL_MAX;
}

int codec_level_usual(enum compress_algorithm a)
{
	return a == COMPRESS_ZSTD ? ZSTD_LEVEL_USUAL : GZIP_LEVEL_USUAL;
}

struct compression codec_settled(const struct compression *c)
{
	return (struct compression){ c->algorithm,
				     c->level ? c->level : codec_level_usual(c->algorithm) };
}

size_t codec_block_bytes(enum compress_algorithm a)
{
	return a == COMPRESS_ZSTD ? ZSTD_BLOCK_BYTES : GZIP_BLOCK_BYTES;
}

size_t codec_bound_bytes(enum compress_algorithm a)
{
	return codec_block_bytes(a) + BOUND_EXTRA_BYTES + codec_block_bytes(a) / 256;
}

/* Measured, for blocks of our size; rounded up. */
size_t codec_memory_bytes(const struct compression *c)
{
	if (c->algorithm == COMPRESS_GZIP)
		return c->level >= GZIP_LEVEL_NEAR_OPTIMAL ? 9 * MIB : 704 * KIB;
	if (c->level <= 3)
		return 1280 * KIB;
	if (c->level <= 8)
		return c->level <= 6 ? 4 * MIB : 7 * MIB;
	return c->level <= 12 ? 13 * MIB : 18 * MIB;
}

static bool zstd_new(int level, ZSTD_CCtx **ret)
{
	*ret = ZSTD_createCCtx();
	return *ret &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(*ret, ZSTD_c_compressionLevel, level)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(*ret, ZSTD_c_checksumFlag, 1));
}

bool codec_new(const struct compression *c, struct codec **ret, struct err *err)
{
	CLEANUP(codec_freep) struct codec *made = NEW(struct codec);
	bool ok;

	if (c->algorithm == COMPRESS_ZSTD) {
		ok = zstd_new(c->level, &made->zstd);
	} else {
		made->deflate = libdeflate_alloc_compressor(c->level);
		ok = made->deflate;
	}
	if (!ok)
		return err_set(err, ERR_LOCAL, "no compressor of level %d can be had", c->level);
	*ret = TAKE(made);
	return true;
}

void codec_free(struct codec *c)
{
	if (!c)
		return;
	libdeflate_free_compressor(c->deflate);
	ZSTD_freeCCtx(c->zstd);
	free(c);
}

static bool pack_zstd(struct codec *c, const void *bytes, size_t len, void *to, size_t *ret_len,
		      struct err *err)
{
	*ret_len = ZSTD_compress2(c->zstd, to, codec_bound_bytes(COMPRESS_ZSTD), bytes, len);
	if (!ZSTD_isError(*ret_len))
		return true;
	return err_set(err, ERR_LOCAL, "zstd failed: %s", ZSTD_getErrorName(*ret_len));
}

bool codec_pack(struct codec *c, const void *bytes, size_t len, void *to, size_t *ret_len,
		struct err *err)
{
	if (c->zstd)
		return pack_zstd(c, bytes, len, to, ret_len, err);
	*ret_len = libdeflate_gzip_compress(c->deflate, bytes, len, to,
					    codec_bound_bytes(COMPRESS_GZIP));
	return *ret_len || err_set(err, ERR_UNEXPECTED, "libdeflate failed");
}
