/* The exit codes, and that docs/exit-codes.md says the same. Runs at the top of the tree, as ctest does. */
#include "cli/fixture.h"

#include "cli/exit.h"

#include <signal.h>

static void test_every_error_has_a_code(void **state)
{
	(void)state;
	for (int e = ERR_NONE; e <= ERR_CANCELLED; e++)
		assert_int_equal(exit_of((enum err_code)e)->error, e);
	/* 0 is said for nothing but the proof */
	for (int e = ERR_NONE + 1; e <= ERR_CANCELLED; e++)
		assert_int_not_equal(exit_code((enum err_code)e, 0), 0);
	assert_int_equal(exit_code((enum err_code)999, 0), 1);
}

static void test_signals(void **state)
{
	(void)state;
	assert_int_equal(exit_code(ERR_CANCELLED, SIGTERM), 143);
	assert_int_equal(exit_code(ERR_CANCELLED, SIGINT), 130);
	assert_int_equal(exit_code(ERR_CANCELLED, -1), 130);
	assert_int_equal(exit_code(ERR_DENIED, SIGINT),
			 21);				  /* what failed first was not the signal */
	assert_int_equal(exit_code(ERR_NONE, SIGINT), 0); /* the proof was complete all the same */
}

static void test_table_is_in_order(void **state)
{
	(void)state;
	for (size_t i = 1; exit_at(i); i++)
		assert_true(exit_at(i - 1)->code <= exit_at(i)->code);
}

static void test_documentation(void **state)
{
	struct buf text = BUF_INIT(64 * KIB);
	struct err err = ERR_INIT;
	const struct exit_class *e;
	size_t rows = 0, i;

	(void)state;
	assert_true(file_read_all("docs/exit-codes.md", &text, &err));
	for (i = 0; (e = exit_at(i)); i++) {
		CLEANUP(mem_freep)
		char *row = mem_printf("\n| %d | %s | %s | %s |\n", e->code, e->name, e->meaning,
				       exit_again_text(e->again));

		if (!strstr(buf_str(&text), row))
			fail_msg("docs/exit-codes.md lacks the line%s", row);
	}
	for (const char *p = buf_str(&text); (p = strstr(p, "\n| ")); p++)
		rows++;
	assert_int_equal(rows, i + 1); /* and the head of the table */
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error_has_a_code),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_table_is_in_order),
		cmocka_unit_test(test_documentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
