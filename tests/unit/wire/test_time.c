/* Moments as RFC 3339 §5.6 writes them. */
#include "base/fake_world.h"

#include "wire/time.h"

#include <time.h>

static const char *const bad[] = {
	"",
	"now",
	"2026-11-24",
	"11:03:54Z",
	"2026-11-24T11:03:54",
	"2026-11-24 11:03:54Z ",
	"2026-11-24T11:03:54Z ",
	"2026-11-24T11:03:54ZZ",
	"2026-11-24T11:03:54.Z",
	"2026-11-24T11:03:54,5Z",
	"2026-11-24T11:03:54.5",
	"2026-11-24T11:03:54.-5Z",
	"2026-11-24T11:03Z",
	"2026-11-24T24:03:54Z",
	"2026-11-24T11:60:54Z",
	"2026-11-24T11:03:62Z",
	"2026-13-24T11:03:54Z",
	"2026-00-24T11:03:54Z",
	"2026-11-32T11:03:54Z",
	"2026-11-00T11:03:54Z",
	"20266-11-24T11:03:54Z",
	"226-11-24T11:03:54.000Z",
	"-026-11-24T11:03:54Z",
	"2026/11/24T11:03:54Z",
	"20261124T110354Z.0000000",
	"2026-11-24T11:03:54+1:00",
	"2026-11-24T11:03:54+0100",
	"2026-11-24T11:03:54+01",
	"2026-11-24T11:03:54+01:0",
	"2026-11-24T11:03:54+01:000",
	"2026-11-24T11:03:54+24:00",
	"2026-11-24T11:03:54+01:60",
	"2026-11-24T11:03:54+-1:00",
	"2026-11-24T11:03:54 +01:00",
	"2026-11-24T11:03:54UTC+00:00",
	"2026-11-24T11:03:54PST",
	"Tue, 24 Nov 2026 11:03:54 GMT",
	"1795518234000000000000",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ms;

		if (time_parse_rfc3339(bad[i], &ms))
			fail_msg("taken for a moment: '%s'", bad[i]);
	}
}

/* strptime forgives these; a moment that is not one is not to be guessed at. */
static const char *const impossible[] = {
	"2026-02-30T11:03:54Z",	     "2026-02-29T11:03:54Z", "2026-04-31T11:03:54Z",
	"2026-1-2T3:4:5.00000000Z",  "2026-11-24T 1:03:54Z", "2026-11- 4T11:03:54Z",
	"2026-11-24T11:03:54+01:+5",
};

static void test_impossible(void **state)
{
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		int64_t ms;

		if (time_parse_rfc3339(impossible[i], &ms)) {
			print_error("taken for a moment: '%s'\n", impossible[i]);
			taken++;
		}
	}
	assert_int_equal(taken, 0);
}

static const struct {
	const char *text;
	int64_t ms;
} good[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", -1000 },
	{ "2026-11-24T11:03:54Z", 1795518234000 },
	{ "2026-11-24T11:03:54z", 1795518234000 },
	{ "2026-11-24T11:03:54.5Z", 1795518234500 },
	{ "2026-11-24T11:03:54.07Z", 1795518234070 },
	{ "2026-11-24T11:03:54.123456789Z", 1795518234123 },
	{ "2026-11-24T11:03:54.999999999999999999999999Z", 1795518234999 },
	{ "2026-11-24T11:03:54+00:00", 1795518234000 },
	{ "2026-11-24T11:03:54-00:00", 1795518234000 },
	{ "2026-11-24T12:03:54+01:00", 1795518234000 },
	{ "2026-11-24T05:33:54-05:30", 1795518234000 },
	{ "2026-11-25T11:02:54+23:59", 1795518234000 },
	{ "2026-11-24T16:48:54.250+05:45", 1795518234250 },
	{ "2024-02-29T00:00:00Z", 1709164800000 },
	{ "2000-02-29T00:00:00Z", 951782400000 },
	{ "2016-12-31T23:59:60Z", 1483228800000 }, /* a leap second is the next one */
	{ "9999-12-31T23:59:59Z", 253402300799000 },
	{ "0001-01-01T00:00:00Z", -62135596800000 }, /* Go's zero */
};

static void assert_moment(const char *text, int64_t expected_ms)
{
	int64_t ms;

	if (!time_parse_rfc3339(text, &ms))
		fail_msg("not taken: '%s'", text);
	if (ms != expected_ms)
		fail_msg("'%s': %lld instead of %lld", text, (long long)ms, (long long)expected_ms);
}

static void test_good(void **state)
{
	static const char *const zones[] = { "UTC", "America/New_York", "Asia/Kathmandu" };

	(void)state;
	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) { /* ours must not matter */
		setenv("TZ", zones[z], 1);
		for (size_t i = 0; i < ARRAY_SIZE(good); i++)
			assert_moment(good[i].text, good[i].ms);
	}
}

/* "T" and "Z" may alternatively be lower case (RFC 3339 §5.6). */
static void test_lower_case(void **state)
{
	(void)state;
	assert_moment("2026-11-24t11:03:54z", 1795518234000);
}

static void test_format(void **state)
{
	char text[TIME_TEXT_SIZE];

	(void)state;
	time_format_rfc3339(1795518234999, text);
	assert_string_equal(text, "2026-11-24T11:03:54Z");
	time_format_rfc3339(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	setenv("TZ", "UTC-3", 1);
	tzset();
	time_format_clock(1795518234999, text);
	assert_string_equal(text, "14:03:54");
	time_format_rfc3339(INT64_MAX, text); /* no year has room for it */
	assert_true(strlen(text) < TIME_TEXT_SIZE);
	time_format_rfc3339(INT64_MIN, text);
	assert_true(strlen(text) < TIME_TEXT_SIZE);
}

static void test_format_and_parse_agree(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < (int64_t)4102444800000; ms += 86399 * (int64_t)1000 * 37) {
		char text[TIME_TEXT_SIZE];

		time_format_rfc3339(ms, text);
		assert_moment(text, ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),    cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_good),   cmocka_unit_test(test_lower_case),
		cmocka_unit_test(test_format), cmocka_unit_test(test_format_and_parse_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
