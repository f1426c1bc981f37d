/*
 * Sending a blob (OCI distribution 1.1, "Pushing blobs"). Three forms; the first that the registry takes is kept
 * for the session. A body that was refused or cut starts again in a new upload: registries forget a cut PATCH.
 */
#include "registry/upload_private.h"

#include "base/mem.h"
#include "http/url.h"
#include "registry/checked_stream.h"

/* An upload that is not opened, without a reason that we know, is tried again this often. */
#define OPENINGS_AGAIN_MAX 2

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
		upload_go_to(u, answer.location);
		u->chunk_least = answer.chunk_min_bytes;
		if (u->chunk_bytes < u->chunk_least)
			u->chunk_bytes = u->chunk_least;
		return STEP_DONE;
	}
	http_answer_err(&call, &answer, err);
	/* facts: a missing repository is NAME_UNKNOWN with 404, or 405 at Artifact Registry; both may also pass */
	if (answer.status == 404 || answer.status == 405)
		err->code = ERR_DENIED;
	else if (answer.status < 400)
		err->code = ERR_NO_REGISTRY;
	if (u->odd_beginnings++ < OPENINGS_AGAIN_MAX &&
	    http_again(u->s->client, u->w, &call, &u->body_history, &answer, err) == HTTP_AGAIN)
		return STEP_ANEW;
	if (err->code == ERR_DENIED)
		err_hint(err, "does the repository '%s' exist, and may this identity write to it?",
			 u->s->repository);
	return STEP_OVER;
}

/* The forms */

static enum step send_by_patch(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	struct http_call call = upload_call(u, "PATCH", u->location);
	enum step step;

	if (!checked_stream_open(u->image, u->d, &body, err))
		return STEP_OVER;
	call.what = "blob";
	call.headers[0] = (struct http_header){ "Content-Type", "application/octet-stream" };
	step = upload_send_body(u, &call, body, u->d->size_bytes, true, err);
	return step == STEP_DONE ? upload_commit(u, err) : step;
}

static enum step send_by_put(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	CLEANUP(mem_freep) char *url = NULL;
	struct http_call call;
	enum step step;

	if (!url_add_query(u->location, "digest", u->d->digest.text, &url, err) ||
	    !checked_stream_open(u->image, u->d, &body, err))
		return STEP_OVER;
	call = upload_call(u, "PUT", url);
	call.what = "blob";
	call.headers[0] = (struct http_header){ "Content-Type", "application/octet-stream" };
	step = upload_send_body(u, &call, body, u->d->size_bytes, true, err);
	if (step != STEP_ANEW)
		return step;
	err_clear(err);
	if (upload_is_there(u, err))
		return STEP_DONE;
	return err->code == ERR_NONE ? STEP_ANEW : STEP_OVER;
}

/* "Pushing a blob in chunks": Content-Range is first-last, both inclusive, without a unit. */
static enum step send_by_chunks(struct upload *u, struct err *err)
{
	CLEANUP(stream_freep) struct stream *body = NULL;
	int64_t sent = 0;

	if (!checked_stream_open(u->image, u->d, &body, err))
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
		step = upload_send_body(u, &call, body, len, false, err);
		if (step != STEP_DONE)
			return step;
		sent += len;
		upload_tell_stage(u, BLOB_STAGE_SENDING, sent);
	}
	return upload_commit(u, err);
}

static enum step send_once(struct upload *u, struct err *err)
{
	static enum step (*const forms[UPLOAD_FORMS])(struct upload * u, struct err * err) = {
		[UPLOAD_PATCH] = send_by_patch,
		[UPLOAD_PUT] = send_by_put,
		[UPLOAD_CHUNKS] = send_by_chunks,
	};
	enum step step = begin(u, err);

	return step == STEP_DONE ? forms[u->form](u, err) : step;
}

/* Each is tried once, chunks first where the registry asks for them. */
static bool next_form(struct upload *u)
{
	u->tried[u->form] = true;
	if (u->wants_chunks && !u->tried[UPLOAD_CHUNKS]) {
		u->form = UPLOAD_CHUNKS;
		return true;
	}
	for (int next = UPLOAD_PATCH; next < UPLOAD_FORMS; next++) {
		if (!u->tried[next]) {
			u->form = (enum upload_form)next;
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
	struct upload u = {
		.w = w,
		.s = s,
		.image = image,
		.d = d,
		.replaces = replaces,
		.form = (enum upload_form)atomic_load(&s->upload_form),
		.chunk_bytes = atomic_load(&s->chunk_bytes),
	};

	for (;;) {
		enum step step = send_once(&u, err);

		if (step == STEP_DONE) {
			atomic_store(&s->upload_form, u.form);
			return true;
		}
		if (step == STEP_OVER || (step == STEP_OTHER && !next_form(&u))) {
			abandon(&u);
			return false;
		}
		err_clear(err);
		mem_replace(&u.location, NULL);
		upload_tell_stage(&u, BLOB_STAGE_AGAIN, 0);
	}
}
