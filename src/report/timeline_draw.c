#include "report/timeline_draw.h"

#include "base/mem.h"
#include "report/format.h"
#include "wire/time.h"

#include <string.h>

#define LABEL_COLUMNS 22
#define NOTE_COLUMNS 18
#define CHART_LEAST 16
#define CHART_MOST 160

/* Tokens that have a line: these many of the first, and of the last. */
#define TOKENS_HEAD 4
#define TOKENS_TAIL 6

enum glyph {
	GLYPH_NONE,
	GLYPH_BUSY,
	GLYPH_FAULT,
	GLYPH_REFUSED,
	GLYPH_LIFE,
	GLYPH_GHOST,
	GLYPH_END,
	GLYPH_LATE
};

struct glyph_text {
	const char *utf8;
	const char *ascii;
	const char *colour;
};

static const struct glyph_text glyphs[] = {
	[GLYPH_NONE] = { " ", " ", NULL },	  [GLYPH_BUSY] = { "█", "#", NULL },
	[GLYPH_FAULT] = { "▒", "!", "\033[33m" }, [GLYPH_REFUSED] = { "✗", "x", "\033[31m" },
	[GLYPH_LIFE] = { "▄", "=", "\033[32m" },  [GLYPH_GHOST] = { "░", ".", "\033[2m" },
	[GLYPH_END] = { "┃", "X", "\033[31m" },	  [GLYPH_LATE] = { "^", "^", "\033[31m" },
};

struct chart {
	const struct timeline_record *record;
	const struct look *look;
	struct buf *out;
	size_t width;
	unsigned char *cells; /* one row's glyphs; filled, printed, filled again */
};

static size_t column_of(const struct chart *c, int64_t ms)
{
	int64_t span_ms = c->record->last_ms - c->record->first_ms + 1;
	int64_t at_ms = ms - c->record->first_ms;

	if (at_ms <= 0)
		return 0;
	if (at_ms >= span_ms)
		return c->width - 1;
	return (size_t)(at_ms * (int64_t)c->width / span_ms);
}

/* From START to END, both inclusive; what is there already stays if it is worse. */
static void fill(struct chart *c, int64_t start_ms, int64_t end_ms, enum glyph glyph)
{
	size_t last = column_of(c, end_ms);

	for (size_t i = column_of(c, start_ms); i <= last; i++) {
		if (c->cells[i] < glyph)
			c->cells[i] = (unsigned char)glyph;
	}
}

static void print_cells(const struct chart *c)
{
	const char *colour = NULL;

	for (size_t i = 0; i < c->width; i++) {
		const struct glyph_text *g = &glyphs[c->cells[i]];

		if (c->look->colour && g->colour != colour)
			buf_puts(c->out, g->colour ? g->colour : "\033[0m");
		if (c->look->colour)
			colour = g->colour;
		buf_puts(c->out, c->look->utf8 ? g->utf8 : g->ascii);
	}
	if (colour)
		buf_puts(c->out, "\033[0m");
}

/* Prints the row and leaves the cells empty for the next one. */
static void print_row(struct chart *c, const char *label, const char *note)
{
	const char *edge = c->look->utf8 ? "│" : "|";
	int len = (int)format_fit(label, LABEL_COLUMNS);

	buf_printf(c->out, "%.*s%*s%s", len, label,
		   LABEL_COLUMNS - (int)format_columns(label) > 0
			   ? LABEL_COLUMNS - (int)format_columns(label)
			   : 0,
		   "", edge);
	print_cells(c);
	buf_printf(c->out, "%s%s%s\n", edge, *note ? " " : "", note);
	memset(c->cells, GLYPH_NONE, c->width);
}

static void draw_requests(struct chart *c)
{
	static const enum glyph glyph_of[] = {
		[MARK_NONE] = GLYPH_NONE,
		[MARK_DONE] = GLYPH_BUSY,
		[MARK_FAULT] = GLYPH_FAULT,
		[MARK_REFUSED] = GLYPH_REFUSED,
	};
	const struct timeline_record *r = c->record;
	char note[FORMAT_TEXT_SIZE];

	for (size_t row = 0; row < r->row_count; row++) {
		for (size_t i = 0; i < r->request_count; i++) {
			const struct timeline_request *q = &r->requests[i];

			if (q->row == row)
				fill(c, q->start_ms, q->end_ms, glyph_of[q->mark]);
		}
		snprintf(note, sizeof(note), "%zu", r->rows[row].count);
		print_row(c, r->rows[row].label, note);
	}
}

