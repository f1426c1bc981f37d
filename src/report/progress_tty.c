/*
 * Progress on a terminal: a block at the bottom that is redrawn in place, and lines that scroll away above it.
 *
 *	app:1.4  6 blobs, 412 MB     token: metadata, 41 min left
 *	  5 already there  ·  1 to send, 288 MB
 *	  sha256:9f1c2b3a4d5e  ████████████▌       120/288 MB   46 MB/s   3 s
 */
#include "report/display.h"

#include "base/mem.h"
#include "report/format.h"

#include <string.h>

#define REDRAW_EVERY_MS 100
#define BAR_COLUMNS 24
#define ACTIVE_LINES_MAX 8

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define ERASE_LINES_ABOVE "\033[%dA\r\033[J"

struct tty {
	struct display display;
	int lines;	  /* of the block that is on the screen */
	int64_t drawn_ms; /* 0: never */
	bool hidden;	  /* the cursor */
	bool stale;	  /* something was told since */
};

/* What is drawn at once, so that a slow terminal never shows half of it. */
struct frame {
	struct buf text;
	const struct look *look;
	int columns;
	int lines;
};

static void frame_clear(struct frame *f)
{
	buf_clear(&f->text);
}

/* A line of the block: cut at the edge, because a wrapped line cannot be counted. */
static void frame_line(struct frame *f, const char *colour, struct buf *line)
{
	const char *text = buf_str(line);
	int len = (int)format_fit(text, (size_t)f->columns - 1);

	if (line->data)
		format_clean(line->data);
	if (f->look->colour && colour)
		buf_printf(&f->text, "%s%.*s\033[0m\n", colour, len, text);
	else
		buf_printf(&f->text, "%.*s\n", len, text);
	f->lines++;
}

static void frame_head(struct frame *f, const struct tty *t, const struct board_sum *sum,
		       int64_t now_ms)
{
	const struct board *b = t->display.board;
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	CLEANUP(buf_clear) struct buf token = BUF_INIT(BUF_TEXT_CEILING);
	char size[FORMAT_TEXT_SIZE];
	size_t columns;

	buf_puts(&line, b->title ? b->title : "landed");
	if (sum->blobs) {
		format_bytes(sum->size_bytes, size);
		buf_printf(&line, "  %zu blob%s, %s", sum->blobs, sum->blobs == 1 ? "" : "s", size);
	}
	display_token(&t->display, now_ms, &token);
	/* the token is what this is about: on a narrow terminal the gap goes first */
	columns = format_columns(buf_str(&line)) + format_columns(buf_str(&token)) + 5;
	if (token.len)
		buf_printf(&line, "%*s%s", columns < (size_t)f->columns ? 5 : 2, "",
			   buf_str(&token));
	frame_line(f, "\033[1m", &line);
}

static void frame_counts(struct frame *f, const struct tty *t, const struct board_sum *sum)
{
	const char *dot = f->look->utf8 ? "  ·  " : "  |  ", *between = "  ";
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	char size[FORMAT_TEXT_SIZE];

	if (sum->there) {
		buf_printf(&line, "%s%zu already there", between, sum->there);
		between = dot;
	}
	if (sum->sent) {
		buf_printf(&line, "%s%zu sent", between, sum->sent);
		between = dot;
	}
	if (sum->open) {
		format_bytes(sum->open_bytes, size);
		buf_printf(&line, "%s%zu to go, %s", between, sum->open, size);
		between = dot;
	}
	if (t->display.board->phase)
		buf_printf(&line, "%s%s", between, t->display.board->phase);
	if (line.len)
		frame_line(f, NULL, &line);
}

/* Eighths of a column where the character set has them. */
static void add_bar(const struct look *look, int64_t done_bytes, int64_t size_bytes,
		    struct buf *out)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int steps = look->utf8 ? 8 : 1;
	double part = size_bytes > 0 ? (double)done_bytes / (double)size_bytes : 0;
	int filled = (int)((part > 1 ? 1 : part) * BAR_COLUMNS * steps);
	int columns = filled / steps;

	for (int i = 0; i < columns; i++)
		buf_puts(out, look->utf8 ? "█" : "#");
	if (filled % steps) {
		buf_puts(out, eighths[filled % steps]);
		columns++;
	}
	buf_printf(out, "%*s", BAR_COLUMNS - columns, "");
}

