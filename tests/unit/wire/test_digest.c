/* Digests name files and URLs: nothing but the canonical form of two algorithms gets through. Vectors: FIPS 180-4. */
#include "base/fake_world.h"

#include "wire/digest.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32
#define HEX128 HEX64 HEX64

#define SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
#define SHA512_ABC                                                         \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static const char *const bad[] = {
	"",
	":",
	"sha256",
	"sha256:",
	":" HEX64,
	HEX64,
	"sha256:" HEX32,
	"sha256:" HEX64 "0",
	"sha256:" HEX128,
	"sha512:" HEX64,
	"sha512:" HEX128 "0",
	"sha256:0123456789ABCDEF0123456789abcdef" HEX32,
	"SHA256:" HEX64,
	"Sha256:" HEX64,
	"sha256 :" HEX64,
	" sha256:" HEX64,
	"sha256:" HEX64 " ",
	"sha256:" HEX64 "\n",
	"sha256::" HEX32 HEX32,
	"sha256:../../../../../../../../../../../../../../../../../../etc/passwd",
	"sha256:../" HEX32 "0123456789abcdef0123456789abc",
	"sha256:" HEX32 "0123456789abcdef0123456789abcde/",
	"sha256:" HEX32 "0123456789abcdef0123456789abcdeg",
	"../sha256:" HEX64,
	"sha384:" HEX64 HEX32,
	"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"md5:d41d8cd98f00b204e9800998ecf8427e",
	"sha256+b64:" HEX64,
	"sha25:" HEX64,
	"sha2566:" HEX64,
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct digest d = { "untouched" };

		if (digest_parse(bad[i], ERR_CORRUPT, &d, &err))
			fail_msg("taken for a digest: '%s'", bad[i]);
		assert_false(digest_is_valid(bad[i]));
		assert_string_equal(d.text, "untouched");
		assert_err(&err, ERR_CORRUPT, "is not a sha256 or sha512 digest");
	}
}

static void test_error_of_a_long_text_is_short(void **state)
{
	CLEANUP(mem_freep) char *text = mem_alloc(100001);
	struct err err = ERR_INIT;
	struct digest d;

	(void)state;
	memset(text, 'a', 100000);
	assert_false(digest_parse(text, ERR_NET, &d, &err));
	assert_true(strlen(err.message) < 300);
	err_clear(&err);
}

static void test_good(void **state)
{
	struct err err = ERR_INIT;
	struct digest a, b, none = { "" };

	(void)state;
	assert_true(digest_parse("sha256:" HEX64, ERR_NET, &a, &err));
	assert_string_equal(digest_hex(&a), HEX64);
	assert_int_equal(digest_algorithm_len(&a), 6);
	assert_true(digest_parse("sha512:" HEX128, ERR_NET, &b, &err));
	assert_string_equal(digest_hex(&b), HEX128);
	assert_string_equal(b.text, "sha512:" HEX128);
	assert_false(digest_same(&a, &b));
	assert_false(digest_same(&a, &none));
	b = a;
	assert_true(digest_same(&a, &b));
	assert_string_equal(digest_hex(&none), "");
	assert_int_equal(digest_algorithm_len(&none), 0);
}

static void assert_hash(const struct digest *like, const char *text, size_t step, const char *hex)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(like);
	size_t len = strlen(text);
	struct digest d;

	for (size_t i = 0; i < len; i += step)
		hasher_add(h, text + i, len - i < step ? len - i : step);
	assert_int_equal(hasher_bytes(h), len);
	d = hasher_finish(h);
	assert_string_equal(digest_hex(&d), hex);
	assert_true(digest_is_valid(d.text));
}

static void test_known_vectors_in_any_pieces(void **state)
{
	static const struct digest sha512 = { "sha512:" HEX128 }, sha256 = { "sha256:" HEX64 };
	static const struct digest unknown = { "md5:" HEX32 };

	(void)state;
	for (size_t step = 1; step <= 3; step++) {
		assert_hash(NULL, "abc", step, SHA256_ABC);
		assert_hash(&sha256, "abc", step, SHA256_ABC);
		assert_hash(&sha512, "abc", step, SHA512_ABC);
		assert_hash(&unknown, "abc", step, SHA256_ABC);
	}
	assert_hash(NULL, "", 1, SHA256_EMPTY);
}

static void test_a_million_letters(void **state)
{
	CLEANUP(mem_freep) char *text = mem_alloc(1000001);
	struct digest d;

	(void)state;
	memset(text, 'a', 1000000);
	assert_hash(NULL, text, 777, SHA256_MILLION_A);
	d = digest_of(text, 1000000);
	assert_string_equal(d.text, "sha256:" SHA256_MILLION_A);
}

static void test_reset_begins_anew(void **state)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(NULL);
	struct digest d;

	(void)state;
	hasher_add(h, "something else", 14);
	hasher_reset(h);
	assert_int_equal(hasher_bytes(h), 0);
	hasher_add(h, "abc", 3);
	d = hasher_finish(h);
	assert_string_equal(digest_hex(&d), SHA256_ABC);
	hasher_reset(h);
	d = hasher_finish(h);
	assert_string_equal(digest_hex(&d), SHA256_EMPTY);
}

static void test_fingerprint_is_the_end_of_the_hash(void **state)
{
	CLEANUP(secret_freep) struct secret *abc = secret_new("abc", 3);
	CLEANUP(secret_freep) struct secret *empty = secret_new("", 0);
	char text[FINGERPRINT_SIZE];

	(void)state;
	secret_fingerprint(abc, text);
	assert_string_equal(text, SHA256_ABC + 56);
	secret_fingerprint(empty, text);
	assert_string_equal(text, SHA256_EMPTY + 56);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_error_of_a_long_text_is_short),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_known_vectors_in_any_pieces),
		cmocka_unit_test(test_a_million_letters),
		cmocka_unit_test(test_reset_begins_anew),
		cmocka_unit_test(test_fingerprint_is_the_end_of_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
