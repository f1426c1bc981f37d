/* Credential plugins: what they are told, what they may say, and how they fail. */
#include "base/fake_dir.h"

#include "kube/exec.h"

#define V1 "client.authentication.k8s.io/v1"
#define SAID(status) "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" status "}"

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "", "not valid JSON" },
	{ "token", "not valid JSON" },
	{ "[]", "no ExecCredential" },
	{ "{\"kind\":\"ExecCredential\",\"apiVersion\":\"v2\",\"status\":{\"token\":\"SECRET\"}}",
	  "no ExecCredential of" },
	{ "{\"kind\":\"Other\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":\"SECRET\"}}",
	  "no ExecCredential of" },
	{ "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\"}", "no status" },
	{ SAID("3"), "no status" },
	{ SAID("{}"), "neither a token nor a client certificate" },
	{ SAID("{\"token\":\"\"}"), "neither a token nor a client certificate" },
	{ SAID("{\"token\":3}"), "field 'token' is not a string" },
	{ SAID("{\"token\":\"SECRET x\"}"), "its token is no token" },
	{ SAID("{\"token\":\"SECRET\\r\\nX: y\"}"), "its token is no token" },
	{ SAID("{\"clientCertificateData\":\"c\"}"), "both are needed" },
	{ SAID("{\"token\":\"SECRET\",\"clientKeyData\":\"SECRET\"}"), "both are needed" },
	{ SAID("{\"token\":\"SECRET\",\"expirationTimestamp\":\"soon\"}"), "is no moment" },
};

static void what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kube_credential c;
		struct err err = ERR_INIT;

		if (kube_exec_parse(bad[i].text, strlen(bad[i].text), V1, BOOT_START_MS,
				    WALL_START_MS, &c, &err))
			fail_msg("taken: %s", bad[i].text);
		assert_err(&err, ERR_NO_CREDENTIAL, bad[i].words);
	}
}

static void what_is_taken(void **state)
{
	static const char both[] = SAID("{\"token\":\"SECRET\",\"clientCertificateData\":\"c\","
					"\"clientKeyData\":\"k\",\"expirationTimestamp\":"
					"\"2026-11-24T14:00:30Z\"}");
	static const char bare[] = SAID("{\"token\":\"SECRET\",\"expirationTimestamp\":null}");
	CLEANUP(kube_credential_clear) struct kube_credential c = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(
		kube_exec_parse(both, strlen(both), V1, BOOT_START_MS, WALL_START_MS, &c, &err));
	assert_string_equal(secret_reveal(c.authorization), "Bearer SECRET");
	assert_string_equal(secret_reveal(c.cert), "c");
	assert_string_equal(secret_reveal(c.key), "k");
	assert_int_equal(c.expires_ms, BOOT_START_MS + 30000);
	kube_credential_clear(&c);
	assert_true(
		kube_exec_parse(bare, strlen(bare), V1, BOOT_START_MS, WALL_START_MS, &c, &err));
	assert_int_equal(c.expires_ms, NEVER_MS);
	assert_null(c.cert);
}

struct stand {
	struct fake_world fake;
	struct fake_dir dir;
	struct kube_exec exec;
	struct kube_config config;
};

static int stand_setup(void **state)
{
	struct stand *s = NEW(struct stand);

	fake_world_init(&s->fake);
	fake_dir_init(&s->dir);
	s->exec = (struct kube_exec){ .api_version = mem_strdup(V1), .interactive = KUBE_NEVER };
	s->config.user.exec = &s->exec;
	s->config.cluster.server = mem_strdup("https://k");
	*state = s;
	return 0;
}

static int stand_teardown(void **state)
{
	struct stand *s = *state;

	free(s->exec.api_version);
	free(s->exec.command);
	strings_clear(&s->exec.args);
	strings_clear(&s->exec.environment);
	free(s->config.cluster.server);
	secret_free(s->config.cluster.ca);
	fake_dir_clear(&s->dir);
	fake_world_clear(&s->fake);
	free(s);
	return 0;
}

static void write_plugin(struct stand *s, const char *body)
{
	CLEANUP(mem_freep) char *script = mem_printf("#!/bin/sh\n%s\n", body);

	free(s->exec.command);
	s->exec.command = fake_dir_write(&s->dir, "plugin", script, 0700);
}

static void assert_fails(struct stand *s, const char *words, const char *evidence, const char *hint)
{
	struct kube_credential c;
	const struct err *e = &s->fake.err;

	assert_false(kube_exec_run(&s->config, &s->fake.world, &c, &s->fake.err));
	if (evidence && (!e->evidence || !strstr(e->evidence, evidence)))
		fail_msg("'%s' is not in '%s'", evidence, e->evidence ? e->evidence : "");
	if (hint)
		assert_string_equal(e->hint, hint);
	assert_err(&s->fake.err, ERR_NO_CREDENTIAL, words);
}

static void how_it_fails(void **state)
{
	struct stand *s = *state;
	char hint[] = "see\nhttps://plugins.example";

	s->exec.command = mem_strdup("no-such-plugin-anywhere");
	s->exec.install_hint = hint;
	assert_fails(s, "cannot run 'no-such-plugin-anywhere'", NULL,
		     "see https://plugins.example");
	write_plugin(s, "echo 'log in' >&2; echo 'first' >&2; exit 7");
	assert_fails(s, "it ended with 7", "log in first", NULL);
	write_plugin(s, "echo nonsense");
	assert_fails(s, "not valid JSON", NULL, NULL);
	write_plugin(s, "head -c 3000000 /dev/zero | tr '\\0' x");
	assert_fails(s, "not valid JSON", NULL, NULL);
	s->exec.interactive = KUBE_ALWAYS;
	assert_fails(s, "standard input is no terminal", NULL, NULL);
	s->exec.install_hint = NULL;
}

/* The last of a variable's values counts, and the rest of our environment is there. */
static void what_it_is_told(void **state)
{
	struct stand *s = *state;
	CLEANUP(kube_credential_clear) struct kube_credential c = { 0 };
	CLEANUP(mem_freep) char *info = NULL;

	strings_add(&s->exec.args, "a b");
	strings_add(&s->exec.environment, "ONE=first");
	strings_add(&s->exec.environment, "ONE=second");
	write_plugin(s, "cat <<END\n"
			"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			"\",\"status\":{\"token\":\"SECRET-$1-$ONE-${HOME:+home}\"}}\nEND");
	free(s->exec.args.at[0]);
	s->exec.args.at[0] = mem_strdup("arg");
	assert_true(kube_exec_run(&s->config, &s->fake.world, &c, &s->fake.err));
	assert_string_equal(secret_reveal(c.authorization), "Bearer SECRET-arg-second-home");

	s->exec.wants_cluster = true;
	s->config.cluster.ca = secret_new("pem", 3);
	info = kube_exec_info(&s->config, false);
	assert_string_equal(info, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
				  "\",\"spec\":{\"cluster\":{\"server\":\"https://k\","
				  "\"certificate-authority-data\":\"cGVt\"},"
				  "\"interactive\":false}}");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stand_setup, stand_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_is_taken),
		TEST(how_it_fails),
		TEST(what_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
