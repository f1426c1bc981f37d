/*
 * Kubeconfigs: which are refused and why, and what becomes of the others. That kubectl decides the same is tests/e2e's
 * to show.
 */
#include "base/fake_dir.h"

#include "kube/config.h"

#define CLUSTER(more) "clusters: [{name: c, cluster: {server: 'https://k', " more "}}]\n"
#define USER(more) "users: [{name: u, user: {" more "}}]\n"
#define CONTEXT "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
#define PEM "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{ "[]", "no mapping" },
	{ "text", "no mapping" },
	{ "clusters: [", "not valid YAML" },
	{ "kind: Pod\n" CLUSTER("") USER("token: t") CONTEXT, "its kind is not 'Config'" },
	{ "apiVersion: v2\n" CLUSTER("") USER("token: t") CONTEXT, "its kind is not 'Config'" },
	{ CLUSTER("") USER("token: t"), "no current-context" },
	{ CLUSTER("") USER("token: t") "current-context: q\n", "no context 'q'" },
	{ "clusters: {}\n" USER("token: t") CONTEXT, "'clusters' is no list" },
	{ "clusters: [3]\n" USER("token: t") CONTEXT, "'clusters' has something else" },
	{ "clusters: [{name: 3}]\n" USER("token: t") CONTEXT, "'clusters' has something else" },
	{ "clusters: [{name: c}, {name: c}]\n" USER("token: t") CONTEXT, "stands twice" },
	{ USER("token: t") CONTEXT, "a cluster 'c' that is not there" },
	{ CLUSTER("") CONTEXT, "a user 'u' that is not there" },
	{ CLUSTER("") USER("token: 12") CONTEXT, "field 'token' is not a string" },
	{ CLUSTER("") USER("token: no") CONTEXT, "field 'token' is not a string" },
	{ CLUSTER("") USER("token: \"a\\nb\"") CONTEXT, "control character" },
	{ CLUSTER("insecure-skip-tls-verify: 'true'") USER("token: t") CONTEXT,
	  "is not true or false" },
	{ CLUSTER("certificate-authority-data: 'a%b'") USER("token: t") CONTEXT, "is no base64" },
	{ CLUSTER("certificate-authority: f, certificate-authority-data: " PEM) USER("token: t")
		  CONTEXT,
	  "only one can count" },
	{ CLUSTER("certificate-authority: f, insecure-skip-tls-verify: true") USER("token: t")
		  CONTEXT,
	  "exclude each other" },
	{ CLUSTER("proxy-url: 'ftp://p'") USER("token: t") CONTEXT, "none of http, https, socks5" },
	{ "clusters: [{name: c, cluster: {server: 'ftp://k'}}]\n" USER("token: t") CONTEXT,
	  "no http or https URL" },
	{ "clusters: [{name: c, cluster: {server: 'https://k '}}]\n" USER("token: t") CONTEXT,
	  "no http or https URL" },
	{ "clusters: [{name: c, cluster: {server: 'https://u:p@k'}}]\n" USER("token: t") CONTEXT,
	  "no http or https URL" },
	{ "clusters: [{name: c, cluster: {server: 'k/path'}}]\n" USER("token: t") CONTEXT,
	  "a path and no scheme" },
	{ "clusters: [{name: c, cluster: {}}]\n" USER("token: t") CONTEXT, "has no server" },
	{ CLUSTER("") USER("token: t, username: u, password: SECRET") CONTEXT,
	  "a token and a password" },
	{ CLUSTER("") USER("client-certificate: f") CONTEXT, "without a key" },
	{ CLUSTER("") USER("client-certificate: f, client-certificate-data: " PEM ", client-key: k")
		  CONTEXT,
	  "only one can count" },
	{ CLUSTER("") USER("as-groups: [g]") CONTEXT, "nobody who is in them" },
	{ CLUSTER("") USER("as: \"a\\r\\nX: y\"") CONTEXT, "control character" },
	{ CLUSTER("") USER("as: a, as-groups: [1, 2]") CONTEXT, "something else than text" },
	{ CLUSTER("") USER("as: a, as-groups: [b, c, d, e, f, g, h, i, j]") CONTEXT,
	  "more than 8 things" },
	{ CLUSTER("") USER("exec: {command: p}") CONTEXT, "apiVersion is neither" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: p}")
		  CONTEXT,
	  "apiVersion is neither" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1}") CONTEXT,
	  "field 'command' is missing" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1, command: p}")
		  CONTEXT,
	  "field 'interactiveMode' is missing" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1, command: p, "
			   "interactiveMode: Sometimes}") CONTEXT,
	  "'Sometimes' is none" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: p, "
			   "env: [{value: v}]}") CONTEXT,
	  "has no name" },
	{ CLUSTER("") USER("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: p, "
			   "args: [3]}") CONTEXT,
	  "something else than text" },
	{ CLUSTER("") USER("auth-provider: {name: gcp}, exec: {apiVersion: "
			   "client.authentication.k8s.io/v1beta1, command: p}") CONTEXT,
	  "an exec plugin and an auth-provider" },
};

