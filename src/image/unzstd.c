#include "image/unzstd.h"

#include "base/mem.h"

#include <zstd.h>
#include <zstd_errors.h>

#define CHUNK (64 * KIB)

struct unzstd {
	ZSTD_DCtx *zstd;
	unzstd_out out;
	void *arg;
	bool between; /* at the start or behind a whole frame */
	bool is_too_wide;
	unsigned char chunk[CHUNK];
};

struct unzstd *unzstd_new(unzstd_out out, void *arg)
{
	CLEANUP(unzstd_freep) struct unzstd *u = NEW(struct unzstd);

	u->out = out;
	u->arg = arg;
	u->between = true;
	u->zstd = ZSTD_createDCtx();
	if (!u->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax,
							    UNZSTD_WINDOW_LOG_MAX)))
		return NULL;
	return TAKE(u);
}

void unzstd_free(struct unzstd *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	free(u);
}

bool unzstd_add(struct unzstd *u, const void *bytes, size_t len, struct err *err)
{
	ZSTD_inBuffer in = { bytes, len, 0 };
	bool more = len > 0; /* input, or output that had no room */

	while (more) {
		ZSTD_outBuffer out = { u->chunk, sizeof(u->chunk), 0 };
		size_t left = ZSTD_decompressStream(u->zstd, &out, &in);

		u->is_too_wide =
			ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge;
		if (ZSTD_isError(left))
			return err_set(err, ERR_CORRUPT, "bad zstd data: %s",
				       ZSTD_getErrorName(left));
		if (out.pos && !u->out(u->arg, u->chunk, out.pos, err))
			return false;
		u->between = left == 0;
		more = in.pos < in.size || (left && out.pos == out.size);
	}
	return true;
}

bool unzstd_end(struct unzstd *u, struct err *err)
{
	return u->between || err_set(err, ERR_CORRUPT, "zstd data is cut short");
}

bool unzstd_is_too_wide(const struct unzstd *u)
{
	return u->is_too_wide;
}
