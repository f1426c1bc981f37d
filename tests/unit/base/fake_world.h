/*
 * A world in which time only passes when somebody sleeps, or when a test says so. Threads, monitors and cancel are
 * the real ones. All that is told is kept as text, and when the world ends there must be no secret in it: every
 * secret of these tests has SECRET in it, so that it can be searched for, also in base64.
 */
#ifndef UNIT_BASE_FAKE_WORLD_H
#define UNIT_BASE_FAKE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/world.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-24T14:00:00Z is boot time 1000 s. */
#define BOOT_START_MS ((int64_t)1000000)
#define WALL_START_MS ((int64_t)1795528800000)

struct fake_world {
	struct clock clock;
	struct sched sched;
	struct sched_ops sched_ops;
	struct observer observer;
	struct world world;
	struct cancel *cancel;
	struct err err;

	atomic_llong boot_ms;
	atomic_llong wall_ms;
	atomic_llong slept_ms;
	atomic_int sleeps;
	int cancel_at_sleep;	  /* fires the cancel when that sleep begins; 0: never */
	int64_t leap_at_sleep_ms; /* the machine is suspended for so long during each sleep */

	struct monitor *lock; /* of what follows */
	struct buf told;
	int told_of[EVENT_PROOF + 1];
};

static inline int64_t fake_boot(struct clock *c)
{
	return atomic_load(&((struct fake_world *)c)->boot_ms);
}

static inline int64_t fake_wall(struct clock *c)
{
	return atomic_load(&((struct fake_world *)c)->wall_ms);
}

static inline void fake_advance(struct fake_world *f, int64_t ms)
{
	atomic_fetch_add(&f->boot_ms, ms);
	atomic_fetch_add(&f->wall_ms, ms);
}

static inline int64_t fake_since_start(struct fake_world *f)
{
	return atomic_load(&f->boot_ms) - BOOT_START_MS;
}

static inline void fake_sleep(struct sched *s, int64_t ms, const struct cancel *cancel)
{
	struct fake_world *f =
		(struct fake_world *)((char *)s - offsetof(struct fake_world, sched));
	int nth = atomic_fetch_add(&f->sleeps, 1) + 1;

	if (f->cancel_at_sleep && nth >= f->cancel_at_sleep)
		cancel_fire(f->cancel, 15);
	if (cancel_reason(cancel))
		return;
	fake_advance(f, ms + f->leap_at_sleep_ms);
	atomic_fetch_add(&f->slept_ms, ms);
	sched_yield();
}

static inline void told_add(struct buf *told, const char *text)
{
	if (text)
		buf_printf(told, " %s", text);
}

static inline void fake_hear(struct observer *o, const struct event *e)
{
	struct fake_world *f =
		(struct fake_world *)((char *)o - offsetof(struct fake_world, observer));

	monitor_enter(&f->sched, f->lock);
	f->told_of[e->kind]++;
	buf_printf(&f->told, "%d", e->kind);
	told_add(&f->told, e->text);
	if (e->kind == EVENT_REQUEST) {
		told_add(&f->told, e->request.method);
		told_add(&f->told, e->request.url);
		told_add(&f->told, e->request.what);
		told_add(&f->told, e->request.token);
		told_add(&f->told, e->request.failure);
	} else if (e->kind == EVENT_TOKEN || e->kind == EVENT_REFUSED) {
		told_add(&f->told, e->token.what);
		told_add(&f->told, e->token.source);
		told_add(&f->told, e->token.fingerprint);
	}
	buf_putc(&f->told, '\n');
	monitor_leave(&f->sched, f->lock);
}

static const struct clock_ops fake_clock_ops = { .boot_ms = fake_boot, .wall_ms = fake_wall };

static inline void fake_world_init(struct fake_world *f)
{
	*f = (struct fake_world){ .clock.ops = &fake_clock_ops };
	f->sched_ops = *sched_threads().ops;
	f->sched_ops.sleep = fake_sleep;
	f->sched.ops = &f->sched_ops;
	f->observer.tell = fake_hear;
	f->told.ceiling = 16 * MIB;
	f->lock = monitor_new(&f->sched);
	atomic_store(&f->boot_ms, BOOT_START_MS);
	atomic_store(&f->wall_ms, WALL_START_MS);
	assert_true(cancel_new(NULL, &f->cancel, &f->err));
	f->world = (struct world){ .clock = &f->clock,
				   .sched = &f->sched,
				   .cancel = f->cancel,
				   .observer = &f->observer,
				   .deadline_ms = NEVER_MS };
}

/* SECRET as it is, and in base64 with nothing, one or two bytes before its group. */
static inline void assert_no_secret(const char *text)
{
	static const char *const forms[] = { "SECRET", "U0VDUkVU", "NFQ1JFV", "TRUNSRV" };

	for (size_t i = 0; text && i < ARRAY_SIZE(forms); i++)
		if (strstr(text, forms[i]))
			fail_msg("a secret was told: %s", text);
}

static inline void assert_err_keeps_secrets(const struct err *err)
{
	assert_no_secret(err->message);
	assert_no_secret(err->evidence);
	assert_no_secret(err->cause);
	assert_no_secret(err->hint);
}

static inline void fake_world_clear(struct fake_world *f)
{
	assert_no_secret(buf_str(&f->told));
	assert_err_keeps_secrets(&f->err);
	err_clear(&f->err);
	buf_clear(&f->told);
	monitor_free(&f->sched, f->lock);
	cancel_free(f->cancel);
}

/* What must have failed, with CODE and with WORDS in its message. */
static inline void assert_err(struct err *err, enum err_code code, const char *words)
{
	if (err->code != code || !err->message || !strstr(err->message, words))
		fail_msg("expected code %d and '%s', got code %d and '%s'", code, words, err->code,
			 err->message ? err->message : "(no message)");
	assert_err_keeps_secrets(err);
	err_clear(err);
}

static inline void assert_no_err(const struct err *err)
{
	if (err->code != ERR_NONE)
		fail_msg("unexpected error: code %d, '%s'", err->code, err->message);
}

#endif
