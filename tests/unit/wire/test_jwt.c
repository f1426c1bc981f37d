/* JSON web tokens: what is signed is checked by the library's other half, what is read is somebody else's. */
#include "base/fake_world.h"

#include "wire/base64.h"
#include "wire/jwt.h"

#include "wire/test_key.h"

static const char *const bad_keys[] = {
	"",
	"SECRET",
	"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	"-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n",
	"-----BEGIN CERTIFICATE-----\nU0VDUkVU\n-----END CERTIFICATE-----\n",
	/* one that is locked must not ask the terminal */
	"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
	"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nU0VDUkVU\n"
	"-----END RSA PRIVATE KEY-----\n",
	TEST_EC_KEY,
};

static void test_bad_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		CLEANUP(secret_freep)
		struct secret *pem = secret_new(bad_keys[i], strlen(bad_keys[i]));
		struct jwt_key *key = NULL;
		struct err err = ERR_INIT;

		if (jwt_key_parse(pem, &key, &err))
			fail_msg("taken for a key: %s", bad_keys[i]);
		assert_null(key);
		assert_err(&err, ERR_NO_CREDENTIAL, "private key");
	}
}

static struct jwt_key *key_of(const char *text)
{
	CLEANUP(secret_freep) struct secret *pem = secret_new(text, strlen(text));
	struct jwt_key *key = NULL;
	struct err err = ERR_INIT;

	if (!jwt_key_parse(pem, &key, &err))
		fail_msg("%s", err.message);
	return key;
}

static struct secret *sign(const struct jwt_key *key)
{
	CLEANUP(js_freep) struct js *header = js_object();
	CLEANUP(js_freep) struct js *claims = js_object();
	struct secret *token = NULL;
	struct err err = ERR_INIT;

	js_put_string(header, "alg", "RS256");
	js_put_string(header, "typ", "JWT");
	js_put_string(claims, "iss", "\xc3\xa4?\?>>");
	js_put_integer(claims, "exp", 1795532400);
	if (!jwt_sign(key, header, claims, &token, &err))
		fail_msg("%s", err.message);
	return token;
}

/* RS256 has no chance in it: the same key and text make the same signature (made with the openssl command). */
static void test_signature(void **state)
{
	CLEANUP(jwt_key_freep) struct jwt_key *key = key_of(TEST_KEY);
	CLEANUP(secret_freep) struct secret *token = sign(key);

	(void)state;
	assert_string_equal(secret_reveal(token),
			    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."
			    "eyJpc3MiOiLDpD8_Pj4iLCJleHAiOjE3OTU1MzI0MDB9." TEST_SIGNATURE);
}

/* "\n" that went through JSON twice, or through an environment variable. */
static void test_line_ends_that_were_escaped_twice(void **state)
{
	struct buf text = BUF_INIT(64 * KIB);
	struct jwt_key *key;

	(void)state;
	for (const char *c = TEST_KEY; *c; c++) {
		if (*c == '\n')
			buf_puts(&text, "\\n");
		else
			buf_putc(&text, *c);
	}
	key = key_of(buf_str(&text));
	jwt_key_free(key);
	buf_clear(&text);
}

static const char *const no_tokens[] = {
	"",
	".",
	"..",
	"...",
	"e30.e30",
	"e30.e30.x.y",
	".e30.x",
	"e30..x",
	"e30.e30=.x",
	"e30.e3 0.x",
	"e30.+/==.x",
	"e30.W10.x", /* [] */
	"W10.e30.x",
	"IiI.e30.x",	    /* "" */
	"e30.bm90anNvbg.x", /* notjson */
	"e30.e.x",
	"ya29.a0AfB_byC.SECRET",
	"ya29.c.SECRET",
};

static void test_no_tokens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no_tokens); i++) {
		struct jwt_claims c;

		if (jwt_read(no_tokens[i], strlen(no_tokens[i]), &c))
			fail_msg("taken for a JWT: '%s'", no_tokens[i]);
		assert_null(c.subject);
	}
}

static const struct {
	const char *claims;
	int64_t expires_wall_ms;
	const char *subject, *email;
} claims[] = {
	{ "{}", -1, NULL, NULL },
	{ "{\"exp\":1795532400}", 1795532400000, NULL, NULL },
	{ "{\"exp\":1795532400.5,\"sub\":\"s\",\"email\":\"e@x\"}", 1795532400500, "s", "e@x" },
	{ "{\"exp\":\"1795532400\"}", -1, NULL, NULL },
	{ "{\"exp\":-1,\"sub\":7,\"email\":null}", -1, NULL, NULL },
	{ "{\"exp\":1e300}", -1, NULL, NULL },
	{ "{\"exp\":0}", 0, NULL, NULL },
	{ "{\"exp\":253402300799}", 253402300799000, NULL, NULL },
	{ "{\"exp\":253402300800}", -1, NULL, NULL },
};

static void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		CLEANUP(mem_freep)
		char *body = base64url_encode(claims[i].claims, strlen(claims[i].claims));
		CLEANUP(mem_freep) char *token = mem_printf("e30.%s.c2ln", body);
		CLEANUP(jwt_claims_clear) struct jwt_claims c;

		if (!jwt_read(token, strlen(token), &c))
			fail_msg("no JWT: %s", claims[i].claims);
		assert_int_equal(c.expires_wall_ms, claims[i].expires_wall_ms);
		assert_same_text(c.subject, claims[i].subject);
		assert_same_text(c.email, claims[i].email);
	}
}

static void test_reads_no_byte_beyond_the_length(void **state)
{
	static const char text[] = "e30.e30.x";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *exact = mem_alloc(len + 1);
		struct jwt_claims c;

		exact = mem_realloc(exact, len ? len : 1, 1);
		memcpy(exact, text, len);
		assert_int_equal(jwt_read(exact, len, &c), len == sizeof(text) - 2);
		jwt_claims_clear(&c);
		free(exact);
	}
}

static void test_too_long(void **state)
{
	char *long_one = mem_alloc(JWT_CEILING + 2);
	struct jwt_claims c;

	(void)state;
	memset(long_one, 'x', JWT_CEILING + 1);
	memcpy(long_one, "e30.e30.", 8);
	assert_false(jwt_read(long_one, JWT_CEILING + 1, &c));
	assert_true(jwt_read(long_one, JWT_CEILING, &c));
	jwt_claims_clear(&c);
	free(long_one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_line_ends_that_were_escaped_twice),
		cmocka_unit_test(test_no_tokens),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_reads_no_byte_beyond_the_length),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
