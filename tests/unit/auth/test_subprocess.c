/* What a command inherits and how long it may take, with real processes on the real clock. */
#include "base/fake_world.h"

#include "auth/subprocess.h"

struct shop {
	struct fake_world fake;
	struct clock clock;
	struct sched sched;
	struct buf out, errout;
};

static int setup(void **state)
{
	struct shop *s = NEW(struct shop);

	fake_world_init(&s->fake);
	s->clock = clock_system();
	s->sched = sched_threads();
	s->fake.world.clock = &s->clock;
	s->fake.world.sched = &s->sched;
	s->out.ceiling = s->errout.ceiling = 64 * KIB;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct shop *s = *state;

	buf_clear(&s->out);
	buf_clear(&s->errout);
	fake_world_clear(&s->fake);
	free(s);
	return 0;
}

static const char *said_with(struct shop *s, const char *const *environment)
{
	static const char *const argv[] = { "/usr/bin/env", NULL };
	const struct subprocess p = { .argv = argv, .environment = environment };
	int code = -1;

	buf_clear(&s->out);
	assert_true(
		subprocess_run_as(&s->fake.world, &p, &s->out, &s->errout, &code, &s->fake.err));
	assert_int_equal(code, 0);
	return buf_str(&s->out);
}

static void test_environment_as_ours(void **state)
{
	const char *said;

	setenv("LANDED_TEST_A", "one", 1);
	said = said_with(*state, NULL);
	assert_non_null(strstr(said, "LANDED_TEST_A=one\n"));
	assert_non_null(strstr(said, "PATH="));
}

static void test_environment_changed(void **state)
{
	static const char *const changes[] = { "LANDED_TEST_A=two=2", "LANDED_TEST_B",
					       "LANDED_TEST_C=", "LANDED_TEST_NEVER", NULL };
	const char *said;

	setenv("LANDED_TEST_A", "one", 1);
	setenv("LANDED_TEST_AA", "longer", 1);
	setenv("LANDED_TEST_B", "gone", 1);
	setenv("LANDED_TEST_C", "emptied", 1);
	said = said_with(*state, changes);
	assert_null(strstr(said, "LANDED_TEST_A=one"));
	assert_non_null(strstr(said, "LANDED_TEST_A=two=2\n"));
	assert_non_null(strstr(said, "LANDED_TEST_AA=longer\n"));
	assert_null(strstr(said, "LANDED_TEST_B"));
	assert_non_null(strstr(said, "LANDED_TEST_C=\n"));
	assert_null(strstr(said, "LANDED_TEST_NEVER"));
	assert_non_null(strstr(said, "PATH="));
	assert_string_equal(getenv("LANDED_TEST_A"), "one");
}

/* The clock leaps while it sleeps: nobody waits here for real. */
static int64_t later(struct clock *c)
{
	struct clock system = clock_system();

	(void)c;
	return clock_boot_ms(&system) * 1000;
}

static void test_its_own_limit(void **state)
{
	static const struct clock_ops fast = { .boot_ms = later, .wall_ms = later };
	static const char *const argv[] = { "/bin/sh", "-c", "exec sleep 1000", NULL };
	static const char *const deaf[] = { "/bin/sh", "-c", "exec >&- 2>&-; exec sleep 1000",
					    NULL };
	const char *const *const each[] = { argv, deaf };
	struct shop *s = *state;

	s->clock.ops = &fast;
	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		const struct subprocess p = { .argv = each[i], .longest_ms = 7000 };
		int code = -1;

		assert_false(subprocess_run_as(&s->fake.world, &p, &s->out, &s->errout, &code,
					       &s->fake.err));
		assert_err(&s->fake.err, ERR_NO_CREDENTIAL, "'/bin/sh' took longer than 7 s");
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_environment_as_ours),
		CASE(test_environment_changed),
		CASE(test_its_own_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
