/* The patch for new images: which containers it is about, and what it tests before it replaces. */
#include "base/fake_world.h"

#include "kube/patch.h"

#define SPEC                                                                                     \
	"\"spec\":{\"initContainers\":[{\"name\":\"setup\",\"image\":\"s:1\"}],\"containers\":[" \
	"{\"name\":\"app\",\"image\":\"a:1\"},{\"name\":\"log\",\"image\":\"l:1\"},"             \
	"{\"name\":\"bare\"}]}"
#define TEMPLATE "\"template\":{" SPEC "}"
#define META "\"metadata\":{\"name\":\"web\",\"uid\":\"u-1\"}"
#define DEPLOYMENT "{\"kind\":\"Deployment\"," META ",\"spec\":{" TEMPLATE "}}"
#define CRONJOB \
	"{\"kind\":\"CronJob\"," META ",\"spec\":{\"jobTemplate\":{\"spec\":{" TEMPLATE "}}}}"

struct scene {
	struct js *object;
	struct workload workload;
	struct assignment assignments[4];
	size_t count;
	struct image_changes changes;
	struct err err;
};

static void scene_clear(struct scene *s)
{
	image_changes_clear(&s->changes);
	workload_clear(&s->workload);
	js_free(s->object);
	for (size_t i = 0; i < s->count; i++)
		assignment_clear(&s->assignments[i]);
	err_clear(&s->err);
}

/* WORDS: assignments with blanks between them. */
static bool plan(struct scene *s, const char *json, const char *words)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(words);
	char *rest = NULL;

	if (!js_parse(json, strlen(json), MIB, ERR_UNEXPECTED, &s->object, &s->err) ||
	    !workload_parse(s->object, &s->workload, &s->err))
		fail_msg("%s", s->err.message);
	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		if (!assignment_parse(w, &s->assignments[s->count++], &s->err))
			fail_msg("%s", s->err.message);
	if (!image_changes_plan(&s->workload, s->assignments, s->count, &s->changes, &s->err))
		return false;
	for (size_t i = 0; i < s->changes.count; i++)
		s->changes.at[i].to = s->assignments[s->changes.at[i].assignment].image;
	return true;
}

static const struct {
	const char *words;
	const char *message;
} bad[] = {
	{ "nosuch=i:1",
	  "deployment/web has no container 'nosuch', its containers are: setup, app, log, bare" },
	{ "app=i:1 app=i:2", "container 'app' is given two images" },
	{ "*=i:1 *=i:2", "container '*' is given two images" },
};

static void test_bad_plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(scene_clear) struct scene s = { .err = ERR_INIT };

		assert_false(plan(&s, DEPLOYMENT, bad[i].words));
		assert_int_equal(s.err.code, ERR_USAGE);
		assert_string_equal(s.err.message, bad[i].message);
	}
}

#define TEST(path, value) "{\"op\":\"test\",\"path\":\"" path "\",\"value\":\"" value "\"},"
#define UID "[" TEST("/metadata/uid", "u-1")
#define AT "/spec/template/spec/"
#define REPLACE(path, value) "{\"op\":\"replace\",\"path\":\"" path "\",\"value\":\"" value "\"}"

static const struct {
	const char *json;
	const char *words;
	const char *patch;
} good[] = {
	{ DEPLOYMENT, "log=l:2",
	  UID TEST(AT "containers/1/name", "log") TEST(AT "containers/1/image", "l:1")
		  REPLACE(AT "containers/1/image", "l:2") "]" },
	{ DEPLOYMENT, "setup=s:2",
	  UID TEST(AT "initContainers/0/name", "setup") TEST(AT "initContainers/0/image", "s:1")
		  REPLACE(AT "initContainers/0/image", "s:2") "]" },
	{ DEPLOYMENT, "bare=b:1",
	  UID TEST(AT "containers/2/name", "bare") "{\"op\":\"add\",\"path\":\"" AT
						   "containers/2/image\",\"value\":\"b:1\"}]" },
	{ CRONJOB, "app=a:2",
	  UID TEST("/spec/jobTemplate/spec/template/spec/containers/0/name",
		   "app") TEST("/spec/jobTemplate/spec/template/spec/containers/0/image", "a:1")
		  REPLACE("/spec/jobTemplate/spec/template/spec/containers/0/image", "a:2") "]" },
};

