/*
 * One way of showing progress. Called under the monitor of progress.c, after the board has taken note.
 */
#ifndef REPORT_DISPLAY_H
#define REPORT_DISPLAY_H

#include "base/buf.h"
#include "report/board.h"
#include "report/progress.h"

struct display;

struct display_ops {
	/* BLOB is what the event was about, or NULL. */
	void (*show)(struct display *d, const struct event *e, struct board_blob *blob);
	void (*settle)(struct display *d);
	void (*finish)(struct display *d);
	void (*free)(struct display *d);
};

struct display {
	const struct display_ops *ops;
	const struct board *board;
	struct clock *clock;
	struct look look;
	int verbose;
	FILE *out;
};

struct display *display_tty_new(void);
struct display *display_plain_new(void);
struct display *display_json_new(void);
struct display *display_none_new(void); /* only the lines of --verbose */

enum tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_DIM };

/*
 * The line that an event is worth wherever lines are written, without its end. False when it is worth none:
 * everything about blobs, and what --verbose did not ask for.
 */
MUST_USE bool display_line(const struct display *d, const struct event *e, struct buf *out,
			   enum tone *ret_tone);

/* "token: metadata, 41 min left"; nothing when no token was seen. */
void display_token(const struct display *d, int64_t now_ms, struct buf *out);

/* "sending 9f1c2b3a4d5e  120/288 MB  46 MB/s": one blob's stage. */
void display_blob(const struct board_blob *blob, struct buf *out);

/* LINE with its control characters made harmless, and its end. */
void display_print(const struct display *d, enum tone tone, const char *line);

#endif
