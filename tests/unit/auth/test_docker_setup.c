/* docker's config.json with a helper and without one again: nothing else may change. */
#include "base/fake_world.h"

#include "auth/docker_setup.h"

static const struct {
	const char *before, *after; /* AFTER NULL: it is refused */
} edits[] = {
	{ "", NULL },
	{ "[]", NULL },
	{ "{", NULL },
	{ "{} {}", NULL },
	{ "{\"credHelpers\":[]}", NULL },
	{ "{\"credHelpers\":1}", NULL },
	{ "{\"a\":1,\"a\":2}", NULL },
	{ "{\"cred\\u0048elpers\":{\"x\":\"y\"}}", NULL }, /* its own name for it is not seen */
	{ "{}", "{\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"landed\"\n\t}\n}" },
	{ " { } ", " { \n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"landed\"\n\t}\n} " },
	{ "{\"a\":1}", "{\"a\":1,\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"landed\"\n\t}}" },
	{ "{\n  \"a\": true\n}",
	  "{\n  \"a\": true,\n  \"credHelpers\": {\n    \"gcr.io\": \"landed\"\n  }\n}" },
	{ "{\"credHelpers\":{\"gcr.io\":\"gcloud\"}}",
	  "{\"credHelpers\":{\"gcr.io\":\"landed\"}}" },
	{ "{\"credHelpers\":{\"gcr.io\":\"landed\"}}",
	  "{\"credHelpers\":{\"gcr.io\":\"landed\"}}" },
	{ "{\"x\":{\"gcr.io\":\"}\\\"\"},\"credHelpers\":{\"a\":\"b\"},\"y\":[{}]}",
	  "{\"x\":{\"gcr.io\":\"}\\\"\"},\"credHelpers\":{\"a\":\"b\",\n\t\t\"gcr.io\": "
	  "\"landed\"},\"y\":[{}]}" },
};

static void check_edit(const char *before, const char *after)
{
	CLEANUP(mem_freep) char *text = NULL;
	CLEANUP(mem_freep) char *helper = NULL;
	struct err err = ERR_INIT;
	bool ok = docker_setup_edit(before, "gcr.io", "landed", &text, &helper, &err);

	if (ok != (after != NULL))
		fail_msg("'%s': %s", before, ok ? text : err.message);
	if (ok)
		assert_string_equal(text, after);
	else
		assert_int_equal(err.code, ERR_LOCAL);
	err_clear(&err);
}

static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		check_edit(edits[i].before, edits[i].after);
}

static const struct {
	const char *before, *after;
} removals[] = {
	{ "{}", "{}" },
	{ "{\"credHelpers\":{\"gcr.io\":\"landed\"}}", "{}" },
	{ "{\"a\":1, \"credHelpers\":{\"gcr.io\":\"landed\"}, \"b\":2}", "{\"a\":1, \"b\":2}" },
	{ "{\"credHelpers\":{\"gcr.io\":\"landed\"}, \"b\":2}", "{\"b\":2}" },
	{ "{\"credHelpers\":{\"gcr.io\":\"landed\",\"a\":\"b\"}}",
	  "{\"credHelpers\":{\"a\":\"b\"}}" },
	{ "{\"credHelpers\":{\"a\":\"b\",\"gcr.io\":\"landed\" }}",
	  "{\"credHelpers\":{\"a\":\"b\" }}" },
	{ "{\"credHelpers\":{\"a\":\"b\",\"gcr.io\":\"landed\",\"c\":\"d\"}}",
	  "{\"credHelpers\":{\"a\":\"b\",\"c\":\"d\"}}" },
};

static void test_removals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(removals); i++) {
		CLEANUP(mem_freep) char *text = NULL;
		CLEANUP(mem_freep) char *helper = NULL;
		struct err err = ERR_INIT;

		if (!docker_setup_edit(removals[i].before, "gcr.io", NULL, &text, &helper, &err))
			fail_msg("%s: %s", removals[i].before, err.message);
		assert_string_equal(text, removals[i].after);
	}
}

/* What is taken back is what was, as long as it is what was left. */
static void check_record(const char *before, const char *after)
{
	CLEANUP(docker_setup_record_clear) struct docker_setup_record made = { 0 };
	CLEANUP(docker_setup_record_clear) struct docker_setup_record read = { 0 };
	CLEANUP(mem_freep) char *text = NULL;
	CLEANUP(mem_freep) char *undone = NULL;
	CLEANUP(mem_freep) char *other = mem_printf("%s ", after);
	char *nothing = NULL;
	struct err err = ERR_INIT;

	docker_setup_record_make(before, after, js_object(), &made);
	text = docker_setup_record_text(&made);
	assert_true(docker_setup_record_parse(text, strlen(text), &read, &err));
	assert_true(docker_setup_record_undo(&read, after, &undone));
	assert_int_equal(before != NULL, undone != NULL);
	if (before)
		assert_string_equal(undone, before);
	assert_false(docker_setup_record_undo(&read, other, &nothing));
	assert_null(nothing);
}

static void test_records(void **state)
{
	(void)state;
	check_record(NULL, "{}");
	check_record("", "{}");
	check_record("aaa", "aaaa");
	check_record("aaaa", "aa");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		if (edits[i].after)
			check_record(edits[i].before, edits[i].after);
}

/* What stands elsewhere in the file, a login perhaps, is not written down a second time. */
static void test_record_holds_no_more(void **state)
{
	const char *before = "{\"auths\":{\"r\":{\"auth\":\"SECRET\"}},\"credHelpers\":{}}";
	CLEANUP(docker_setup_record_clear) struct docker_setup_record r = { 0 };
	CLEANUP(mem_freep) char *after = NULL;
	CLEANUP(mem_freep) char *helper = NULL;
	CLEANUP(mem_freep) char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(docker_setup_edit(before, "gcr.io", "landed", &after, &helper, &err));
	docker_setup_record_make(before, after, js_object(), &r);
	text = docker_setup_record_text(&r);
	assert_no_secret(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_removals),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_record_holds_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
