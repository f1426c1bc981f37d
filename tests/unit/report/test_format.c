#include "report/fixture.h"

#include "report/format.h"

static void test_bytes(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} table[] = {
		{ -1, "-1 B" },		  { 0, "0 B" },
		{ 999, "999 B" },	  { 1000, "1 kB" },
		{ 4050, "4.05 kB" },	  { 9996, "10 kB" },
		{ 10450, "10.4 kB" },	  { 99960, "100 kB" },
		{ 412000000, "412 MB" },  { 999999, "1 MB" },
		{ 1500000000, "1.5 GB" }, { INT64_MAX, "9223372 TB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char text[FORMAT_TEXT_SIZE];

		format_bytes(table[i].bytes, text);
		assert_string_equal(text, table[i].text);
	}
}

static void test_bytes_of(void **state)
{
	char text[FORMAT_TEXT_SIZE];

	(void)state;
	format_bytes_of(0, 0, text);
	assert_string_equal(text, "0/0 B");
	format_bytes_of(288000000, 412000000, text);
	assert_string_equal(text, "288/412 MB");
	format_bytes_of(INT64_MAX, INT64_MAX, text);
	assert_string_equal(text, "9223372/9223372 TB");
	format_bytes_of(4000, 412000000, text);
	assert_string_equal(text, "0/412 MB");
}

static void test_duration(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} table[] = {
		{ 0, "0 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.0 s" },
		{ 9400, "9.4 s" },
		{ 9949, "9.9 s" },
		{ 9950, "10 s" },
		{ 119000, "119 s" },
		{ 120000, "2 min" },
		{ 41 * 60000, "41 min" },
		{ 7200000, "2 h 0 min" },
		{ 11100000, "3 h 5 min" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char text[FORMAT_TEXT_SIZE];

		format_duration(table[i].ms, text);
		assert_string_equal(text, table[i].text);
	}
}

static void test_digest(void **state)
{
	char text[FORMAT_TEXT_SIZE];

	(void)state;
	format_digest("", text);
	assert_string_equal(text, "");
	format_digest("no colon in this one", text);
	assert_string_equal(text, "no colon in ");
	format_digest("sha256:05f95b26ed10668b7183c1e2", text);
	assert_string_equal(text, "sha256:05f95b26ed10");
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(format_columns(""), 0);
	assert_int_equal(format_columns("a█…"), 3);
	assert_int_equal(format_fit("a█…", 0), 0);
	assert_int_equal(format_fit("a█…", 2), 4);
	assert_int_equal(format_fit("a█…", 9), strlen("a█…"));
}

/* A registry's words must not command the terminal. */
static void test_clean(void **state)
{
	static const struct {
		const char *text, *clean;
	} table[] = {
		{ "\033[2J\a", "?[2J?" },
		{ "a\nb\rc", "a?b?c" },
		{ "\x7f", "?" },
		{ "\xc2\x9b"
		  "31m",
		  "??31m" },
		{ "\xc2", "\xc2" },
		{ "Zürich ✗", "Zürich ✗" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep) char *text = mem_strdup(table[i].text);

		format_clean(text);
		assert_string_equal(text, table[i].clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_bytes_of),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_digest),
		cmocka_unit_test(test_columns),	 cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
