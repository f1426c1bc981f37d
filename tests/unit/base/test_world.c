/* Clocks, cancel and deadline: no wait outlives the wish to stop, and suspended time counts. */
#include "base/fake_world.h"

#include <signal.h>

static int setup(void **state)
{
	struct fake_world *f = NEW(struct fake_world);

	fake_world_init(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fake_world_clear(*state);
	free(*state);
	return 0;
}

static void test_after_never_overflows(void **state)
{
	static const struct {
		int64_t now, span, then;
	} cases[] = {
		{ 1, INT64_MAX, NEVER_MS },
		{ INT64_MAX, 1, NEVER_MS },
		{ NEVER_MS, NEVER_MS, NEVER_MS },
		{ 0, NEVER_MS, NEVER_MS },
		{ INT64_MAX - 1, 1, INT64_MAX },
		{ 5, -7, -2 },
		{ 5, 0, 5 },
		{ 1000, 500, 1500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(clock_after(cases[i].now, cases[i].span), cases[i].then);
}

static void test_system_clock_goes_forward(void **state)
{
	struct clock c = clock_system();
	int64_t first = clock_boot_ms(&c);

	(void)state;
	assert_true(first > 0);
	assert_true(clock_boot_ms(&c) >= first);
	assert_true(clock_wall_ms(&c) > (int64_t)1700000000000);
}

static void test_first_reason_stays(void **state)
{
	struct fake_world *f = *state;

	assert_int_equal(cancel_reason(f->cancel), 0);
	assert_true(cancel_check(f->cancel, &f->err));
	cancel_fire(f->cancel, SIGTERM);
	cancel_fire(f->cancel, SIGINT);
	assert_int_equal(cancel_reason(f->cancel), SIGTERM);
	assert_false(cancel_check(f->cancel, &f->err));
	assert_err(&f->err, ERR_CANCELLED, "SIGTERM");
}

static void test_no_cancel_is_never_cancelled(void **state)
{
	struct fake_world *f = *state;
	struct pollfd fds[CANCEL_POLL_MAX];

	assert_int_equal(cancel_reason(NULL), 0);
	assert_true(cancel_check(NULL, &f->err));
	assert_int_equal(cancel_poll(NULL, fds), 0);
	cancel_free(NULL);
}

static void test_child_follows_parent_not_the_other_way(void **state)
{
	struct fake_world *f = *state;
	CLEANUP(cancel_freep) struct cancel *first = NULL;
	CLEANUP(cancel_freep) struct cancel *second = NULL;

	assert_true(cancel_new(f->cancel, &first, &f->err));
	assert_true(cancel_new(f->cancel, &second, &f->err));
	cancel_fire(first, CANCEL_SIBLING_FAILED);
	assert_int_equal(cancel_reason(first), CANCEL_SIBLING_FAILED);
	assert_int_equal(cancel_reason(f->cancel), 0);
	assert_int_equal(cancel_reason(second), 0);
	assert_false(cancel_check(first, &f->err));
	assert_err(&f->err, ERR_CANCELLED, "other work failed");
	cancel_fire(f->cancel, SIGINT);
	assert_int_equal(cancel_reason(second), SIGINT);
	assert_int_equal(cancel_reason(first), CANCEL_SIBLING_FAILED); /* its own came first */
}

static void fire(void *arg)
{
	cancel_fire(arg, SIGINT);
}

static void test_poll_wakes_for_the_parent_too_and_stays_awake(void **state)
{
	struct fake_world *f = *state;
	CLEANUP(cancel_freep) struct cancel *child = NULL;
	struct pollfd fds[CANCEL_POLL_MAX];
	struct task *t;
	size_t count;

	assert_true(cancel_new(f->cancel, &child, &f->err));
	count = cancel_poll(child, fds);
	assert_int_equal(count, 2);
	assert_int_equal(poll(fds, count, 0), 0);
	t = sched_spawn(&f->sched, fire, f->cancel);
	assert_int_equal(poll(fds, count, 10000), 1);
	assert_int_equal(poll(fds, count, 0), 1);
	sched_join(&f->sched, t);
}

static void test_poll_of_a_deep_family_keeps_within_bounds(void **state)
{
	struct fake_world *f = *state;
	struct cancel *chain[8] = { f->cancel };
	struct pollfd fds[CANCEL_POLL_MAX];

	for (size_t i = 1; i < ARRAY_SIZE(chain); i++)
		assert_true(cancel_new(chain[i - 1], &chain[i], &f->err));
	assert_int_equal(cancel_poll(chain[7], fds), CANCEL_POLL_MAX);
	cancel_fire(f->cancel, SIGINT);
	assert_int_equal(cancel_reason(chain[7]), SIGINT);
	for (size_t i = ARRAY_SIZE(chain); i-- > 1;)
		cancel_free(chain[i]);
}

static struct cancel *for_handler;

static void handler(int signal)
{
	cancel_fire(for_handler, signal);
}

static void test_fire_works_in_a_signal_handler(void **state)
{
	struct fake_world *f = *state;
	struct sigaction act = { .sa_handler = handler }, before;

	for_handler = f->cancel;
	sigaction(SIGUSR1, &act, &before);
	raise(SIGUSR1);
	sigaction(SIGUSR1, &before, NULL);
	assert_int_equal(cancel_reason(f->cancel), SIGUSR1);
}

static void test_check_knows_deadline_and_cancel(void **state)
{
	struct fake_world *f = *state;

	assert_true(world_check(&f->world, &f->err));
	assert_true(world_left_ms(&f->world) > 0);
	f->world.deadline_ms = BOOT_START_MS + 1;
	assert_true(world_check(&f->world, &f->err));
	fake_advance(f, 1);
	assert_int_equal(world_left_ms(&f->world), 0);
	assert_false(world_check(&f->world, &f->err));
	assert_err(&f->err, ERR_TIMEOUT, "time is up");
	fake_advance(f, 100000);
	assert_int_equal(world_left_ms(&f->world), 0);
	cancel_fire(f->cancel, SIGINT);
	assert_false(world_check(&f->world, &f->err));
	assert_err(&f->err, ERR_CANCELLED, "SIGINT");
}

static void test_sleep_ends_at_the_deadline(void **state)
{
	struct fake_world *f = *state;

	f->world.deadline_ms = BOOT_START_MS + 1000;
	assert_true(world_sleep(&f->world, 999, &f->err));
	assert_false(world_sleep(&f->world, 5000, &f->err));
	assert_int_equal(atomic_load(&f->slept_ms), 1000);
	assert_err(&f->err, ERR_TIMEOUT, "time is up");
}

static void test_sleep_ends_with_a_cancel(void **state)
{
	struct fake_world *f = *state;

	f->cancel_at_sleep = 1;
	assert_false(world_sleep(&f->world, 5000, &f->err));
	assert_int_equal(atomic_load(&f->slept_ms), 0);
	assert_err(&f->err, ERR_CANCELLED, "SIGTERM");
}

static void test_sleep_of_nothing_still_looks(void **state)
{
	struct fake_world *f = *state;

	assert_true(world_sleep(&f->world, 0, &f->err));
	assert_true(world_sleep(&f->world, -5, &f->err));
	assert_int_equal(atomic_load(&f->sleeps), 0);
	f->world.deadline_ms = BOOT_START_MS;
	assert_false(world_sleep(&f->world, 0, &f->err));
	assert_err(&f->err, ERR_TIMEOUT, "time is up");
}

/* The lid is closed for an hour in the middle of a wait of a second. */
static void test_suspended_time_counts(void **state)
{
	struct fake_world *f = *state;

	f->world.deadline_ms = BOOT_START_MS + 60000;
	f->leap_at_sleep_ms = 3600000;
	assert_false(world_sleep(&f->world, 1000, &f->err));
	assert_err(&f->err, ERR_TIMEOUT, "time is up");
	assert_int_equal(world_left_ms(&f->world), 0);
}

static void test_wall_clock_decides_nothing(void **state)
{
	struct fake_world *f = *state;

	f->world.deadline_ms = BOOT_START_MS + 1000;
	atomic_fetch_add(&f->wall_ms, 86400000);
	assert_int_equal(world_left_ms(&f->world), 1000);
	atomic_fetch_sub(&f->wall_ms, 10 * (int64_t)86400000);
	assert_int_equal(world_left_ms(&f->world), 1000);
}

static int64_t heard_at_ms;

static void hear_when(struct observer *o, const struct event *e)
{
	(void)o;
	heard_at_ms = e->at_ms;
}

static void test_events_are_dated_and_need_no_listener(void **state)
{
	struct fake_world *f = *state;
	struct observer o = { .tell = hear_when };

	world_note(&f->world, EVENT_NOTE, "%s and %d", "text", 7);
	assert_string_equal(buf_str(&f->told), "1 text and 7\n");
	f->world.observer = &o;
	fake_advance(f, 5);
	world_note(&f->world, EVENT_NOTE, "x");
	assert_int_equal(heard_at_ms, BOOT_START_MS + 5);
	f->world.observer = NULL;
	world_note(&f->world, EVENT_NOTE, "x");
	world_tell(&f->world, &(struct event){ .kind = EVENT_NOTE });
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_after_never_overflows),
		CASE(test_system_clock_goes_forward),
		CASE(test_first_reason_stays),
		CASE(test_no_cancel_is_never_cancelled),
		CASE(test_child_follows_parent_not_the_other_way),
		CASE(test_poll_wakes_for_the_parent_too_and_stays_awake),
		CASE(test_poll_of_a_deep_family_keeps_within_bounds),
		CASE(test_fire_works_in_a_signal_handler),
		CASE(test_check_knows_deadline_and_cancel),
		CASE(test_sleep_ends_at_the_deadline),
		CASE(test_sleep_ends_with_a_cancel),
		CASE(test_sleep_of_nothing_still_looks),
		CASE(test_suspended_time_counts),
		CASE(test_wall_clock_decides_nothing),
		CASE(test_events_are_dated_and_need_no_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
