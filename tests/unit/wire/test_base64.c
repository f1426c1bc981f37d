/* Base64 as RFC 4648 §4 has it: whole padded groups and nothing else. Vectors: its §10. */
#include "base/fake_world.h"

#include "wire/base64.h"

static const char *const bad[] = {
	"Z",	    "Zg",	  "Zg=",       "Zm9",	   "Zm9vY", "====",	"=",
	"==",	    "===",	  "Z===",      "Zg=g",	   "=g==",  "Zg==Zg==", "Zm9v=",
	"Zm9v====", "Zm 9v",	  "Zm\n9v",    "Zm9v\x01", "Zm9-",  "Zm9_",	"Zm9v!",
	"Zm9.",	    "\xc3\xa4Zm", "Zm9v Zg==", "Zg\t==",   "Zg= =",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct secret *s = NULL;

		if (base64_decode(bad[i], &s))
			fail_msg("taken for base64: '%s'", bad[i]);
		assert_null(s);
	}
}

static const struct {
	const char *clear, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

static void test_vectors_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t len = strlen(vectors[i].clear);
		CLEANUP(mem_freep) char *text = base64_encode(vectors[i].clear, len);
		CLEANUP(secret_freep) struct secret *s = NULL;

		assert_string_equal(text, vectors[i].text);
		assert_true(base64_decode(vectors[i].text, &s));
		assert_int_equal(secret_len(s), len);
		assert_string_equal(secret_reveal(s), vectors[i].clear);
	}
}

static void test_spaces_around_are_no_part_of_it(void **state)
{
	static const char *const texts[] = { " Zm9v", "Zm9v\n", "\r\n\t Zm9v \r\n", "Zm9v \t" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(secret_freep) struct secret *s = NULL;

		assert_true(base64_decode(texts[i], &s));
		assert_string_equal(secret_reveal(s), "foo");
	}
}

/* docker fills up what it encodes with zeros: they are bytes like any other here. */
static void test_zeros_are_kept(void **state)
{
	CLEANUP(mem_freep) char *text = base64_encode("u:p\0\0\0", 6);
	CLEANUP(secret_freep) struct secret *s = NULL;

	(void)state;
	assert_true(base64_decode(text, &s));
	assert_int_equal(secret_len(s), 6);
	assert_memory_equal(secret_reveal(s), "u:p\0\0\0", 7);
}

static void test_every_byte_and_length_survives(void **state)
{
	unsigned char bytes[260];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(255 - i % 256);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		CLEANUP(mem_freep) char *text = base64_encode(bytes, len);
		CLEANUP(secret_freep) struct secret *s = NULL;

		assert_true(base64_decode(text, &s));
		assert_int_equal(secret_len(s), len);
		assert_memory_equal(secret_reveal(s), bytes, len);
	}
}

static void test_length_has_a_ceiling(void **state)
{
	CLEANUP(mem_freep) char *text = mem_alloc(1 * MIB + 5);
	struct secret *s = NULL;

	(void)state;
	memset(text, 'A', 1 * MIB + 4);
	assert_false(base64_decode(text, &s));
	text[1 * MIB] = '\0';
	assert_true(base64_decode(text, &s));
	assert_int_equal(secret_len(s), 1 * MIB / 4 * 3);
	secret_free(s);
}

static const char *const bad_url_forms[] = {
	"Z", "Zm9vY", "Zg==", "Zg=", "+__-", "/__-", "Zm 9", "Zm9v\n", " Zm9v", "Zm9.", "Zm9v\xc3",
};

static void test_bad_url_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_url_forms); i++) {
		struct secret *s = NULL;

		if (base64url_decode(bad_url_forms[i], strlen(bad_url_forms[i]), &s))
			fail_msg("taken for base64url: '%s'", bad_url_forms[i]);
		assert_null(s);
	}
	assert_false(base64url_decode("Zm9v\0", 8, &(struct secret *){ NULL }));
}

static const struct {
	const char *clear, *text;
} url_forms[] = {
	{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "\xfb\xff\xfe", "-__-" },
};

static void test_url_forms_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(url_forms); i++) {
		size_t len = strlen(url_forms[i].clear);
		CLEANUP(mem_freep) char *text = base64url_encode(url_forms[i].clear, len);
		CLEANUP(secret_freep) struct secret *s = NULL;

		assert_string_equal(text, url_forms[i].text);
		assert_true(base64url_decode(text, strlen(text), &s));
		assert_int_equal(secret_len(s), len);
		assert_string_equal(secret_reveal(s), url_forms[i].clear);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_vectors_both_ways),
		cmocka_unit_test(test_spaces_around_are_no_part_of_it),
		cmocka_unit_test(test_zeros_are_kept),
		cmocka_unit_test(test_every_byte_and_length_survives),
		cmocka_unit_test(test_length_has_a_ceiling),
		cmocka_unit_test(test_bad_url_forms),
		cmocka_unit_test(test_url_forms_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
