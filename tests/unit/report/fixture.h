/*
 * A clock that stands still until it is moved, and a world with it, for tests of what people see.
 */
#ifndef UNIT_REPORT_FIXTURE_H
#define UNIT_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-24T14:00:00Z is boot time 1000 s. */
#define BOOT_START_MS ((int64_t)1000000)
#define WALL_START_MS ((int64_t)1795528800000)

struct still {
	struct clock clock;
	struct sched sched;
	struct world world;
	int64_t boot_ms;
};

static int64_t still_boot(struct clock *c)
{
	return ((struct still *)c)->boot_ms;
}

static int64_t still_wall(struct clock *c)
{
	return ((struct still *)c)->boot_ms - BOOT_START_MS + WALL_START_MS;
}

static const struct clock_ops still_ops = { .boot_ms = still_boot, .wall_ms = still_wall };

static inline void still_init(struct still *s)
{
	setenv("TZ", "UTC", 1);
	*s = (struct still){ .clock.ops = &still_ops, .boot_ms = BOOT_START_MS };
	s->sched = sched_threads();
	s->world =
		(struct world){ .clock = &s->clock, .sched = &s->sched, .deadline_ms = NEVER_MS };
}

/* Milliseconds after the start, which is when the event is told. */
static inline UNUSED void tell_at(struct still *s, int64_t at_ms, struct event e)
{
	s->boot_ms = BOOT_START_MS + at_ms;
	world_tell(&s->world, &e);
}

static inline UNUSED struct event token_event(const char *what, const char *fingerprint,
					      int64_t expires_at_ms)
{
	return (struct event){
		.kind = EVENT_TOKEN,
		.token = { .what = what,
			   .source = "exec:mint",
			   .fingerprint = fingerprint,
			   .expires_ms = BOOT_START_MS + expires_at_ms,
			   .expiry_known = true },
	};
}

static inline UNUSED struct event blob_event(char digit, enum blob_stage stage, int64_t done,
					     int64_t size)
{
	static char digests[256][80]; /* an event's text must live while it is told */
	char *digest = digests[(unsigned char)digit];

	memcpy(digest, "sha256:", 7);
	memset(digest + 7, digit, 64);
	return (struct event){
		.kind = EVENT_BLOB,
		.blob = { .stage = stage, .digest = digest, .done_bytes = done, .size_bytes = size }
	};
}

static inline UNUSED struct event request_event(const char *method, const char *what, int status,
						int64_t start_at_ms, int64_t end_at_ms)
{
	return (struct event){
		.kind = EVENT_REQUEST,
		.request = { .method = method,
			     .url = "https://r.example/v2/a/b",
			     .what = what,
			     .status = status,
			     .attempt = 1,
			     .start_ms = BOOT_START_MS + start_at_ms,
			     .end_ms = BOOT_START_MS + end_at_ms,
			     .token = "aaaa1111" },
	};
}

#endif
