/*
 * What the outside gives to every verb: time, company, the wish to stop, a listener and the moment by which all
 * must be over. Handed down by pointer, copied where one of the five differs (a grace period after a signal, the
 * workers of a pool).
 */
#ifndef BASE_WORLD_H
#define BASE_WORLD_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/observer.h"
#include "base/sched.h"

struct world {
	struct clock *clock;
	struct sched *sched;
	struct cancel *cancel;	   /* NULL: cannot be cancelled */
	struct observer *observer; /* NULL: nobody listens */
	int64_t deadline_ms;	   /* boot clock; NEVER_MS: none */
};

int64_t world_now_ms(const struct world *w);

/* Until the deadline; never negative. */
int64_t world_left_ms(const struct world *w);

/* False with ERR_CANCELLED or ERR_TIMEOUT when there is no point in starting something. */
MUST_USE bool world_check(const struct world *w, struct err *err);

/* Waits, but not beyond the deadline or a cancel: false with ERR_CANCELLED or ERR_TIMEOUT when cut short. */
MUST_USE bool world_sleep(const struct world *w, int64_t ms, struct err *err);

void world_tell(const struct world *w, const struct event *e); /* sets at_ms */
void world_note(const struct world *w, enum event_kind kind, const char *fmt, ...) PRINTF(3, 4);

#endif
