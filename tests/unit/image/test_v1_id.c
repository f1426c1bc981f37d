/* The names in a classic `docker save`, held against those that Docker 20.10.24 wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "image/v1_id.h"

#include <stdlib.h>
#include <string.h>

/* DIR, the diff ID of DIR/layer.tar, DIR/json: of an image with <, > and & in its config. */
static const struct {
	const char *dir;
	const char *diff_id;
	const char *json;
} saved[] = {
	{ "169282205e22d87db1dd84e6b36409eaed3be167e66cd3a99c3603073018e947",
	  "sha256:5cff554e7eb92daa63e016a402e27a92c815fe1085367859f074cbf0fdbaf9dc",
	  "{\"id\":\"169282205e22d87db1dd84e6b36409eaed3be167e66cd3a99c3603073018e947\",\"creat"
	  "ed\":\"1970-01-01T00:00:00Z\",\"container_config\":{\"Hostname\":\"\",\"Domainname\""
	  ":\"\",\"User\":\"\",\"AttachStdin\":false,\"AttachStdout\":false,\"AttachStderr\":fa"
	  "lse,\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":null,\"Cmd\":null,"
	  "\"Image\":\"\",\"Volumes\":null,\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":"
	  "null,\"Labels\":null},\"os\":\"linux\"}" },
	{ "58904e94ba01b20e6df3b289935100369fd769f1e23395a66fddf2b1e9be6e9b",
	  "sha256:8c6bdb02ca8f028c6d0959a5da9e688c1b9544b56984c2b79d3e1152b519b798",
	  "{\"id\":\"58904e94ba01b20e6df3b289935100369fd769f1e23395a66fddf2b1e9be6e9b\",\"paren"
	  "t\":\"169282205e22d87db1dd84e6b36409eaed3be167e66cd3a99c3603073018e947\",\"created\""
	  ":\"1970-01-01T00:00:00Z\",\"container_config\":{\"Hostname\":\"\",\"Domainname\":\""
	  "\",\"User\":\"\",\"AttachStdin\":false,\"AttachStdout\":false,\"AttachStderr\":false"
	  ",\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":null,\"Cmd\":null,\"I"
	  "mage\":\"\",\"Volumes\":null,\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":nul"
	  "l,\"Labels\":null},\"os\":\"linux\"}" },
	{ "267e6c1e4f672b228e756d939dfd06c817e73cdd80c12b52628175b271b48d73",
	  "sha256:0ea397103819beb1e89fc13349ba135f1ef79808be95e6317dd6eddcec7b8248",
	  "{\"id\":\"267e6c1e4f672b228e756d939dfd06c817e73cdd80c12b52628175b271b48d73\",\"paren"
	  "t\":\"58904e94ba01b20e6df3b289935100369fd769f1e23395a66fddf2b1e9be6e9b\",\"created\""
	  ":\"2026-11-24T19:29:05.465825858Z\",\"container\":\"45981e39dea6e2462b1e915f3e4d0009"
	  "132d421a7e9803a01e62f88872f00f28\",\"container_config\":{\"Hostname\":\"45981e39dea6"
	  "\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,\"AttachStdout\":false,\""
	  "AttachStderr\":false,\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":["
	  "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\"A=1\\u00262"
	  "\"],\"Cmd\":[\"/bin/sh\",\"-c\",\"#(nop) \",\"CMD [\\\"/c\\\" \\\"\\u003c\\\" \\\"\\"
	  "u0026\\\"]\"],\"Image\":\"sha256:9c1e3b67d6dbf645e4ca11f176a7d6f112f646a7fa588311c4e"
	  "1e7d23375d8cd\",\"Volumes\":null,\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\""
	  ":null,\"Labels\":{\"note\":\"x \\u003c y \\u0026\\u0026 z \\u003e w\",\"uni\":\""
	  "\303\251\"}},\"docker_version\":\"20.10.24+dfsg1\",\"config\":{\"Hostname\":\"\",\"D"
	  "omainname\":\"\",\"User\":\"\",\"AttachStdin\":false,\"AttachStdout\":false,\"Attach"
	  "Stderr\":false,\"Tty\":false,\"OpenStdin\":false,\"StdinOnce\":false,\"Env\":[\"PATH"
	  "=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\"A=1\\u00262\"],\"C"
	  "md\":[\"/c\",\"\\u003c\",\"\\u0026\"],\"Image\":\"sha256:9c1e3b67d6dbf645e4ca11f176a"
	  "7d6f112f646a7fa588311c4e1e7d23375d8cd\",\"Volumes\":null,\"WorkingDir\":\"\",\"Entry"
	  "point\":null,\"OnBuild\":null,\"Labels\":{\"note\":\"x \\u003c y \\u0026\\u0026 z \\"
	  "u003e w\",\"uni\":\"\303\251\"}},\"architecture\":\"amd64\",\"os\":\"linux\"}" },
};

#define LAYERS ARRAY_SIZE(saved)

struct fixture {
	struct pending pending;
	struct pending_layer layers[LAYERS];
	size_t order[LAYERS];
	struct v1_id *v;
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	for (size_t i = 0; i < LAYERS; i++) {
		strcpy(f->layers[i].diff_id.text, saved[i].diff_id);
		f->order[i] = i;
	}
	f->pending.layers = f->layers;
	f->pending.order = f->order;
	f->pending.layer_count = f->pending.order_count = LAYERS;
	f->v = v1_id_new(&f->pending);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	v1_id_free(f->v);
	free(f);
	return 0;
}

static bool take(struct fixture *f, const char *dir, const char *json)
{
	CLEANUP(mem_freep) char *name = mem_printf("%s/json", dir);

	return v1_id_take(f->v, name, json, strlen(json));
}

static size_t layer_in(struct fixture *f, const char *dir)
{
	CLEANUP(mem_freep) char *name = mem_printf("%s/layer.tar", dir);

	return v1_id_layer(f->v, name);
}

static void test_names_that_are_none(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *upper = mem_strdup(saved[0].dir);
	CLEANUP(mem_freep) char *below = mem_printf("x/%s", saved[0].dir);
	const char *const dirs[] = { "", "x", saved[0].dir + 1, upper, below };

	upper[0] = 'A';
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		assert_false(take(f, dirs[i], saved[0].json));
		assert_int_equal(layer_in(f, dirs[i]), LAYERS);
	}
	assert_false(v1_id_take(f->v, "json", "{}", 2));
	assert_false(v1_id_take(f->v, saved[0].dir, "{}", 2));
	assert_int_equal(v1_id_layer(f->v, saved[0].dir), LAYERS);
}

