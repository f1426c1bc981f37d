/* Requests to an API server: what is sent, what its answers become, and whose login is shown. */
#include "kube/cluster_fixture.h"

#include "base/pool.h"
#include "base/stream.h"

#define WEB "/apis/apps/v1/namespaces/n/deployments/web"

static void paths(void **state)
{
	static const struct {
		const char *group_version, *namespace, *resource, *name, *path;
	} cases[] = {
		{ "v1", NULL, "nodes", NULL, "/api/v1/nodes" },
		{ "v1", "n", "pods", "a", "/api/v1/namespaces/n/pods/a" },
		{ "apps/v1", "n", "deployments", "web", WEB },
		{ "batch/v1", "n/../m", "cronjobs", "a?b#c",
		  "/apis/batch/v1/namespaces/n%2F..%2Fm/cronjobs/a%3Fb%23c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(mem_freep)
		char *path = kube_path(cases[i].group_version, cases[i].namespace,
				       cases[i].resource, cases[i].name);

		assert_string_equal(path, cases[i].path);
	}
}

static void gets(void **state)
{
	struct cluster *k = *state;

	answer(k, "GET", WEB, 200, "{\"metadata\":{\"generation\":3}}");
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_true(js_is_object(js_get(k->reply.object, "metadata")));
	assert_string_equal(fake_request_at(k->t, 0)->authorization, "Bearer SECRET-token");
	assert_string_equal(fake_request_at(k->t, 0)->url, "https://k.example:6443" WEB);
	assert_not_asked(k, 0, "resourceVersion");
}

static void changes(void **state)
{
	struct cluster *k = *state;
	CLEANUP(js_freep) struct js *body = js_array();
	struct kube_change patch = {
		.path = WEB, .content_type = KUBE_PATCH_JSON, .body = body, .dry_run = true
	};
	const struct fake_request *r;

	fake_expect(k->t, (struct fake_answer){
				  .method = "PATCH",
				  .status = 200,
				  .headers = { { "Content-Type", "application/json;charset=utf-8" },
					       { "Warning", "299 - \"would violate\"" } },
				  .body = "{}" });
	assert_true(kube_patch(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
	r = fake_request_at(k->t, 0);
	assert_string_equal(r->content_type, KUBE_PATCH_JSON);
	assert_string_equal(r->body, "[]");
	assert_string_equal(k->reply.warning, "would violate");
	assert_false(k->reply.repeated);
	assert_asked(k, 0, "PATCH", "?fieldManager=landed&fieldValidation=Strict&dryRun=All");

	answer(k, "DELETE", PODS "/a", 200, "{\"kind\":\"Status\",\"status\":\"Success\"}");
	patch = (struct kube_change){ .path = PODS "/a" };
	assert_true(kube_delete(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
	assert_not_asked(k, 1, "fieldManager");

	answer(k, "POST", "selfsubject", 201, "{\"status\":{\"allowed\":true}}");
	patch = (struct kube_change){
		.path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		.body = body,
		.lenient = true
	};
	assert_true(kube_create(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
	assert_string_equal(fake_request_at(k->t, 2)->content_type, "application/json");
	assert_asked(k, 2, "POST", "fieldValidation=Ignore");
}

static const struct {
	int status;
	const char *type;
	const char *body;
	enum err_code code;
	const char *message, *evidence, *cause;
	const char *reason;
} refusals[] = {
	{ 404, "application/json",
	  "{\"kind\":\"Status\",\"message\":\"deployments.apps \\\"web\\\" not found\",\"reason\":"
	  "\"NotFound\",\"code\":404}",
	  ERR_USAGE, "cannot patch deployments.apps 'web': the cluster says 404 NotFound",
	  "deployments.apps \"web\" not found", NULL, "NotFound" },
	{ 403, "application/json",
	  "{\"kind\":\"Status\",\"message\":\"deployments.apps \\\"web\\\" is forbidden: User "
	  "\\\"jane\\\" cannot patch resource \\\"deployments\\\" in API group \\\"apps\\\" in the "
	  "namespace \\\"n\\\"\",\"reason\":\"Forbidden\",\"code\":403}",
	  ERR_CLUSTER_REFUSED, "403 Forbidden", "User \"jane\" cannot patch",
	  "this login has no right to patch 'deployments.apps' in namespace 'n'", "Forbidden" },
	{ 403, "application/json",
	  "{\"kind\":\"Status\",\"message\":\"admission webhook denied the request: no\","
	  "\"reason\":\"Forbidden\",\"code\":403}",
	  ERR_CLUSTER_REFUSED, "403 Forbidden", "admission webhook denied", NULL, "Forbidden" },
	{ 422, "application/json",
	  "{\"kind\":\"Status\",\"message\":\"the server rejected our request due to an error in "
	  "our request\",\"reason\":\"Invalid\",\"details\":{\"causes\":[{\"reason\":"
	  "\"UnexpectedServerResponse\",\"message\":\"testing value failed\"},{\"field\":\"spec\","
	  "\"message\":\"bad\"}]},\"code\":422}",
	  ERR_CLUSTER_REFUSED, "422 Invalid",
	  "due to an error in our request: testing value failed; spec: bad", NULL, "Invalid" },
	{ 409, "application/json", "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"code\":409}",
	  ERR_CLUSTER_REFUSED, "409 Conflict", NULL, NULL, "Conflict" },
	{ 415, "application/json",
	  "{\"kind\":\"Status\",\"reason\":\"UnsupportedMediaType\",\"code\":415}", ERR_USAGE,
	  "415 UnsupportedMediaType", NULL, NULL, "UnsupportedMediaType" },
	{ 400, "text/plain", "expired, or something else\n", ERR_USAGE, "400",
	  "expired, or something", NULL, NULL },
	{ 302, "text/html", "<html>sign in</html>", ERR_NET, "302", "sign in", NULL, NULL },
	{ 200, "text/html", "<html>sign in</html>", ERR_NO_REGISTRY, "is no Kubernetes API server",
	  "200 with content of type 'text/html'", NULL, NULL },
	{ 200, "application/json", "{\"a\":", ERR_NO_REGISTRY, "not valid JSON", NULL, NULL, NULL },
	{ 401, "application/json", "{\"kind\":\"Status\",\"message\":\"Unauthorized\"}",
	  ERR_REFUSED, "does not take the login: a token", "401: Unauthorized", NULL, NULL },
};

static void refused(void **state)
{
	struct cluster *k = *state;
	const struct kube_change patch = { .path = WEB };

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		fake_expect(k->t, (struct fake_answer){
					  .method = "PATCH",
					  .status = refusals[i].status,
					  .headers = { { "Content-Type", refusals[i].type } },
					  .body = refusals[i].body });
		assert_false(kube_patch(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
		assert_int_equal(k->reply.code, refusals[i].status);
		assert_kube_err(k, refusals[i].code, refusals[i].message, refusals[i].evidence,
				refusals[i].cause);
		if (refusals[i].reason)
			assert_string_equal(k->reply.reason, refusals[i].reason);
		else
			assert_null(k->reply.reason);
	}
}

static void overload_is_waited_out(void **state)
{
	struct cluster *k = *state;

	fake_expect(k->t,
		    (struct fake_answer){
			    .status = 429,
			    .headers = { { "Content-Type", "text/plain" }, { "Retry-After", "7" } },
			    .body = "Too many requests, please try again later.",
			    .times = 3 });
	answer(k, "GET", WEB, 200, "{}");
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_true(fake_since_start(&k->fake) >= 21000);
	assert_false(k->reply.repeated);
}

static void a_lost_answer_is_told(void **state)
{
	struct cluster *k = *state;
	const struct kube_change patch = { .path = WEB };

	fake_expect(k->t, (struct fake_answer){ .failure = HTTP_FAILED_UNDER_WAY });
	answer(k, "PATCH", WEB, 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"code\":422}");
	assert_false(kube_patch(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
	assert_true(k->reply.repeated);
	assert_err(&k->fake.err, ERR_CLUSTER_REFUSED, "422 Invalid");

	fake_expect(k->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING });
	answer(k, "PATCH", WEB, 200, "{}");
	assert_true(kube_patch(k->c, &k->fake.world, &patch, &k->reply, &k->fake.err));
	assert_false(k->reply.repeated);
}

static void server_errors_keep_their_words(void **state)
{
	struct cluster *k = *state;

	fake_expect(k->t,
		    (struct fake_answer){
			    .status = 500,
			    .headers = JSON_TYPE,
			    .body = "{\"kind\":\"Status\",\"message\":\"failed calling webhook\","
				    "\"reason\":\"InternalError\",\"code\":500}",
			    .times = FAKE_ALWAYS });
	assert_false(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_string_equal(k->reply.reason, "InternalError");
	assert_kube_err(k, ERR_NET, "500 InternalError", "failed calling webhook", NULL);
}

/* Lists */

struct seen {
	struct buf names;
	int fail_at;
};

static bool see_item(void *arg, const struct js *item, struct err *err)
{
	struct seen *s = arg;

	buf_printf(&s->names, "%s ", js_string(js_get(js_get(item, "metadata"), "name")));
	return --s->fail_at != 0 || err_set(err, ERR_LOCAL, "enough");
}

static void see_restart(void *arg)
{
	buf_puts(&((struct seen *)arg)->names, "| ");
}

#define POD(name) "{\"metadata\":{\"name\":\"" name "\"}}"

static void assert_lists(struct cluster *k, int fail_at, bool ok, const char *expected)
{
	struct seen seen = { .names = BUF_INIT(64 * KIB), .fail_at = fail_at };
	const struct kube_selection pods = { .path = PODS, .fields = "spec.nodeName=a", .page = 2 };
	const struct kube_visitor visitor = { .item = see_item,
					      .restart = see_restart,
					      .arg = &seen };
	CLEANUP(mem_freep) char *version = NULL;

	assert_int_equal(kube_list(k->c, &k->fake.world, &pods, &visitor, &version, &k->fake.err),
			 ok);
	assert_string_equal(buf_str(&seen.names), expected);
	if (ok)
		assert_string_equal(version, "9");
	buf_clear(&seen.names);
}

static void lists_in_pages(void **state)
{
	struct cluster *k = *state;

	answer(k, "GET", "limit=2", 200,
	       "{\"metadata\":{\"continue\":\"p2\"},\"items\":[" POD("a") "," POD("b") "]}");
	answer(k, "GET", "continue=p2", 200,
	       "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" POD("c") "]}");
	assert_lists(k, 0, true, "a b c ");
	assert_asked(k, 0, "GET", PODS "?fieldSelector=spec.nodeName%3da&limit=2");
	assert_not_asked(k, 0, "resourceVersion");
}

static void a_list_begins_anew(void **state)
{
	struct cluster *k = *state;

	answer(k, "GET", "limit=2", 200,
	       "{\"metadata\":{\"continue\":\"p2\"},\"items\":[" POD("a") "]}");
	answer(k, "GET", "continue=p2", 410, "{\"kind\":\"Status\",\"code\":410}");
	fake_expect(k->t, (struct fake_answer){ .status = 200,
						.headers = JSON_TYPE,
						.body = "{\"items\":[" POD("b") ",",
						.cut = true });
	answer(k, "GET", "limit=2", 200, "{\"items\":[" POD("b") "]");
	answer(k, "GET", "limit=2", 200,
	       "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" POD("c") "]}");
	assert_lists(k, 0, true, "a | b | b | c ");
}

static void a_list_that_never_holds(void **state)
{
	struct cluster *k = *state;

	fake_expect(k->t, (struct fake_answer){ .url = "continue=",
						.status = 410,
						.headers = JSON_TYPE,
						.body = "{\"kind\":\"Status\",\"code\":410}",
						.times = FAKE_ALWAYS });
	fake_expect(k->t, (struct fake_answer){
				  .status = 200,
				  .headers = JSON_TYPE,
				  .body = "{\"metadata\":{\"continue\":\"p2\"},\"items\":[]}",
				  .times = FAKE_ALWAYS });
	assert_lists(k, 0, false, "| | | | | ");
	assert_err(&k->fake.err, ERR_CLUSTER_REFUSED, "410");
}

static void a_visitor_ends_it(void **state)
{
	struct cluster *k = *state;

	answer(k, "GET", "limit=2", 200, "{\"items\":[" POD("a") "," POD("b") "," POD("c") "]}");
	assert_lists(k, 2, false, "a b ");
	assert_err(&k->fake.err, ERR_LOCAL, "enough");
}

/* Logins */

static void use(struct cluster *k, const char *user)
{
	CLEANUP(mem_freep)
	char *text =
		mem_printf("{clusters: [{name: c, cluster: {server: 'https://k.example:6443'}}],"
			   " users: [{name: u, user: {%s}}],"
			   " contexts: [{name: x, context: {cluster: c, user: u}}],"
			   " current-context: x}",
			   user);

	cluster_use(k, config_of(&k->fake, text));
}

static void use_token_file(struct cluster *k, const char *token)
{
	CLEANUP(mem_freep) char *path = fake_dir_write(&k->dir, "token", token, 0600);
	CLEANUP(mem_freep) char *user = mem_printf("tokenFile: %s", path);

	use(k, user);
}

/* A server to which one token is dead; the file gets another one when that was said. */
struct rotation {
	struct cluster *k;
	const char *dead;
	int refusals_before_rotation;
};

static bool serve_rotation(void *arg, const struct fake_request *r, struct fake_answer *ret)
{
	struct rotation *f = arg;
	bool dead = strcmp(r->authorization, f->dead) == 0;

	if (dead && --f->refusals_before_rotation == 0)
		free(fake_dir_write(&f->k->dir, "token", "SECRET-new\n", 0600));
	*ret = (struct fake_answer){ .status = dead ? 401 : 200,
				     .headers = JSON_TYPE,
				     .body = "{}" };
	return true;
}

static void a_token_file_is_read_again(void **state)
{
	struct cluster *k = *state;
	struct rotation rotation = { .k = k,
				     .dead = "Bearer SECRET-old",
				     .refusals_before_rotation = 1 };

	use_token_file(k, " SECRET-old\n");
	k->t->serve = serve_rotation;
	k->t->serve_arg = &rotation;
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_string_equal(fake_request_at(k->t, 1)->authorization, "Bearer SECRET-new");

	/* without a refusal after a minute, and not before */
	free(fake_dir_write(&k->dir, "token", "SECRET-newer", 0600));
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_string_equal(fake_request_at(k->t, 2)->authorization, "Bearer SECRET-new");
	fake_advance(&k->fake, 60000);
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_string_equal(fake_request_at(k->t, 3)->authorization, "Bearer SECRET-newer");
}

static void a_token_file_that_repeats_is_waited_for(void **state)
{
	struct cluster *k = *state;

	use_token_file(k, "SECRET-old");
	fake_expect(k->t, (struct fake_answer){ .status = 401, .times = 1, .body = "{}" });
	assert_false(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_err(&k->fake.err, ERR_REFUSED, "does not take the login: token file");
	assert_true(fake_since_start(&k->fake) >= 28000);
	assert_true(fake_since_start(&k->fake) <= 32000);
}

static void headers(void **state)
{
	static const struct {
		const char *user, *authorization, *headers;
	} cases[] = {
		{ "username: jane, password: SECRET", "Basic amFuZTpTRUNSRVQ=", "" },
		{ "token: SECRET, as: ann, as-groups: [a, b], as-user-extra: {Why: [x]}",
		  "Bearer SECRET",
		  "Impersonate-User: ann\nImpersonate-Group: a\nImpersonate-Group: b\n"
		  "Impersonate-Extra-why: x\n" },
	};
	struct cluster *k = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		use(k, cases[i].user);
		answer(k, "GET", WEB, 200, "{}");
		assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
		assert_string_equal(fake_request_at(k->t, 0)->authorization,
				    cases[i].authorization);
		if (!strstr(fake_request_at(k->t, 0)->headers, cases[i].headers))
			fail_msg("%s", fake_request_at(k->t, 0)->headers);
	}
}

/* A plugin that counts its runs, and how its tokens fare. */
static void use_plugin(struct cluster *k, const char *more)
{
	CLEANUP(mem_freep) char *counter = fake_dir_path(&k->dir, "runs");
	CLEANUP(mem_freep)
	char *script = mem_printf("#!/bin/sh\necho x >>'%s'\nn=$(wc -l <'%s')\n"
				  "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":"
				  "\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":"
				  "\"SECRET-'$n'\"%s}}'\n",
				  counter, counter, more);
	CLEANUP(mem_freep) char *path = fake_dir_write(&k->dir, "plugin", script, 0700);
	CLEANUP(mem_freep)
	char *user = mem_printf("exec: {apiVersion: client.authentication.k8s.io/v1beta1, "
				"interactiveMode: Never, command: %s}",
				path);

	use(k, user);
}

static void a_plugin_is_run_once(void **state)
{
	struct cluster *k = *state;

	use_plugin(k, "");
	for (int i = 0; i < 3; i++) {
		answer(k, "GET", WEB, 200, "{}");
		assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
		fake_advance(&k->fake, 3600000);
	}
	assert_string_equal(fake_request_at(k->t, 2)->authorization, "Bearer SECRET-1");
}

static void a_plugin_is_run_again(void **state)
{
	struct cluster *k = *state;

	use_plugin(k, ",\"expirationTimestamp\":\"2026-11-24T15:00:00Z\"");
	for (int i = 0; i < 2; i++) {
		answer(k, "GET", WEB, 200, "{}");
		assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
		fake_advance(&k->fake, 3595000); /* five seconds are no life any more */
	}
	assert_string_equal(fake_request_at(k->t, 1)->authorization, "Bearer SECRET-2");
}

static void a_plugin_is_run_after_a_refusal(void **state)
{
	struct cluster *k = *state;

	use_plugin(k, "");
	fake_expect(k->t, (struct fake_answer){ .status = 401, .body = "{}" });
	answer(k, "GET", WEB, 200, "{}");
	assert_true(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_string_equal(fake_request_at(k->t, 1)->authorization, "Bearer SECRET-2");

	fake_expect(k->t,
		    (struct fake_answer){ .status = 401, .body = "{}", .times = FAKE_ALWAYS });
	assert_false(kube_get(k->c, &k->fake.world, WEB, &k->reply, &k->fake.err));
	assert_err(&k->fake.err, ERR_REFUSED, "does not take the login: plugin");
	assert_true(k->t->request_count <= 6);
}

/* Threads whose first tokens are all refused: one of them runs the plugin again. */
static bool serve_first_token_dead(void *arg, const struct fake_request *r, struct fake_answer *ret)
{
	bool dead = strcmp(r->authorization, "Bearer SECRET-1") == 0;

	(void)arg;
	*ret = (struct fake_answer){ .status = dead ? 401 : 200,
				     .headers = JSON_TYPE,
				     .body = "{}" };
	return true;
}

static bool get_once(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct cluster *k = arg;
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };

	(void)index;
	return kube_get(k->c, w, WEB, &reply, err);
}

static void threads_share_a_renewal(void **state)
{
	struct cluster *k = *state;
	struct buf runs = BUF_INIT(KIB);
	CLEANUP(mem_freep) char *counter = fake_dir_path(&k->dir, "runs");

	use_plugin(k, "");
	k->t->serve = serve_first_token_dead;
	if (!pool_run(&k->fake.world, 4, 16, get_once, k, &k->fake.err))
		fail_msg("%s", k->fake.err.message);
	assert_true(file_read_all(counter, &runs, &k->fake.err));
	assert_string_equal(buf_str(&runs), "x\nx\n");
	buf_clear(&runs);
}

static void refuse_client(struct cluster *k, const char *user, enum err_code code,
			  const char *words)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("{clusters: [{name: c, cluster: {server: 'https://k.example'}}],"
				" users: [{name: u, user: {%s}}],"
				" contexts: [{name: x, context: {cluster: c, user: u}}],"
				" current-context: x}",
				user);
	CLEANUP(kube_config_freep) struct kube_config *config = config_of(&k->fake, text);
	struct fake_transport *t = fake_transport_new(&k->fake);
	struct kube_client_options options = { .policy = RETRY_POLICY_DEFAULT,
					       .transport = &t->transport };
	struct kube_client *c;

	assert_false(kube_client_new(config, &options, &k->fake.world, &c, &k->fake.err));
	assert_err(&k->fake.err, code, words);
}

static void who_cannot_log_in(void **state)
{
	struct cluster *k = *state;

	refuse_client(k, "", ERR_USAGE, "says nobody to log in as");
	refuse_client(k, "password: SECRET", ERR_USAGE, "says nobody to log in as");
	refuse_client(k, "auth-provider: {name: gcp}", ERR_USAGE, "auth-provider 'gcp'");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, cluster_setup, cluster_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		TEST(gets),
		TEST(changes),
		TEST(refused),
		TEST(overload_is_waited_out),
		TEST(a_lost_answer_is_told),
		TEST(server_errors_keep_their_words),
		TEST(lists_in_pages),
		TEST(a_list_begins_anew),
		TEST(a_list_that_never_holds),
		TEST(a_visitor_ends_it),
		TEST(a_token_file_is_read_again),
		TEST(a_token_file_that_repeats_is_waited_for),
		TEST(headers),
		TEST(a_plugin_is_run_once),
		TEST(a_plugin_is_run_again),
		TEST(a_plugin_is_run_after_a_refusal),
		TEST(threads_share_a_renewal),
		TEST(who_cannot_log_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
