/* Lines that several displays write, and the display that writes nothing else. */
#include "report/display.h"

#include "base/mem.h"
#include "report/format.h"
#include "wire/time.h"

#include <string.h>

/* A wait that is shorter is not worth a line. */
#define WAIT_WORTH_MS 1000

static void add_clock_time(const struct display *d, int64_t boot_ms, struct buf *out)
{
	int64_t offset_ms = clock_wall_ms(d->clock) - clock_boot_ms(d->clock);
	char text[TIME_TEXT_SIZE];

	time_format_clock(boot_ms + offset_ms, text);
	buf_puts(out, text);
}

static void add_life(int64_t expires_ms, int64_t now_ms, struct buf *out)
{
	char text[FORMAT_TEXT_SIZE];

	if (expires_ms == NEVER_MS)
		return;
	if (expires_ms <= now_ms) {
		buf_puts(out, ", expired");
		return;
	}
	format_duration(expires_ms - now_ms, text);
	buf_printf(out, ", %s left", text);
}

void display_token(const struct display *d, int64_t now_ms, struct buf *out)
{
	const struct token *t = tokens_leading(&d->board->tokens);

	if (!t)
		return;
	buf_printf(out, "token: %s", t->source ? t->source : "unknown");
	add_life(t->expires_ms, now_ms, out);
}

static bool line_of_token(const struct display *d, const struct event *e, struct buf *out,
			  enum tone *ret_tone)
{
	const struct event_token *t = &e->token;
	enum token_news news = d->board->token_news;
	int64_t expires_ms = t->expiry_known ? t->expires_ms : NEVER_MS;

	if (news != TOKEN_RENEWED && (!d->verbose || news == TOKEN_SAME))
		return false;
	buf_printf(out, "%s %s", t->what ? t->what : "token",
		   news == TOKEN_RENEWED ? "renewed at " : "obtained");
	if (news == TOKEN_RENEWED) {
		add_clock_time(d, e->at_ms, out);
		*ret_tone = TONE_GOOD;
	}
	if (news == TOKEN_RENEWED && d->board->was_due_ms != NEVER_MS) {
		buf_puts(out, " (was due ");
		add_clock_time(d, d->board->was_due_ms, out);
		buf_puts(out, ")");
	}
	if (t->source)
		buf_printf(out, ", %s", t->source);
	add_life(expires_ms, e->at_ms, out);
	if (d->verbose && t->fingerprint)
		buf_printf(out, ", fingerprint %s", t->fingerprint);
	return true;
}

/* A 404 is what a HEAD is for. */
static bool is_trouble(int status)
{
	return !status || status == 401 || status == 403 || status == 429 || status >= 500;
}

static bool line_of_request(const struct display *d, const struct event *e, struct buf *out,
			    enum tone *ret_tone)
{
	const struct event_request *r = &e->request;
	char text[FORMAT_TEXT_SIZE];

	if (!d->verbose)
		return false;
	buf_printf(out, "%s %s", r->method, r->url);
	if (r->status)
		buf_printf(out, "  %d", r->status);
	else
		buf_printf(out, "  no answer (%s)", r->failure ? r->failure : "unknown");
	format_duration(r->end_ms - r->start_ms, text);
	buf_printf(out, "  %s", text);
	if (r->sent_bytes > 0) {
		format_bytes(r->sent_bytes, text);
		buf_printf(out, "  %s sent", text);
	}
	if (r->received_bytes > 0) {
		format_bytes(r->received_bytes, text);
		buf_printf(out, "  %s received", text);
	}
	if (r->token && *r->token)
		buf_printf(out, "  token %s", r->token);
	if (r->attempt > 1)
		buf_printf(out, "  attempt %d", r->attempt);
	*ret_tone = is_trouble(r->status) ? TONE_BAD : TONE_DIM;
	return true;
}

static bool line_of_wait(const struct display *d, const struct event *e, struct buf *out)
{
	char text[FORMAT_TEXT_SIZE];

	if (e->wait.ms < WAIT_WORTH_MS && !d->verbose)
		return false;
	format_duration(e->wait.ms, text);
	buf_printf(out, "waiting %s: %s", text, e->text ? e->text : "");
	return true;
}

