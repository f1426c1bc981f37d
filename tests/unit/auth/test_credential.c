/* What people and tools write as a credential, and how a source is named; no error repeats what may be a secret. */
#include "base/fake_world.h"

#include "auth/source.h"

#define ASKED_MS ((int64_t)5000)
#define WALL_MS ((int64_t)1795528800000) /* 2026-11-24T14:00:00Z */

static const char *const bad[] = {
	"",
	" \r\n\t",
	"SECRET SECRET",
	"SECRET\nSECRET\n",
	"SECRET\tSECRET",
	"SECRET\x01",
	"SECRET\x7f",
	"{",
	"{}",
	"{\"SECRET\"}",
	"{\"password\":\"SECRET\"}",
	"{\"access_token\":\"\"}",
	"{\"access_token\":17}",
	"{\"access_token\":\"SECRET\",\"access_token\":\"SECRET\"}",
	"{\"access_token\":\"SECRET\"} SECRET",
	"{\"Secret\":null,\"Username\":\"SECRET\"}",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct credential *c = NULL;
		struct err err = ERR_INIT;

		if (credential_parse(bad[i], strlen(bad[i]), "u", ASKED_MS, WALL_MS, &c, &err))
			fail_msg("taken for a credential: '%s'", bad[i]);
		assert_null(c);
		assert_err(&err, ERR_NO_CREDENTIAL, "");
	}
}

static const struct {
	const char *text, *user, *secret;
	int64_t expires_ms; /* -1: not known */
	bool identity;
} good[] = {
	{ "SECRET", "u", "SECRET", -1, false },
	{ "  SECRET\r\n", "u", "SECRET", -1, false },
	{ "SECRET:with=every/sign+~", "u", "SECRET:with=every/sign+~", -1, false },
	/* a JWT says when it ends */
	{ "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTU1MjkxMDB9.SECRET\n", "u",
	  "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTU1MjkxMDB9.SECRET", ASKED_MS + 300000, false },
	{ "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3OTU1MjkxMDB9.SECRET", "u",
	  "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3OTU1MjkxMDB9.SECRET", -1, false },
	{ "[SECRET]", "u", "[SECRET]", -1, false },
	{ "{\"token\":\"SECRET-1\"}", "u", "SECRET-1", -1, false },
	{ "\n {\"access_token\":\"SECRET-2\",\"expires_in\":3599,\"token_type\":\"Bearer\"}\n", "u",
	  "SECRET-2", ASKED_MS + 3599000, false },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":0.5}", "u", "SECRET", ASKED_MS + 500,
	  false },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":0}", "u", "SECRET", -1, false },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":-5}", "u", "SECRET", -1, false },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":1e12}", "u", "SECRET", -1, false },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":\"never\"}", "u", "SECRET", -1, false },
	/* gcloud auth print-access-token --format=json, and impersonation */
	{ "{\"token\":\"SECRET\",\"expiry\":\"2026-11-24T14:05:00Z\"}", "u", "SECRET",
	  ASKED_MS + 300000, false },
	{ "{\"access_token\":\"SECRET\",\"token_expiry\":\"2026-11-24T15:00:00+00:00\"}", "u",
	  "SECRET", ASKED_MS + 3600000, false },
	{ "{\"accessToken\":\"SECRET\",\"expireTime\":\"2026-11-24T14:00:30Z\"}", "u", "SECRET",
	  ASKED_MS + 30000, false },
	{ "{\"token\":\"SECRET\",\"expiry\":\"2026-11-24T13:00:00Z\"}", "u", "SECRET",
	  ASKED_MS - 3600000, false },
	{ "{\"token\":\"SECRET\",\"expiry\":\"soon\"}", "u", "SECRET", -1, false },
	{ "{\"token\":\"SECRET\",\"expiry\":\"soon\",\"expires_in\":60}", "u", "SECRET",
	  ASKED_MS + 60000, false },
	/* docker's credential helpers */
	{ "{\"ServerURL\":\"x\",\"Username\":\"AWS\",\"Secret\":\"SECRET\"}", "AWS", "SECRET", -1,
	  false },
	{ "{\"Username\":\"\",\"Secret\":\"SECRET\"}", "u", "SECRET", -1, false },
	{ "{\"Username\":\"<token>\",\"Secret\":\"SECRET\"}", NULL, "SECRET", -1, true },
	{ "{\"Secret\":\"SECRET-1\",\"access_token\":\"SECRET-2\"}", "u", "SECRET-1", -1, false },
};

