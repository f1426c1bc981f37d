/* Where the engine is: addresses, contexts, and who decides. */
#include "base/fake_dir.h"

#include "image/engine_place.h"
#include "wire/digest.h"

/* -- addresses */

static const struct {
	const char *host;
	const char *words;
} bad[] = {
	{ "", "no address of an engine" },
	{ "ssh://build@far.example", "ssh:// is not supported" },
	{ "npipe:////./pipe/docker_engine", "npipe:// is not supported" },
	{ "fd://", "no address" },
	{ "ftp://h", "no address" },
	{ "UNIX:///x", "no address" },
	{ "://x", "no address" },
	{ "tcp://h:port", "no address" },
	{ "tcp://h:99999", "no address" },
	{ "tcp://h:-1", "no address" },
	{ "tcp://a b:1", "no address" },
	{ "tcp://user@h:1", "no address" },
	{ "tcp://h:1?x=y", "no address" },
	{ "tcp://h:1/a b", "no address" },
	{ "tcp://h:1/a?b", "no address" },
	{ "tcp://h:1/a#b", "no address" },
	{ "tcp://::1", "no address" },
	{ "tcp://[::1", "no address" },
	{ "tcp://h\r\nX: y", "no address" },
	{ "unix:///aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "no address" },
};

static void test_bad_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct engine_place p = { 0 };
		struct err err = ERR_INIT;

		if (engine_place_parse(bad[i].host, false, &p, &err))
			fail_msg("'%s' was taken as '%s'", bad[i].host, p.url);
		assert_non_null(err.hint);
		assert_err(&err, ERR_USAGE, bad[i].words);
		engine_place_clear(&p);
	}
}

static const struct {
	const char *host;
	bool tls;
	const char *socket;
	const char *url;
} good[] = {
	{ "unix:///run/user/1/docker.sock", false, "/run/user/1/docker.sock", "http://localhost" },
	{ "unix:///a b?c", true, "/a b?c", "http://localhost" },
	{ "unix://", false, "/var/run/docker.sock", "http://localhost" },
	{ "tcp://127.0.0.1:2375", false, NULL, "http://127.0.0.1:2375" },
	{ "tcp://engine.example", false, NULL, "http://engine.example:2375" },
	{ "tcp://engine.example", true, NULL, "https://engine.example:2376" },
	{ "tcp://engine.example:", true, NULL, "https://engine.example:2376" },
	{ "tcp://", false, NULL, "http://localhost:2375" },
	{ "tcp://:1234/", false, NULL, "http://localhost:1234" },
	{ "tcp://[::1]", false, NULL, "http://[::1]:2375" },
	{ "tcp://[::1]:7", true, NULL, "https://[::1]:7" },
	{ "tcp://h:1/base/path/", false, NULL, "http://h:1/base/path" },
	{ "127.0.0.1:2375", false, NULL, "http://127.0.0.1:2375" },
	{ "http://h:80", false, NULL, "http://h:80" },
	{ "https://h", false, NULL, "https://h:2376" },
};

static void test_good_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct engine_place p = { 0 };
		struct err err = ERR_INIT;

		if (!engine_place_parse(good[i].host, good[i].tls, &p, &err))
			fail_msg("'%s': %s (%s)", good[i].host, err.message, err.cause);
		assert_string_equal(p.url, good[i].url);
		if (good[i].socket)
			assert_string_equal(p.socket, good[i].socket);
		else
			assert_null(p.socket);
		engine_place_clear(&p);
	}
}

/* -- docker's files */

static const struct {
	const char *json;
	const char *words;
} bad_contexts[] = {
	{ "", "not valid JSON" },
	{ "[]", "'Endpoints.docker' is missing" },
	{ "{}", "'Endpoints.docker' is missing" },
	{ "{\"Endpoints\":{\"kubernetes\":{\"Host\":\"x\"}}}", "'Endpoints.docker' is missing" },
	{ "{\"Endpoints\":{\"docker\":7}}", "not a JSON object" },
	{ "{\"Endpoints\":{\"docker\":{}}}", "'Host' is missing" },
	{ "{\"Endpoints\":{\"docker\":{\"Host\":null}}}", "'Host' is missing" },
	{ "{\"Endpoints\":{\"docker\":{\"Host\":7}}}", "'Host' is not a string" },
	{ "{\"Endpoints\":{\"docker\":{\"Host\":\"a\",\"SkipTLSVerify\":\"no\"}}}",
	  "'SkipTLSVerify' is not true or false" },
	{ "{\"Endpoints\":{\"docker\":{\"Host\":\"a\"}}}x", "not valid JSON" },
};