/* What makes no sense is forgotten, with what was remembered before. */
static void test_json_that_is_none(void **state)
{
	static const char *const table[] = {
		"",
		"{",
		"[]",
		"7",
		"{}",
		"{\"parent\":7}",
		"{\"id\":1,\"id\":2}",
		"{\"a\":\"\\u0000\"}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_true(take(f, saved[0].dir, saved[0].json));
		assert_int_equal(layer_in(f, saved[0].dir), 0);
		assert_true(take(f, saved[0].dir, table[i]));
		assert_int_equal(layer_in(f, saved[0].dir), LAYERS);
	}
}

static void test_too_many_keys(void **state)
{
	struct fixture *f = *state;
	struct buf json = BUF_INIT(64 * KIB);

	for (int i = 0; i < 200; i++)
		buf_printf(&json, "%s\"key %d\":1", i ? "," : "{", i);
	buf_putc(&json, '}');
	assert_true(take(f, saved[0].dir, buf_str(&json)));
	assert_int_equal(layer_in(f, saved[0].dir), LAYERS);
	buf_clear(&json);
}

/* One bit of it, anywhere but in "id" and what stands in the way of nothing. */
static void test_another_json(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < LAYERS; i++) {
		CLEANUP(mem_freep) char *json = mem_strdup(saved[i].json);
		char *at = strstr(json, "\"created\":\"") + 12;

		*at ^= 1;
		assert_true(take(f, saved[i].dir, json));
		assert_int_equal(layer_in(f, saved[i].dir), LAYERS);
	}
}

static void test_what_docker_wrote(void **state)
{
	struct fixture *f = *state;

	for (size_t i = LAYERS; i-- > 0;) {
		assert_true(take(f, saved[i].dir, saved[i].json));
		for (size_t k = 0; k < LAYERS; k++)
			assert_int_equal(layer_in(f, saved[k].dir), k == i ? i : LAYERS);
	}
}

/* The same names over other layers are another image's. */
static void test_other_layers(void **state)
{
	struct fixture *f = *state;

	v1_id_free(f->v);
	f->order[0] = 1;
	f->order[1] = 0;
	f->v = v1_id_new(&f->pending);
	for (size_t i = 0; i < LAYERS; i++) {
		assert_true(take(f, saved[i].dir, saved[i].json));
		assert_int_equal(layer_in(f, saved[i].dir), LAYERS);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_that_are_none), TEST(test_json_that_is_none),
		TEST(test_too_many_keys),	TEST(test_another_json),
		TEST(test_what_docker_wrote),	TEST(test_other_layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
