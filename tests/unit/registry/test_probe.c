/* May this identity upload? Begun and given up, with nothing left behind. */
#include "registry/fixture.h"

#include "registry/probe.h"

static const struct {
	const char *name;
	enum sim_fault post; /* what happens to the first POST */
	enum sim_fault next; /* and to the request after it */
	enum err_code code;
	bool cancelled;
	size_t posts;
} cases[] = {
	{ "denied", FAULT_403_DENIED, FAULT_403_DENIED, ERR_NONE, true, 3 },
	{ "no such repository", FAULT_404, FAULT_NONE, ERR_DENIED, false, 1 },
	{ "a page", FAULT_PAGE, FAULT_NONE, ERR_NO_REGISTRY, false, 1 },
	{ "as it should be", FAULT_NONE, FAULT_NONE, ERR_NONE, true, 1 },
	{ "the token dies", FAULT_401_CHALLENGE, FAULT_NONE, ERR_NONE, true, 2 },
	{ "busy", FAULT_503, FAULT_NONE, ERR_NONE, true, 2 },
	{ "the DELETE is not taken", FAULT_NONE, FAULT_404, ERR_NONE, false, 1 },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool cancelled, ok;
		struct fixture f;

		fixture_init(&f, 1, 1000);
		plan_fault(&f, 1, cases[i].post);
		plan_fault(&f, 2, cases[i].next);
		ok = session_may_upload(&f.sim.world, f.s, &cancelled, &f.err);
		assert_that(f.err.code == cases[i].code && ok == (f.err.code == ERR_NONE),
			    "%s: %d %s", cases[i].name, f.err.code, f.err.message);
		assert_that(cancelled == cases[i].cancelled, "%s: cancelled", cases[i].name);
		assert_that(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST) == cases[i].posts,
			    "%s: %zu POSTs", cases[i].name,
			    sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST));
		assert_that(!cancelled || !f.sim.registry.uploads, "%s: left open", cases[i].name);
		assert_that(!f.sim.registry.body_bytes, "%s: bytes were sent", cases[i].name);
		fixture_clear(&f);
	}
}

static void test_denied_for_ever(void **state)
{
	struct fixture f;
	bool cancelled;

	(void)state;
	fixture_init(&f, 1, 1000);
	for (size_t i = 1; i <= SIM_REFUSALS_MAX + 1; i++)
		plan_fault(&f, i, FAULT_403_DENIED);
	assert_false(session_may_upload(&f.sim.world, f.s, &cancelled, &f.err));
	assert_int_equal(f.err.code, ERR_DENIED);
	assert_false(cancelled);
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_DELETE), 0);
	fixture_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_denied_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