static void test_contexts(void **state)
{
	static const char good_one[] =
		"{\"Name\":\"n\",\"Metadata\":{},\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:1\","
		"\"SkipTLSVerify\":true}}}";
	struct err err = ERR_INIT;
	char *host = NULL;
	bool skip = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_contexts); i++) {
		const char *json = bad_contexts[i].json;

		assert_false(engine_context_parse(json, strlen(json), &host, &skip, &err));
		assert_err(&err, ERR_LOCAL, bad_contexts[i].words);
		assert_null(host);
	}
	assert_true(engine_context_parse(good_one, strlen(good_one), &host, &skip, &err));
	assert_string_equal(host, "tcp://h:1");
	assert_true(skip);
	free(host);
}

static void test_config_that_chooses(void **state)
{
	static const struct {
		const char *json;
		const char *name;
	} table[] = {
		{ "", NULL },
		{ "{", NULL },
		{ "7", NULL },
		{ "{\"currentContext\":7}", NULL },
		{ "{\"currentContext\":\"\"}", NULL },
		{ "{\"currentContext\":\"default\"}", NULL },
		{ "{\"auths\":{},\"currentContext\":\"remote\"}", "remote" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep)
		char *name = engine_context_chosen(table[i].json, strlen(table[i].json));

		if (table[i].name)
			assert_string_equal(name, table[i].name);
		else
			assert_null(name);
	}
}

/* -- who decides */

struct home {
	struct fake_dir dir;
	struct engine_environment env;
	struct engine_place place;
	struct err err;
};

static int setup(void **state)
{
	struct home *h = NEW(struct home);

	fake_dir_init(&h->dir);
	h->env.docker_config = h->env.root = h->dir.path;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct home *h = *state;

	engine_place_clear(&h->place);
	err_clear(&h->err);
	fake_dir_clear(&h->dir);
	free(h);
	return 0;
}