static void frame_blob(struct frame *f, const struct board_blob *blob)
{
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	char text[FORMAT_TEXT_SIZE];

	format_digest(blob->digest, text);
	buf_printf(&line, "  %-19s  ", text);
	add_bar(f->look, blob->done_bytes, blob->size_bytes, &line);
	format_bytes_of(blob->done_bytes, blob->size_bytes, text);
	buf_printf(&line, "  %12s", text);
	if (blob->stage == BLOB_STAGE_PACKING)
		buf_puts(&line, "   packing");
	else if (blob->stage == BLOB_STAGE_AGAIN)
		buf_puts(&line, "   starting anew");
	if (blob->rate > 0) {
		format_bytes(blob->rate, text);
		buf_printf(&line, "   %s/s", text);
	}
	if (blob->rate > 0 && blob->done_bytes < blob->size_bytes) {
		format_duration((blob->size_bytes - blob->done_bytes) * 1000 / blob->rate, text);
		buf_printf(&line, "   %s", text);
	}
	frame_line(f, NULL, &line);
}

static void frame_block(struct frame *f, const struct tty *t, int64_t now_ms, int rows)
{
	const struct board *b = t->display.board;
	struct board_sum sum = board_sum(b);
	int room = rows - 4 < ACTIVE_LINES_MAX ? rows - 4 : ACTIVE_LINES_MAX;

	frame_head(f, t, &sum, now_ms);
	frame_counts(f, t, &sum);
	for (size_t i = 0; i < b->blob_count && room > 0; i++) {
		if (board_blob_is_active(&b->blobs[i])) {
			frame_blob(f, &b->blobs[i]);
			room--;
		}
	}
}

static void draw(struct tty *t, enum tone tone, const char *line_above)
{
	struct display *d = &t->display;
	CLEANUP(frame_clear)
	struct frame f = { .text = BUF_INIT(BUF_TEXT_CEILING), .look = &d->look };
	int64_t now_ms = clock_boot_ms(d->clock);
	int rows;

	look_size(&d->look, &f.columns, &rows);
	if (!t->hidden)
		fputs(HIDE_CURSOR, d->out);
	if (t->lines)
		fprintf(d->out, ERASE_LINES_ABOVE, t->lines);
	if (line_above)
		display_print(d, tone, line_above);
	frame_block(&f, t, now_ms, rows);
	fputs(buf_str(&f.text), d->out);
	fflush(d->out);
	t->hidden = true;
	t->stale = false;
	t->lines = f.lines;
	t->drawn_ms = now_ms;
}

static void tty_show(struct display *d, const struct event *e, struct board_blob *blob)
{
	struct tty *t = (struct tty *)d;
	CLEANUP(buf_clear) struct buf line = BUF_INIT(BUF_TEXT_CEILING);
	enum tone tone = TONE_PLAIN;
	bool has_line = false;

	t->stale = true;
	if (blob && d->verbose > 1 && blob->stage != BLOB_STAGE_SENDING &&
	    blob->stage != BLOB_STAGE_PACKING) {
		display_blob(blob, &line);
		has_line = true;
	} else if (e->kind != EVENT_PHASE) {
		has_line = display_line(d, e, &line, &tone);
	}
	if (has_line)
		draw(t, tone, buf_str(&line));
	else if (!t->drawn_ms || e->at_ms - t->drawn_ms >= REDRAW_EVERY_MS)
		draw(t, TONE_PLAIN, NULL);
}

/* The block stays where it is, in its last state. */
static void tty_settle(struct display *d)
{
	struct tty *t = (struct tty *)d;

	if (t->stale && t->drawn_ms)
		draw(t, TONE_PLAIN, NULL);
	if (t->hidden)
		fputs(SHOW_CURSOR, d->out);
	fflush(d->out);
	t->hidden = false;
	t->lines = 0;
	t->drawn_ms = 0;
}

static void tty_free(struct display *d)
{
	free(d);
}

struct display *display_tty_new(void)
{
	static const struct display_ops ops = {
		.show = tty_show,
		.settle = tty_settle,
		.finish = tty_settle,
		.free = tty_free,
	};
	struct tty *t = NEW(struct tty);

	t->display.ops = &ops;
	return &t->display;
}
