/* The configuration that a wrapped command gets, and the names that its helper knows registries by. */
#include "cli/fixture.h"

#include "cli/exec_config.h"
#include "cli/exec_helper.h"
#include "wire/js.h"

static char *compact(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;
	char *compacted;

	assert_true(js_parse(text, strlen(text), MIB, ERR_UNEXPECTED, &j, &err));
	compacted = js_text(j, JS_COMPACT);
	js_free(j);
	return compacted;
}

static void test_not_a_configuration(void **state)
{
	static const char *const table[] = { "{", "x", "{} {}", "{\"a\":1,\"a\":2}" };
	const struct strings none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err err = ERR_INIT;
		char *text = NULL;

		assert_false(
			private_config_text(table[i], strlen(table[i]), &none, false, &text, &err));
		assert_int_equal(err.code, ERR_WRAPPER);
		assert_null(text);
		err_clear(&err);
	}
}

static void test_configuration(void **state)
{
	static const struct {
		const char *old;
		bool for_podman;
		const char *new;
	} table[] = {
		{ "", false,
		  "{\"credHelpers\":{\"r.example\":\"landed-exec\","
		  "\"https://index.docker.io/v1/\":\"landed-exec\"}}" },
		{ "", true,
		  "{\"credHelpers\":{\"r.example\":\"landed-exec\",\"docker.io\":\"landed-exec\"}}" },
		{ "{\"credsStore\":\"pass\",\"credHelpers\":{\"gcr.io\":\"gcloud\",\"r.example\":\"x\"},"
		  "\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}",
		  false,
		  "{\"credsStore\":\"pass\",\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}},"
		  "\"credHelpers\":{\"gcr.io\":\"gcloud\",\"r.example\":\"landed-exec\","
		  "\"https://index.docker.io/v1/\":\"landed-exec\"}}" },
		/* podman's logins for parts of a registry: a helper is told the host alone */
		{ "{\"auths\":{\"r.example/team\":{},\"docker.io/v1/\":{}}}", true,
		  "{\"auths\":{\"r.example/team\":{},\"docker.io/v1/\":{}},"
		  "\"credHelpers\":{\"docker.io\":\"landed-exec\"}}" },
	};
	struct strings hosts = { 0 };

	(void)state;
	strings_add(&hosts, "r.example");
	strings_add(&hosts, "docker.io");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err err = ERR_INIT;
		char *text = NULL, *is;

		assert_true(private_config_text(table[i].old, strlen(table[i].old), &hosts,
						table[i].for_podman, &text, &err));
		is = compact(text);
		assert_string_equal(is, table[i].new);
		free(is);
		free(text);
	}
	strings_clear(&hosts);
}

static void test_host_of_a_server(void **state)
{
	static const char *const table[][2] = {
		{ "", "" },
		{ "\n", "" },
		{ "https://", "" },
		{ "r.example", "r.example" },
		{ "r.example:5000\n", "r.example:5000" },
		{ "https://r.example:5000/v2/", "r.example:5000" },
		{ "https://index.docker.io/v1/", "docker.io" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep) char *host = exec_helper_host(table[i][0]);

		assert_string_equal(host, table[i][1]);
	}
}

static void test_name_of_the_helper(void **state)
{
	(void)state;
	assert_true(exec_helper_is_called("docker-credential-landed-exec"));
	assert_true(exec_helper_is_called("/x/docker-credential-landed-exec"));
	assert_false(exec_helper_is_called("docker-credential-landed"));
	assert_false(exec_helper_is_called("landed"));
	assert_false(exec_helper_is_called(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_a_configuration),
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_host_of_a_server),
		cmocka_unit_test(test_name_of_the_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
