/*
 * An observer that shows how far the work is, on stderr, in one of four ways:
 *	tty	a block that is redrawn in place at most ten times a second
 *	plain	a line for each thing that matters, and one every 5 s while a blob travels: what a CI log wants
 *	json	an object for each event, one a line: see progress_json.c
 *	none	nothing, but for the lines that `verbose` asks for
 * It never shows a secret, because no event holds one.
 */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include "base/world.h"
#include "report/look.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

struct progress_options {
	enum progress_mode mode; /* AUTO: tty if it looks like a terminal, else plain */
	int verbose;		 /* 1: requests and tokens; 2: also the steps of each blob */
	struct look look;
	FILE *out;
};

struct progress;

/* Clock and sched of WORLD must outlive it. */
struct progress *progress_new(const struct progress_options *options, const struct world *world);
void progress_free(struct progress *p);
DEFINE_FREEP(struct progress, progress_free)

struct observer *progress_observer(struct progress *p);

/* What is being worked on from here on: "app:1.4". */
void progress_title(struct progress *p, const char *title);

/*
 * The display is left as it is at this moment, so that a line can be printed below; it begins anew with the next
 * event. After progress_finish it does not.
 */
void progress_settle(struct progress *p);
void progress_finish(struct progress *p);

/* Whether the cursor is hidden until progress_finish: see PROGRESS_RESTORE. */
bool progress_holds_terminal(const struct progress *p);

/* What a signal handler writes to the terminal in the place of progress_finish. */
#define PROGRESS_RESTORE "\033[?25h\r\n"

#endif
