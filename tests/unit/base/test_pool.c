/* Work side by side: each piece once, begun in order, never more than allowed; the first failure is the one told. */
#include "base/fake_world.h"

#include "base/pool.h"

#define PIECES_MAX 200

struct hall {
	struct fake_world fake;
	struct monitor *monitor;
	size_t begun[PIECES_MAX]; /* in the order in which they began */
	size_t begun_count;
	int done[PIECES_MAX];
	size_t inside, inside_most;
	size_t meet;	 /* wait until so many are inside at once */
	size_t fails;	 /* that piece */
	bool all_follow; /* the others fail too, when they are cancelled */
	int spawned, spawn_at_most;
};

static struct task *spawn_some(struct sched *s, void (*run)(void *arg), void *arg)
{
	struct hall *h = (struct hall *)((char *)s - offsetof(struct hall, fake.sched));

	if (h->spawned >= h->spawn_at_most)
		return NULL;
	h->spawned++;
	return sched_threads().ops->spawn(s, run, arg);
}

static int setup(void **state)
{
	struct hall *h = NEW(struct hall);

	fake_world_init(&h->fake);
	h->monitor = monitor_new(&h->fake.sched);
	h->fails = SIZE_MAX;
	h->spawn_at_most = 1000;
	h->fake.sched_ops.spawn = spawn_some;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct hall *h = *state;

	monitor_free(&h->fake.sched, h->monitor);
	fake_world_clear(&h->fake);
	free(h);
	return 0;
}

static void enter(struct hall *h, size_t index)
{
	monitor_enter(&h->fake.sched, h->monitor);
	h->begun[h->begun_count++] = index;
	if (++h->inside > h->inside_most)
		h->inside_most = h->inside;
	monitor_wake_all(&h->fake.sched, h->monitor);
	while (h->inside_most < h->meet)
		monitor_wait(&h->fake.sched, h->monitor, 1000);
	monitor_leave(&h->fake.sched, h->monitor);
}

static void leave(struct hall *h, size_t index)
{
	monitor_enter(&h->fake.sched, h->monitor);
	h->inside--;
	h->done[index]++;
	monitor_leave(&h->fake.sched, h->monitor);
}

static bool work(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct hall *h = arg;
	bool ok = true;

	enter(h, index);
	if (index == h->fails)
		ok = err_set(err, ERR_CORRUPT, "piece %zu is bad", index);
	else if (h->all_follow) {
		struct pollfd fds[CANCEL_POLL_MAX];

		poll(fds, cancel_poll(w->cancel, fds), 60000);
		ok = cancel_check(w->cancel, err);
	}
	leave(h, index);
	return ok;
}

static bool run(struct hall *h, size_t jobs, size_t count)
{
	return pool_run(&h->fake.world, jobs, count, work, h, &h->fake.err);
}

static void assert_each_once(struct hall *h, size_t count)
{
	assert_int_equal(h->begun_count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(h->done[i], 1);
}

static void test_no_pieces_no_work(void **state)
{
	struct hall *h = *state;

	assert_true(run(h, 4, 0));
	assert_int_equal(h->spawned, 0);
	assert_int_equal(h->begun_count, 0);
}

static void test_each_piece_once_and_jobs_are_a_bound(void **state)
{
	static const size_t jobs[] = { 0, 1, 2, 3, 8, 300 };

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		struct hall *h = *state;
		size_t most = jobs[i] ? jobs[i] : 1;

		h->begun_count = 0;
		h->inside_most = 0;
		memset(h->done, 0, sizeof(h->done));
		assert_true(run(h, jobs[i], 40));
		assert_each_once(h, 40);
		assert_true(h->inside_most <= most);
	}
}

static void test_one_job_goes_in_order(void **state)
{
	struct hall *h = *state;

	assert_true(run(h, 1, 50));
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(h->begun[i], i);
	assert_int_equal(h->spawned, 0); /* the caller is the one job */
}

static void test_jobs_really_run_side_by_side(void **state)
{
	struct hall *h = *state;

	h->meet = 4;
	assert_true(run(h, 4, 12));
	assert_int_equal(h->inside_most, 4);
	assert_int_equal(h->spawned, 3);
}

static void test_no_more_helpers_than_pieces(void **state)
{
	struct hall *h = *state;

	assert_true(run(h, 100, 3));
	assert_int_equal(h->spawned, 2);
	assert_each_once(h, 3);
}

static void test_caller_does_it_all_when_nobody_can_be_spawned(void **state)
{
	struct hall *h = *state;

	h->spawn_at_most = 0;
	assert_true(run(h, 4, 20));
	assert_each_once(h, 20);
	assert_int_equal(h->inside_most, 1);
}

static void test_the_few_that_can_be_spawned_are_enough(void **state)
{
	struct hall *h = *state;

	h->spawn_at_most = 1;
	h->meet = 2;
	assert_true(run(h, 4, 20));
	assert_each_once(h, 20);
}

static void test_failure_ends_what_has_not_begun(void **state)
{
	struct hall *h = *state;

	h->fails = 5;
	assert_false(run(h, 1, 50));
	assert_int_equal(h->begun_count, 6);
	assert_err(&h->fake.err, ERR_CORRUPT, "piece 5 is bad");
}

/* Three others are under way, learn of the cancel and fail too: what is told is the cause, not its echo. */
static void test_first_failure_cancels_the_others_and_is_told(void **state)
{
	struct hall *h = *state;

	h->meet = 4;
	h->fails = 2;
	h->all_follow = true;
	assert_false(run(h, 4, 50));
	assert_int_equal(h->begun_count, 4);
	assert_err(&h->fake.err, ERR_CORRUPT, "piece 2 is bad");
	assert_int_equal(cancel_reason(h->fake.cancel), 0); /* the caller's is untouched */
}

static void test_cancel_of_the_caller_reaches_the_pieces(void **state)
{
	struct hall *h = *state;

	h->all_follow = true;
	cancel_fire(h->fake.cancel, 2);
	assert_false(run(h, 4, 50));
	assert_err(&h->fake.err, ERR_CANCELLED, "SIGINT");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_no_pieces_no_work),
		CASE(test_each_piece_once_and_jobs_are_a_bound),
		CASE(test_one_job_goes_in_order),
		CASE(test_jobs_really_run_side_by_side),
		CASE(test_no_more_helpers_than_pieces),
		CASE(test_caller_does_it_all_when_nobody_can_be_spawned),
		CASE(test_the_few_that_can_be_spawned_are_enough),
		CASE(test_failure_ends_what_has_not_begun),
		CASE(test_first_failure_cancels_the_others_and_is_told),
		CASE(test_cancel_of_the_caller_reaches_the_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
