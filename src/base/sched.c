#include "base/sched.h"

#include "base/mem.h"

#include <pthread.h>
#include <time.h>

/* Far less than the default of 8 MiB; enough for the JSON library at its deepest nesting under a sanitizer. */
#define STACK_BYTES (2 * MIB)

/* A suspended machine stops CLOCK_MONOTONIC: wake now and then, so that waits are measured on boot time. */
#define SLICE_MS 500

struct task {
	pthread_t thread;
	void (*run)(void *arg);
	void *arg;
};

struct monitor {
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void *task_main(void *arg)
{
	struct task *t = arg;

	t->run(t->arg);
	return NULL;
}

static struct task *threads_spawn(struct sched *s, void (*run)(void *arg), void *arg)
{
	struct task *t = NEW(struct task);
	pthread_attr_t attr;
	int failed;

	(void)s;
	t->run = run;
	t->arg = arg;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	failed = pthread_create(&t->thread, &attr, task_main, t);
	pthread_attr_destroy(&attr);
	if (failed) {
		free(t);
		return NULL;
	}
	return t;
}

static void threads_join(struct sched *s, struct task *t)
{
	(void)s;
	pthread_join(t->thread, NULL);
	free(t);
}

static void threads_sleep(struct sched *s, int64_t ms, const struct cancel *cancel)
{
	struct pollfd fds[CANCEL_POLL_MAX];
	size_t count = cancel_poll(cancel, fds);
	struct clock clock = clock_system();
	int64_t until_ms = clock_after(clock_boot_ms(&clock), ms);

	(void)s;
	for (;;) {
		int64_t left_ms = until_ms - clock_boot_ms(&clock);

		if (left_ms <= 0 || cancel_reason(cancel))
			return;
		poll(fds, count, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
	}
}

static struct monitor *threads_monitor_new(struct sched *s)
{
	struct monitor *m = NEW(struct monitor);
	pthread_condattr_t attr;

	(void)s;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_condattr_destroy(&attr);
	return m;
}

static void threads_monitor_free(struct sched *s, struct monitor *m)
{
	(void)s;
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void threads_enter(struct sched *s, struct monitor *m)
{
	(void)s;
	pthread_mutex_lock(&m->lock);
}

static void threads_leave(struct sched *s, struct monitor *m)
{
	(void)s;
	pthread_mutex_unlock(&m->lock);
}

static void threads_wait(struct sched *s, struct monitor *m, int64_t at_most_ms)
{
	int64_t ms = at_most_ms < SLICE_MS ? at_most_ms : SLICE_MS;
	struct timespec until;

	(void)s;
	if (ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&m->changed, &m->lock, &until);
}

static void threads_wake_all(struct sched *s, struct monitor *m)
{
	(void)s;
	pthread_cond_broadcast(&m->changed);
}

static const struct sched_ops threads_ops = {
	.spawn = threads_spawn,
	.join = threads_join,
	.sleep = threads_sleep,
	.monitor_new = threads_monitor_new,
	.monitor_free = threads_monitor_free,
	.enter = threads_enter,
	.leave = threads_leave,
	.wait = threads_wait,
	.wake_all = threads_wake_all,
};

struct sched sched_threads(void)
{
	return (struct sched){ .ops = &threads_ops };
}
