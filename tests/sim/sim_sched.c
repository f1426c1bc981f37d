#include "sim/sim_sched.h"

#include "base/mem.h"
#include "sim/sim_rng.h"

#include <setjmp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define BEGIN_BOOT_MS 3600000
#define BEGIN_WALL_MS 1750000000000
#define STACK_BYTES (1 * MIB)
#define EVENTS_MAX 64
#define TASKS_MAX 64

enum task_state {
	TASK_READY,
	TASK_ASLEEP,  /* until until_ms, or a cancel */
	TASK_OUTSIDE, /* of a monitor that somebody is in */
	TASK_WAITING, /* in a monitor, until until_ms or a wake */
	TASK_JOINING,
	TASK_ENDED,
};

static const char *const state_names[] = { "ready",	"asleep",	  "outside a monitor",
					   "in a wait", "joining a task", "ended" };

struct stack {
	struct stack *next;
	void *bytes;
};

struct task {
	struct sim_sched *sched;
	ucontext_t context;
	jmp_buf where; /* it left its stack */
	bool has_run;
	struct stack *stack; /* NULL: the thread's own */
	const void *stack_bottom;
	size_t stack_size;
	void *shadow; /* a sanitizer's */
	size_t number;
	enum task_state state;
	int64_t until_ms;
	const struct cancel *cancel;
	struct monitor *monitor;
	struct task *joined;
	void (*run)(void *arg);
	void *arg;
};

struct monitor {
	bool held;
};

struct event_at {
	int64_t at_ms;
	void (*fire)(void *arg);
	void *arg;
};

struct sim_sched {
	struct sched sched;
	struct clock clock;
	struct sim_rng rng;
	int64_t now_ms;
	int64_t wall_ahead_ms; /* since somebody set it */
	int64_t limit_ms;
	struct task *tasks[TASKS_MAX];
	size_t task_count;
	size_t last_number;
	struct task *running;
	struct task first;
	struct event_at events[EVENTS_MAX];
	size_t event_count;
};

/* Stacks are used again: mapping one costs more than a whole task. */
static struct stack *spare_stacks;

static struct stack *stack_take(void)
{
	struct stack *s = spare_stacks;

	if (!s) {
		s = NEW(struct stack);
		s->bytes = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (s->bytes == MAP_FAILED || mprotect(s->bytes, 4 * KIB, PROT_NONE) != 0)
			abort();
	} else {
		spare_stacks = s->next;
	}
#if defined(__SANITIZE_ADDRESS__)
	ASAN_UNPOISON_MEMORY_REGION((char *)s->bytes + 4 * KIB, STACK_BYTES - 4 * KIB);
#endif
	return s;
}

static void stack_give_back(struct stack *s)
{
	s->next = spare_stacks;
	spare_stacks = s;
}

/* Switching */

static void leave_stack(struct task *from, struct task *to)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(from->state == TASK_ENDED ? NULL : &from->shadow,
				       to->stack_bottom, to->stack_size);
#elif defined(__SANITIZE_THREAD__)
	__tsan_switch_to_fiber(to->shadow, 0);
#endif
	(void)from;
	(void)to;
}

static void arrive_on_stack(struct task *t)
{
#if defined(__SANITIZE_ADDRESS__)
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(t->shadow, &bottom, &size);
	if (!t->sched->first.stack_bottom) { /* nobody else could have come here first */
		t->sched->first.stack_bottom = bottom;
		t->sched->first.stack_size = size;
	}
#endif
	(void)t;
}

/* swapcontext keeps the signal mask, with two system calls each time: without a sanitizer only a first jump does. */
static void jump(struct task *from, struct task *to)
{
	if (SANITIZED) {
		swapcontext(&from->context, &to->context);
		return;
	}
	from->has_run = true;
	if (_setjmp(from->where))
		return;
	if (to->has_run)
		_longjmp(to->where, 1);
	setcontext(&to->context);
	abort();
}

static void switch_to(struct sim_sched *s, struct task *to)
{
	struct task *from = s->running;

	if (from == to)
		return;
	s->running = to;
	leave_stack(from, to);
	jump(from, to);
	arrive_on_stack(from);
}

/* Choosing */

static bool may_run(const struct sim_sched *s, const struct task *t)
{
	switch (t->state) {
	case TASK_READY:
		return true;
	case TASK_ASLEEP:
		return s->now_ms >= t->until_ms || cancel_reason(t->cancel);
	case TASK_OUTSIDE:
		return !t->monitor->held;
	case TASK_WAITING:
		return s->now_ms >= t->until_ms && !t->monitor->held;
	case TASK_JOINING:
		return t->joined->state == TASK_ENDED;
	case TASK_ENDED:
		break;
	}
	return false;
}

