/*
 * All that a command says on stderr while it works and when it ends: progress, timeline, errors. One object, so
 * that an error never lands in the middle of a progress display.
 */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include "base/world.h"
#include "cli/common.h"
#include "report/tally.h"

struct talk;

/* Uses the clock and sched of WORLD, which must outlive it. Takes over no stream. */
struct talk *talk_new(const struct world *world, const struct common_settings *settings, FILE *out);
void talk_free(struct talk *t);
DEFINE_FREEP(struct talk, talk_free)

struct observer *talk_observer(struct talk *t);

/* Whether the terminal is in a state that must be put back if the process ends at once. */
bool talk_holds_terminal(const struct talk *t);

/* From here on the work is about TITLE: "app:1.4". */
void talk_title(struct talk *t, const char *title);

/* A line for people; nothing with --quiet. */
void talk_say(struct talk *t, const char *line);

/* An error, once: also with --quiet. */
void talk_error(struct talk *t, const struct err *err);

/* What was counted since the last talk_title. */
struct tally_count talk_count(struct talk *t);

/* No more progress: the display is closed, the timeline drawn if it was asked for. Does nothing a second time. */
void talk_finish(struct talk *t);

#endif
