/* Whether and when another attempt is due: a table over policy, fault, time and count. */
#include "base/fake_world.h"

#include "http/retry.h"

static const struct retry_policy standard = {
	.retries = -1,
	.first_ms = 250,
	.longest_ms = 5000,
	.patience_ms = 60000,
	.fault_ms = 90000,
	.stranger_ms = 12000,
};

static void test_statuses_that_may_pass(void **state)
{
	static const int passing[] = { 408, 425, 429, 499, 500, 502, 503, 504, 507, 520, 529, 599 };
	static const int lasting[] = { 0,   100, 200, 201, 301, 307, 400, 401, 403,
				       404, 405, 409, 411, 413, 416, 501, 505 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (!retry_status_is_passing(passing[i]))
			fail_msg("%d may pass", passing[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lasting); i++)
		if (retry_status_is_passing(lasting[i]))
			fail_msg("%d does not pass", lasting[i]);
}

#define FAILED(how, was_heard)                                                                \
	{                                                                                     \
		.failure = HTTP_FAILED_##how, .retry_after_ms = -1, .heard_before = was_heard \
	}
#define ANSWERED(code, was_heard)                                                                 \
	{                                                                                         \
		.answered = true, .status = code, .retry_after_ms = -1, .heard_before = was_heard \
	}

#define HOUR 3600000

static const struct {
	const char *what;
	int64_t since_ms;
	struct retry_fault fault;
	bool again;
} patience[] = {
	{ "a bad certificate", 0, FAILED(FOR_GOOD, true), false },
	{ "a cancel", 0, FAILED(CANCELLED, true), false },
	{ "a stranger after its time", 12000, FAILED(BEFORE_SENDING, false), false },
	{ "a stranger's reset after its time", 12000, FAILED(UNDER_WAY, false), false },
	{ "a stranger's 503 after its time", 12000, ANSWERED(503, false), false },
	{ "a reset after its time", 90000, FAILED(UNDER_WAY, true), false },
	{ "a 500 after its time", 90000, ANSWERED(500, true), false },
	{ "a 408 after its time", 90000, ANSWERED(408, true), false },
	{ "a stranger", 11999, FAILED(BEFORE_SENDING, false), true },
	{ "a stranger's reset", 11999, FAILED(UNDER_WAY, false), true },
	{ "a reset", 89999, FAILED(UNDER_WAY, true), true },
	{ "a 500", 89999, ANSWERED(500, true), true },
	{ "no connection to whom we know", HOUR, FAILED(BEFORE_SENDING, true), true },
	{ "a 429", HOUR, ANSWERED(429, true), true },
	{ "a 502", HOUR, ANSWERED(502, true), true },
	{ "a 503", HOUR, ANSWERED(503, true), true },
	{ "a 504", HOUR, ANSWERED(504, true), true },
};

static void test_patience_depends_on_the_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patience); i++) {
		int64_t wait_ms = -1;

		if (retry_decide(&standard, 9, patience[i].since_ms, &patience[i].fault, 0,
				 &wait_ms) != patience[i].again)
			fail_msg("%s after %lld ms", patience[i].what,
				 (long long)patience[i].since_ms);
		assert_int_equal(wait_ms, patience[i].again ? 5000 : -1);
	}
}

/* A first attempt that takes all the patience there is (a stall, a suspend) does not use up the second one. */
static void test_time_alone_does_not_end_it_after_the_first_fault(void **state)
{
	const struct retry_fault reset = FAILED(UNDER_WAY, true);
	const struct retry_fault stranger = FAILED(BEFORE_SENDING, false);
	int64_t wait_ms;

	(void)state;
	assert_true(retry_decide(&standard, 1, HOUR, &reset, 0, &wait_ms));
	assert_true(retry_decide(&standard, 1, HOUR, &stranger, 0, &wait_ms));
	assert_false(retry_decide(&standard, 9, HOUR, &reset, 0, &wait_ms));
	assert_false(retry_decide(&standard, 9, HOUR, &stranger, 0, &wait_ms));
}

static void test_default_policy_keeps_the_promises(void **state)
{
	const struct retry_policy p = RETRY_POLICY_DEFAULT;

	(void)state;
	assert_true(p.retries < 0);
	assert_true(p.first_ms > 0 && p.first_ms <= p.longest_ms);
	assert_true(p.longest_ms < 30000); /* one transient fault costs less than 30 s */
	assert_true(p.stranger_ms <= p.fault_ms);
}

static void test_retries_are_counted_when_they_are_limited(void **state)
{
	static const struct {
		int64_t retries;
		size_t faults;
		bool again;
	} cases[] = { { 0, 1, false },	  { 1, 2, false }, { 3, 4, false },
		      { 3, 1000, false }, { 1, 1, true },  { 3, 3, true } };
	struct retry_fault fault = FAILED(UNDER_WAY, true);
	struct retry_fault for_good = FAILED(FOR_GOOD, true);
	int64_t wait_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct retry_policy p = standard;

		p.retries = cases[i].retries;
		/* then their number decides, and no time: not even a stranger's */
		assert_int_equal(retry_decide(&p, cases[i].faults, HOUR, &fault, 0, &wait_ms),
				 cases[i].again);
		fault.heard_before = !fault.heard_before;
		assert_false(retry_decide(&p, 1, 0, &for_good, 0, &wait_ms));
	}
}