static struct task *choose(struct sim_sched *s)
{
	struct task *able[TASKS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < s->task_count; i++)
		if (may_run(s, s->tasks[i]))
			able[count++] = s->tasks[i];
	return count ? able[sim_rng_below(&s->rng, count)] : NULL;
}

static void fire_due(struct sim_sched *s)
{
	for (size_t i = 0; i < s->event_count;) {
		struct event_at e = s->events[i];

		if (e.at_ms > s->now_ms) {
			i++;
			continue;
		}
		s->events[i] = s->events[--s->event_count];
		e.fire(e.arg);
		i = 0; /* it may have added one */
	}
}

static _Noreturn void complain(const struct sim_sched *s, const char *what)
{
	fprintf(stderr, "sim: %s at %lld ms\n", what, (long long)s->now_ms);
	for (size_t i = 0; i < s->task_count; i++)
		fprintf(stderr, "sim: task %zu is %s\n", s->tasks[i]->number,
			state_names[s->tasks[i]->state]);
	abort();
}

static bool has_until(const struct task *t)
{
	return t->state == TASK_ASLEEP || t->state == TASK_WAITING;
}

static void pass_time(struct sim_sched *s)
{
	int64_t next_ms = NEVER_MS;

	for (size_t i = 0; i < s->task_count; i++)
		if (has_until(s->tasks[i]) && s->tasks[i]->until_ms < next_ms)
			next_ms = s->tasks[i]->until_ms;
	for (size_t i = 0; i < s->event_count; i++)
		if (s->events[i].at_ms < next_ms)
			next_ms = s->events[i].at_ms;
	if (next_ms == NEVER_MS)
		complain(s, "everybody waits for somebody");
	if (next_ms > s->now_ms)
		s->now_ms = next_ms;
	if (s->now_ms > s->limit_ms)
		complain(s, "the work does not end");
}

/* The running task has said in its state what it waits for. */
static void yield(struct sim_sched *s)
{
	struct task *next;

	fire_due(s);
	while (!(next = choose(s))) {
		pass_time(s);
		fire_due(s);
	}
	next->state = TASK_READY;
	switch_to(s, next);
}

/* struct sched */

static struct sim_sched *of_sched(struct sched *s)
{
	return (struct sim_sched *)s;
}

static void task_main(unsigned int high, unsigned int low)
{
	struct task *t = (struct task *)(((uintptr_t)high << 32) | (uintptr_t)low);

	arrive_on_stack(t);
	t->run(t->arg);
	t->state = TASK_ENDED;
	yield(t->sched);
	abort();
}

static void adopt(struct sim_sched *s, struct task *t)
{
	t->sched = s;
	t->number = s->last_number++;
	s->tasks[s->task_count++] = t;
}

static struct task *sim_spawn(struct sched *sched, void (*run)(void *arg), void *arg)
{
	struct sim_sched *s = of_sched(sched);
	struct task *t;

	if (s->task_count == TASKS_MAX)
		return NULL;
	t = NEW(struct task);
	t->run = run;
	t->arg = arg;
	t->stack = stack_take();
	t->stack_bottom = (char *)t->stack->bytes + 4 * KIB;
	t->stack_size = STACK_BYTES - 4 * KIB;
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = (char *)t->stack->bytes + 4 * KIB;
	t->context.uc_stack.ss_size = t->stack_size;
	makecontext(&t->context, (void (*)(void))task_main, 2, (unsigned int)((uintptr_t)t >> 32),
		    (unsigned int)((uintptr_t)t & 0xffffffffu));
	/* The sanitizer would wipe its shadow of the whole stack at each switch; it is told by us. */
	t->context.uc_stack.ss_size = 0;
#if defined(__SANITIZE_THREAD__)
	t->shadow = __tsan_create_fiber(0);
#endif
	adopt(s, t);
	yield(s);
	return t;
}

static void disown(struct sim_sched *s, const struct task *t)
{
	size_t i = 0;

	while (s->tasks[i] != t)
		i++;
	s->tasks[i] = s->tasks[--s->task_count];
}

static void sim_join(struct sched *sched, struct task *t)
{
	struct sim_sched *s = of_sched(sched);

	s->running->joined = t;
	s->running->state = TASK_JOINING;
	yield(s);
	disown(s, t);
#if defined(__SANITIZE_THREAD__)
	__tsan_destroy_fiber(t->shadow);
#endif
	stack_give_back(t->stack);
	free(t);
}

