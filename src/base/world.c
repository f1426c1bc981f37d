#include "base/world.h"

#include "base/mem.h"

#include <stdio.h>

int64_t world_now_ms(const struct world *w)
{
	return clock_boot_ms(w->clock);
}

int64_t world_left_ms(const struct world *w)
{
	int64_t now_ms = world_now_ms(w);

	return w->deadline_ms > now_ms ? w->deadline_ms - now_ms : 0;
}

bool world_check(const struct world *w, struct err *err)
{
	if (!cancel_check(w->cancel, err))
		return false;
	if (world_left_ms(w) == 0)
		return err_set(err, ERR_TIMEOUT, "time is up");
	return true;
}

bool world_sleep(const struct world *w, int64_t ms, struct err *err)
{
	int64_t left_ms = world_left_ms(w);

	if (ms > 0)
		w->sched->ops->sleep(w->sched, ms < left_ms ? ms : left_ms, w->cancel);
	return world_check(w, err);
}

void world_tell(const struct world *w, const struct event *e)
{
	struct event dated = *e;

	if (!w->observer)
		return;
	dated.at_ms = world_now_ms(w);
	w->observer->tell(w->observer, &dated);
}

void world_note(const struct world *w, enum event_kind kind, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *text = NULL;
	va_list ap;

	if (!w->observer)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		world_tell(w, &(struct event){ .kind = kind, .text = text });
}