static const struct kube_config_wanted nothing;

static void what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct kube_config_text file = { "/k/config", bad[i].text,
						       strlen(bad[i].text) };
		struct kube_config *c = NULL;
		struct err err = ERR_INIT;

		if (kube_config_parse(&file, 1, &nothing, &c, &err))
			fail_msg("read: %s", bad[i].text);
		assert_null(c);
		assert_err(&err, ERR_USAGE, bad[i].words);
	}
}

static struct kube_config *parse(const struct kube_config_text *files, size_t count,
				 const struct kube_config_wanted *wanted)
{
	struct kube_config *c = NULL;
	struct err err = ERR_INIT;

	if (!kube_config_parse(files, count, wanted, &c, &err))
		fail_msg("%s", err.message);
	return c;
}

#define FILE_OF(path, text)                  \
	{                                    \
		path, text, sizeof(text) - 1 \
	}

static void what_is_read(void **state)
{
	static const struct kube_config_text file = FILE_OF(
		"/k/config",
		"clusters:\n- name: c\n  cluster:\n    server: https://k:6443/a/\n"
		"    certificate-authority: pki/ca.crt\n    tls-server-name: inner\n"
		"    proxy-url: socks5://p:1080\n"
		"users:\n- name: u\n  user:\n    tokenFile: ../token\n"
		"    client-certificate: /abs/c.pem\n    client-key: k.pem\n"
		"    as: ann\n    as-user-extra: {Reason: [x, z]}\n"
		"    exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/p,\n"
		"      args: [-a, ''], env: [{name: A, value: b}], installHint: get it}\n"
		"contexts:\n- name: x\n  context: {cluster: c, user: u, namespace: team}\n"
		"- name: z\n  context: {cluster: c}\n"
		"current-context: x\n");
	const struct kube_config_wanted other = { .context = "z", .namespace = "mine" };
	CLEANUP(kube_config_freep) struct kube_config *c = parse(&file, 1, &nothing);
	CLEANUP(kube_config_freep) struct kube_config *z = parse(&file, 1, &other);
	CLEANUP(mem_freep) char *kind = kube_user_kind(&c->user);

	(void)state;
	assert_string_equal(c->cluster.server, "https://k:6443/a");
	assert_string_equal(c->cluster.ca_file, "/k/pki/ca.crt");
	assert_string_equal(c->cluster.tls_server_name, "inner");
	assert_string_equal(c->cluster.proxy_url, "socks5://p:1080");
	assert_string_equal(c->user.token_file, "/k/../token");
	assert_string_equal(c->user.cert_file, "/abs/c.pem");
	assert_string_equal(c->user.key_file, "/k/k.pem");
	assert_string_equal(c->user.exec->command, "/k/bin/p");
	assert_string_equal(c->user.exec->args.at[1], "");
	assert_string_equal(c->user.exec->environment.at[0], "A=b");
	assert_string_equal(c->user.as_headers.at[0], "Impersonate-User: ann");
	assert_string_equal(c->user.as_headers.at[2], "Impersonate-Extra-reason: z");
	assert_string_equal(c->namespace, "team");
	assert_string_equal(kind, "token file '/k/../token'");
	assert_string_equal(z->namespace, "mine");
	assert_null(z->user.name);
}