static void assert_parsed(const struct credential *c, size_t i)
{
	assert_string_equal(secret_reveal(c->secret), good[i].secret);
	if (good[i].user)
		assert_string_equal(c->user, good[i].user);
	else
		assert_null(c->user);
	assert_int_equal(c->is_identity_token, good[i].identity);
	assert_int_equal(c->expiry_known, good[i].expires_ms != -1);
	assert_int_equal(c->life.minted_ms, ASKED_MS);
	assert_int_equal(c->life.expires_ms,
			 good[i].expires_ms == -1 ? NEVER_MS : good[i].expires_ms);
	assert_true(c->renewable);
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(credential_freep) struct credential *c = NULL;
		struct err err = ERR_INIT;

		if (!credential_parse(good[i].text, strlen(good[i].text), "u", ASKED_MS, WALL_MS,
				      &c, &err))
			fail_msg("'%s': %s", good[i].text, err.message);
		assert_parsed(c, i);
	}
}

/* Bytes without an end: what follows them is not looked at. */
static void test_reads_no_byte_beyond_the_length(void **state)
{
	static const char *const texts[] = { "SECRET", "   ", "{\"token\":\"SECRET\"}", "{" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t len = strlen(texts[i]);
		char *exact = mem_alloc(len);
		struct credential *c = NULL;
		struct err err = ERR_INIT;

		memcpy(exact, texts[i], len);
		assert_int_equal(credential_parse(exact, len, "u", 0, 0, &c, &err), i % 2 == 0);
		credential_free(c);
		err_clear(&err);
		free(exact);
	}
}

static const char *const no_sources[] = {
	"",
	"file:",
	"exec:",
	"env:",
	"File:x",
	"docker-config:SECRET",
	"anon:SECRET",
	"password:SECRET",
	"token:SECRET",
	"http://user:SECRET@host/",
	"files:SECRET",
	"adc SECRET",
	"adc:",
	"adcSECRET",
	"gcloud:",
	"gcloudSECRET",
	"metadata:SECRET",
	"google:SECRET",
};

static struct sched sched;
static const struct source_options options = { .sched = &sched };

static void test_what_is_no_source_is_not_echoed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(no_sources); i++) {
		struct source *s = NULL;
		struct err err = ERR_INIT;

		assert_false(source_parse(no_sources[i], &options, &s, &err));
		assert_null(s);
		assert_non_null(err.hint);
		assert_err(&err, ERR_USAGE, "is no credential source");
	}
}

/* The mistake that people make: the token itself, where its source was asked for. */
static void test_bare_token_is_not_echoed(void **state)
{
	struct source *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_false(source_parse("ya29.a0SECRETAfB_byC3", &options, &s, &err));
	assert_err(&err, ERR_USAGE, "is no credential source");
}

static void test_sources_by_name(void **state)
{
	static const char *const names[] = { "file:/x:y",     "exec:a b", "env:X",
					     "docker-config", "adc",	  "adc:/x:y",
					     "metadata",      "gcloud",	  "gcloud:a@b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct source *s = NULL;
		struct err err = ERR_INIT;

		assert_true(source_parse(names[i], &options, &s, &err));
		assert_non_null(s);
		assert_int_equal(source_word_is_google(names[i]), i >= 4);
		source_free(s);
	}
}

static void test_anon_is_nobody(void **state)
{
	struct source *s = (struct source *)state;
	struct err err = ERR_INIT;

	assert_true(source_parse("anon", &options, &s, &err));
	assert_null(s);
	source_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_reads_no_byte_beyond_the_length),
		cmocka_unit_test(test_what_is_no_source_is_not_echoed),
		cmocka_unit_test(test_bare_token_is_not_echoed),
		cmocka_unit_test(test_sources_by_name),
		cmocka_unit_test(test_anon_is_nobody),
	};

	sched = sched_threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
