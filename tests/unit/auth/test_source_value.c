/* file:, exec: and env:, and the subprocess behind exec:, with real files and processes on the real clock. */
#include "base/fake_dir.h"

#include "auth/source.h"
#include "auth/subprocess.h"

struct shop {
	struct fake_world fake;
	struct clock clock;
	struct sched sched;
	struct fake_dir dir;
	struct source *source;
};

static int setup(void **state)
{
	struct shop *s = NEW(struct shop);

	fake_world_init(&s->fake);
	fake_dir_init(&s->dir);
	s->clock = clock_system();
	s->sched = sched_threads();
	s->fake.world.clock = &s->clock;
	s->fake.world.sched = &s->sched;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct shop *s = *state;

	source_free(s->source);
	fake_dir_clear(&s->dir);
	fake_world_clear(&s->fake);
	free(s);
	return 0;
}

static int64_t now_ms(void)
{
	struct clock c = clock_system();

	return clock_boot_ms(&c);
}

static void open_source(struct shop *s, enum value_place place, const char *where)
{
	source_free(s->source);
	s->source = source_value_new(place, where, "u");
}

static bool obtain(struct shop *s, struct credential **ret)
{
	const struct credential_target target = { "r.example", "a/b" };

	*ret = NULL;
	err_clear(&s->fake.err);
	return source_obtain(s->source, &s->fake.world, &target, ret, &s->fake.err);
}

static void assert_gives(struct shop *s, const char *secret, bool renewable)
{
	CLEANUP(credential_freep) struct credential *c = NULL;

	if (!obtain(s, &c))
		fail_msg("%s", s->fake.err.message);
	assert_non_null(c);
	assert_string_equal(secret_reveal(c->secret), secret);
	assert_string_equal(c->user, "u");
	assert_int_equal(c->renewable, renewable);
	assert_no_secret(c->source);
}

static void assert_gives_nothing(struct shop *s)
{
	struct credential *c = NULL;

	assert_true(obtain(s, &c));
	assert_null(c);
}

static void assert_is_broken(struct shop *s, const char *words)
{
	struct credential *c = NULL;

	assert_false(obtain(s, &c));
	assert_null(c);
	assert_err(&s->fake.err, ERR_NO_CREDENTIAL, words);
}

/* Files */

static void test_file_that_cannot_be_a_token_is_broken(void **state)
{
	struct shop *s = *state;
	CLEANUP(mem_freep) char *path = fake_dir_write(&s->dir, "t", "SECRET\nSECRET\n", 0600);
	CLEANUP(mem_freep) char *large = mem_alloc(70001);

	open_source(s, VALUE_FILE, path);
	assert_is_broken(s, "it is not one token");
	free(fake_dir_write(&s->dir, "t", "{\"token\":", 0600));
	assert_is_broken(s, "not valid JSON");
	memset(large, 'a', 70000);
	free(fake_dir_write(&s->dir, "t", large, 0600));
	assert_is_broken(s, "longer than");
	open_source(s, VALUE_FILE, s->dir.path);
	assert_is_broken(s, s->dir.path);
}

static void test_file_missing_or_empty_is_nothing_there(void **state)
{
	struct shop *s = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&s->dir, "t");

	open_source(s, VALUE_FILE, path);
	assert_gives_nothing(s);
	free(fake_dir_write(&s->dir, "t", "", 0600));
	assert_gives_nothing(s);
}

static void test_file_is_read_again_each_time(void **state)
{
	struct shop *s = *state;
	CLEANUP(mem_freep) char *path = fake_dir_write(&s->dir, "t", "SECRET-1\n", 0600);

	open_source(s, VALUE_FILE, path);
	assert_gives(s, "SECRET-1", true);
	free(fake_dir_write(&s->dir, "t", "{\"access_token\":\"SECRET-2\"}", 0600));
	assert_gives(s, "SECRET-2", true);
	assert_int_equal(unlink(path), 0);
	assert_gives_nothing(s);
}

/* Variables */

static void test_variable(void **state)
{
	struct shop *s = *state;

	open_source(s, VALUE_ENV, "LANDED_UNIT_TEST");
	unsetenv("LANDED_UNIT_TEST");
	assert_gives_nothing(s);
	setenv("LANDED_UNIT_TEST", "", 1);
	assert_gives_nothing(s);
	setenv("LANDED_UNIT_TEST", "SECRET SECRET", 1);
	assert_is_broken(s, "env:LANDED_UNIT_TEST");
	setenv("LANDED_UNIT_TEST", "SECRET-1", 1);
	assert_gives(s, "SECRET-1", false);
	unsetenv("LANDED_UNIT_TEST");
}

