#include "base/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* A NUL is no blank: what has one in it is not text, and somebody has to be able to say so. */
static void test_trim(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *left;
		size_t left_len;
	} cases[] = {
		{ "", 0, "", 0 },
		{ " \r\n\t", 4, "", 0 },
		{ "token\0\0", 7, "token\0\0", 7 },
		{ "\0token", 6, "\0token", 6 },
		{ "token", 5, "token", 5 },
		{ "\n to ken\r\n", 10, "to ken", 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].bytes;

		assert_int_equal(text_trim(&text, cases[i].len), cases[i].left_len);
		assert_memory_equal(text, cases[i].left, cases[i].left_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_trim) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
