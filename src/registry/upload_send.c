/* The requests at an upload's place: with or without the token, and what their answers mean. */
#include "registry/upload_private.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <string.h>

/* What is too large as a chunk is quartered, not below this. */
#define CHUNK_BYTES_LEAST ((int64_t)(64 * KIB))

/* Progress and pace */

void upload_tell_stage(const struct upload *u, enum blob_stage stage, int64_t done_bytes)
{
	world_tell(u->w, &(struct event){ .kind = EVENT_BLOB,
					  .blob = { .stage = stage,
						    .digest = u->d->digest.text,
						    .done_bytes = done_bytes,
						    .size_bytes = u->d->size_bytes } });
}

static void on_sending(void *arg, int64_t sent_bytes)
{
	upload_tell_stage(arg, BLOB_STAGE_SENDING, sent_bytes);
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

struct http_call upload_call(const struct upload *u, const char *method, const char *url)
{
	return (struct http_call){
		.what = "upload",
		.method = method,
		.url = url,
		.scope = session_scope(u->s),
	};
}

void upload_go_to(struct upload *u, const char *location)
{
	free(u->location);
	u->location = url_keep_https(u->s->base_url, location);
}

/* Who is shown a token */

/* Outside /v2/ the place itself may be the permission: `docker push` shows no token there. */
static bool is_capability(const struct upload *u, const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	return path && strncmp(path, "/v2/", 4) != 0 && url_same_origin(url, u->s->base_url);
}

static bool is_refusal(const struct http_answer *answer)
{
	CLEANUP(mem_freep) char *words = refusal_words(answer->body, answer->body_len);
	struct http_refusal ignored;

	return refusal_read(answer->status, words, NULL, &ignored);
}

/* A refusal that is said once may be an accident. */
#define BARE_REFUSALS_MAX 2

/*
 * One attempt at the upload's place. A capability that has turned a token away is tried without one; when that is
 * refused as well, the next attempt shows the token that was fetched meanwhile.
 */
static enum http_outcome attempt(struct upload *u, struct http_call *call,
				 struct http_history *history, struct http_answer *ret,
				 struct err *err)
{
	size_t refusals = history->refusals;
	bool capability = is_capability(u, call->url);
	enum http_outcome outcome;

	call->anonymous = capability && u->bare_refusals < BARE_REFUSALS_MAX &&
			  atomic_load(&u->s->capabilities_are_bare);
	outcome = http_attempt(u->s->client, u->w, call, history, ret, err);
	if (capability && history->refusals > refusals)
		atomic_store(&u->s->capabilities_are_bare, true);
	if (outcome != HTTP_ANSWERED || !call->anonymous || !is_refusal(ret))
		return outcome;
	if (++u->bare_refusals == BARE_REFUSALS_MAX)
		atomic_store(&u->s->capabilities_are_bare, false);
	return HTTP_AGAIN;
}

/* Reading the answers to a body */

/* The same upload goes on where the answer says, or where it was. */
static void follow_location(struct upload *u, const struct http_answer *answer)
{
	if (answer->location)
		upload_go_to(u, answer->location);
}

static bool says_unsupported(const struct http_answer *answer)
{
	CLEANUP(mem_freep) char *words = refusal_words(answer->body, answer->body_len);

	return answer->status == 400 && strstr(words, "UNSUPPORTED");
}

static bool form_is_refused(const struct upload *u, const struct http_answer *answer)
{
	switch (answer->status) {
	case 301:
	case 302:
	case 405:
	case 411:
	case 413:
	case 415:
	case 501:
		return true;
	case 416: /* of a chunk it says that another one is due */
		return u->form != UPLOAD_CHUNKS;
	default:
		return says_unsupported(answer);
	}
}

/* A proxy's limit may be lower than any registry's: nginx takes a mebibyte unless it is told otherwise. */
static bool shrink_chunks(struct upload *u)
{
	int64_t less = u->chunk_bytes / 4;

	if (u->form != UPLOAD_CHUNKS || less < CHUNK_BYTES_LEAST || less < u->chunk_least)
		return false;
	u->chunk_bytes = less;
	atomic_store(&u->s->chunk_bytes, less);
	return true;
}

static enum step read_body_answer(struct upload *u, const struct http_call *call,
				  const struct http_answer *answer, bool whole, struct err *err)
{
	bool success = answer->status >= 200 && answer->status < 300;

	if (success && whole) {
		follow_location(u, answer);
		return STEP_DONE;
	}
	http_answer_err(call, answer, err);
	if (answer->status == 413 && shrink_chunks(u))
		return STEP_ANEW;
	if (form_is_refused(u, answer)) {
		u->wants_chunks |= answer->status == 413 || answer->status == 416;
		return STEP_OTHER;
	}
	if (success)
		err_wrap(err, "the registry answered before the blob was sent");
	if (u->odd_answers++ >= ODD_ANSWERS_MAX)
		return STEP_OVER;
	return http_again(u->s->client, u->w, call, &u->body_history, answer, err) == HTTP_AGAIN
		       ? STEP_ANEW
		       : STEP_OVER;
}

enum step upload_send_body(struct upload *u, struct http_call *call, struct stream *body,
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
	switch (attempt(u, call, &u->body_history, &answer, err)) {
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

bool upload_is_there(struct upload *u, struct err *err)
{
	enum blob_state state;
	int64_t size;

	if (u->replaces)
		return false;
	return blob_exists(u->w, u->s, u->d, &state, &size, err) && state == BLOB_PRESENT;
}

enum step upload_commit(struct upload *u, struct err *err)
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
		enum http_outcome outcome = attempt(u, &call, &history, &answer, err);

		if (outcome == HTTP_ANSWERED && answer.status >= 200 && answer.status < 300)
			return STEP_DONE;
		if (outcome == HTTP_OVER)
			return STEP_OVER;
		if (history.faults + (outcome == HTTP_ANSWERED) > 0 && upload_is_there(u, err))
			return STEP_DONE;
		if (err->code != ERR_NONE)
			return STEP_OVER;
		if (outcome == HTTP_ANSWERED)
			return read_body_answer(u, &call, &answer, false, err);
	}
}
