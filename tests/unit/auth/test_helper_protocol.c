/* What docker and others write to a credential helper. */
#include "base/fake_world.h"

#include "auth/helper_protocol.h"

static const struct {
	const char *said, *host, *missing;
} servers[] = {
	{ "", NULL, HELPER_NO_SERVER },
	{ " \r\n", NULL, HELPER_NO_SERVER },
	{ "https://", NULL, NULL },
	{ "https:///v1/", NULL, NULL },
	{ "gcr.io evil", NULL, NULL },
	{ "user@gcr.io", NULL, NULL },
	{ "gcr.io\\.evil", NULL, NULL },
	{ "gcr.io", "gcr.io", NULL },
	{ "US-docker.pkg.dev\n", "us-docker.pkg.dev", NULL },
	{ "https://us-docker.pkg.dev", "us-docker.pkg.dev", NULL },
	{ "https://gcr.io/v1/", "gcr.io", NULL },
	{ "http://127.0.0.1:5000", "127.0.0.1:5000", NULL },
	{ "evil.example/gcr.io", "evil.example", NULL },
	{ "evil.example?gcr.io", "evil.example", NULL },
	{ "evil.example#.gcr.io", "evil.example", NULL },
};

static void assert_text(const char *is, const char *owed, const char *said)
{
	if ((is == NULL) != (owed == NULL) || (is && strcmp(is, owed) != 0))
		fail_msg("'%s': '%s', not '%s'", said, is ? is : "NULL", owed ? owed : "NULL");
}

static void test_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		CLEANUP(helper_request_clear) struct helper_request r = { 0 };

		helper_read_server(servers[i].said, strlen(servers[i].said), &r);
		assert_text(r.host, servers[i].host, servers[i].said);
		assert_text(r.missing, servers[i].missing, servers[i].said);
	}
}

static void test_nul(void **state)
{
	CLEANUP(helper_request_clear) struct helper_request r = { 0 };

	(void)state;
	helper_read_server("gcr.io\0.evil.example", 20, &r);
	assert_null(r.host);
}

static const struct {
	const char *said, *missing;
	bool ok;
} logins[] = {
	{ "", NULL, false },
	{ "gcr.io", NULL, false },
	{ "[]", NULL, false },
	{ "{\"ServerURL\":1}", NULL, false },
	{ "{}", HELPER_NO_SERVER, true },
	{ "{\"ServerURL\":\"\",\"Username\":\"u\",\"Secret\":\"s\"}", HELPER_NO_SERVER, true },
	{ "{\"ServerURL\":\"gcr.io\",\"Secret\":\"s\"}", HELPER_NO_USER, true },
	{ "{\"ServerURL\":\"gcr.io\",\"Username\":\"u\",\"Secret\":\"s\"}", NULL, true },
};

static void test_logins(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(logins); i++) {
		CLEANUP(helper_request_clear) struct helper_request r = { 0 };
		struct err err = ERR_INIT;

		if (helper_read_login(logins[i].said, strlen(logins[i].said), &r, &err) !=
		    logins[i].ok)
			fail_msg("'%s'", logins[i].said);
		assert_text(r.missing, logins[i].missing, logins[i].said);
		err_clear(&err);
	}
}

static void test_refusal_is_one_line(void **state)
{
	struct err err = ERR_INIT;
	CLEANUP(mem_freep) char *line = NULL;

	(void)state;
	err_set(&err, ERR_NO_CREDENTIAL, "no\nlogin");
	err_cause(&err, "because");
	err_hint(&err, "gcloud auth login");
	line = helper_refusal(&err);
	assert_string_equal(line, "no login; because; try: gcloud auth login");
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_refusal_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