/* Commands */

static void test_command_that_fails_says_why(void **state)
{
	struct shop *s = *state;

	open_source(s, VALUE_EXEC, "echo SECRET; echo 'no such account' >&2; exit 3");
	assert_is_broken(s, "exit code 3");
	open_source(s, VALUE_EXEC, "echo 'no such account' >&2; exit 3");
	assert_false(obtain(s, &(struct credential *){ NULL }));
	assert_string_equal(s->fake.err.evidence, "no such account");
	err_clear(&s->fake.err);
	open_source(s, VALUE_EXEC, "no-such-command-at-all");
	assert_is_broken(s, "exit code 127");
	open_source(s, VALUE_EXEC, "kill -9 $$");
	assert_is_broken(s, "exit code 137");
}

static void test_command_that_gives_nothing_or_too_much(void **state)
{
	struct shop *s = *state;

	open_source(s, VALUE_EXEC, "true");
	assert_is_broken(s, "there is nothing in it");
	open_source(s, VALUE_EXEC, "echo SECRET; echo SECRET");
	assert_is_broken(s, "it is not one token");
	open_source(s, VALUE_EXEC, "yes SECRET | head -c 3000000");
	assert_is_broken(s, "");
}

static void test_command_gives_a_token_each_time(void **state)
{
	struct shop *s = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&s->dir, "count");
	CLEANUP(mem_freep)
	char *command = mem_printf("echo x >>%s; echo SECRET-$(wc -l <%s)", path, path);

	open_source(s, VALUE_EXEC, command);
	assert_gives(s, "SECRET-1", true);
	assert_gives(s, "SECRET-2", true);
}

static void test_name_of_a_command_keeps_its_arguments(void **state)
{
	static const char *const commands[] = { "echo SECRET-1 --password SECRET",
						"TOKEN=SECRET-1 sh -c 'echo SECRET-1'",
						"echo\tSECRET-1" };
	struct shop *s = *state;
	struct credential *c;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		open_source(s, VALUE_EXEC, commands[i]);
		if (obtain(s, &c))
			assert_no_secret(c->source);
		credential_free(c);
		assert_err_keeps_secrets(&s->fake.err);
	}
}

/* A helper that leaves a daemon behind it (an agent, a cache) has still given its answer. */
static void test_daemon_left_behind_is_not_waited_for(void **state)
{
	struct shop *s = *state;
	int64_t start_ms = now_ms();

	s->fake.world.deadline_ms = now_ms() + 8000;
	open_source(s, VALUE_EXEC, "echo SECRET-1; sleep 15 &");
	assert_gives(s, "SECRET-1", true);
	assert_true(now_ms() - start_ms < 5000);
}

static void cancel_soon(void *arg)
{
	struct shop *s = arg;

	s->sched.ops->sleep(&s->sched, 100, NULL);
	cancel_fire(s->fake.cancel, 2);
}

static void test_command_that_hangs_ends_with_a_cancel(void **state)
{
	struct shop *s = *state;
	struct task *t = sched_spawn(&s->sched, cancel_soon, s);
	struct credential *c = NULL;
	int64_t start_ms = now_ms();

	open_source(s, VALUE_EXEC, "sleep 60; echo SECRET");
	assert_false(obtain(s, &c));
	assert_true(now_ms() - start_ms < 3000);
	assert_err(&s->fake.err, ERR_CANCELLED, "SIGINT");
	sched_join(&s->sched, t);
}

static void test_command_that_hangs_ends_with_the_deadline(void **state)
{
	struct shop *s = *state;
	struct credential *c = NULL;
	int64_t start_ms = now_ms();

	s->fake.world.deadline_ms = now_ms() + 200;
	open_source(s, VALUE_EXEC, "exec >/dev/null 2>&1; sleep 60");
	assert_false(obtain(s, &c));
	assert_true(now_ms() - start_ms < 3000);
	assert_err(&s->fake.err, ERR_TIMEOUT, "time is up");
}

static void leap_soon(void *arg)
{
	struct shop *s = arg;

	s->sched.ops->sleep(&s->sched, 100, NULL);
	fake_advance(&s->fake, SUBPROCESS_MS);
}

