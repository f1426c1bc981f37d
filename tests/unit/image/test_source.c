#include "image/fixture.h"

#include "image/source.h"

static void test_words(void **state)
{
	(void)state;
	assert_true(image_is_source("oci:x"));
	assert_true(image_is_source("oci-archive:x"));
	assert_true(image_is_source("docker-archive:-"));
	assert_false(image_is_source("ocix:x"));
	assert_false(image_is_source("oci"));
	assert_false(image_is_source("alpine:3"));
	assert_false(image_is_source(""));
}

static void test_bad(void **state)
{
	static const char *const table[] = { "", ":", ":ref", "no/such/file:" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *path = NULL, *ref = NULL;
		struct err err = ERR_INIT;

		if (source_split(table[i], &path, &ref, &err))
			fail_msg("'%s' was taken", table[i]);
		assert_int_equal(err.code, ERR_USAGE);
		err_clear(&err);
	}
}

static void assert_split(const struct fixture *f, const char *rest, const char *path,
			 const char *ref)
{
	CLEANUP(mem_freep) char *whole = fixture_path(f, rest), *wanted = fixture_path(f, path);
	CLEANUP(mem_freep) char *got_path = NULL, *got_ref = NULL;
	struct err err = ERR_INIT;

	assert_true(source_split(whole, &got_path, &got_ref, &err));
	assert_string_equal(got_path, wanted);
	if (ref)
		assert_string_equal(got_ref, ref);
	else
		assert_null(got_ref);
}

static void test_what_is_there_wins(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "a", "a:b", "c:d" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(mem_freep) char *path = fixture_path(f, names[i]);

		write_file(path, "", 0);
	}
	assert_split(f, "a", "a", NULL);
	assert_split(f, "a:b", "a:b", NULL);
	assert_split(f, "a:x", "a", "x");
	assert_split(f, "a:localhost:5000/x:1", "a", "localhost:5000/x:1");
	assert_split(f, "c:d", "c:d", NULL);
	assert_split(f, "c:d:e", "c:d", "e");
	assert_split(f, "none:x:y", "none", "x:y");
	assert_split(f, "none", "none", NULL);
}

static void test_standard_input(void **state)
{
	CLEANUP(mem_freep) char *path = NULL, *ref = NULL, *path2 = NULL, *ref2 = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(source_split("-", &path, &ref, &err));
	assert_string_equal(path, "-");
	assert_null(ref);
	assert_true(source_split("-:app:1", &path2, &ref2, &err));
	assert_string_equal(path2, "-");
	assert_string_equal(ref2, "app:1");
}

static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	static const char *const words[] = { "oci", "oci-archive", "docker-archive" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct image_options options = { .tmp_dir = f->dir };
		CLEANUP(mem_freep) char *source = mem_printf("%s:%s/none", words[i], f->dir);
		struct image *image = NULL;

		assert_false(image_open(&f->world, source, &options, &image, &f->err));
		assert_int_equal(f->err.code, ERR_NO_SOURCE);
		assert_non_null(strstr(f->err.message, "No such file"));
	}
}

static void test_the_other_word(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *file = fixture_path(f, "file");
	CLEANUP(mem_freep) char *as_directory = mem_printf("oci:%s", file);
	CLEANUP(mem_freep) char *as_file = mem_printf("oci-archive:%s", f->dir);
	const struct image_options options = { .tmp_dir = f->dir };
	struct image *image = NULL;

	write_file(file, "", 0);
	assert_false(image_open(&f->world, as_directory, &options, &image, &f->err));
	assert_int_equal(f->err.code, ERR_NO_SOURCE);
	assert_non_null(strstr(f->err.hint, "oci-archive:"));
	assert_false(image_open(&f->world, as_file, &options, &image, &f->err));
	assert_int_equal(f->err.code, ERR_NO_SOURCE);
	assert_non_null(strstr(f->err.hint, "oci:"));
	assert_false(image_open(&f->world, "alpine", &options, &image, &f->err));
	assert_int_equal(f->err.code, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bad),
		cmocka_unit_test_setup_teardown(test_what_is_there_wins, fixture_setup,
						fixture_teardown),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test_setup_teardown(test_nothing_there, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_the_other_word, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
