/* Progress as lines: for logs, which keep everything and redraw nothing. */
#include "report/display.h"

#include "base/mem.h"

/* While a blob travels, a line this often. */
#define TELL_EVERY_MS 5000

struct plain {
	struct display display;
	bool token_told;
};

static void print_line(struct display *d, enum tone tone, const struct buf *line)
{
	display_print(d, tone, buf_str(line));
	fflush(d->out);
}

/* The first token is worth a line of its own: renewals say the rest. */
static void show_first_token(struct plain *p, const struct event *e)
{
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);

	if (e->kind != EVENT_TOKEN || p->token_told || p->display.verbose)
		return;
	p->token_told = true;
	display_token(&p->display, e->at_ms, &line);
	print_line(&p->display, TONE_PLAIN, &line);
}

static bool worth_a_line(const struct event *e, const struct board_blob *blob)
{
	switch (blob->stage) {
	case BLOB_STAGE_PLANNED:
		return false;
	case BLOB_STAGE_PACKING:
	case BLOB_STAGE_SENDING:
		return e->at_ms - blob->told_ms >= TELL_EVERY_MS;
	case BLOB_STAGE_EXISTS:
	case BLOB_STAGE_MOUNTED:
	case BLOB_STAGE_AGAIN:
	case BLOB_STAGE_SENT:
	case BLOB_STAGE_SKIPPED:
		break;
	}
	return true;
}

static void show_blob(struct display *d, const struct event *e, struct board_blob *blob)
{
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);

	/* the first word about a blob that travels comes when it has travelled for a while */
	if (board_blob_is_active(blob) && !blob->told) {
		blob->told = true;
		blob->told_ms = e->at_ms;
	}
	if (worth_a_line(e, blob)) {
		blob->told_ms = e->at_ms;
		display_blob(blob, &line);
		print_line(d, blob->stage == BLOB_STAGE_AGAIN ? TONE_BAD : TONE_PLAIN, &line);
	}
}

static void plain_show(struct display *d, const struct event *e, struct board_blob *blob)
{
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	enum tone tone;

	if (blob)
		show_blob(d, e, blob);
	show_first_token((struct plain *)d, e);
	if (display_line(d, e, &line, &tone))
		print_line(d, tone, &line);
}

static void plain_settle(struct display *d)
{
	fflush(d->out);
}

static void plain_free(struct display *d)
{
	free(d);
}

struct display *display_plain_new(void)
{
	static const struct display_ops ops = {
		.show = plain_show,
		.settle = plain_settle,
		.finish = plain_settle,
		.free = plain_free,
	};
	struct plain *p = NEW(struct plain);

	p->display.ops = &ops;
	return &p->display;
}
