#include "cli/fixture.h"

#include "cli/suggest.h"

static void test_nearest(void **state)
{
	static const char *const words[] = { "timeout", "stall-timeout", "retries",  "receipt",
					     "jobs",	"push",		 "key",	     "cert",
					     "cacert",	"cred",		 "cred-user" };
	static const struct {
		const char *typed, *best;
	} table[] = {
		{ "", NULL },
		{ "x", NULL },
		{ "zzzzzzz", NULL },
		{ "a-word-that-is-far-longer-than-any-name-of-ours", NULL },
		{ "psuh", "push" },
		{ "tmeout", "timeout" },
		{ "timeuot", "timeout" },
		{ "time", "timeout" },
		{ "retrys", "retries" },
		{ "job", "jobs" },
		{ "recepit", "receipt" },
		{ "cret", "cert" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct suggest s = SUGGEST_INIT(table[i].typed);

		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			suggest_consider(&s, words[w]);
		if (strcmp(s.best ? s.best : "", table[i].best ? table[i].best : "") != 0)
			fail_msg("'%s' is taken for '%s'", table[i].typed, s.best ? s.best : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nearest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
