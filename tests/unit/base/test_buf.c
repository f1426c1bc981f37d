/* A buffer never passes its ceiling, and what does not fit changes nothing. */
#include "base/fake_world.h"

static void test_beyond_the_ceiling_nothing_is_added(void **state)
{
	static const struct {
		size_t ceiling, there, len;
		bool fits;
	} cases[] = {
		{ 0, 0, 1, false },	 { 4, 0, 5, false },	    { 4, 4, 1, false },
		{ 4, 3, 2, false },	 { 4, 1, SIZE_MAX, false }, { 4, 4, SIZE_MAX - 3, false },
		{ 255, 255, 1, false },	 { 256, 256, 1, false },    { 257, 257, 1, false },
		{ 0, 0, 0, true },	 { 4, 0, 4, true },	    { 4, 3, 1, true },
		{ 4, 4, 0, true },	 { 255, 0, 255, true },	    { 256, 255, 1, true },
		{ 4096, 1, 4095, true },
	};
	char bytes[4096];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = BUF_INIT(cases[i].ceiling);

		assert_true(buf_add(&b, bytes, cases[i].there));
		assert_int_equal(buf_add(&b, bytes, cases[i].len), cases[i].fits);
		assert_int_equal(b.len, cases[i].there + (cases[i].fits ? cases[i].len : 0));
		assert_int_equal(strlen(buf_str(&b)), b.len);
		buf_clear(&b);
	}
}

static void test_text_that_does_not_fit_is_left_out_whole(void **state)
{
	struct buf b = BUF_INIT(5);

	(void)state;
	buf_puts(&b, "abc");
	buf_puts(&b, "def");
	buf_printf(&b, "%d", 12345);
	assert_string_equal(buf_str(&b), "abc");
	buf_putc(&b, 'd');
	buf_putc(&b, 'e');
	buf_putc(&b, 'f');
	assert_string_equal(buf_str(&b), "abcde");
	buf_clear(&b);
}

static void test_bytes_may_be_zero(void **state)
{
	struct buf b = BUF_INIT(8);

	(void)state;
	assert_true(buf_add(&b, "a\0b", 3));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b\0", 4);
	buf_clear(&b);
}

static void test_empty_is_readable_and_takeable(void **state)
{
	struct buf b = BUF_INIT(8);
	char *text;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	text = buf_take(&b);
	assert_string_equal(text, "");
	free(text);
	buf_clear(&b);
}

static void test_taken_leaves_a_buffer_that_works(void **state)
{
	struct buf b = BUF_INIT(8);
	char *text;

	(void)state;
	buf_puts(&b, "first");
	text = buf_take(&b);
	assert_string_equal(text, "first");
	assert_int_equal(b.len, 0);
	buf_puts(&b, "second12");
	assert_string_equal(buf_str(&b), "second12");
	assert_string_equal(text, "first");
	free(text);
	buf_clear(&b);
	buf_clear(&b);
	buf_puts(&b, "third");
	assert_string_equal(buf_str(&b), "third");
	buf_clear(&b);
}

static void test_grows_over_many_small_additions(void **state)
{
	struct buf b = BUF_INIT(1 * MIB);

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_printf(&b, "%d", i % 10);
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], '0' + i % 10);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beyond_the_ceiling_nothing_is_added),
		cmocka_unit_test(test_text_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(test_bytes_may_be_zero),
		cmocka_unit_test(test_empty_is_readable_and_takeable),
		cmocka_unit_test(test_taken_leaves_a_buffer_that_works),
		cmocka_unit_test(test_grows_over_many_small_additions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
