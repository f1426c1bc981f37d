/*
 * Sending a blob (OCI distribution 1.1, "Pushing blobs"). Three forms; the first that the registry takes is kept
 * for the session. A body that was refused or cut starts again in a new upload: registries forget a cut PATCH.
 */
#include "registry/blob.h"

#include "base/mem.h"
#include "http/url.h"

#include <string.h>

#define CHUNK_BYTES ((int64_t)(4 * MIB)) /* GHCR refuses larger ones */

/* Answers that neither the body nor the token explain are tried again this often. */
#define ODD_ANSWERS_MAX 4
#define ODD_BEGINNINGS_MAX 2 /* a repository that does not exist answers so for ever */

/* What becomes of an attempt. */
enum step {
	STEP_DONE,  /* the next request may follow, or the blob is there */
	STEP_ANEW,  /* from the beginning, with a new upload */
	STEP_OTHER, /* the registry refuses this form: try another */
	STEP_OVER,  /* ERR says why */
};

struct upload {
	const struct world *w;
	struct session *s;
	struct image *image;
	const struct descriptor *d;
	bool replaces;	/* that it is there settles nothing: it was there before */
	char *location; /* of the open upload, NULL when there is none */
	int64_t chunk_bytes;
	bool tried[UPLOAD_FORMS];
	bool is_too_large; /* as one body */
	size_t odd_beginnings;
	size_t odd_answers; /* to bodies and commits */
	struct http_history body_history;
};

/* The body, hashed on its way */

struct checked_stream {
	struct stream stream;
	struct stream *from; /* owned */
	struct hasher *hasher;
	const struct descriptor *d;
};

static bool is_what_it_says(struct checked_stream *c, struct err *err)
{
	struct digest read = hasher_finish(c->hasher);
	size_t extra = 0;
	char byte;

	if (!digest_same(&read, &c->d->digest))
		return err_set(err, ERR_CORRUPT, "blob '%s' hashes to '%s'", c->d->digest.text,
			       read.text);
	if (!stream_read(c->from, &byte, 1, &extra, err))
		return false;
	if (extra)
		return err_set(err, ERR_CORRUPT, "blob '%s' is longer than its %lld bytes",
			       c->d->digest.text, (long long)c->d->size_bytes);
	return true;
}

/* The last bytes are handed over only when all of them are right, so that no wrong blob is ever whole. */
static bool checked_read(struct stream *s, void *bytes, size_t size, size_t *ret_len,
			 struct err *err)
{
	struct checked_stream *c = (struct checked_stream *)s;
	int64_t left = c->d->size_bytes - hasher_bytes(c->hasher);

	*ret_len = 0;
	if (left == 0 || size == 0)
		return true;
	if ((uint64_t)left < size)
		size = (size_t)left;
	if (!stream_read(c->from, bytes, size, ret_len, err))
		return false;
	if (*ret_len == 0)
		return err_set(err, ERR_CORRUPT, "blob '%s' ends after %lld of %lld bytes",
			       c->d->digest.text, (long long)hasher_bytes(c->hasher),
			       (long long)c->d->size_bytes);
	hasher_add(c->hasher, bytes, *ret_len);
	return hasher_bytes(c->hasher) < c->d->size_bytes || is_what_it_says(c, err);
}

static void checked_free(struct stream *s)
{
	struct checked_stream *c = (struct checked_stream *)s;

	stream_free(c->from);
	hasher_free(c->hasher);
	free(c);
}

static const struct stream_ops checked_ops = { .read = checked_read, .free = checked_free };

static bool open_checked(struct upload *u, struct stream **ret, struct err *err)
{
	struct checked_stream *c;
	struct stream *from = NULL;

	if (!image_open_blob(u->image, u->d, &from, err))
		return false;
	c = NEW(struct checked_stream);
	c->stream.ops = &checked_ops;
	c->from = from;
	c->hasher = hasher_new(&u->d->digest);
	c->d = u->d;
	*ret = &c->stream;
	return true;
}

/* Progress and pace */

static void tell_stage(const struct upload *u, enum blob_stage stage, int64_t done_bytes)
{
	world_tell(u->w, &(struct event){ .kind = EVENT_BLOB,
					  .blob = { .stage = stage,
						    .digest = u->d->digest.text,
						    .done_bytes = done_bytes,
						    .size_bytes = u->d->size_bytes } });
}

static void on_sending(void *arg, int64_t sent_bytes)
{
	tell_stage(arg, BLOB_STAGE_SENDING, sent_bytes);
}

static int64_t expected_ms(const struct upload *u, int64_t len)
{
	int64_t rate = atomic_load(&u->s->bytes_per_second);

	return len / (rate / 1000 + 1);
}

static void note_pace(struct upload *u, int64_t took_ms)
{
	if (u->d->size_bytes > (int64_t)(256 * KIB) && took_ms > 0)
		atomic_store(&u->s->bytes_per_second, u->d->size_bytes * 1000 / took_ms);
}

/* Beginning */

