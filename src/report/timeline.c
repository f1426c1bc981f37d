#include "report/timeline.h"

#include "base/mem.h"
#include "report/timeline_draw.h"

#include <string.h>

struct timeline {
	struct observer observer;
	struct sched *sched;
	struct monitor *monitor;
	struct timeline_record record;
};

static size_t row_of(struct timeline_record *r, const struct event_request *q)
{
	CLEANUP(mem_freep) char *label = mem_printf("%s %s", q->method, q->what ? q->what : "");

	for (size_t i = 0; i < r->row_count; i++) {
		if (!strcmp(r->rows[i].label, label))
			return i;
	}
	if (r->row_count == TIMELINE_ROWS_MAX)
		return TIMELINE_ROWS_MAX - 1;
	if (r->row_count == TIMELINE_ROWS_MAX - 1)
		mem_replace(&label, "other");
	r->rows[r->row_count].label = TAKE(label);
	return r->row_count++;
}

static enum timeline_mark mark_of(const struct event_request *q)
{
	if (q->status == 401 || q->status == 403)
		return MARK_REFUSED;
	return q->status == 0 || q->status == 429 || q->status >= 500 ? MARK_FAULT : MARK_DONE;
}

static void merge(struct timeline_request *into, const struct timeline_request *from)
{
	if (from->start_ms < into->start_ms)
		into->start_ms = from->start_ms;
	if (from->end_ms > into->end_ms)
		into->end_ms = from->end_ms;
	if (from->mark > into->mark)
		into->mark = from->mark;
	into->count += from->count;
}

/* Every second request of a row goes into the one before it. */
static void coarsen(struct timeline_record *r)
{
	size_t open[TIMELINE_ROWS_MAX], kept = 0;

	for (size_t i = 0; i < TIMELINE_ROWS_MAX; i++)
		open[i] = SIZE_MAX;
	for (size_t i = 0; i < r->request_count; i++) {
		const struct timeline_request q = r->requests[i];

		if (open[q.row] != SIZE_MAX) {
			merge(&r->requests[open[q.row]], &q);
			open[q.row] = SIZE_MAX;
			continue;
		}
		open[q.row] = kept;
		r->requests[kept++] = q;
	}
	r->request_count = kept;
}

static void record_request(struct timeline_record *r, const struct event_request *q)
{
	size_t row = row_of(r, q);

	if (r->request_count == TIMELINE_REQUESTS_MAX)
		coarsen(r);
	if (!(r->request_count & (r->request_count - 1)))
		r->requests = mem_realloc(r->requests, r->request_count ? 2 * r->request_count : 1,
					  sizeof(*r->requests));
	r->requests[r->request_count++] = (struct timeline_request){
		.start_ms = q->start_ms,
		.end_ms = q->end_ms,
		.count = 1,
		.row = (uint8_t)row,
		.mark = (uint8_t)mark_of(q),
	};
	r->rows[row].count++;
	if (q->start_ms < r->first_ms)
		r->first_ms = q->start_ms;
}

static void record_event(struct timeline_record *r, const struct event *e)
{
	const struct token *before;

	if (!r->first_ms)
		r->first_ms = e->at_ms;
	r->last_ms = e->at_ms;
	if (e->kind == EVENT_REQUEST)
		record_request(r, &e->request);
	else if (e->kind == EVENT_TOKEN)
		tokens_note(&r->tokens, e, &before);
	else if (e->kind == EVENT_REFUSED)
		tokens_refused(&r->tokens, e);
}

static void timeline_tell(struct observer *o, const struct event *e)
{
	struct timeline *t = (struct timeline *)o;

	monitor_enter(t->sched, t->monitor);
	record_event(&t->record, e);
	monitor_leave(t->sched, t->monitor);
}

struct timeline *timeline_new(const struct world *world)
{
	struct timeline *t = NEW(struct timeline);

	t->observer.tell = timeline_tell;
	t->sched = world->sched;
	t->monitor = monitor_new(world->sched);
	t->record.wall_offset_ms = clock_wall_ms(world->clock) - clock_boot_ms(world->clock);
	return t;
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->record.row_count; i++)
		free(t->record.rows[i].label);
	free(t->record.requests);
	tokens_clear(&t->record.tokens);
	monitor_free(t->sched, t->monitor);
	free(t);
}

struct observer *timeline_observer(struct timeline *t)
{
	return &t->observer;
}

void timeline_draw(struct timeline *t, const struct look *look, struct buf *out)
{
	monitor_enter(t->sched, t->monitor);
	timeline_draw_record(&t->record, look, out);
	monitor_leave(t->sched, t->monitor);
}
