/* The token clock's pure functions: when a token is still to be used, and how long an answer says that it lives. */
#include "base/fake_world.h"

#include "auth/token.h"

static const struct {
	const char *what;
	int64_t minted_ms, expires_ms, now_ms, need_ms;
	bool fresh;
} freshness[] = {
	{ "expired", 0, 300000, 300000, 0, false },
	{ "long expired", 0, 300000, 400000, 0, false },
	{ "expired before it was minted", 1000, 0, 1000, 0, false },
	{ "lives no time at all", 1000, 1000, 1000, 0, false },
	{ "in its last 10 s of an hour", 0, 3600000, 3590000, 0, false },
	{ "in its last tenth of 20 s", 0, 20000, 18000, 0, false },
	{ "in its last tenth of a second", 0, 1000, 900, 0, false },
	{ "would not outlive the request", 0, 300000, 100000, 200001, false },
	{ "old, and the request takes for ever", 0, 300000, 30001, NEVER_MS, false },
	{ "the machine slept for a day", 0, 300000, 86400000, 0, false },
	{ "young", 0, 300000, 0, 0, true },
	{ "young, and the request takes for ever", 0, 300000, 30000, NEVER_MS, true },
	{ "just outlives the request", 0, 300000, 100000, 200000, true },
	{ "before its last 10 s", 0, 3600000, 3589999, 0, true },
	{ "of a second, young", 0, 1000, 50, 5000, true },
	{ "of a second, before its last tenth", 0, 1000, 899, 0, true },
	{ "of a millisecond", 0, 1, 0, 0, true },
	{ "never expires", 0, NEVER_MS, INT64_MAX - 1, NEVER_MS, true },
};

static void test_freshness(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(freshness); i++) {
		const struct token_life life = { freshness[i].minted_ms, freshness[i].expires_ms };

		if (token_is_fresh(&life, freshness[i].now_ms, freshness[i].need_ms) !=
		    freshness[i].fresh)
			fail_msg("%s", freshness[i].what);
	}
}

static const char *const bad[] = {
	"",
	"{",
	"null",
	"\"SECRET\"",
	"[\"SECRET\"]",
	"{}",
	"{\"token\":\"\"}",
	"{\"token\":null}",
	"{\"token\":17}",
	"{\"token\":[\"SECRET\"]}",
	"{\"token\":{\"token\":\"SECRET\"}}",
	"{\"Token\":\"SECRET\"}",
	"{\"token\":\"\",\"access_token\":\"\"}",
	"{\"refresh_token\":\"SECRET\"}",
	"{\"token\":\"SECRET\",\"token\":\"SECRET\"}",
	"{\"token\":\"SECRET\"}{\"token\":\"SECRET\"}",
	"{\"token\":\"SECRET\\u0000\"}",
	"<html>SECRET</html>",
};

static void test_bad_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct token_answer a;
		struct err err = ERR_INIT;

		if (token_answer_parse(bad[i], strlen(bad[i]), -1, &a, &err))
			fail_msg("taken for an answer: %s", bad[i]);
		assert_err(&err, ERR_NO_CREDENTIAL, "the token endpoint's answer");
		token_answer_clear(&a);
	}
}

/* It becomes a header: a line break in it would be a header of the endpoint's choosing. */
static void test_token_with_control_characters_is_no_token(void **state)
{
	static const char *const answers[] = { "{\"token\":\"SECRET\\r\\nX-Evil: 1\"}",
					       "{\"token\":\"SECRET\\n\"}",
					       "{\"access_token\":\"SECRET\\u0007\"}",
					       "{\"token\":\"SEC RET\"}",
					       "{\"token\":\"SECRET\\u007f\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct token_answer a;
		struct err err = ERR_INIT;
		bool taken = token_answer_parse(answers[i], strlen(answers[i]), -1, &a, &err);

		err_clear(&err);
		token_answer_clear(&a);
		if (taken)
			fail_msg("taken for a token: %s", answers[i]);
	}
}

static void test_answer_has_a_ceiling(void **state)
{
	CLEANUP(mem_freep) char *body = mem_alloc(2 * MIB + 1);
	struct token_answer a;
	struct err err = ERR_INIT;

	(void)state;
	memset(body, ' ', 2 * MIB);
	memcpy(body, "{\"token\":\"SECRET\"}", 18);
	assert_false(token_answer_parse(body, 2 * MIB, -1, &a, &err));
	assert_err(&err, ERR_NO_CREDENTIAL, "longer than");
	assert_true(token_answer_parse(body, 1 * MIB, -1, &a, &err));
	token_answer_clear(&a);
}

#define DATE ((int64_t)1795528800000) /* 2026-11-24T14:00:00Z */

