#include "image/unpack.h"

#include "base/mem.h"
#include "image/gunzip.h"
#include "image/unzstd.h"

#include <string.h>

#define HEAD_LEN 4

struct unpack {
	const struct world *world;
	struct hasher *hasher;
	unsigned char head[HEAD_LEN]; /* of the blob: they say what it is */
	size_t head_len;
	bool is_begun;
	struct gunzip *gunzip; /* one of them, or none: plain */
	struct unzstd *unzstd;
	struct err failed;
};

struct unpack *unpack_new(const struct world *w, const struct digest *like)
{
	struct unpack *u = NEW(struct unpack);

	u->world = w;
	u->hasher = hasher_new(like);
	return u;
}

void unpack_reset(struct unpack *u)
{
	gunzip_free(u->gunzip);
	unzstd_free(u->unzstd);
	u->gunzip = NULL;
	u->unzstd = NULL;
	u->head_len = 0;
	u->is_begun = false;
	hasher_reset(u->hasher);
	err_clear(&u->failed);
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	unpack_reset(u);
	hasher_free(u->hasher);
	free(u);
}

/* A little of the blob may become gigabytes: the world is asked in between. */
static bool hash_some(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct unpack *u = arg;

	if (!world_check(u->world, err))
		return false;
	hasher_add(u->hasher, bytes, len);
	return true;
}

static bool is_gzip(const struct unpack *u)
{
	return u->head_len == HEAD_LEN && memcmp(u->head, "\x1f\x8b", 2) == 0;
}

/* A frame, or a skippable one before it (RFC 8878 §3.1.2). */
static bool is_zstd(const struct unpack *u)
{
	return u->head_len == HEAD_LEN &&
	       (memcmp(u->head, "\x28\xb5\x2f\xfd", 4) == 0 ||
		((u->head[0] & 0xf0) == 0x50 && memcmp(u->head + 1, "\x2a\x4d\x18", 3) == 0));
}

static bool pass(struct unpack *u, const void *bytes, size_t len, struct err *err)
{
	if (u->gunzip)
		return gunzip_add(u->gunzip, bytes, len, err);
	if (u->unzstd)
		return unzstd_add(u->unzstd, bytes, len, err);
	return hash_some(u, bytes, len, err);
}

static bool begin(struct unpack *u, struct err *err)
{
	bool gzip = is_gzip(u), zstd = is_zstd(u);

	u->is_begun = true;
	if (gzip)
		u->gunzip = gunzip_new(hash_some, u);
	if (zstd)
		u->unzstd = unzstd_new(hash_some, u);
	if ((gzip && !u->gunzip) || (zstd && !u->unzstd))
		return err_set(err, ERR_LOCAL, "out of memory");
	return pass(u, u->head, u->head_len, err);
}

void unpack_add(struct unpack *u, const void *bytes, size_t len)
{
	const unsigned char *rest = bytes;

	for (; len && u->head_len < HEAD_LEN; len--)
		u->head[u->head_len++] = *rest++;
	if (!len || u->failed.code != ERR_NONE)
		return;
	if (u->is_begun || begin(u, &u->failed))
		(void)!pass(u, rest, len, &u->failed);
}

static bool end(struct unpack *u, struct err *err)
{
	if (!u->is_begun && !begin(u, err))
		return false;
	if (u->gunzip)
		return gunzip_end(u->gunzip, err);
	return !u->unzstd || unzstd_end(u->unzstd, err);
}

bool unpack_end(struct unpack *u, struct digest *ret, struct err *err)
{
	if (u->failed.code != ERR_NONE || !end(u, &u->failed)) {
		err_copy(err, &u->failed);
		return false;
	}
	*ret = hasher_finish(u->hasher);
	return true;
}

bool unpack_is_too_wide(const struct unpack *u)
{
	return u->unzstd && unzstd_is_too_wide(u->unzstd);
}
