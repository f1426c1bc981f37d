/* Secrets compare by their bytes, all of them; strings are owned copies. */
#include "base/fake_world.h"

#include "base/secret.h"
#include "base/strings.h"

static void test_same_only_with_equal_bytes_and_length(void **state)
{
	static const struct {
		const char *a, *b;
		size_t a_len, b_len;
		bool same;
	} cases[] = {
		{ "abc", "abd", 3, 3, false },	 { "abc", "Abc", 3, 3, false },
		{ "abc", "abcd", 3, 4, false },	 { "abc", "", 3, 0, false },
		{ "a\0b", "a\0c", 3, 3, false }, { "a\0b", "a", 3, 1, false },
		{ "\x80", "\x00", 1, 1, false }, { "abc", "abc", 3, 3, true },
		{ "", "", 0, 0, true },		 { "a\0b", "a\0b", 3, 3, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(secret_freep) struct secret *a = secret_new(cases[i].a, cases[i].a_len);
		CLEANUP(secret_freep) struct secret *b = secret_new(cases[i].b, cases[i].b_len);

		assert_int_equal(secret_same(a, b), cases[i].same);
		assert_int_equal(secret_same(b, a), cases[i].same);
	}
}

static void test_nothing_is_the_same_as_nothing_only(void **state)
{
	CLEANUP(secret_freep) struct secret *empty = secret_new("", 0);

	(void)state;
	assert_true(secret_same(NULL, NULL));
	assert_false(secret_same(NULL, empty));
	assert_false(secret_same(empty, NULL));
	assert_null(secret_dup(NULL));
	secret_free(NULL);
}

static void test_copy_is_whole_and_its_own(void **state)
{
	char text[] = "a\0b";
	CLEANUP(secret_freep) struct secret *s = secret_new(text, 3);
	CLEANUP(secret_freep) struct secret *copy = NULL;

	(void)state;
	text[0] = 'x';
	copy = secret_dup(s);
	assert_ptr_not_equal(secret_reveal(s), secret_reveal(copy));
	assert_int_equal(secret_len(copy), 3);
	assert_memory_equal(secret_reveal(copy), "a\0b\0", 4);
}

static void test_wipe_leaves_zeros_and_its_neighbours(void **state)
{
	char text[] = "abcdef";

	(void)state;
	secret_wipe(text + 1, 4);
	assert_memory_equal(text, "a\0\0\0\0f", 6);
	secret_wipe(text, 0);
	assert_int_equal(text[0], 'a');
}

static void test_strings_are_copies_in_order(void **state)
{
	struct strings list = { 0 };
	char text[16];

	(void)state;
	assert_false(strings_have(&list, ""));
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		strings_add(&list, text);
	}
	assert_int_equal(list.count, 50);
	assert_string_equal(list.at[0], "s0");
	assert_string_equal(list.at[49], "s49");
	assert_true(strings_have(&list, "s17"));
	assert_false(strings_have(&list, "s"));
	assert_false(strings_have(&list, "s50"));
	strings_clear(&list);
	assert_int_equal(list.count, 0);
	strings_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_only_with_equal_bytes_and_length),
		cmocka_unit_test(test_nothing_is_the_same_as_nothing_only),
		cmocka_unit_test(test_copy_is_whole_and_its_own),
		cmocka_unit_test(test_wipe_leaves_zeros_and_its_neighbours),
		cmocka_unit_test(test_strings_are_copies_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
