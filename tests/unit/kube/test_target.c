/* KIND/NAME and CONTAINER=REF: what is refused, and what is read. */
#include "base/fake_world.h"

#include "kube/target.h"

static const struct {
	const char *text;
	const char *words;
} bad_targets[] = {
	{ "", "is not KIND/NAME" },
	{ "my-app", "'my-app' is not KIND/NAME" },
	{ "/my-app", "is not KIND/NAME" },
	{ "deployment/", "is not KIND/NAME" },
	{ "pod/my-app", "'pod' is no kind" },
	{ "deploy.batch/my-app", "is no kind" },
	{ "deploy.v2.apps/my-app", "is no kind" },
	{ "deploy./my-app", "is no kind" },
	{ "deploy.v1./my-app", "is no kind" },
	{ "deploy.appsx/my-app", "is no kind" },
	{ "deployx/my-app", "is no kind" },
	{ "cronjob.apps/my-app", "is no kind" },
	{ "deployment/my/app", "'my/app' is not the name of a deployment" },
	{ "deployment/My-app", "is not the name" },
	{ "deployment/-app", "is not the name" },
	{ "deployment/app.", "is not the name" },
	{ "deployment/a..%2f", "is not the name" },
	{ "deployment/a?x", "is not the name" },
	{ "deployment/app=i:1", "is not the name" },
};

static void test_bad_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_targets); i++) {
		CLEANUP(target_clear) struct target t;
		struct err err = ERR_INIT;

		if (target_parse(bad_targets[i].text, &t, &err))
			fail_msg("'%s' was taken", bad_targets[i].text);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.message, bad_targets[i].words))
			fail_msg("'%s': %s", bad_targets[i].text, err.message);
		err_clear(&err);
	}
}

static void test_name_has_an_end(void **state)
{
	CLEANUP(target_clear) struct target t;
	struct err err = ERR_INIT;
	char text[300] = "sts/";

	(void)state;
	memset(text + 4, 'a', 253);
	assert_true(target_parse(text, &t, &err));
	target_clear(&t);
	text[4 + 253] = 'a';
	assert_false(target_parse(text, &t, &err));
	err_clear(&err);
}

static const struct {
	const char *text;
	const char *path;
} targets[] = {
	{ "deployment/my-app", "/apis/apps/v1/namespaces/shop/deployments/my-app" },
	{ "deployments/my-app", "/apis/apps/v1/namespaces/shop/deployments/my-app" },
	{ "deploy/my-app", "/apis/apps/v1/namespaces/shop/deployments/my-app" },
	{ "Deployment/my-app", "/apis/apps/v1/namespaces/shop/deployments/my-app" },
	{ "deployment.apps/a.b", "/apis/apps/v1/namespaces/shop/deployments/a.b" },
	{ "deployments.v1.apps/my-app", "/apis/apps/v1/namespaces/shop/deployments/my-app" },
	{ "sts/db", "/apis/apps/v1/namespaces/shop/statefulsets/db" },
	{ "statefulset/db", "/apis/apps/v1/namespaces/shop/statefulsets/db" },
	{ "ds/agent", "/apis/apps/v1/namespaces/shop/daemonsets/agent" },
	{ "daemonsets.apps/agent", "/apis/apps/v1/namespaces/shop/daemonsets/agent" },
	{ "cj/nightly", "/apis/batch/v1/namespaces/shop/cronjobs/nightly" },
	{ "cronjob.batch/nightly", "/apis/batch/v1/namespaces/shop/cronjobs/nightly" },
};

static void test_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CLEANUP(target_clear) struct target t;
		CLEANUP(mem_freep) char *path = NULL;
		struct err err = ERR_INIT;

		if (!target_parse(targets[i].text, &t, &err))
			fail_msg("%s", err.message);
		path = target_path(&t, "shop");
		assert_string_equal(path, targets[i].path);
	}
}

static const char *const bad_assignments[] = {
	"",	  "app",     "=r.example/app:1",
	"app=",	  "App=i:1", "app.x=i:1",
	"a*=i:1", "**=i:1",  "-app=i:1",
	"a b=i",  "app/x=i", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=i",
};

static void test_bad_assignments(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_assignments); i++) {
		CLEANUP(assignment_clear) struct assignment a;
		struct err err = ERR_INIT;

		if (assignment_parse(bad_assignments[i], &a, &err))
			fail_msg("'%s' was taken", bad_assignments[i]);
		assert_int_equal(err.code, ERR_USAGE);
		err_clear(&err);
	}
}

static void test_assignments(void **state)
{
	CLEANUP(assignment_clear) struct assignment a = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(assignment_parse("app=r.example/a:1@sha256:x=y", &a, &err));
	assert_string_equal(a.container, "app");
	assert_string_equal(a.image, "r.example/a:1@sha256:x=y");
	assert_false(assignment_is_all(&a));
	assignment_clear(&a);
	assert_true(assignment_parse("*=r.example/a:1", &a, &err));
	assert_true(assignment_is_all(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_targets), cmocka_unit_test(test_name_has_an_end),
		cmocka_unit_test(test_targets),	    cmocka_unit_test(test_bad_assignments),
		cmocka_unit_test(test_assignments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
