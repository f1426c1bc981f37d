/*
 * Who runs when. Every point where a thread of ours waits for another one, or for time, goes through here, so
 * that the real world (threads) and a simulated one (a seeded scheduler) run the same code.
 *
 * A monitor is a lock and the condition that goes with it: enter, look, wait while it is not so, leave.
 */
#ifndef BASE_SCHED_H
#define BASE_SCHED_H

#include "base/cancel.h"
#include "base/clock.h"

struct sched;
struct task;
struct monitor;

struct sched_ops {
	struct task *(*spawn)(struct sched *s, void (*run)(void *arg), void *arg);
	void (*join)(struct sched *s, struct task *t);
	void (*sleep)(struct sched *s, int64_t ms, const struct cancel *cancel);
	struct monitor *(*monitor_new)(struct sched *s);
	void (*monitor_free)(struct sched *s, struct monitor *m);
	void (*enter)(struct sched *s, struct monitor *m);
	void (*leave)(struct sched *s, struct monitor *m);
	void (*wait)(struct sched *s, struct monitor *m, int64_t at_most_ms);
	void (*wake_all)(struct sched *s, struct monitor *m);
};

struct sched {
	const struct sched_ops *ops;
};

/* POSIX threads. */
struct sched sched_threads(void);

/* NULL when no further task can be had: then the caller does the work itself. */
static inline struct task *sched_spawn(struct sched *s, void (*run)(void *arg), void *arg)
{
	return s->ops->spawn(s, run, arg);
}

static inline void sched_join(struct sched *s, struct task *t)
{
	s->ops->join(s, t);
}

static inline struct monitor *monitor_new(struct sched *s)
{
	return s->ops->monitor_new(s);
}

static inline void monitor_free(struct sched *s, struct monitor *m)
{
	if (m)
		s->ops->monitor_free(s, m);
}

static inline void monitor_enter(struct sched *s, struct monitor *m)
{
	s->ops->enter(s, m);
}

static inline void monitor_leave(struct sched *s, struct monitor *m)
{
	s->ops->leave(s, m);
}

/* Inside the monitor; may return early: look again. */
static inline void monitor_wait(struct sched *s, struct monitor *m, int64_t at_most_ms)
{
	s->ops->wait(s, m, at_most_ms);
}

static inline void monitor_wake_all(struct sched *s, struct monitor *m)
{
	s->ops->wake_all(s, m);
}

#endif
