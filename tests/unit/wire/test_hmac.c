/* HMAC with SHA-256. Vectors: RFC 4231. */
#include "base/fake_world.h"

#include "wire/hmac.h"

static const struct {
	const char *key;
	size_t times; /* the key is so long a repetition */
	const char *text;
	const char *hex;
} vectors[] = {
	{ "\x0b", 20, "Hi There",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "Jefe", 1, "what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "", 1, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct buf key = BUF_INIT(1 * KIB);
		char hex[HMAC_HEX_SIZE];
		struct hmac h;

		for (size_t n = 0; n < vectors[i].times; n++)
			buf_puts(&key, vectors[i].key);
		h = hmac_sha256(buf_str(&key), key.len, vectors[i].text, strlen(vectors[i].text));
		hmac_hex(&h, hex);
		assert_string_equal(hex, vectors[i].hex);
		buf_clear(&key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
