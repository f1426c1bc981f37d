/* config.json and auth.json as docker and podman write them: who is asked for which registry, and what is stored. */
#include "base/fake_dir.h"

#include "auth/docker_config.h"
#include "wire/base64.h"

static const char *const bad[] = {
	"",
	"{",
	"not JSON",
	"{\"auths\":{}}SECRET",
	"{\"auths\":{\"r.example\":{\"auth\":\"?SECRET?\"}}}",
	"{\"auths\":{\"r.example\":{\"auth\":\"U0VDUkVU\"}}}", /* SECRET, no user */
	"{\"auths\":{\"r.example\":{\"auth\":\"dTpwZg=\"}}}",
	"{\"credHelpers\":{\"r.example\":\"../../bin/sh\"}}",
	"{\"credHelpers\":{\"r.example\":\"/bin/sh\"}}",
	"{\"credHelpers\":{\"r.example\":\"a b\"}}",
	"{\"credHelpers\":{\"r.example\":\"a;b\"}}",
	"{\"credsStore\":\"$(id)\"}",
	"{\"credsStore\":\"a/b\"}",
};

static void test_bad(void **state)
{
	const struct credential_target target = { "r.example", "a/b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct docker_config_entry e;
		struct err err = ERR_INIT;

		if (docker_config_lookup(bad[i], strlen(bad[i]), &target, &e, &err))
			fail_msg("taken: %s", bad[i]);
		assert_err(&err, ERR_NO_CREDENTIAL, "");
		docker_config_entry_clear(&e);
	}
}

/* user:SECRET-1, user:SECRET-2, user:SECRET-3 */
#define AUTH1 "{\"auth\":\"dXNlcjpTRUNSRVQtMQ==\"}"
#define AUTH2 "{\"auth\":\"dXNlcjpTRUNSRVQtMg==\"}"
#define AUTH3 "{\"auth\":\"dXNlcjpTRUNSRVQtMw==\"}"
#define HUB "https://index.docker.io/v1/"