static void test_waits_double_up_to_the_longest(void **state)
{
	static const int64_t waits[] = { 250, 500, 1000, 2000, 4000, 5000, 5000 };
	const struct retry_fault fault = ANSWERED(503, true);
	int64_t wait_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		assert_true(retry_decide(&standard, i + 1, 0, &fault, 0, &wait_ms));
		assert_int_equal(wait_ms, waits[i]);
	}
	assert_true(retry_decide(&standard, SIZE_MAX, 0, &fault, 0, &wait_ms));
	assert_int_equal(wait_ms, 5000);
}

static void test_jitter_spreads_over_a_quarter(void **state)
{
	const struct retry_fault fault = ANSWERED(503, true);
	int64_t shortest = INT64_MAX, longest = 0;

	(void)state;
	for (uint32_t jitter = 0; jitter < 3000; jitter++) {
		int64_t wait_ms;

		assert_true(retry_decide(&standard, 3, 0, &fault, jitter * 7919, &wait_ms));
		assert_true(wait_ms >= 1000 && wait_ms < 1250);
		shortest = wait_ms < shortest ? wait_ms : shortest;
		longest = wait_ms > longest ? wait_ms : longest;
	}
	assert_true(longest - shortest > 200);
}

static void test_retry_after_replaces_our_wait_up_to_a_cap(void **state)
{
	static const struct {
		int64_t said_ms, wait_ms;
	} cases[] = { { 300, 300 },	{ 7000, 7000 },	  { 59999, 59999 },
		      { 60000, 60000 }, { 60001, 60000 }, { INT64_MAX, 60000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct retry_fault fault = ANSWERED(429, true);
		int64_t wait_ms;

		fault.retry_after_ms = cases[i].said_ms;
		assert_true(retry_decide(&standard, 9, HOUR, &fault, 999, &wait_ms));
		assert_int_equal(wait_ms, cases[i].wait_ms);
	}
}

/* A server that says 0 each time must not be hammered for a quarter of an hour. */
static void test_retry_after_zero_is_no_licence_to_hammer(void **state)
{
	struct retry_fault fault = ANSWERED(429, true);
	int64_t wait_ms = 0, sum_ms = 0;

	(void)state;
	fault.retry_after_ms = 0;
	for (size_t faults = 1; faults <= 20; faults++) {
		assert_true(retry_decide(&standard, faults, 0, &fault, 0, &wait_ms));
		sum_ms += wait_ms;
	}
	assert_true(sum_ms >= 1000);
}

#define NOW ((int64_t)1795528800000) /* Tue, 24 Nov 2026 14:00:00 GMT */

static const struct {
	const char *value, *date;
	int64_t ms;
} retry_after[] = {
	{ NULL, NULL, -1 },
	{ "", NULL, -1 },
	{ " ", NULL, -1 },
	{ "soon", NULL, -1 },
	{ "-1", NULL, -1 },
	{ "-99999999999999999999", NULL, -1 },
	{ "1x", NULL, -1 },
	{ "0x10", NULL, -1 },
	{ "Tue, 99 Nov 2026 14:00:10 GMT", NULL, -1 },
	{ "0", NULL, 0 },
	{ "120", NULL, 120000 },
	{ "120 ", NULL, 120000 },
	{ "0120", NULL, 120000 },
	{ "86400", NULL, 86400000 },
	{ "86401", NULL, 86400000 },
	{ "99999999999999999999999999", NULL, 86400000 },
	{ "Tue, 24 Nov 2026 14:00:10 GMT", NULL, 10000 },
	{ "Tue, 24 Nov 2026 13:59:59 GMT", NULL, 0 },
	{ "Thu, 01 Jan 1970 00:00:00 GMT", NULL, 0 },
	{ "Tuesday, 24-Nov-26 14:00:10 GMT", NULL, 10000 },
	{ "Tue Nov 24 14:00:10 2026", NULL, 10000 },
	{ "Tue, 24 Nov 2026 14:00:10 GMT", "rubbish", 10000 },
	{ "Wed, 24 Nov 2032 14:00:10 GMT", NULL, 86400000 },
	{ "919212021Nov9", NULL, 86400000 }, /* the library takes any year */
	/* the server's clock is an hour behind ours, or before it */
	{ "Tue, 24 Nov 2026 13:00:10 GMT", "Tue, 24 Nov 2026 13:00:00 GMT", 10000 },
	{ "Tue, 24 Nov 2026 15:00:10 GMT", "Tue, 24 Nov 2026 15:00:00 GMT", 10000 },
	{ "Tue, 24 Nov 2026 12:59:00 GMT", "Tue, 24 Nov 2026 13:00:00 GMT", 0 },
};

static void test_retry_after(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(retry_after); i++) {
		int64_t ms = retry_after_parse(retry_after[i].value, retry_after[i].date, NOW);

		if (ms != retry_after[i].ms) {
			print_error("'%s' is %lld ms\n", retry_after[i].value, (long long)ms);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_that_may_pass),
		cmocka_unit_test(test_patience_depends_on_the_fault),
		cmocka_unit_test(test_time_alone_does_not_end_it_after_the_first_fault),
		cmocka_unit_test(test_default_policy_keeps_the_promises),
		cmocka_unit_test(test_retries_are_counted_when_they_are_limited),
		cmocka_unit_test(test_waits_double_up_to_the_longest),
		cmocka_unit_test(test_jitter_spreads_over_a_quarter),
		cmocka_unit_test(test_retry_after_replaces_our_wait_up_to_a_cap),
		cmocka_unit_test(test_retry_after_zero_is_no_licence_to_hammer),
		cmocka_unit_test(test_retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