static void sim_sleep(struct sched *sched, int64_t ms, const struct cancel *cancel)
{
	struct sim_sched *s = of_sched(sched);

	s->running->until_ms = clock_after(s->now_ms, ms);
	s->running->cancel = cancel;
	s->running->state = TASK_ASLEEP;
	yield(s);
}

static struct monitor *sim_monitor_new(struct sched *sched)
{
	(void)sched;
	return NEW(struct monitor);
}

static void sim_monitor_free(struct sched *sched, struct monitor *m)
{
	if (m->held)
		complain(of_sched(sched), "a monitor is freed with somebody in it");
	free(m);
}

static void come_in(struct sim_sched *s, struct monitor *m)
{
	if (m->held)
		complain(s, "two are in one monitor");
	m->held = true;
}

static void sim_enter(struct sched *sched, struct monitor *m)
{
	struct sim_sched *s = of_sched(sched);

	s->running->monitor = m;
	s->running->state = TASK_OUTSIDE;
	yield(s);
	come_in(s, m);
}

static void sim_leave(struct sched *sched, struct monitor *m)
{
	struct sim_sched *s = of_sched(sched);

	if (!m->held)
		complain(s, "a monitor is left that nobody is in");
	m->held = false;
	yield(s);
}

static void sim_wait(struct sched *sched, struct monitor *m, int64_t at_most_ms)
{
	struct sim_sched *s = of_sched(sched);

	if (!m->held)
		complain(s, "a wait outside the monitor");
	m->held = false;
	s->running->monitor = m;
	s->running->until_ms = clock_after(s->now_ms, at_most_ms);
	s->running->state = TASK_WAITING;
	yield(s);
	come_in(s, m);
}

static void sim_wake_all(struct sched *sched, struct monitor *m)
{
	struct sim_sched *s = of_sched(sched);

	for (size_t i = 0; i < s->task_count; i++)
		if (s->tasks[i]->state == TASK_WAITING && s->tasks[i]->monitor == m)
			s->tasks[i]->state = TASK_OUTSIDE;
}

static const struct sched_ops sim_sched_ops = {
	.spawn = sim_spawn,
	.join = sim_join,
	.sleep = sim_sleep,
	.monitor_new = sim_monitor_new,
	.monitor_free = sim_monitor_free,
	.enter = sim_enter,
	.leave = sim_leave,
	.wait = sim_wait,
	.wake_all = sim_wake_all,
};

/* struct clock */

static struct sim_sched *of_clock(struct clock *c)
{
	return (struct sim_sched *)((char *)c - offsetof(struct sim_sched, clock));
}

static int64_t sim_boot_ms(struct clock *c)
{
	return of_clock(c)->now_ms;
}

static int64_t sim_wall_ms(struct clock *c)
{
	return BEGIN_WALL_MS - BEGIN_BOOT_MS + of_clock(c)->now_ms + of_clock(c)->wall_ahead_ms;
}

static const struct clock_ops sim_clock_ops = { .boot_ms = sim_boot_ms, .wall_ms = sim_wall_ms };

struct sim_sched *sim_sched_new(uint64_t seed)
{
	struct sim_sched *s = NEW(struct sim_sched);

	s->sched.ops = &sim_sched_ops;
	s->clock.ops = &sim_clock_ops;
	s->rng.state = seed;
	s->now_ms = BEGIN_BOOT_MS;
	s->limit_ms = NEVER_MS;
	adopt(s, &s->first);
	s->running = &s->first;
#if defined(__SANITIZE_THREAD__)
	s->first.shadow = __tsan_get_current_fiber();
#endif
	return s;
}

void sim_sched_free(struct sim_sched *s)
{
	free(s);
}

struct sched *sim_sched_of(struct sim_sched *s)
{
	return &s->sched;
}

struct clock *sim_clock_of(struct sim_sched *s)
{
	return &s->clock;
}

int64_t sim_now_ms(const struct sim_sched *s)
{
	return s->now_ms;
}

size_t sim_task_number(const struct sim_sched *s)
{
	return s->running->number;
}

void sim_jump(struct sim_sched *s, int64_t ms)
{
	s->now_ms += ms;
}

void sim_set_wall(struct sim_sched *s, int64_t by_ms)
{
	s->wall_ahead_ms += by_ms;
}

void sim_at(struct sim_sched *s, int64_t at_ms, void (*fire)(void *arg), void *arg)
{
	if (s->event_count == EVENTS_MAX)
		complain(s, "too many events are planned");
	s->events[s->event_count++] = (struct event_at){ .at_ms = at_ms, .fire = fire, .arg = arg };
}

void sim_sched_limit(struct sim_sched *s, int64_t limit_ms)
{
	s->limit_ms = limit_ms;
}
