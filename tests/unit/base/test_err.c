/* An error is told once: the widest context first, the first detail stays, nobody else's memory is shared. */
#include "base/fake_world.h"

#include <errno.h>

static void test_clear_of_nothing_is_nothing(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_clear(&err);
	err_clear(&err);
	assert_int_equal(err.code, ERR_NONE);
	assert_null(err.message);
}

static void test_set_returns_false_and_replaces_all(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_false(err_set(&err, ERR_NET, "first %d", 1));
	err_evidence(&err, "evidence");
	err_cause(&err, "cause");
	err_hint(&err, "hint");
	assert_false(err_set(&err, ERR_LOCAL, "second %s", "x"));
	assert_int_equal(err.code, ERR_LOCAL);
	assert_string_equal(err.message, "second x");
	assert_null(err.evidence);
	assert_null(err.cause);
	assert_null(err.hint);
	err_clear(&err);
}

static void test_wrap_puts_context_before_and_keeps_the_code(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_CORRUPT, "cut short");
	assert_false(err_wrap(&err, "layer %d", 3));
	assert_false(err_wrap(&err, "image '%s'", "app"));
	assert_string_equal(err.message, "image 'app': layer 3: cut short");
	assert_int_equal(err.code, ERR_CORRUPT);
	err_clear(&err);
}

static void test_wrap_of_no_error_is_never_success(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_false(err_wrap(&err, "context"));
	assert_int_equal(err.code, ERR_UNEXPECTED);
	assert_string_equal(err.message, "context: failed");
	err_clear(&err);
}

static void test_first_detail_wins(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_NET, "x");
	err_evidence(&err, "first %s", "evidence");
	err_evidence(&err, "second");
	err_cause(&err, "first cause");
	err_cause(&err, "second");
	err_hint(&err, "first hint");
	err_hint(&err, "second");
	assert_string_equal(err.evidence, "first evidence");
	assert_string_equal(err.cause, "first cause");
	assert_string_equal(err.hint, "first hint");
	err_clear(&err);
}

static void test_errno_decides_the_code(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
	} cases[] = {
		{ EACCES, ERR_LOCAL }, { ENOSPC, ERR_LOCAL },	  { EMFILE, ERR_LOCAL },
		{ EIO, ERR_LOCAL },    { ENOENT, ERR_NO_SOURCE }, { ENOTDIR, ERR_NO_SOURCE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_false(err_set_errno(&err, cases[i].errnum, "opening '%s'", "f"));
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.message, "opening 'f'"));
		assert_non_null(strstr(err.message, strerror(cases[i].errnum)));
		err_clear(&err);
	}
}

static void test_copy_is_a_second_error_of_its_own(void **state)
{
	struct err from = ERR_INIT, to = ERR_INIT;

	(void)state;
	err_set(&from, ERR_DENIED, "denied");
	err_evidence(&from, "403");
	err_set(&to, ERR_NET, "what was there before");
	err_cause(&to, "a cause that goes");
	err_copy(&to, &from);
	err_clear(&from);
	assert_int_equal(to.code, ERR_DENIED);
	assert_string_equal(to.message, "denied");
	assert_string_equal(to.evidence, "403");
	assert_null(to.cause);
	err_clear(&to);
}

static void test_move_leaves_nothing_behind(void **state)
{
	struct err from = ERR_INIT, to = ERR_INIT;

	(void)state;
	err_set(&from, ERR_DENIED, "denied");
	err_set(&to, ERR_NET, "what was there before");
	err_move(&to, &from);
	assert_int_equal(from.code, ERR_NONE);
	assert_null(from.message);
	assert_string_equal(to.message, "denied");
	err_move(&to, &to);
	assert_string_equal(to.message, "denied");
	err_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clear_of_nothing_is_nothing),
		cmocka_unit_test(test_set_returns_false_and_replaces_all),
		cmocka_unit_test(test_wrap_puts_context_before_and_keeps_the_code),
		cmocka_unit_test(test_wrap_of_no_error_is_never_success),
		cmocka_unit_test(test_first_detail_wins),
		cmocka_unit_test(test_errno_decides_the_code),
		cmocka_unit_test(test_copy_is_a_second_error_of_its_own),
		cmocka_unit_test(test_move_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