static void line_of_refusal(const struct event *e, struct buf *out)
{
	const char *fingerprint = e->token.fingerprint;

	if (fingerprint && *fingerprint)
		buf_printf(out, "%s %s", e->token.what ? e->token.what : "token", fingerprint);
	else
		buf_puts(out, "a request without a token");
	buf_printf(out, " was refused: %s", e->text ? e->text : "");
}

bool display_line(const struct display *d, const struct event *e, struct buf *out,
		  enum tone *ret_tone)
{
	*ret_tone = TONE_PLAIN;
	switch (e->kind) {
	case EVENT_TOKEN:
		return line_of_token(d, e, out, ret_tone);
	case EVENT_REQUEST:
		return line_of_request(d, e, out, ret_tone);
	case EVENT_WAIT:
		*ret_tone = TONE_BAD;
		return line_of_wait(d, e, out);
	case EVENT_REFUSED:
		*ret_tone = TONE_BAD;
		line_of_refusal(e, out);
		return true;
	case EVENT_PROOF:
		*ret_tone = TONE_GOOD;
		/* fall through */
	case EVENT_NOTE:
		buf_puts(out, e->text ? e->text : "");
		return out->len > 0;
	case EVENT_PHASE:
		buf_printf(out, "%s: %s", d->board->title ? d->board->title : "landed",
			   e->text ? e->text : "");
		return true;
	case EVENT_BLOB:
		return false;
	}
	return false;
}

void display_blob(const struct board_blob *blob, struct buf *out)
{
	static const char *const stages[] = {
		[BLOB_STAGE_PLANNED] = "planned",
		[BLOB_STAGE_PACKING] = "packing",
		[BLOB_STAGE_EXISTS] = "already there",
		[BLOB_STAGE_MOUNTED] = "mounted",
		[BLOB_STAGE_SENDING] = "sending",
		[BLOB_STAGE_AGAIN] = "starting anew",
		[BLOB_STAGE_SENT] = "sent",
		[BLOB_STAGE_SKIPPED] = "not needed there",
	};
	char text[FORMAT_TEXT_SIZE];

	format_digest(blob->digest, text);
	buf_printf(out, "%s  %s", text, stages[blob->stage]);
	if (board_blob_is_active(blob) && blob->done_bytes > 0)
		format_bytes_of(blob->done_bytes, blob->size_bytes, text);
	else
		format_bytes(blob->size_bytes, text);
	if (blob->size_bytes > 0)
		buf_printf(out, "  %s", text);
	if (board_blob_is_active(blob) && blob->rate > 0) {
		format_bytes(blob->rate, text);
		buf_printf(out, "  %s/s", text);
	}
}

void display_print(const struct display *d, enum tone tone, const char *line)
{
	static const char *const colours[] = {
		[TONE_PLAIN] = NULL,
		[TONE_GOOD] = "\033[32m",
		[TONE_BAD] = "\033[33m",
		[TONE_DIM] = "\033[2m",
	};
	const char *colour = d->look.colour ? colours[tone] : NULL;

	fputs("  ", d->out);
	if (colour)
		fputs(colour, d->out);
	print_clean(d->out, line);
	fputs(colour ? "\033[0m\n" : "\n", d->out);
}

static void none_show(struct display *d, const struct event *e, struct board_blob *blob)
{
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	enum tone tone;

	(void)blob;
	if (d->verbose && display_line(d, e, &line, &tone)) {
		display_print(d, tone, buf_str(&line));
		fflush(d->out);
	}
}

static void none_settle(struct display *d)
{
	(void)d;
}

static void none_free(struct display *d)
{
	free(d);
}

struct display *display_none_new(void)
{
	static const struct display_ops ops = {
		.show = none_show,
		.settle = none_settle,
		.finish = none_settle,
		.free = none_free,
	};
	struct display *d = NEW(struct display);

	d->ops = &ops;
	return d;
}