static struct http_call upload_call(const struct upload *u, const char *method, const char *url)
{
	return (struct http_call){
		.what = "upload",
		.method = method,
		.url = url,
		.scope = session_scope(u->s),
	};
}

static void go_to(struct upload *u, const char *location)
{
	free(u->location);
	u->location = url_keep_https(u->s->base_url, location);
}

/* POST /v2/<name>/blobs/uploads/ -> 202 with the Location of a new upload, which is used as it is. */
static enum step begin(struct upload *u, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(mem_freep) char *url = session_url(u->s, "blobs/uploads/");
	struct http_call call = upload_call(u, "POST", url);

	call.empty_body = true;
	if (!http_call(u->s->client, u->w, &call, &answer, err))
		return STEP_OVER;
	if (answer.status == 202 && answer.location) {
		go_to(u, answer.location);
		if (answer.chunk_min_bytes > u->chunk_bytes)
			u->chunk_bytes = answer.chunk_min_bytes;
		return STEP_DONE;
	}
	http_answer_err(&call, &answer, err);
	/* facts: a missing repository is NAME_UNKNOWN with 404, or 405 at Artifact Registry; both may also pass */
	if (answer.status == 404 || answer.status == 405)
		err->code = ERR_DENIED;
	else if (answer.status < 400)
		err->code = ERR_NO_REGISTRY;
	if (u->odd_beginnings++ < ODD_BEGINNINGS_MAX &&
	    http_again(u->s->client, u->w, &call, &u->body_history, &answer, err) == HTTP_AGAIN)
		return STEP_ANEW;
	if (err->code == ERR_DENIED)
		err_hint(err, "does the repository '%s' exist, and may this identity write to it?",
			 u->s->repository);
	return STEP_OVER;
}

/* Reading the answers to a body */

/* The same upload goes on where the answer says, or where it was. */
static void follow_location(struct upload *u, const struct http_answer *answer)
{
	if (answer->location)
		go_to(u, answer->location);
}

static bool form_is_refused(int status)
{
	return status == 405 || status == 411 || status == 413 || status == 415 || status == 501 ||
	       status == 301 || status == 302;
}

static enum step read_body_answer(struct upload *u, const struct http_call *call,
				  const struct http_answer *answer, bool whole, struct err *err)
{
	if (answer->status >= 200 && answer->status < 300 && whole) {
		follow_location(u, answer);
		return STEP_DONE;
	}
	if (form_is_refused(answer->status)) {
		u->is_too_large |= answer->status == 413;
		http_answer_err(call, answer, err);
		return STEP_OTHER;
	}
	http_answer_err(call, answer, err);
	if (answer->status >= 200 && answer->status < 300)
		err_set(err, ERR_NET, "the registry answered before the blob was sent");
	if (u->odd_answers++ >= ODD_ANSWERS_MAX)
		return STEP_OVER;
	return http_again(u->s->client, u->w, call, &u->body_history, answer, err) == HTTP_AGAIN
		       ? STEP_ANEW
		       : STEP_OVER;
}

/* One request with LEN bytes of BODY. */
static enum step send_body(struct upload *u, struct http_call *call, struct stream *body,
			   int64_t len, bool progress, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	int64_t begun_ms = world_now_ms(u->w);
	char byte;
	size_t left = 0;

	call->stream = body;
	call->patient = true;
	call->stream_bytes = len;
	call->need_ms = expected_ms(u, len);
	call->sending = progress ? on_sending : NULL;
	call->sending_arg = u;
	switch (http_attempt(u->s->client, u->w, call, &u->body_history, &answer, err)) {
	case HTTP_AGAIN:
		return STEP_ANEW;
	case HTTP_OVER:
		return STEP_OVER;
	case HTTP_ANSWERED:
		break;
	}
	if (progress) {
		note_pace(u, world_now_ms(u->w) - begun_ms);
		if (!stream_read(body, &byte, 1, &left, err))
			return STEP_OVER;
	}
	return read_body_answer(u, call, &answer, left == 0, err);
}

/* Committing */

static bool is_there(struct upload *u, struct err *err)
{
	enum blob_state state;
	int64_t size;

	if (u->replaces)
		return false;
	return blob_exists(u->w, u->s, u->d, &state, &size, err) && state == BLOB_PRESENT;
}

/* PUT <location>?digest=<digest>, empty. An answer that was lost, or is odd, is settled by asking for the blob. */
static enum step commit(struct upload *u, struct err *err)
{
	CLEANUP(mem_freep) char *url = NULL;
	struct http_history history = { 0 };
	struct http_call call;

	if (!url_add_query(u->location, "digest", u->d->digest.text, &url, err))
		return STEP_OVER;
	call = upload_call(u, "PUT", url);
	call.what = "blob";
	call.empty_body = true;
	call.patient = true;
	for (;;) {
		CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
		enum http_outcome outcome =
			http_attempt(u->s->client, u->w, &call, &history, &answer, err);

		if (outcome == HTTP_ANSWERED && answer.status >= 200 && answer.status < 300)
			return STEP_DONE;
		if (outcome == HTTP_OVER)
			return STEP_OVER;
		if (history.faults + (outcome == HTTP_ANSWERED) > 0 && is_there(u, err))
			return STEP_DONE;
		if (err->code != ERR_NONE)
			return STEP_OVER;
		if (outcome == HTTP_ANSWERED)
			return read_body_answer(u, &call, &answer, false, err);
	}
}