static void clock_text(const struct chart *c, int64_t ms, char ret[TIME_TEXT_SIZE])
{
	time_format_clock(ms + c->record->wall_offset_ms, ret);
}

/* When T could not be used any more; NEVER_MS when that was not seen. */
static int64_t end_of(const struct chart *c, const struct token *t)
{
	int64_t end_ms = t->expires_ms < t->refused_ms ? t->expires_ms : t->refused_ms;

	return end_ms <= c->record->last_ms ? end_ms : NEVER_MS;
}

static void fill_life(struct chart *c, const struct token *t, enum glyph glyph)
{
	int64_t end_ms = end_of(c, t);

	fill(c, t->obtained_ms, end_ms == NEVER_MS ? c->record->last_ms : end_ms, glyph);
	if (end_ms != NEVER_MS)
		fill(c, end_ms, end_ms, GLYPH_END);
}

static void draw_token(struct chart *c, size_t index)
{
	const struct token *t = &c->record->tokens.at[index];
	char clock[TIME_TEXT_SIZE], note[2 * TIME_TEXT_SIZE] = "";
	CLEANUP(mem_freep) char *label = NULL;

	if (index < 26)
		label = mem_printf("%c %s", 'A' + (int)index, t->what ? t->what : "token");
	else
		label = mem_printf("%zu %s", index + 1, t->what ? t->what : "token");
	if (t->refused_ms != NEVER_MS) {
		clock_text(c, t->refused_ms, clock);
		snprintf(note, sizeof(note), "refused %s", clock);
	} else if (t->expires_ms != NEVER_MS) {
		clock_text(c, t->expires_ms, clock);
		snprintf(note, sizeof(note), "until %s", clock);
	}
	fill_life(c, t, GLYPH_LIFE);
	print_row(c, label, note);
}

static void draw_tokens(struct chart *c)
{
	size_t count = c->record->tokens.count;
	char label[FORMAT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (count > TOKENS_HEAD + TOKENS_TAIL && i == TOKENS_HEAD) {
			i = count - TOKENS_TAIL;
			snprintf(label, sizeof(label), "  %zu more", i - TOKENS_HEAD);
			print_row(c, label, "");
		}
		draw_token(c, i);
	}
}

/* What a pusher with one login would have lived on: the first credential, or else the first token. */
static const struct token *ghost_of(const struct tokens *t)
{
	for (size_t i = 0; i < t->count; i++) {
		if (token_is_credential(&t->at[i]))
			return &t->at[i];
	}
	return t->count ? &t->at[0] : NULL;
}

static void draw_ghost(struct chart *c)
{
	const struct timeline_record *r = c->record;
	const struct token *ghost = ghost_of(&r->tokens);
	int64_t end_ms = ghost ? end_of(c, ghost) : NEVER_MS;
	char note[FORMAT_TEXT_SIZE];
	size_t late = 0;

	if (!ghost || end_ms == NEVER_MS)
		return;
	fill_life(c, ghost, GLYPH_GHOST);
	print_row(c, "with one login", "ends here");
	for (size_t i = 0; i < r->request_count; i++) {
		const struct timeline_request *q = &r->requests[i];

		if (q->start_ms <= end_ms)
			continue;
		fill(c, q->start_ms, q->start_ms, GLYPH_LATE);
		late += q->count;
	}
	snprintf(note, sizeof(note), "%zu request%s", late, late == 1 ? "" : "s");
	print_row(c, "  would come too late", note);
}

static void draw_axis(struct chart *c)
{
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
	int gap;

	clock_text(c, c->record->first_ms, from);
	clock_text(c, c->record->last_ms, to);
	gap = (int)c->width - (int)strlen(from) - (int)strlen(to);
	buf_printf(c->out, "%*s%s%*s%s\n", LABEL_COLUMNS + 1, "", from, gap > 1 ? gap : 1, "", to);
}

static size_t chart_width(const struct look *look)
{
	int columns, rows, width;

	look_size(look, &columns, &rows);
	width = columns - LABEL_COLUMNS - NOTE_COLUMNS - 3;
	return (size_t)(width < CHART_LEAST  ? CHART_LEAST
			: width > CHART_MOST ? CHART_MOST
					     : width);
}

void timeline_draw_record(const struct timeline_record *r, const struct look *look, struct buf *out)
{
	struct chart c = { .record = r, .look = look, .out = out, .width = chart_width(look) };

	if (!r->request_count)
		return;
	c.cells = mem_alloc(c.width);
	draw_requests(&c);
	draw_tokens(&c);
	draw_ghost(&c);
	draw_axis(&c);
	free(c.cells);
}