static const struct {
	const char *rest; /* of an answer, behind its token */
	int64_t date_ms;
	int64_t life_ms;
	bool said;
} lives[] = {
	/* no life, or none that makes sense */
	{ "", -1, 60000, false },
	{ ",\"expires_in\":null", -1, 60000, false },
	{ ",\"expires_in\":0", -1, 60000, false },
	{ ",\"expires_in\":-1", -1, 60000, false },
	{ ",\"expires_in\":-9223372036854775808", -1, 60000, false },
	{ ",\"expires_in\":9223372036854775807", -1, 60000, false },
	{ ",\"expires_in\":1e300", -1, 60000, false },
	{ ",\"expires_in\":2592001", -1, 60000, false },
	{ ",\"expires_in\":true", -1, 60000, false },
	{ ",\"expires_in\":[300]", -1, 60000, false },
	{ ",\"expires_in\":\"\"", -1, 60000, false },
	{ ",\"expires_in\":\"soon\"", -1, 60000, false },
	{ ",\"expires_in\":\"300s\"", -1, 60000, false },
	{ ",\"expires_in\":\"-300\"", -1, 60000, false },
	{ ",\"expires_in\":\"inf\"", -1, 60000, false },
	{ ",\"expires_in\":\"nan\"", -1, 60000, false },

	{ ",\"expires_in\":1", -1, 1000, true },
	{ ",\"expires_in\":300", -1, 300000, true },
	{ ",\"expires_in\":\"300\"", -1, 300000, true },
	{ ",\"expires_in\":0.5", -1, 500, true },
	{ ",\"expires_in\":3599.0", -1, 3599000, true },
	{ ",\"expires_in\":2592000", -1, 2592000000, true },

	/* issued_at counts only with the answer's own Date beside it */
	{ ",\"expires_in\":300,\"issued_at\":\"2026-11-24T13:59:00Z\"", -1, 300000, true },
	{ ",\"expires_in\":300,\"issued_at\":\"2026-11-24T13:59:00Z\"", DATE, 240000, true },
	{ ",\"expires_in\":300,\"issued_at\":\"2026-11-24T14:59:00+01:00\"", DATE, 240000, true },
	{ ",\"expires_in\":300,\"issued_at\":\"2026-11-24T14:00:00.9Z\"", DATE, 300000, true },
	{ ",\"expires_in\":300,\"issued_at\":\"2026-11-24T15:00:00Z\"", DATE, 300000, true },
	{ ",\"expires_in\":300,\"issued_at\":\"yesterday\"", DATE, 300000, true },
	{ ",\"expires_in\":300,\"issued_at\":1795528740", DATE, 300000, true },
	{ ",\"issued_at\":\"2026-11-24T13:59:30Z\"", DATE, 30000, false },
	/* older than it may become: the endpoint's clocks cannot be meant */
	{ ",\"expires_in\":300,\"issued_at\":\"0001-01-01T00:00:00Z\"", DATE, 300000, true },
};

static void test_lives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
		CLEANUP(mem_freep)
		char *body = mem_printf("{\"token\":\"SECRET\"%s}", lives[i].rest);
		struct token_answer a;
		struct err err = ERR_INIT;

		assert_true(token_answer_parse(body, strlen(body), lives[i].date_ms, &a, &err));
		if (a.life_ms != lives[i].life_ms || a.life_said != lives[i].said)
			fail_msg("'%s': %lld ms", lives[i].rest, (long long)a.life_ms);
		token_answer_clear(&a);
	}
}

static const struct {
	const char *body, *token, *refresh;
} names[] = {
	{ "{\"token\":\"SECRET-t\"}", "SECRET-t", NULL },
	{ "{\"access_token\":\"SECRET-a\"}", "SECRET-a", NULL },
	{ "{\"token\":\"SECRET-t\",\"access_token\":\"SECRET-a\"}", "SECRET-t", NULL },
	{ "{\"token\":\"\",\"access_token\":\"SECRET-a\"}", "SECRET-a", NULL },
	{ "{\"token\":null,\"access_token\":\"SECRET-a\"}", "SECRET-a", NULL },
	{ " {\"token\":\"SECRET-t\",\"refresh_token\":\"SECRET-r\"}\n", "SECRET-t", "SECRET-r" },
	{ "{\"token\":\"SECRET-t\",\"refresh_token\":7}", "SECRET-t", NULL },
};

static void test_either_name_of_the_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct token_answer a;
		struct err err = ERR_INIT;

		assert_true(token_answer_parse(names[i].body, strlen(names[i].body), -1, &a, &err));
		assert_string_equal(secret_reveal(a.token), names[i].token);
		if (names[i].refresh)
			assert_string_equal(secret_reveal(a.refresh_token), names[i].refresh);
		else
			assert_null(a.refresh_token);
		token_answer_clear(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freshness),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_token_with_control_characters_is_no_token),
		cmocka_unit_test(test_answer_has_a_ceiling),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_either_name_of_the_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