/* The forms */

static enum step send_by_patch(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	struct http_call call = upload_call(u, "PATCH", u->location);
	enum step step;

	if (!open_checked(u, &body, err))
		return STEP_OVER;
	call.what = "blob";
	call.headers[0] = (struct http_header){ "Content-Type", "application/octet-stream" };
	step = send_body(u, &call, body, u->d->size_bytes, true, err);
	return step == STEP_DONE ? commit(u, err) : step;
}

static enum step send_by_put(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	CLEANUP(mem_freep) char *url = NULL;
	struct http_call call;
	enum step step;

	if (!url_add_query(u->location, "digest", u->d->digest.text, &url, err) ||
	    !open_checked(u, &body, err))
		return STEP_OVER;
	call = upload_call(u, "PUT", url);
	call.what = "blob";
	call.headers[0] = (struct http_header){ "Content-Type", "application/octet-stream" };
	step = send_body(u, &call, body, u->d->size_bytes, true, err);
	return step == STEP_ANEW && is_there(u, err) ? STEP_DONE : step;
}

/* "Pushing a blob in chunks": Content-Range is first-last, both inclusive, without a unit. */
static enum step send_by_chunks(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	int64_t sent = 0;

	if (!open_checked(u, &body, err))
		return STEP_OVER;
	while (sent < u->d->size_bytes) {
		int64_t left = u->d->size_bytes - sent;
		int64_t len = left < u->chunk_bytes ? left : u->chunk_bytes;
		CLEANUP(mem_freep)
		char *range = mem_printf("%lld-%lld", (long long)sent, (long long)(sent + len - 1));
		CLEANUP(mem_freep) char *url = mem_strdup(u->location);
		struct http_call call = upload_call(u, "PATCH", url);
		enum step step;

		call.what = "blob";
		call.headers[0] =
			(struct http_header){ "Content-Type", "application/octet-stream" };
		call.headers[1] = (struct http_header){ "Content-Range", range };
		step = send_body(u, &call, body, len, false, err);
		if (step != STEP_DONE)
			return step;
		sent += len;
		tell_stage(u, BLOB_STAGE_SENDING, sent);
	}
	return commit(u, err);
}

static enum step send_once(struct upload *u, enum upload_form form, struct err *err)
{
	static enum step (*const forms[UPLOAD_FORMS])(struct upload * u, struct err * err) = {
		[UPLOAD_PATCH] = send_by_patch,
		[UPLOAD_PUT] = send_by_put,
		[UPLOAD_CHUNKS] = send_by_chunks,
	};
	enum step step = begin(u, err);

	return step == STEP_DONE ? forms[form](u, err) : step;
}

/* Each form is tried once; what is too large as one body goes in chunks first. */
static bool next_form(struct upload *u, enum upload_form *form)
{
	u->tried[*form] = true;
	if (u->is_too_large && !u->tried[UPLOAD_CHUNKS]) {
		*form = UPLOAD_CHUNKS;
		return true;
	}
	for (int next = UPLOAD_PATCH; next < UPLOAD_FORMS; next++) {
		if (!u->tried[next]) {
			*form = (enum upload_form)next;
			return true;
		}
	}
	return false;
}

#define GRACE_MS 2000

/* Best effort: an upload that is left open is the registry's to purge. */
static void abandon(struct upload *u)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct world grace = *u->w;
	struct http_history history = { 0 };
	struct err ignored = ERR_INIT;
	struct http_call call;

	if (!u->location)
		return;
	grace.cancel = NULL;
	grace.deadline_ms = clock_after(world_now_ms(u->w), GRACE_MS);
	call = upload_call(u, "DELETE", u->location);
	call.answer_ms = GRACE_MS;
	http_attempt(u->s->client, &grace, &call, &history, &answer, &ignored);
	err_clear(&ignored);
}

static void upload_clear(struct upload *u)
{
	free(u->location);
}

bool blob_upload(const struct world *w, struct session *s, struct image *image,
		 const struct descriptor *d, bool replaces, struct err *err)
{
	CLEANUP(upload_clear)
	struct upload u = { .w = w,
			    .s = s,
			    .image = image,
			    .d = d,
			    .replaces = replaces,
			    .chunk_bytes = CHUNK_BYTES };
	enum upload_form form = (enum upload_form)atomic_load(&s->upload_form);

	for (;;) {
		enum step step = send_once(&u, form, err);

		if (step == STEP_DONE) {
			atomic_store(&s->upload_form, form);
			return true;
		}
		if (step == STEP_OVER || (step == STEP_OTHER && !next_form(&u, &form))) {
			abandon(&u);
			return false;
		}
		err_clear(err);
		mem_replace(&u.location, NULL);
		tell_stage(&u, BLOB_STAGE_AGAIN, 0);
	}
}