/* The fake clock leaps over all the time that a command may take. */
static void test_command_that_takes_too_long_is_ended(void **state)
{
	struct shop *s = *state;
	struct task *t = sched_spawn(&s->sched, leap_soon, s);
	int64_t start_ms = now_ms();

	s->fake.world.clock = &s->fake.clock;
	open_source(s, VALUE_EXEC, "sleep 60; echo SECRET");
	assert_is_broken(s, "took longer than 20 s");
	assert_true(now_ms() - start_ms < 5000);
	sched_join(&s->sched, t);
}

static bool run(struct shop *s, const char *script, const char *input, struct buf *out,
		struct buf *errout, int *ret_code)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	buf_clear(out);
	buf_clear(errout);
	return subprocess_run(&s->fake.world, argv, input, out, errout, ret_code, &s->fake.err);
}

static void test_run_feeds_and_listens(void **state)
{
	struct shop *s = *state;
	struct buf out = BUF_INIT(1 * MIB), errout = BUF_INIT(8);
	CLEANUP(mem_freep) char *input = mem_alloc(300001);
	int code = -1;

	memset(input, 'i', 300000);
	assert_true(run(s, "cat", input, &out, &errout, &code));
	assert_int_equal(code, 0);
	assert_string_equal(buf_str(&out), input);
	assert_true(run(s, "cat; echo out; echo 123456 >&2; exit 7", NULL, &out, &errout, &code));
	assert_int_equal(code, 7);
	assert_string_equal(buf_str(&out), "out\n");
	assert_string_equal(buf_str(&errout), "123456\n");
	buf_clear(&out);
	buf_clear(&errout);
}

static void test_run_survives_who_does_not_listen(void **state)
{
	struct shop *s = *state;
	struct buf out = BUF_INIT(1 * KIB), errout = BUF_INIT(1 * KIB);
	CLEANUP(mem_freep) char *input = mem_alloc(3000001);
	int code = -1;

	memset(input, 'i', 3000000);
	assert_true(run(s, "exec <&-; echo done", input, &out, &errout, &code));
	assert_int_equal(code, 0);
	assert_string_equal(buf_str(&out), "done\n");
	buf_clear(&out);
	buf_clear(&errout);
}

static void test_run_drops_what_is_beyond_the_ceiling(void **state)
{
	struct shop *s = *state;
	struct buf out = BUF_INIT(1 * KIB), errout = BUF_INIT(1 * KIB);
	int code = -1;

	assert_true(run(s, "yes | head -c 3000000; yes | head -c 3000000 >&2", NULL, &out, &errout,
			&code));
	assert_int_equal(code, 0);
	assert_true(out.len <= 1 * KIB);
	assert_true(errout.len <= 1 * KIB);
	buf_clear(&out);
	buf_clear(&errout);
}

static void test_run_of_nothing_that_can_be_run(void **state)
{
	struct shop *s = *state;
	const char *const argv[] = { "no/such/program", NULL };
	struct buf out = BUF_INIT(1 * KIB), errout = BUF_INIT(1 * KIB);
	int code = -1;

	assert_false(
		subprocess_run(&s->fake.world, argv, "SECRET", &out, &errout, &code, &s->fake.err));
	assert_err(&s->fake.err, ERR_NO_CREDENTIAL, "cannot run 'no/such/program'");
}

static void test_run_leaves_no_descriptors_behind(void **state)
{
	struct shop *s = *state;
	struct buf out = BUF_INIT(1 * KIB), errout = BUF_INIT(1 * KIB);
	int code, before = dup(0), after;

	close(before);
	for (int i = 0; i < 20; i++)
		assert_true(run(s, i % 2 ? "true" : "false", "x", &out, &errout, &code));
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
	buf_clear(&out);
	buf_clear(&errout);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_file_that_cannot_be_a_token_is_broken),
		CASE(test_file_missing_or_empty_is_nothing_there),
		CASE(test_file_is_read_again_each_time),
		CASE(test_variable),
		CASE(test_command_that_fails_says_why),
		CASE(test_command_that_gives_nothing_or_too_much),
		CASE(test_command_gives_a_token_each_time),
		CASE(test_name_of_a_command_keeps_its_arguments),
		CASE(test_daemon_left_behind_is_not_waited_for),
		CASE(test_command_that_hangs_ends_with_a_cancel),
		CASE(test_command_that_hangs_ends_with_the_deadline),
		CASE(test_command_that_takes_too_long_is_ended),
		CASE(test_run_feeds_and_listens),
		CASE(test_run_survives_who_does_not_listen),
		CASE(test_run_drops_what_is_beyond_the_ceiling),
		CASE(test_run_of_nothing_that_can_be_run),
		CASE(test_run_leaves_no_descriptors_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
