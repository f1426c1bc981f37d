#include "image/compressor.h"

#include "base/mem.h"

#include <string.h>

/* Nobody tells a monitor of a cancel. */
#define LOOK_AGAIN_MS 100

struct packing *packing_begin(struct compressor *c, const struct world *w, packing_out out,
			      void *arg)
{
	struct packing *p = NEW(struct packing);

	p->compressor = c;
	p->world = w;
	p->out = out;
	p->arg = arg;
	monitor_enter(c->sched, c->monitor);
	compressor_enrol(c, p);
	monitor_leave(c->sched, c->monitor);
	return p;
}

static void take_first(struct packing *p)
{
	p->first = p->first->next;
	if (!p->first)
		p->last = NULL;
}

static bool give_out(struct packing *p, struct block *b, struct err *err)
{
	if (b->err.code == ERR_NONE)
		return p->out(p->arg, b->bytes, b->len, err);
	err_move(err, &b->err);
	return false;
}

/* What is done of the front of the row, outside of the monitor: OUT may take its time. */
static bool deliver(struct packing *p, struct err *err)
{
	struct compressor *c = p->compressor;
	bool ok = true;

	while (ok && p->first && p->first->state == BLOCK_DONE) {
		struct block *b = p->first;

		take_first(p);
		monitor_leave(c->sched, c->monitor);
		ok = world_check(p->world, err) && give_out(p, b, err);
		monitor_enter(c->sched, c->monitor);
		block_give_back(p, b);
	}
	return ok;
}

static bool await(struct packing *p, struct err *err)
{
	int64_t left_ms = world_left_ms(p->world);

	return world_check(p->world, err) &&
	       compressor_await(p->compressor, left_ms < LOOK_AGAIN_MS ? left_ms : LOOK_AGAIN_MS,
				err) &&
	       deliver(p, err);
}

static bool get_block(struct packing *p, struct err *err)
{
	struct compressor *c = p->compressor;
	bool ok;

	monitor_enter(c->sched, c->monitor);
	ok = deliver(p, err);
	while (ok && !(p->filling = block_get(p)))
		ok = await(p, err);
	monitor_leave(c->sched, c->monitor);
	return ok;
}

static void queue_block(struct packing *p)
{
	struct compressor *c = p->compressor;
	struct block *b = TAKE(p->filling);

	monitor_enter(c->sched, c->monitor);
	b->state = BLOCK_QUEUED;
	if (p->last)
		p->last->next = b;
	else
		p->first = b;
	p->last = b;
	p->begun = true;
	compressor_call_worker(c);
	monitor_wake_all(c->sched, c->monitor);
	monitor_leave(c->sched, c->monitor);
}

bool packing_add(struct packing *p, const void *bytes, size_t len, struct err *err)
{
	size_t block_bytes = p->compressor->block_bytes;
	const char *rest = bytes;

	while (len) {
		size_t room, some;

		if (!p->filling && !get_block(p, err))
			return false;
		room = block_bytes - p->filling->len;
		some = len < room ? len : room;
		memcpy(p->filling->bytes + p->filling->len, rest, some);
		p->filling->len += some;
		rest += some;
		len -= some;
		if (some == room)
			queue_block(p);
	}
	return true;
}

bool packing_end(struct packing *p, struct err *err)
{
	struct compressor *c = p->compressor;
	bool ok;

	if (!p->filling && !p->begun && !get_block(p, err))
		return false;
	if (p->filling)
		queue_block(p);
	monitor_enter(c->sched, c->monitor);
	ok = deliver(p, err);
	while (ok && p->first)
		ok = await(p, err);
	monitor_leave(c->sched, c->monitor);
	return ok;
}

/* The blocks that no worker has; true when none is left. */
static bool throw_away(struct packing *p)
{
	struct block *row = p->first, *next;

	p->first = p->last = NULL;
	for (; row; row = next) {
		next = row->next;
		row->next = NULL;
		if (row->state != BLOCK_TAKEN) {
			block_give_back(p, row);
			continue;
		}
		if (p->last)
			p->last->next = row;
		else
			p->first = row;
		p->last = row;
	}
	return !p->first;
}

void packing_free(struct packing *p)
{
	struct compressor *c;

	if (!p)
		return;
	c = p->compressor;
	monitor_enter(c->sched, c->monitor);
	if (p->filling)
		block_give_back(p, p->filling);
	while (!throw_away(p))
		monitor_wait(c->sched, c->monitor, NEVER_MS);
	compressor_strike_out(c, p);
	monitor_leave(c->sched, c->monitor);
	free(p);
}
