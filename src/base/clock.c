#include "base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_boot_ms(struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_BOOTTIME);
}

static int64_t system_wall_ms(struct clock *c)
{
	(void)c;
	return read_ms(CLOCK_REALTIME);
}

static const struct clock_ops system_ops = {
	.boot_ms = system_boot_ms,
	.wall_ms = system_wall_ms,
};

struct clock clock_system(void)
{
	return (struct clock){ .ops = &system_ops };
}

int64_t clock_after(int64_t now_ms, int64_t span_ms)
{
	int64_t sum;

	return __builtin_add_overflow(now_ms, span_ms, &sum) ? NEVER_MS : sum;
}
