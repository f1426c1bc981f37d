/*
 * Two clocks. Boot time never jumps and counts suspend: every expiry, deadline and wait is on it. Wall time is
 * what people and servers write down: it may jump, so nothing is decided by it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NEVER_MS INT64_MAX

struct clock;

struct clock_ops {
	int64_t (*boot_ms)(struct clock *c);
	int64_t (*wall_ms)(struct clock *c);
};

struct clock {
	const struct clock_ops *ops;
};

static inline int64_t clock_boot_ms(struct clock *c)
{
	return c->ops->boot_ms(c);
}

static inline int64_t clock_wall_ms(struct clock *c)
{
	return c->ops->wall_ms(c);
}

/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
struct clock clock_system(void);

/* NOW plus SPAN without overflow: a span too long to count ends never. */
int64_t clock_after(int64_t now_ms, int64_t span_ms);

#endif
