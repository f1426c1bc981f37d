/*
 * An observer that remembers requests and tokens, and draws at the end which request lived under which token.
 * Its memory is bounded: a long run is remembered more coarsely, never cut off.
 */
#ifndef REPORT_TIMELINE_H
#define REPORT_TIMELINE_H

#include "base/buf.h"
#include "base/world.h"
#include "report/look.h"

/* Beyond these, neighbours of the same kind become one. */
#define TIMELINE_REQUESTS_MAX 4096

struct timeline;

/* Clock and sched of WORLD must outlive it. */
struct timeline *timeline_new(const struct world *world);
void timeline_free(struct timeline *t);
DEFINE_FREEP(struct timeline, timeline_free)

struct observer *timeline_observer(struct timeline *t);

/*
 * Rows of requests, below them a band for each token's life, and the ghost of a pusher with one login: the first
 * token, and which requests would have come after its end. Nothing when no request was seen.
 */
void timeline_draw(struct timeline *t, const struct look *look, struct buf *out);

#endif
