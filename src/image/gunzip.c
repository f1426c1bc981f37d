#include "image/gunzip.h"

#include "base/mem.h"

#include <zlib.h>

#define CHUNK (64 * KIB)
#define WINDOW_BITS_GZIP (15 + 16)

struct gunzip {
	z_stream z;
	gunzip_out out;
	void *arg;
	bool between; /* at the start or behind a whole member */
	unsigned char chunk[CHUNK];
};

struct gunzip *gunzip_new(gunzip_out out, void *arg)
{
	struct gunzip *g = NEW(struct gunzip);

	g->out = out;
	g->arg = arg;
	g->between = true;
	if (inflateInit2(&g->z, WINDOW_BITS_GZIP) != Z_OK) {
		gunzip_free(g);
		return NULL;
	}
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

static bool give(struct gunzip *g, struct err *err)
{
	size_t len = sizeof(g->chunk) - g->z.avail_out;

	return len == 0 || g->out(g->arg, g->chunk, len, err);
}

static bool unpack_some(struct gunzip *g, struct err *err)
{
	int result;

	g->z.next_out = g->chunk;
	g->z.avail_out = sizeof(g->chunk);
	result = inflate(&g->z, Z_NO_FLUSH);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return err_set(err, ERR_CORRUPT, "bad gzip data: %s",
			       g->z.msg ? g->z.msg : "unreadable");
	if (result != Z_BUF_ERROR) /* which is: nothing left to do */
		g->between = result == Z_STREAM_END;
	if (result == Z_STREAM_END)
		inflateReset(&g->z);
	return give(g, err);
}

bool gunzip_add(struct gunzip *g, const void *bytes, size_t len, struct err *err)
{
	if (len == 0)
		return true;
	g->z.next_in = (unsigned char *)bytes;
	g->z.avail_in = (unsigned int)len;
	do {
		if (!unpack_some(g, err))
			return false;
	} while (g->z.avail_in > 0 || g->z.avail_out == 0);
	return true;
}

bool gunzip_end(struct gunzip *g, struct err *err)
{
	return g->between || err_set(err, ERR_CORRUPT, "gzip data is cut short");
}
