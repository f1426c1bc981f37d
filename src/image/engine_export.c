/* The archive that an engine writes, as it comes: whole, or an error that says how it was not. */
#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"
#include "image/engine_private.h"

#include <string.h>

/* dockerd and podman first write all of it to a temporary place of their own: tens of gigabytes on a slow disk. */
static const struct engine_patience patience = { .first_byte_ms = 600000, .stall_ms = 60000 };

#define API_MINOR_PLATFORM 48 /* from here on one may be chosen */
#define TAR_BLOCK 512
#define TAIL_BYTES ((size_t)4096)

struct export_stream {
	struct stream stream;
	struct engine *engine;
	struct http_exchange *exchange;
	struct world world;
	int64_t bytes;
	char tail[TAIL_BYTES]; /* the last of them */
	size_t tail_len;
	bool over;
	struct err failed; /* told again by every further read */
};

static void keep_tail(struct export_stream *s, const char *bytes, size_t len)
{
	size_t kept = s->tail_len;

	if (len > TAIL_BYTES) {
		bytes += len - TAIL_BYTES;
		len = TAIL_BYTES;
	}
	if (kept > TAIL_BYTES - len) {
		size_t drop = kept - (TAIL_BYTES - len);

		memmove(s->tail, s->tail + drop, kept - drop);
		kept -= drop;
	}
	memcpy(s->tail + kept, bytes, len);
	s->tail_len = kept + len;
}

static bool ended_early(struct export_stream *s, const char *why, struct err *err)
{
	const char *shown = s->engine->shown;

	err_set(err, ERR_CORRUPT, "the engine at %s ended the export after %lld bytes", shown,
		(long long)s->bytes);
	err_evidence(err, "%s", why);
	err_hint(err,
		 "see the engine's own log: is its disk full, was the image removed meanwhile?");
	return false;
}

/*
 * An engine that fails after the first byte has no status left to say so: dockerd writes a JSON message behind what it
 * has sent, and ends politely.
 */
static bool check_end(struct export_stream *s, struct err *err)
{
	static const char zeros[TAR_BLOCK], mark[] = "{\"errorDetail\":";
	const char *last = s->tail + s->tail_len - TAR_BLOCK;
	const char *said;

	if (s->tail_len >= TAR_BLOCK && memcmp(last, zeros, TAR_BLOCK) == 0)
		return true;
	said = memmem(s->tail, s->tail_len, mark, strlen(mark));
	if (said) {
		size_t len = s->tail_len - (size_t)(said - s->tail);
		CLEANUP(mem_freep) char *words = refusal_words(said, len);

		s->bytes -= (int64_t)len;
		return ended_early(s, words, err);
	}
	return ended_early(s, "the archive has no end", err);
}

static bool pull(struct export_stream *s, void *bytes, size_t size, size_t *ret_len,
		 struct err *err)
{
	CLEANUP(err_clear) struct err why = ERR_INIT;

	if (!http_read(s->exchange, &s->world, bytes, size, ret_len, &why)) {
		if (why.code != ERR_CANCELLED && why.code != ERR_TIMEOUT)
			return ended_early(s, why.message, err);
		err_move(err, &why);
		return err_wrap(err, "exporting from the engine at %s", s->engine->shown);
	}
	s->bytes += (int64_t)*ret_len;
	keep_tail(s, bytes, *ret_len);
	if (*ret_len || size == 0)
		return true;
	s->over = true;
	return check_end(s, err);
}

static bool export_read(struct stream *stream, void *bytes, size_t size, size_t *ret_len,
			struct err *err)
{
	struct export_stream *s = (struct export_stream *)stream;

	*ret_len = 0;
	if (s->failed.code == ERR_NONE && (s->over || pull(s, bytes, size, ret_len, &s->failed)))
		return true;
	*ret_len = 0;
	err_copy(err, &s->failed);
	return false;
}

static void export_free(struct stream *stream)
{
	struct export_stream *s = (struct export_stream *)stream;

	http_close(s->exchange);
	err_clear(&s->failed);
	free(s);
}

static const struct stream_ops export_ops = { .read = export_read, .free = export_free };

/* "?platform={...}", or "" where there is nothing to choose. The caller frees. */
static char *query_of(const struct engine *e, const struct platform *platform)
{
	CLEANUP(js_freep) struct js *j = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	CLEANUP(mem_freep) char *encoded = NULL;

	if (!platform || e->api_minor < API_MINOR_PLATFORM)
		return mem_strdup("");
	js_put_string(j, "os", platform->os);
	js_put_string(j, "architecture", platform->architecture);
	js_put_string(j, "variant", platform->variant);
	text = js_text(j, JS_COMPACT);
	encoded = url_encode(text);
	return mem_printf("?platform=%s", encoded);
}

bool engine_export(struct engine *e, const struct world *w, const char *name,
		   const struct platform *platform, struct stream **ret, struct err *err)
{
	CLEANUP(http_closep) struct http_exchange *x = NULL;
	CLEANUP(mem_freep) char *query = query_of(e, platform);
	CLEANUP(mem_freep) char *path = mem_printf("/images/%s/get%s", name, query);
	struct export_stream *s;

	if (!engine_name_check(name, err) || !engine_get(e, w, path, &patience, &x, err))
		return false;
	if (http_status(x) != 200)
		return engine_refused(e, w, x, name, err);
	s = NEW(struct export_stream);
	s->stream.ops = &export_ops;
	s->engine = e;
	s->exchange = TAKE(x);
	s->world = *w;
	*ret = &s->stream;
	return true;
}