static void test_patches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(scene_clear) struct scene s = { .err = ERR_INIT };
		CLEANUP(js_freep) struct js *patch = NULL;
		CLEANUP(mem_freep) char *text = NULL;

		if (!plan(&s, good[i].json, good[i].words))
			fail_msg("%s", s.err.message);
		patch = image_changes_patch(&s.workload, &s.changes);
		text = js_text(patch, JS_COMPACT);
		assert_string_equal(text, good[i].patch);
	}
}

/* A name goes before "*", which means init containers too, as with kubectl. */
static void test_star(void **state)
{
	CLEANUP(scene_clear) struct scene s = { .err = ERR_INIT };
	static const char *const to[] = { "i:1", "a:2", "i:1", "i:1" };

	(void)state;
	assert_true(plan(&s, DEPLOYMENT, "*=i:1 app=a:2"));
	assert_int_equal(s.changes.count, 4);
	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		assert_string_equal(s.changes.at[i].to, to[i]);
	assert_true(s.changes.at[0].is_init);
}

#define ONE                                                                                      \
	"{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"template\":"       \
	"{\"spec\":{\"initContainers\":[{\"name\":\"setup\",\"image\":\"s:1\"}],\"containers\":" \
	"[{\"name\":\"app\",\"image\":\"a:1\"}]}}}}"

/* Without a name it is the only one that is no init container. */
static void test_container_left_out(void **state)
{
	CLEANUP(scene_clear) struct scene one = { .err = ERR_INIT }, many = { .err = ERR_INIT };

	(void)state;
	one.assignments[one.count++].image = mem_strdup("a:2");
	assert_true(plan(&one, ONE, ""));
	assert_int_equal(one.changes.count, 1);
	assert_string_equal(one.changes.at[0].container, "app");
	assert_string_equal(one.changes.at[0].to, "a:2");

	many.assignments[many.count++].image = mem_strdup("a:2");
	assert_false(plan(&many, DEPLOYMENT, ""));
	assert_int_equal(many.err.code, ERR_USAGE);
	assert_string_equal(
		many.err.message,
		"which container of deployment/web? Its containers are: setup, app, log, bare");
}

static void test_nothing_to_change(void **state)
{
	CLEANUP(scene_clear) struct scene s = { .err = ERR_INIT };
	CLEANUP(scene_clear) struct scene other = { .err = ERR_INIT };

	(void)state;
	assert_true(plan(&s, DEPLOYMENT, "app=a:1 log=l:1"));
	assert_true(image_changes_are_made(&s.workload, &s.changes));
	assert_true(plan(&other, DEPLOYMENT, "app=a:1 log=l:2"));
	assert_false(image_changes_are_made(&other.workload, &other.changes));
}

/* A rollback wants our image to be there still, and puts back the one before. */
static void test_reverse(void **state)
{
	CLEANUP(scene_clear) struct scene s = { .err = ERR_INIT };
	CLEANUP(js_freep) struct js *patch = NULL;
	CLEANUP(mem_freep) char *text = NULL;

	(void)state;
	assert_true(plan(&s, DEPLOYMENT, "app=a:2"));
	image_changes_reverse(&s.changes);
	assert_true(image_changes_are_made(&s.workload, &s.changes));
	patch = image_changes_patch(&s.workload, &s.changes);
	text = js_text(patch, JS_COMPACT);
	assert_string_equal(text, UID TEST(AT "containers/0/name", "app")
					  TEST(AT "containers/0/image", "a:2")
						  REPLACE(AT "containers/0/image", "a:1") "]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_plans), cmocka_unit_test(test_patches),
		cmocka_unit_test(test_star),	  cmocka_unit_test(test_nothing_to_change),
		cmocka_unit_test(test_reverse),	  cmocka_unit_test(test_container_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
