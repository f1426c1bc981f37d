#include "image/gzip.h"

#include "base/mem.h"

#include <zlib.h>

#define CHUNK (64 * KIB)
#define LEVEL 6
#define WINDOW_BITS_GZIP (15 + 16)
#define MEM_LEVEL 8
#define OS_UNKNOWN 255

struct gzip {
	z_stream z;
	gz_header header;
	gzip_out out;
	void *arg;
	bool packing;
	bool between; /* unpacking: at the start or behind a whole member */
	unsigned char chunk[CHUNK];
};

static struct gzip *gzip_new(gzip_out out, void *arg, bool packing)
{
	struct gzip *g = NEW(struct gzip);

	g->out = out;
	g->arg = arg;
	g->packing = packing;
	g->between = true;
	return g;
}

/* zlib's own header would tell the operating system; ours is free of it and of time and name. */
struct gzip *gzip_packer(gzip_out out, void *arg)
{
	struct gzip *g = gzip_new(out, arg, true);

	g->header.os = OS_UNKNOWN;
	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflateSetHeader(&g->z, &g->header) != Z_OK) {
		gzip_free(g);
		return NULL;
	}
	return g;
}

struct gzip *gzip_unpacker(gzip_out out, void *arg)
{
	struct gzip *g = gzip_new(out, arg, false);

	if (inflateInit2(&g->z, WINDOW_BITS_GZIP) != Z_OK) {
		gzip_free(g);
		return NULL;
	}
	return g;
}

void gzip_free(struct gzip *g)
{
	if (!g)
		return;
	if (g->packing)
		deflateEnd(&g->z);
	else
		inflateEnd(&g->z);
	free(g);
}

static bool give(struct gzip *g, struct err *err)
{
	size_t len = sizeof(g->chunk) - g->z.avail_out;

	return len == 0 || g->out(g->arg, g->chunk, len, err);
}

static void make_room(struct gzip *g)
{
	g->z.next_out = g->chunk;
	g->z.avail_out = sizeof(g->chunk);
}

/* Until a chunk is not filled: then nothing is left inside. */
static bool pack(struct gzip *g, int flush, struct err *err)
{
	do {
		make_room(g);
		if (deflate(&g->z, flush) == Z_STREAM_ERROR)
			return err_set(err, ERR_UNEXPECTED, "zlib failed");
		if (!give(g, err))
			return false;
	} while (g->z.avail_out == 0);
	return true;
}

/* A gzip file is a row of members (RFC 1952 §2.2). */
static bool unpack_some(struct gzip *g, struct err *err)
{
	int result;

	make_room(g);
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

static bool unpack(struct gzip *g, struct err *err)
{
	do {
		if (!unpack_some(g, err))
			return false;
	} while (g->z.avail_in > 0 || g->z.avail_out == 0);
	return true;
}

bool gzip_add(struct gzip *g, const void *bytes, size_t len, struct err *err)
{
	if (len == 0)
		return true;
	g->z.next_in = (unsigned char *)bytes;
	g->z.avail_in = (unsigned int)len;
	return g->packing ? pack(g, Z_NO_FLUSH, err) : unpack(g, err);
}

bool gzip_end(struct gzip *g, struct err *err)
{
	if (g->packing)
		return pack(g, Z_FINISH, err);
	return g->between || err_set(err, ERR_CORRUPT, "gzip data is cut short");
}