/* With its directories; NAME may have %s for what a context of the name "remote" is kept under. */
static void put(struct home *h, const char *name, const char *text)
{
	struct digest d = digest_of("remote", 6);
	const char *mark = strchr(name, '%');
	char *below =
		mark ? mem_printf("%.*s%s%s", (int)(mark - name), name, digest_hex(&d), mark + 1)
		     : mem_strdup(name);
	char *path = fake_dir_path(&h->dir, below);

	for (char *slash = strchr(path + strlen(h->dir.path) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	free(path);
	free(fake_dir_write(&h->dir, below, text, 0600));
	free(below);
}

static void put_context(struct home *h, const char *host)
{
	char *json = mem_printf("{\"Endpoints\":{\"docker\":{\"Host\":\"%s\"}}}", host);

	put(h, "contexts/meta/%/meta.json", json);
	free(json);
}

static void find(struct home *h)
{
	engine_place_clear(&h->place);
	if (!engine_place_find(&h->env, &h->place, &h->err))
		fail_msg("%s", h->err.message);
}

static void refuses(struct home *h, enum err_code code, const char *words)
{
	engine_place_clear(&h->place);
	assert_false(engine_place_find(&h->env, &h->place, &h->err));
	if (!h->err.hint)
		fail_msg("no hint: %s", h->err.message);
	assert_err(&h->err, code, words);
}

static void test_host_outranks_context(void **state)
{
	struct home *h = *state;

	put_context(h, "unix:///context.sock");
	put(h, "config.json", "{\"currentContext\":\"remote\"}");
	find(h);
	assert_string_equal(h->place.socket, "/context.sock");
	assert_string_equal(h->place.why, "docker's context 'remote'");
	assert_int_equal(h->place.way, ENGINE_BY_CONTEXT);
	h->env.docker_context = "";
	h->env.docker_host = "";
	find(h);
	assert_string_equal(h->place.socket, "/context.sock");
	h->env.docker_context = "default";
	find(h);
	assert_int_equal(h->place.way, ENGINE_BY_DEFAULT);
	h->env.docker_context = "remote";
	h->env.docker_host = "unix:///host.sock";
	find(h);
	assert_string_equal(h->place.socket, "/host.sock");
	assert_string_equal(h->place.host, "unix:///host.sock");
	assert_string_equal(h->place.why, "DOCKER_HOST");
	assert_int_equal(h->place.way, ENGINE_BY_HOST);
}

static void test_context_that_is_not_there(void **state)
{
	struct home *h = *state;

	h->env.docker_context = "gone";
	refuses(h, ERR_NO_SOURCE, "docker's context 'gone' is chosen: it is not there");
	h->env.docker_config = NULL;
	refuses(h, ERR_NO_SOURCE, "neither HOME nor DOCKER_CONFIG");
	h->env.docker_config = h->dir.path;
	h->env.docker_context = "remote";
	put_context(h, "ssh://far.example");
	refuses(h, ERR_USAGE, "ssh:// is not supported");
	put_context(h, "");
	refuses(h, ERR_USAGE, "no address");
	put(h, "contexts/meta/%/meta.json", "{");
	refuses(h, ERR_LOCAL, "not valid JSON");
}

static void test_home_of_docker(void **state)
{
	struct home *h = *state;

	h->env.docker_config = NULL;
	h->env.home = h->dir.path;
	put(h, ".docker/config.json", "{\"currentContext\":\"remote\"}");
	put(h, ".docker/contexts/meta/%/meta.json",
	    "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h\"}}}");
	find(h);
	assert_string_equal(h->place.url, "http://h:2375");
}

/* As they are looked for; each is found once those before it are gone. */
static void test_default_sockets(void **state)
{
	static const char *const sockets[] = {
		"var/run/docker.sock",
		"user/docker.sock",
		"user/podman/podman.sock",
		"run/podman/podman.sock",
	};
	struct home *h = *state;
	char *user = fake_dir_path(&h->dir, "user");

	h->env.xdg_runtime_dir = user;
	find(h);
	assert_non_null(strstr(h->place.socket, sockets[0])); /* not there either: docker's own */
	assert_string_equal(h->place.why, "the default");
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		put(h, sockets[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		char *path = fake_dir_path(&h->dir, sockets[i]);

		find(h);
		assert_string_equal(h->place.socket, path);
		remove(path);
		free(path);
	}
	h->env.xdg_runtime_dir = NULL;
	put(h, "user/docker.sock", "");
	put(h, sockets[3], "");
	find(h);
	assert_non_null(strstr(h->place.socket, sockets[3]));
	free(user);
}

static void test_tls_of_the_environment(void **state)
{
	struct home *h = *state;

	h->env.docker_host = "tcp://h";
	find(h);
	assert_string_equal(h->place.url, "http://h:2375");
	h->env.docker_tls_verify = "1";
	refuses(h, ERR_LOCAL, "ca.pem");
	h->env.docker_tls_verify = NULL;
	h->env.docker_tls = "1";
	find(h);
	assert_string_equal(h->place.url, "https://h:2376");
	assert_true(h->place.insecure);
	assert_null(h->place.cacert);
	h->env.docker_tls_verify = "0"; /* whatever it says: docker only asks whether it is set */
	put(h, "ca.pem", "ca");
	find(h);
	assert_false(h->place.insecure);
	assert_non_null(strstr(h->place.cacert, "/ca.pem"));
	assert_null(h->place.cert);
	put(h, "cert.pem", "cert");
	refuses(h, ERR_LOCAL, "key.pem");
	put(h, "key.pem", "key");
	find(h);
	assert_non_null(h->place.cert);
	assert_non_null(strstr(h->place.key, "/key.pem"));
	h->env.docker_cert_path = "/nowhere";
	refuses(h, ERR_LOCAL, "/nowhere/ca.pem");
	h->env.docker_cert_path = h->env.docker_config = NULL;
	refuses(h, ERR_LOCAL, "DOCKER_CERT_PATH");
	h->env.docker_host = "unix:///x"; /* no TLS there */
	find(h);
}

static void test_tls_of_a_context(void **state)
{
	struct home *h = *state;

	h->env.docker_context = "remote";
	put_context(h, "tcp://h");
	find(h);
	assert_string_equal(h->place.url, "http://h:2375");
	put(h, "contexts/tls/%/docker/ca.pem", "ca");
	find(h);
	assert_string_equal(h->place.url, "https://h:2376");
	assert_non_null(h->place.cacert);
	assert_null(h->place.cert);
	assert_false(h->place.insecure);
	put(h, "contexts/meta/%/meta.json",
	    "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://h:5\",\"SkipTLSVerify\":true}}}");
	find(h);
	assert_string_equal(h->place.url, "https://h:5");
	assert_true(h->place.insecure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_good_addresses),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_config_that_chooses),
		cmocka_unit_test_setup_teardown(test_host_outranks_context, setup, teardown),
		cmocka_unit_test_setup_teardown(test_context_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_of_docker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tls_of_the_environment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tls_of_a_context, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
