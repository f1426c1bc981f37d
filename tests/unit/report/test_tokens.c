#include "report/fixture.h"

#include "report/tally.h"
#include "report/tokens.h"

static enum token_news note(struct tokens *t, const char *what, const char *fingerprint,
			    int64_t at_ms, int64_t expires_ms)
{
	const struct token *before;
	struct event e = token_event(what, fingerprint, expires_ms);

	e.at_ms = BOOT_START_MS + at_ms;
	return tokens_note(t, &e, &before);
}

static void test_news(void **state)
{
	static const struct {
		const char *what, *fingerprint;
		int64_t at_ms, expires_ms;
		enum token_news news;
	} table[] = {
		{ NULL, NULL, 0, 1000, TOKEN_FIRST },
		{ "credential", "c1", 0, 60000, TOKEN_FIRST },
		{ "credential", "c1", 10, 60000, TOKEN_SAME },
		{ "registry token", "r1", 20, 40000, TOKEN_FIRST },
		{ "registry token", "r2", 30, 40000, TOKEN_ANOTHER }, /* the proof's own */
		{ "registry token", "r3", 39000, 80000, TOKEN_RENEWED },
		{ "credential", "c2", 39000, 99000, TOKEN_RENEWED },
	};
	struct tokens t = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(note(&t, table[i].what, table[i].fingerprint, table[i].at_ms,
				      table[i].expires_ms),
				 table[i].news);
	assert_string_equal(tokens_leading(&t)->fingerprint, "c2");
	tokens_clear(&t);
}

static void test_refused_is_spent(void **state)
{
	struct event refused = token_event("registry token", "r1", 0);
	struct tokens t = { 0 };

	(void)state;
	tokens_refused(&t, &refused); /* of a token that nobody has seen */
	note(&t, "registry token", "r1", 0, 3600000);
	refused.at_ms = BOOT_START_MS + 10;
	tokens_refused(&t, &refused);
	assert_int_equal(t.at[0].refused_ms, BOOT_START_MS + 10);
	assert_int_equal(note(&t, "registry token", "r2", 20, 3600000), TOKEN_RENEWED);
	tokens_clear(&t);
}

static void test_memory_is_bounded(void **state)
{
	struct tokens t = { 0 };
	char fingerprint[16];

	(void)state;
	for (int i = 0; i < 3 * TOKENS_MAX; i++) {
		snprintf(fingerprint, sizeof(fingerprint), "f%d", i);
		note(&t, "credential", fingerprint, i, i + 10);
	}
	assert_int_equal(t.count, TOKENS_MAX);
	assert_string_equal(t.at[0].fingerprint, "f0");
	assert_string_equal(t.at[TOKENS_MAX - 1].fingerprint, fingerprint);
	tokens_clear(&t);
}

static void test_tally(void **state)
{
	struct still s;
	struct tally *t;
	struct tally_count count;
	struct event again = request_event("GET", "manifest", 503, 0, 5);

	(void)state;
	still_init(&s);
	t = tally_new(&s.sched);
	s.world.observer = tally_observer(t);
	again.request.attempt = 2;
	tell_at(&s, 0, token_event("credential", "c1", 1000));
	tell_at(&s, 5, request_event("GET", "manifest", 200, 0, 5));
	tell_at(&s, 9, again);
	tell_at(&s, 10, blob_event('a', BLOB_STAGE_AGAIN, 0, 5));
	tell_at(&s, 900, token_event("credential", "c2", 2000));
	count = tally_read(t, true);
	assert_int_equal(count.requests, 2);
	assert_int_equal(count.retries, 2);
	assert_int_equal(count.renewals, 1);
	assert_string_equal(count.token_source, "exec:mint");
	count = tally_read(t, false);
	assert_int_equal(count.requests, 0);
	assert_string_equal(count.token_source, "exec:mint");
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_refused_is_spent),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_tally),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