static void several_files(void **state)
{
	static const struct kube_config_text files[] = {
		FILE_OF("/1", ""),
		FILE_OF("/2", "current-context: x\n"
			      "users: [{name: u, user: {username: first}}]\n"),
		FILE_OF("/3", CLUSTER("") USER("token: t") CONTEXT),
		FILE_OF("/4", "current-context: q\n"
			      "clusters: [{name: c, cluster: {server: 'https://other'}}]\n"),
	};
	CLEANUP(kube_config_freep) struct kube_config *c = parse(files, 4, &nothing);

	(void)state;
	assert_string_equal(c->cluster.server, "https://k");
	assert_string_equal(c->user.username, "first");
	assert_null(c->user.token);
	assert_string_equal(c->origin, "context 'x' of '/3'");
	assert_null(parse(files, 1, &nothing));
}

/* Files and the environment */

struct place {
	struct fake_dir dir;
	struct err err;
};

static int place_setup(void **state)
{
	struct place *p = NEW(struct place);

	fake_dir_init(&p->dir);
	setenv("HOME", p->dir.path, 1);
	unsetenv("KUBECONFIG");
	unsetenv("POD_NAMESPACE");
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	*state = p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	fake_dir_clear(&p->dir);
	free(p);
	return 0;
}

static void put(struct place *p, const char *name, const char *text)
{
	free(fake_dir_write(&p->dir, name, text, 0600));
}

static void files_that_are_named(void **state)
{
	struct place *p = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&p->dir, "config");
	CLEANUP(mem_freep) char *list = mem_printf("/nonexistent/a::%s:%s", path, path);
	const struct kube_config_wanted gone = { .kubeconfig = "/nonexistent/a" };
	const struct kube_config_wanted only = { .kubeconfig = path };
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;
	CLEANUP(kube_config_freep) struct kube_config *again = NULL;

	assert_false(kube_config_load(&nothing, &c, &p->err));
	assert_err(&p->err, ERR_USAGE, "there is no kubeconfig");
	assert_false(kube_config_load(&gone, &c, &p->err));
	assert_err(&p->err, ERR_USAGE, "/nonexistent/a");

	put(p, "config", CLUSTER("certificate-authority: ca") USER("token: t") CONTEXT);
	setenv("KUBECONFIG", list, 1);
	assert_false(kube_config_load(&nothing, &c, &p->err));
	assert_err(&p->err, ERR_USAGE, "the certificate-authority");
	put(p, "ca", "no certificate");
	assert_false(kube_config_load(&nothing, &c, &p->err));
	assert_err(&p->err, ERR_USAGE, "the certificate-authority is no PEM");
	put(p, "ca", "-----BEGIN CERTIFICATE-----\n");
	assert_true(kube_config_load(&nothing, &c, &p->err));
	assert_string_equal(secret_reveal(c->cluster.ca), "-----BEGIN CERTIFICATE-----\n");
	setenv("KUBECONFIG", "/nonexistent/b", 1);
	assert_true(kube_config_load(&only, &again, &p->err));
}

static void in_cluster(void **state)
{
	struct place *p = *state;
	const struct kube_config_wanted mine = { .namespace = "mine" };
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;
	CLEANUP(kube_config_freep) struct kube_config *v6 = NULL;

	assert_true(kube_config_in_cluster(p->dir.path, &nothing, &c, &p->err));
	assert_null(c);
	setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_true(kube_config_in_cluster(p->dir.path, &nothing, &c, &p->err));
	assert_null(c);
	put(p, "token", "SECRET\n");
	put(p, "namespace", "team\n");
	put(p, "ca.crt", "-----BEGIN CERTIFICATE-----\n");
	assert_true(kube_config_in_cluster(p->dir.path, &nothing, &c, &p->err));
	assert_true(c->in_cluster);
	assert_string_equal(c->cluster.server, "https://10.0.0.1:443");
	assert_string_equal(c->namespace, "team");
	assert_non_null(strstr(c->user.token_file, "/token"));
	assert_non_null(c->cluster.ca);
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	assert_true(kube_config_in_cluster(p->dir.path, &mine, &v6, &p->err));
	assert_string_equal(v6->cluster.server, "https://[fd00::1]:443");
	assert_string_equal(v6->namespace, "mine");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_is_read),
		cmocka_unit_test(several_files),
		TEST(files_that_are_named),
		TEST(in_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
