/*
 * What a progress display shows, kept from the events: which blobs there are and how far each is. Knows nothing
 * of how it is shown. Not locked: progress.c holds its monitor.
 */
#ifndef REPORT_BOARD_H
#define REPORT_BOARD_H

#include "base/observer.h"
#include "report/tokens.h"

/* Blobs beyond these are sent as well, but not shown. */
#define BOARD_BLOBS_MAX 20000

struct board_blob {
	char *digest;
	uint64_t key; /* of the digest, for the search */
	enum blob_stage stage;
	int64_t done_bytes;
	int64_t size_bytes;
	int64_t mark_ms; /* the rate is measured from here */
	int64_t mark_bytes;
	int64_t rate;	 /* bytes a second; 0: not known yet */
	int64_t told_ms; /* when a display last said a line about it */
	bool told;
};

struct board {
	char *title;
	char *phase;
	struct board_blob *blobs;
	size_t blob_count;
	struct tokens tokens;
	enum token_news token_news; /* of the last token event */
	int64_t was_due_ms;	    /* if it was a renewal: when the old one would have ended */
};

struct board_sum {
	size_t blobs; /* of the image: what is being packed has not got its digest yet */
	size_t there; /* existing, mounted or not needed */
	size_t sent;
	size_t open; /* not settled yet */
	int64_t size_bytes;
	int64_t open_bytes;
};

/* Returns the blob that E was about, NULL when it was about something else or is not kept. */
struct board_blob *board_note(struct board *b, const struct event *e);
struct board_sum board_sum(const struct board *b);
bool board_blob_is_active(const struct board_blob *blob);

/* Another image: the blobs are forgotten, the tokens stay. */
void board_begin(struct board *b, const char *title);
void board_clear(struct board *b);

#endif
