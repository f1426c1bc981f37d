#include "base/pool.h"

#include "base/mem.h"

struct pool {
	struct world world; /* the caller's, with a cancel of our own */
	struct monitor *monitor;
	pool_work work;
	void *arg;
	size_t next;
	size_t count;
	bool failed;
	struct err first_err;
};

static bool take_index(struct pool *p, size_t *ret_index)
{
	bool more;

	monitor_enter(p->world.sched, p->monitor);
	more = !p->failed && p->next < p->count;
	if (more)
		*ret_index = p->next++;
	monitor_leave(p->world.sched, p->monitor);
	return more;
}

static void record_failure(struct pool *p, struct err *err)
{
	monitor_enter(p->world.sched, p->monitor);
	if (!p->failed) {
		p->failed = true;
		err_move(&p->first_err, err);
		cancel_fire(p->world.cancel, CANCEL_SIBLING_FAILED);
	}
	monitor_leave(p->world.sched, p->monitor);
	err_clear(err);
}

static void worker(void *arg)
{
	struct pool *p = arg;
	size_t index;

	while (take_index(p, &index)) {
		struct err err = ERR_INIT;

		if (!p->work(&p->world, p->arg, index, &err))
			record_failure(p, &err);
	}
}

bool pool_run(const struct world *w, size_t jobs, size_t count, pool_work work, void *arg,
	      struct err *err)
{
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	CLEANUP(mem_freep) struct task **tasks = NULL;
	struct pool p = { .world = *w, .work = work, .arg = arg, .count = count };
	size_t helpers = (jobs < count ? jobs : count);

	if (count == 0)
		return true;
	if (!cancel_new(w->cancel, &cancel, err))
		return false;
	p.world.cancel = cancel;
	p.monitor = monitor_new(w->sched);
	helpers = helpers ? helpers - 1 : 0; /* the caller works too */
	tasks = mem_alloc((helpers + 1) * sizeof(*tasks));
	for (size_t i = 0; i < helpers; i++)
		tasks[i] = sched_spawn(w->sched, worker, &p);
	worker(&p);
	for (size_t i = 0; i < helpers; i++)
		if (tasks[i])
			sched_join(w->sched, tasks[i]);
	monitor_free(w->sched, p.monitor);
	if (p.failed)
		err_move(err, &p.first_err);
	return !p.failed;
}