static const struct {
	const char *text, *host, *repository;
	const char *found; /* the secret, "helper NAME", "store NAME" (and the secret), or "" */
} lookups[] = {
	/* nothing there */
	{ "{}", "r.example", "a/b", "" },
	{ "[]", "r.example", "a/b", "" },
	{ "{\"auths\":null}", "r.example", "a/b", "" },
	{ "{\"auths\":[" AUTH1 "]}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":null}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":{}}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":{\"auth\":\"\"}}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":{\"auth\":7}}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":{\"username\":\"u\"}}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"other.example\":" AUTH1 "}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example:5000\":" AUTH1 "}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"r.example\":" AUTH1 "}}", "r.example:5000", "a/b", "" },
	{ "{\"auths\":{\"r.example.evil.test\":" AUTH1 "}}", "r.example", "a/b", "" },
	{ "{\"auths\":{\"example\":" AUTH1 "}}", "r.example", "a/b", "" },

	/* keys */
	{ "{\"auths\":{\"r.example\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"R.EXAMPLE\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"https://r.example\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"http://r.example/\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"https://r.example/v1/\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"r.example/v2/\":" AUTH1 "}}", "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"https://r.example:5000/v2\":" AUTH1 "}}", "r.example:5000", "a",
	  "SECRET-1" },
	{ "{\"auths\":{\"[::1]:5000\":" AUTH1 "}}", "[::1]:5000", "a", "SECRET-1" },

	/* docker.io by its names */
	{ "{\"auths\":{\"" HUB "\":" AUTH1 "}}", "docker.io", "library/a", "SECRET-1" },
	{ "{\"auths\":{\"index.docker.io\":" AUTH1 "}}", "docker.io", "library/a", "SECRET-1" },
	{ "{\"auths\":{\"docker.io\":" AUTH1 "}}", "docker.io", "library/a", "SECRET-1" },
	{ "{\"auths\":{\"registry-1.docker.io\":" AUTH1 "}}", "docker.io", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"hub.docker.io\":" AUTH1 "}}", "docker.io", "library/a", "" },

	/* podman's paths, the most specific first */
	{ "{\"auths\":{\"r.example\":" AUTH1 ",\"r.example/a\":" AUTH2 ",\"r.example/a/b\":" AUTH3
	  "}}",
	  "r.example", "a/b", "SECRET-3" },
	{ "{\"auths\":{\"r.example\":" AUTH1 ",\"r.example/a\":" AUTH2 "}}", "r.example", "a/b/c",
	  "SECRET-2" },
	{ "{\"auths\":{\"r.example\":" AUTH1 ",\"r.example/a\":" AUTH2 "}}", "r.example", "ab",
	  "SECRET-1" },
	{ "{\"auths\":{\"r.example/a\":" AUTH2 "}}", "r.example", "b", "" },
	{ "{\"auths\":{\"r.example/a/b\":" AUTH2 "}}", "r.example", "a", "" },

	/* what is stored */
	{ "{\"auths\":{\"r.example\":{\"username\":\"user\",\"password\":\"SECRET-1\"}}}",
	  "r.example", "a/b", "SECRET-1" },
	{ "{\"auths\":{\"r.example\":{\"auth\":\"dXNlcjo=\",\"identitytoken\":\"SECRET-i\"}}}",
	  "r.example", "a/b", "identity SECRET-i" },

	/* helpers before the store before what lies there */
	{ "{\"credHelpers\":{\"r.example\":\"gcloud\"},\"credsStore\":\"desktop\","
	  "\"auths\":{\"r.example\":" AUTH1 "}}",
	  "r.example", "a/b", "helper gcloud" },
	{ "{\"credHelpers\":{\"other.example\":\"gcloud\"},\"credsStore\":\"desktop\"}",
	  "r.example", "a/b", "store desktop" },
	{ "{\"credsStore\":\"desktop\",\"auths\":{\"r.example\":" AUTH1 "}}", "r.example", "a/b",
	  "store desktop SECRET-1" },
	{ "{\"credHelpers\":{\"r.example\":\"\"},\"auths\":{\"r.example\":" AUTH1 "}}", "r.example",
	  "a/b", "SECRET-1" },
	{ "{\"credsStore\":\"\",\"auths\":{\"r.example\":" AUTH1 "}}", "r.example", "a/b",
	  "SECRET-1" },
	{ "{\"credHelpers\":{\"r.example\":\"ecr-login.2_x\"}}", "r.example", "a",
	  "helper ecr-login.2_x" },
};

static char *text_of(const struct docker_config_entry *e)
{
	struct buf text = BUF_INIT(1 * KIB);

	if (e->helper)
		buf_printf(&text, "%s %s%s", e->helper_is_default ? "store" : "helper", e->helper,
			   e->secret ? " " : "");
	if (e->is_identity_token)
		buf_puts(&text, "identity ");
	if (e->secret)
		buf_puts(&text, secret_reveal(e->secret));
	return buf_take(&text);
}

static void test_lookups(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
		const struct credential_target target = { lookups[i].host, lookups[i].repository };
		struct docker_config_entry e;
		struct err err = ERR_INIT;
		char *text;

		if (!docker_config_lookup(lookups[i].text, strlen(lookups[i].text), &target, &e,
					  &err))
			fail_msg("%s: %s", lookups[i].text, err.message);
		text = text_of(&e);
		if (strcmp(text, lookups[i].found) != 0)
			fail_msg("%s\n for %s/%s: '%s'", lookups[i].text, lookups[i].host,
				 lookups[i].repository, text);
		if (e.secret && !e.is_identity_token)
			assert_string_equal(e.user, "user");
		free(text);
		docker_config_entry_clear(&e);
	}
}

/* docker looks for the very name first; the old spelling beside it is what an old login left behind. */
static void test_exact_key_goes_before_another_spelling(void **state)
{
	static const char text[] =
		"{\"auths\":{\"https://r.example/v1/\":" AUTH1 ",\"r.example\":" AUTH2 "}}";
	const struct credential_target target = { "r.example", "a/b" };
	struct docker_config_entry e;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(docker_config_lookup(text, strlen(text), &target, &e, &err));
	assert_string_equal(secret_reveal(e.secret), "SECRET-2");
	docker_config_entry_clear(&e);
}

/* podman's key for a namespace that only begins like the old API's path. */
static void test_path_that_begins_like_v1_is_a_path(void **state)
{
	static const char text[] = "{\"auths\":{\"r.example/v1team\":" AUTH1 "}}";
	struct credential_target target = { "r.example", "other" };
	struct docker_config_entry e;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(docker_config_lookup(text, strlen(text), &target, &e, &err));
	assert_null(e.secret);
	docker_config_entry_clear(&e);
	target.repository = "v1team/app";
	assert_true(docker_config_lookup(text, strlen(text), &target, &e, &err));
	assert_non_null(e.secret);
	docker_config_entry_clear(&e);
}

static void test_padding_with_zeros_is_no_part_of_the_password(void **state)
{
	CLEANUP(mem_freep) char *auth = base64_encode("user:SECRET-1\0\0\0", 16);
	CLEANUP(mem_freep)
	char *text = mem_printf("{\"auths\":{\"r.example\":{\"auth\":\"%s\"}}}", auth);
	const struct credential_target target = { "r.example", "a/b" };
	struct docker_config_entry e;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(docker_config_lookup(text, strlen(text), &target, &e, &err));
	assert_string_equal(secret_reveal(e.secret), "SECRET-1");
	assert_int_equal(secret_len(e.secret), 8);
	docker_config_entry_clear(&e);
}

static void test_password_may_have_colons(void **state)
{
	CLEANUP(mem_freep) char *auth = base64_encode("user:SECRET:x:", 14);
	CLEANUP(mem_freep)
	char *text = mem_printf("{\"auths\":{\"r.example\":{\"auth\":\" %s\"}}}", auth);
	const struct credential_target target = { "r.example", "a/b" };
	struct docker_config_entry e;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(docker_config_lookup(text, strlen(text), &target, &e, &err));
	assert_string_equal(e.user, "user");
	assert_string_equal(secret_reveal(e.secret), "SECRET:x:");
	docker_config_entry_clear(&e);
}

static void test_server_names_for_helpers(void **state)
{
	(void)state;
	assert_string_equal(docker_config_server("docker.io"), HUB);
	assert_string_equal(docker_config_server("r.example:5000"), "r.example:5000");
}

/* The source around it: real files and a real helper. */

struct home {
	struct fake_world fake;
	struct fake_dir dir;
	struct source *source;
	struct clock clock;
};

static int setup(void **state)
{
	struct home *h = NEW(struct home);

	fake_world_init(&h->fake);
	fake_dir_init(&h->dir);
	h->fake.world.clock = &h->clock; /* processes take real time */
	h->clock = clock_system();
	setenv("HOME", h->dir.path, 1);
	setenv("DOCKER_CONFIG", h->dir.path, 1);
	unsetenv("REGISTRY_AUTH_FILE");
	unsetenv("XDG_RUNTIME_DIR");
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct home *h = *state;

	source_free(h->source);
	fake_dir_clear(&h->dir);
	fake_world_clear(&h->fake);
	free(h);
	return 0;
}

static bool obtain(struct home *h, struct credential **ret)
{
	const struct credential_target target = { "r.example", "a/b" };

	if (!h->source)
		h->source = source_docker_config_new(NULL);
	return source_obtain(h->source, &h->fake.world, &target, ret, &h->fake.err);
}

static void assert_gives(struct home *h, const char *secret)
{
	CLEANUP(credential_freep) struct credential *c = NULL;

	if (!obtain(h, &c))
		fail_msg("%s", h->fake.err.message);
	assert_non_null(c);
	assert_string_equal(secret_reveal(c->secret), secret);
	assert_no_secret(c->source);
}

static void write_config(struct home *h, const char *text)
{
	free(fake_dir_write(&h->dir, "config.json", text, 0600));
}

static void write_helper(struct home *h, const char *script)
{
	CLEANUP(mem_freep) char *text = mem_printf("#!/bin/sh\n%s\n", script);
	CLEANUP(mem_freep)
	char *path = fake_dir_write(&h->dir, "docker-credential-fake", text, 0700);
	CLEANUP(mem_freep) char *search = mem_printf("%s:/usr/bin:/bin", h->dir.path);

	setenv("PATH", search, 1);
}

static void test_no_file_is_nothing_there(void **state)
{
	struct credential *c = (struct credential *)state;

	assert_true(obtain(*state, &c));
	assert_null(c);
}

static void test_named_file_must_be_there(void **state)
{
	const struct credential_target target = { "r.example", "a/b" };
	struct home *h = *state;
	struct credential *c = NULL;

	h->source = source_docker_config_new("no/such/file");
	assert_false(source_obtain(h->source, &h->fake.world, &target, &c, &h->fake.err));
	assert_err(&h->fake.err, ERR_NO_CREDENTIAL, "no/such/file");
}

static void test_file_is_read_again_each_time(void **state)
{
	struct home *h = *state;

	write_config(h, "{\"auths\":{\"r.example\":" AUTH1 "}}");
	assert_gives(h, "SECRET-1");
	write_config(h, "{\"auths\":{\"r.example\":" AUTH2 "}}");
	assert_gives(h, "SECRET-2");
}

static void test_broken_file_is_an_error(void **state)
{
	struct home *h = *state;
	struct credential *c = NULL;

	write_config(h, "{\"auths\":{\"r.example\":{\"auth\":\"SECRET?\"}}}");
	assert_false(obtain(h, &c));
	assert_err(&h->fake.err, ERR_NO_CREDENTIAL, "config.json");
}

static void test_helper_is_asked_by_name_and_server(void **state)
{
	struct home *h = *state;

	write_config(h, "{\"credHelpers\":{\"r.example\":\"fake\"}}");
	write_helper(h, "test \"$1\" = get || exit 9\nread -r server || true\n"
			"echo '{\"Username\":\"u\",\"Secret\":\"SECRET-'$server'\"}'");
	assert_gives(h, "SECRET-r.example");
}

static void test_helper_that_fails_is_an_error_with_its_words(void **state)
{
	struct home *h = *state;
	struct credential *c = NULL;

	write_config(h, "{\"credHelpers\":{\"r.example\":\"fake\"},\"auths\":{\"r.example\":" AUTH1
			"}}");
	write_helper(h, "echo 'error getting credentials: locked'\nexit 1");
	assert_false(obtain(h, &c));
	assert_non_null(strstr(h->fake.err.evidence, "locked"));
	assert_err(&h->fake.err, ERR_NO_CREDENTIAL, "exit code 1");
}

static void test_helper_that_is_missing_is_an_error(void **state)
{
	struct home *h = *state;
	struct credential *c = NULL;

	write_config(h, "{\"credsStore\":\"missing\",\"auths\":{\"r.example\":" AUTH1 "}}");
	assert_false(obtain(h, &c));
	assert_err(&h->fake.err, ERR_NO_CREDENTIAL, "docker-credential-missing");
}

static void test_helper_that_knows_nothing_leaves_what_is_stored(void **state)
{
	struct home *h = *state;

	write_config(h, "{\"credsStore\":\"fake\",\"auths\":{\"r.example\":" AUTH1 "}}");
	write_helper(h, "echo 'credentials not found in native keychain'\nexit 1");
	assert_gives(h, "SECRET-1");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_exact_key_goes_before_another_spelling),
		cmocka_unit_test(test_path_that_begins_like_v1_is_a_path),
		cmocka_unit_test(test_padding_with_zeros_is_no_part_of_the_password),
		cmocka_unit_test(test_password_may_have_colons),
		cmocka_unit_test(test_server_names_for_helpers),
		CASE(test_no_file_is_nothing_there),
		CASE(test_named_file_must_be_there),
		CASE(test_file_is_read_again_each_time),
		CASE(test_broken_file_is_an_error),
		CASE(test_helper_is_asked_by_name_and_server),
		CASE(test_helper_that_fails_is_an_error_with_its_words),
		CASE(test_helper_that_is_missing_is_an_error),
		CASE(test_helper_that_knows_nothing_leaves_what_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
