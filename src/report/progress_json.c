/*
 * Progress for programs: one object a line.
 *
 * Every object has "event", "at" (RFC 3339, UTC) and "ms" (since the first event), and, of these, what its kind
 * has:
 *	phase, note, proof	text
 *	request			method, url, what, status (absent: no answer), attempt, took (ms), sent, received,
 *				token (fingerprint), failure
 *	token			what, source, fingerprint, expires (RFC 3339, absent: not known), renewal
 *	refused			what, source, fingerprint, text
 *	wait			wait (ms), text
 *	blob			digest, stage, done, size; stage "sending" and "packing" at most twice a second
 * What is said at the end comes as a "note", the error of the command as an "error" (message, evidence, cause, hint);
 * those have no moment. Fields may be added; those that are here stay.
 */
#include "report/display.h"

#include "base/mem.h"
#include "wire/js.h"
#include "wire/time.h"

#define TELL_EVERY_MS 500

struct json {
	struct display display;
	int64_t first_ms; /* 0 before the first event */
};

static const char *const event_names[] = {
	[EVENT_PHASE] = "phase", [EVENT_NOTE] = "note",	      [EVENT_REQUEST] = "request",
	[EVENT_TOKEN] = "token", [EVENT_REFUSED] = "refused", [EVENT_WAIT] = "wait",
	[EVENT_BLOB] = "blob",	 [EVENT_PROOF] = "proof",
};

static const char *const stage_names[] = {
	[BLOB_STAGE_PLANNED] = "planned", [BLOB_STAGE_PACKING] = "packing",
	[BLOB_STAGE_EXISTS] = "exists",	  [BLOB_STAGE_MOUNTED] = "mounted",
	[BLOB_STAGE_SENDING] = "sending", [BLOB_STAGE_AGAIN] = "again",
	[BLOB_STAGE_SENT] = "sent",	  [BLOB_STAGE_SKIPPED] = "skipped",
};

static void put_moment(const struct display *d, struct js *object, const char *key, int64_t boot_ms)
{
	int64_t offset_ms = clock_wall_ms(d->clock) - clock_boot_ms(d->clock);
	char text[TIME_TEXT_SIZE];

	time_format_rfc3339(boot_ms + offset_ms, text);
	js_put_string(object, key, text);
}

static void put_request(struct js *object, const struct event_request *r)
{
	js_put_string(object, "method", r->method);
	js_put_string(object, "url", r->url);
	js_put_string(object, "what", r->what);
	if (r->status)
		js_put_integer(object, "status", r->status);
	js_put_integer(object, "attempt", r->attempt);
	js_put_integer(object, "took", r->end_ms - r->start_ms);
	js_put_integer(object, "sent", r->sent_bytes);
	js_put_integer(object, "received", r->received_bytes);
	js_put_string(object, "token", r->token);
	js_put_string(object, "failure", r->failure);
}

static void put_token(const struct display *d, struct js *object, const struct event *e)
{
	js_put_string(object, "what", e->token.what);
	js_put_string(object, "source", e->token.source);
	js_put_string(object, "fingerprint", e->token.fingerprint);
	if (e->kind != EVENT_TOKEN)
		return;
	if (e->token.expiry_known && e->token.expires_ms != NEVER_MS)
		put_moment(d, object, "expires", e->token.expires_ms);
	js_put_bool(object, "renewal", d->board->token_news == TOKEN_RENEWED);
}

static void put_blob(struct js *object, const struct event_blob *b)
{
	js_put_string(object, "digest", b->digest);
	js_put_string(object, "stage", stage_names[b->stage]);
	js_put_integer(object, "done", b->done_bytes);
	js_put_integer(object, "size", b->size_bytes);
}

static void put_details(const struct display *d, struct js *object, const struct event *e)
{
	switch (e->kind) {
	case EVENT_REQUEST:
		put_request(object, &e->request);
		break;
	case EVENT_TOKEN:
	case EVENT_REFUSED:
		put_token(d, object, e);
		break;
	case EVENT_WAIT:
		js_put_integer(object, "wait", e->wait.ms);
		break;
	case EVENT_BLOB:
		put_blob(object, &e->blob);
		break;
	case EVENT_PHASE:
	case EVENT_NOTE:
	case EVENT_PROOF:
		break;
	}
	js_put_string(object, "text", e->text);
}

/* Sending and packing are told far more often than anybody can use. */
static bool too_soon(const struct event *e, struct board_blob *blob)
{
	if (!blob || blob->stage == BLOB_STAGE_AGAIN || !board_blob_is_active(blob))
		return false;
	if (blob->told && e->at_ms - blob->told_ms < TELL_EVERY_MS)
		return true;
	blob->told = true;
	blob->told_ms = e->at_ms;
	return false;
}

static void json_show(struct display *d, const struct event *e, struct board_blob *blob)
{
	struct json *j = (struct json *)d;
	CLEANUP(js_freep) struct js *object = NULL;
	CLEANUP(mem_freep) char *text = NULL;

	if (too_soon(e, blob))
		return;
	if (!j->first_ms)
		j->first_ms = e->at_ms;
	object = js_object();
	js_put_string(object, "event", event_names[e->kind]);
	put_moment(d, object, "at", e->at_ms);
	js_put_integer(object, "ms", e->at_ms - j->first_ms);
	put_details(d, object, e);
	text = js_text(object, JS_COMPACT);
	fprintf(d->out, "%s\n", text);
	fflush(d->out);
}

static void json_settle(struct display *d)
{
	fflush(d->out);
}

static void json_free(struct display *d)
{
	free(d);
}

struct display *display_json_new(void)
{
	static const struct display_ops ops = {
		.show = json_show,
		.settle = json_settle,
		.finish = json_settle,
		.free = json_free,
	};
	struct json *j = NEW(struct json);

	j->display.ops = &ops;
	return &j->display;
}
