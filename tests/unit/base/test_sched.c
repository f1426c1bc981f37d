/* The real scheduler, on the real clock: what waits is woken, by company, time or a cancel. */
#include "base/fake_world.h"

#include <signal.h>

struct meeting {
	struct sched sched;
	struct monitor *monitor;
	struct cancel *cancel;
	int arrived;
	bool open;
};

static int64_t now_ms(void)
{
	struct clock c = clock_system();

	return clock_boot_ms(&c);
}

static int setup(void **state)
{
	struct meeting *m = NEW(struct meeting);
	struct err err = ERR_INIT;

	m->sched = sched_threads();
	m->monitor = monitor_new(&m->sched);
	assert_true(cancel_new(NULL, &m->cancel, &err));
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct meeting *m = *state;

	monitor_free(&m->sched, m->monitor);
	monitor_free(&m->sched, NULL);
	cancel_free(m->cancel);
	free(m);
	return 0;
}

static void arrive_and_wait(void *arg)
{
	struct meeting *m = arg;

	monitor_enter(&m->sched, m->monitor);
	m->arrived++;
	monitor_wake_all(&m->sched, m->monitor);
	while (!m->open)
		monitor_wait(&m->sched, m->monitor, 60000);
	m->arrived++;
	monitor_leave(&m->sched, m->monitor);
}

static void test_wake_all_wakes_all(void **state)
{
	struct meeting *m = *state;
	struct task *tasks[4];
	int64_t start_ms = now_ms();

	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i] = sched_spawn(&m->sched, arrive_and_wait, m);
	monitor_enter(&m->sched, m->monitor);
	while (m->arrived < 4)
		monitor_wait(&m->sched, m->monitor, 60000);
	m->open = true;
	monitor_wake_all(&m->sched, m->monitor);
	monitor_leave(&m->sched, m->monitor);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		sched_join(&m->sched, tasks[i]);
	assert_int_equal(m->arrived, 8);
	assert_true(now_ms() - start_ms < 30000);
}

static void test_wait_ends_when_its_time_is_over(void **state)
{
	struct meeting *m = *state;
	int64_t start_ms = now_ms();

	monitor_enter(&m->sched, m->monitor);
	monitor_wait(&m->sched, m->monitor, 0);
	monitor_wait(&m->sched, m->monitor, -1);
	monitor_wait(&m->sched, m->monitor, 30);
	monitor_leave(&m->sched, m->monitor);
	assert_true(now_ms() - start_ms < 20000);
}

/* Suspended time does not stop a wait from looking again. */
static void test_long_wait_returns_early_to_look_again(void **state)
{
	struct meeting *m = *state;
	int64_t start_ms = now_ms();

	monitor_enter(&m->sched, m->monitor);
	monitor_wait(&m->sched, m->monitor, NEVER_MS);
	monitor_leave(&m->sched, m->monitor);
	assert_true(now_ms() - start_ms < 20000);
}

static void test_sleep_lasts(void **state)
{
	struct meeting *m = *state;
	int64_t start_ms = now_ms();

	m->sched.ops->sleep(&m->sched, 0, NULL);
	m->sched.ops->sleep(&m->sched, -100, NULL);
	m->sched.ops->sleep(&m->sched, 60, m->cancel);
	assert_true(now_ms() - start_ms >= 60);
}

static void fire_soon(void *arg)
{
	struct meeting *m = arg;

	m->sched.ops->sleep(&m->sched, 20, NULL);
	cancel_fire(m->cancel, SIGINT);
}

static void test_sleep_is_cut_short_by_a_cancel(void **state)
{
	struct meeting *m = *state;
	struct task *t = sched_spawn(&m->sched, fire_soon, m);
	int64_t start_ms = now_ms();

	m->sched.ops->sleep(&m->sched, 60000, m->cancel);
	assert_true(now_ms() - start_ms < 400); /* sooner than a slice: the poll woke it */
	sched_join(&m->sched, t);
	m->sched.ops->sleep(&m->sched, 60000, m->cancel);
	assert_true(now_ms() - start_ms < 10000);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_wake_all_wakes_all),
		CASE(test_wait_ends_when_its_time_is_over),
		CASE(test_long_wait_returns_early_to_look_again),
		CASE(test_sleep_lasts),
		CASE(test_sleep_is_cut_short_by_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
