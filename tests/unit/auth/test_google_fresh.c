/* How often a source that repeats its token is asked, and which one is kept. */
#include "base/fake_world.h"

#include "auth/google.h"

static const struct {
	int64_t left_ms; /* -1: not known */
	size_t asked;
	bool again;
} decisions[] = {
	{ -1, 1, false },     { 3600000, 1, false }, { 300000, 1, false }, { 299999, 1, true },
	{ 299999, 2, false }, { 240000, 1, true },   { 240000, 2, false }, { 239999, 2, true },
	{ 239999, 3, true },  { 239999, 4, false },  { 0, 1, true },	   { 0, 3, true },
	{ 0, 4, false },      { 0, 1000, false },
};

static void test_decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		bool known = decisions[i].left_ms >= 0;
		const struct google_token t = {
			.life.expires_ms = known ? 5000 + decisions[i].left_ms : NEVER_MS,
			.expiry_known = known,
		};

		if (google_is_worth_asking_again(&t, decisions[i].asked, 5000) !=
		    decisions[i].again)
			fail_msg("%lld ms left, asked %zu times", (long long)decisions[i].left_ms,
				 decisions[i].asked);
	}
}

/* A minter that gives one after the other of these. */
struct given {
	const char *token; /* NULL: it fails */
	int64_t life_ms;
};

struct puppet {
	struct google_minter minter;
	struct fake_world fake;
	const struct given *given;
	size_t asked;
	int64_t at_ms[16];
};

static bool puppet_mint(struct google_minter *m, const struct world *w,
			const struct google_want *want, struct google_token *ret, struct err *err)
{
	struct puppet *p = (struct puppet *)m;
	const struct given *g = &p->given[p->asked];
	int64_t now_ms = world_now_ms(w);

	(void)want;
	p->at_ms[p->asked++] = fake_since_start(&p->fake);
	*ret = (struct google_token){ 0 };
	if (!g->token)
		return err_set(err, ERR_NO_CREDENTIAL, "no more");
	ret->secret = secret_new(g->token, strlen(g->token));
	ret->life = (struct token_life){ now_ms, now_ms + g->life_ms };
	ret->expiry_known = true;
	return true;
}

static void puppet_free(struct google_minter *m)
{
	(void)m;
}

static const struct google_minter_ops puppet_ops = { puppet_mint, puppet_free };

static bool ask(struct puppet *p, const struct given *given, struct google_token *ret)
{
	const struct google_want want = { 0 };

	google_token_clear(ret);
	p->given = given;
	p->asked = 0;
	return google_freshest(&p->minter, &p->fake.world, &want, ret, &p->fake.err);
}

static int setup(void **state)
{
	struct puppet *p = NEW(struct puppet);

	fake_world_init(&p->fake);
	p->minter = (struct google_minter){ .ops = &puppet_ops, .repeats = true };
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct puppet *p = *state;

	fake_world_clear(&p->fake);
	free(p);
	return 0;
}

static const struct {
	struct given given[5];
	size_t asked;
	const char *kept;
} runs[] = {
	{ { { "SECRET-1", 3600000 } }, 1, "SECRET-1" },
	{ { { "SECRET-1", 60000 }, { "SECRET-2", 3600000 } }, 2, "SECRET-2" },
	{ { { "SECRET-1", 60000 }, { "SECRET-1", 58000 }, { "SECRET-2", 3600000 } },
	  3,
	  "SECRET-2" },
	/* it only has short ones */
	{ { { "SECRET-1", 60000 }, { "SECRET-2", 61000 } }, 2, "SECRET-2" },
	{ { { "SECRET-1", 60000 }, { "SECRET-2", 50000 } }, 2, "SECRET-1" },
	{ { { "SECRET-1", 0 }, { "SECRET-1", 0 }, { "SECRET-1", 0 }, { "SECRET-1", 0 } },
	  4,
	  "SECRET-1" },
	{ { { "SECRET-1", 290000 }, { "SECRET-1", 288000 } }, 2, "SECRET-1" },
	/* what is at hand outlives a failure */
	{ { { "SECRET-1", 60000 }, { NULL, 0 } }, 2, "SECRET-1" },
};

static void test_runs(void **state)
{
	struct puppet *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		CLEANUP(google_token_clear) struct google_token t = { 0 };

		assert_true(ask(p, runs[i].given, &t));
		assert_no_err(&p->fake.err);
		if (p->asked != runs[i].asked || strcmp(secret_reveal(t.secret), runs[i].kept) != 0)
			fail_msg("run %zu: asked %zu times, kept %s", i, p->asked,
				 secret_reveal(t.secret));
		for (size_t n = 1; n < p->asked; n++)
			assert_true(p->at_ms[n] - p->at_ms[n - 1] >= 2000);
	}
}

static void test_others_are_asked_once(void **state)
{
	struct puppet *p = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	p->minter.repeats = false;
	assert_true(ask(p, runs[1].given, &t));
	assert_int_equal(p->asked, 1);
	assert_int_equal(p->fake.sleeps, 0);
}

static void test_first_failure_is_told(void **state)
{
	static const struct given nothing[] = { { NULL, 0 } };
	struct puppet *p = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	assert_false(ask(p, nothing, &t));
	assert_err(&p->fake.err, ERR_NO_CREDENTIAL, "no more");
}

static void test_cancelled(void **state)
{
	struct puppet *p = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	p->fake.cancel_at_sleep = 1;
	assert_false(ask(p, runs[1].given, &t));
	assert_null(t.secret);
	assert_err(&p->fake.err, ERR_CANCELLED, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		TEST(test_runs),
		TEST(test_others_are_asked_once),
		TEST(test_first_failure_is_told),
		TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
