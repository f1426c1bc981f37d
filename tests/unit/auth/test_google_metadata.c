/* The metadata server: what it must say to be believed, how long it is waited for, and whether there is one. */
#include "auth/bare_fixture.h"

#include "auth/google_metadata.h"

#include <pthread.h>

#define HERE "http://169.254.169.254"
#define ACCOUNT HERE "/computeMetadata/v1/instance/service-accounts/default"
#define TOKEN "{\"access_token\":\"SECRET-1\",\"expires_in\":299,\"token_type\":\"Bearer\"}"

static const struct google_want usual = { .scopes = NULL };

static struct fake_answer google_says(const char *url, int status, const char *body)
{
	return (struct fake_answer){ .url = url,
				     .status = status,
				     .body = body,
				     .headers = { { "metadata-flavor", "Google" } } };
}

static void expect(struct desk *d, const char *url, int status, const char *body)
{
	fake_expect(d->bare, google_says(url, status, body));
}

/* All questions but the one for a token. */
static void expect_the_rest(struct desk *d)
{
	fake_expect(d->bare, google_says("/universe-domain", 404, ""));
	d->bare->script[d->bare->script_len - 1].times = FAKE_ALWAYS;
	fake_expect(d->bare, google_says("/email", 200, "sa@p.iam.gserviceaccount.com\n"));
	d->bare->script[d->bare->script_len - 1].times = FAKE_ALWAYS;
}

static void assert_mints_not(struct desk *d, struct google_minter *m, enum err_code code,
			     const char *words)
{
	struct google_token t = { 0 };

	assert_false(mint(d, m, &t));
	assert_null(t.secret);
	assert_err(&d->fake.err, code, words);
}

/* What it answers */

static const struct {
	int status;
	const char *flavor, *body;
	const char *words;
} bad_answers[] = {
	{ 200, NULL, TOKEN, "no metadata server of Google's" },
	{ 200, "", TOKEN, "no metadata server of Google's" },
	{ 200, "Amazon", TOKEN, "no metadata server of Google's" },
	{ 200, "Google", "", "JSON" },
	{ 200, "Google", "<html>SECRET</html>", "JSON" },
	{ 200, "Google", "{}", "no 'access_token'" },
	{ 200, "Google", "{\"access_token\":\"SEC RET\",\"expires_in\":9}", "no 'access_token'" },
	{ 200, "Google", "{\"access_token\":\"SECRET\"}", "without a life" },
	{ 200, "Google", "{\"access_token\":\"SECRET\",\"expires_in\":0}", "without a life" },
	{ 200, "Google", "{\"access_token\":\"SECRET\",\"expires_in\":-3}", "without a life" },
	{ 200, "Google", "{\"access_token\":\"SECRET\",\"expires_in\":null}", "without a life" },
	{ 204, "Google", "", "204" },
	{ 302, "Google", "", "302" },
	{ 400, "Google", "what", "400" },
	{ 401, "Google", "who", "401" },
	{ 403, "Google", "hidden", "hides its tokens" },
	{ 404, "Google", "", "no service account" },
};

static void test_bad_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		CLEANUP(google_minter_freep)
		struct google_minter *m = google_metadata_new(&d->options);

		d->bare->script_len = 0;
		memset(d->bare->used, 0, sizeof(d->bare->used));
		expect_the_rest(d);
		fake_expect(d->bare,
			    (struct fake_answer){
				    .status = bad_answers[i].status,
				    .body = bad_answers[i].body,
				    .headers = { { "Location", HERE "/evil" },
						 { bad_answers[i].flavor ? "Metadata-Flavor" : NULL,
						   bad_answers[i].flavor } } });
		assert_mints_not(d, m, ERR_NO_CREDENTIAL, bad_answers[i].words);
		assert_script_done(d->bare);
	}
	assert_int_equal(fake_requests_to(d->bare, NULL, "evil"), 0);
}

static void test_what_it_is_asked(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);
	static const char *const scopes[] = { "https://a.example/x", "b", NULL };
	static const struct google_want want = { .scopes = scopes };
	static const char *const urls[] = {
		HERE "/computeMetadata/v1/universe/universe-domain",
		ACCOUNT "/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2C"
			"https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email",
		ACCOUNT "/email",
		ACCOUNT "/token?scopes=https%3A%2F%2Fa.example%2Fx%2Cb",
	};
	struct google_token t;

	expect(d, "/universe-domain", 200, "example.goog\n");
	expect(d, "/email", 200, "sa@p.iam.gserviceaccount.com\n");
	expect(d, "/token", 200, TOKEN);
	expect(d, "/token", 200, TOKEN);
	assert_true(m->renewable);
	assert_true(m->repeats);
	assert_non_null(strstr(m->origin, "169.254.169.254"));
	assert_mints(d, m, "SECRET-1", 299000);
	assert_string_equal(m->principal, "sa@p.iam.gserviceaccount.com");
	assert_string_equal(m->universe, "example.goog");
	assert_true(google_mint(m, &d->fake.world, &want, &t, &d->fake.err));
	google_token_clear(&t);
	assert_int_equal(d->bare->request_count, ARRAY_SIZE(urls));
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		const struct fake_request *r = fake_request_at(d->bare, i);

		assert_string_equal(r->method, "GET");
		assert_string_equal(r->url, urls[i]);
		assert_string_equal(r->headers, "Metadata-Flavor: Google\n");
		assert_false(r->authorized);
	}
	assert_int_equal(d->t->request_count, 0);
}

static void test_life_counts_from_when_it_was_asked(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);
	struct google_token t = { 0 };

	expect_the_rest(d);
	fake_expect(d->bare,
		    (struct fake_answer){ .status = 200,
					  .body = TOKEN,
					  .takes_ms = 9000,
					  .headers = { { "Metadata-Flavor", "Google" } } });
	assert_true(mint(d, m, &t));
	assert_int_equal(t.life.minted_ms, BOOT_START_MS);
	assert_int_equal(t.life.expires_ms, BOOT_START_MS + 299000);
	google_token_clear(&t);
}

static void test_universe_and_email_that_are_none(void **state)
{
	static const struct {
		int status;
		const char *text;
	} nothings[] = { { 200, "" },	      { 200, " \n" },	   { 404, "no" },
			 { 403, "no" },	      { 200, "<html>no" }, { 200, "two words" },
			 { 200, "a/../../b" } };
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(nothings); i++) {
		CLEANUP(google_minter_freep)
		struct google_minter *m = google_metadata_new(&d->options);

		expect(d, "/universe-domain", nothings[i].status, nothings[i].text);
		expect(d, "/email", nothings[i].status, nothings[i].text);
		expect(d, "/token", 200, TOKEN);
		assert_mints(d, m, "SECRET-1", 299000);
		assert_string_equal(m->universe, GOOGLE_UNIVERSE_DEFAULT);
		assert_null(m->principal);
	}
}

static void test_universe_of_another_server(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);

	fake_expect(d->bare, (struct fake_answer){ .url = "/universe-domain",
						   .status = 200,
						   .body = "evil.example" });
	assert_mints_not(d, m, ERR_NO_CREDENTIAL, "no metadata server of Google's");
	assert_string_equal(m->universe, GOOGLE_UNIVERSE_DEFAULT);
}

/* It is known only when the server has said so, and decides who is asked for the other account's token. */
static void test_impersonation_in_its_universe(void **state)
{
	struct desk *d = *state;
	struct google_minter *own = google_metadata_new(&d->options);
	CLEANUP(google_minter_freep)
	struct google_minter *m = google_impersonate(own, "t@p", NULL, NULL, 0);

	expect(d, "/universe-domain", 200, "example.goog\n");
	expect(d, "/email", 200, "sa@p.iam.gserviceaccount.com");
	expect(d, "/token", 200, TOKEN);
	expect_grant(d, "https://iamcredentials.example.goog/v1/",
		     "{\"accessToken\":\"SECRET-2\",\"expireTime\":\"2026-11-24T15:00:00Z\"}");
	assert_mints(d, m, "SECRET-2", 3600000);
	assert_string_equal(m->universe, "example.goog");
}

static void test_universe_of_the_environment(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;

	setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.goog", 1);
	m = google_metadata_new(&d->options);
	expect(d, "/token", 200, TOKEN);
	expect(d, "/email", 500, "");
	assert_mints(d, m, "SECRET-1", 299000);
	assert_string_equal(m->universe, "example.goog");
}

/* Where it is */

static const struct {
	const char *host, *root, *ip, *asked, *named;
} hosts[] = {
	{ NULL, NULL, NULL, "http://169.254.169.254/", NULL },
	{ "", "", "", "http://169.254.169.254/", NULL },
	{ "127.0.0.1:8080", "root:1", "10.0.0.1", "http://127.0.0.1:8080/", "GCE_METADATA_HOST" },
	{ NULL, "metadata.google.internal", "10.0.0.1", "http://metadata.google.internal/",
	  "GCE_METADATA_ROOT" },
	{ NULL, NULL, "10.0.0.1", "http://10.0.0.1/", "GCE_METADATA_IP" },
	{ "[::1]:80", NULL, NULL, "http://[::1]:80/", "GCE_METADATA_HOST" },
};

static void set_or_not(const char *variable, const char *value)
{
	if (value)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
}

static void test_hosts(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = NULL;
		CLEANUP(mem_freep)
		char *url =
			mem_printf("%scomputeMetadata/v1/universe/universe-domain", hosts[i].asked);

		set_or_not("GCE_METADATA_HOST", hosts[i].host);
		set_or_not("GCE_METADATA_ROOT", hosts[i].root);
		set_or_not("GCE_METADATA_IP", hosts[i].ip);
		m = google_metadata_new(&d->options);
		if (hosts[i].named)
			assert_non_null(strstr(m->origin, hosts[i].named));
		expect(d, "/universe-domain", 404, "");
		expect(d, "/token", 200, TOKEN);
		expect(d, "/email", 404, "");
		assert_mints(d, m, "SECRET-1", 299000);
		assert_string_equal(fake_request_at(d->bare, 3 * i)->url, url);
	}
}

static void test_hosts_that_are_none(void **state)
{
	static const char *const bad[] = {
		"http://127.0.0.1", "user@127.0.0.1", "host/path", "a b",  "host?x",
		"host#x",	    "host:port",      "%31",	   "[::1", "a\r\nb"
	};
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = NULL;

		setenv("GCE_METADATA_HOST", bad[i], 1);
		m = google_metadata_new(&d->options);
		assert_mints_not(d, m, ERR_NO_CREDENTIAL, "is no host with a metadata server");
	}
	assert_int_equal(d->bare->request_count, 0);
}

static void test_mtls(void **state)
{
	static const char *const fine[] = { "", "none", "default" };
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);

	setenv("GCE_METADATA_MTLS_MODE", "strict", 1);
	assert_mints_not(d, m, ERR_NO_CREDENTIAL, "mTLS");
	assert_int_equal(d->bare->request_count, 0);
	expect_the_rest(d);
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		setenv("GCE_METADATA_MTLS_MODE", fine[i], 1);
		expect(d, "/token", 200, TOKEN);
		assert_mints(d, m, "SECRET-1", 299000);
	}
}

/* How long it is waited for */

static const struct fake_answer faults[] = {
	{ .failure = HTTP_FAILED_BEFORE_SENDING },
	{ .failure = HTTP_FAILED_UNDER_WAY, .takes_ms = 10000 },
	{ .status = 500 },
	{ .status = 503 },
	{ .status = 429 },
};

/* A pod's server comes up after the pod, whatever --retries says about registries. */
static void test_server_that_comes_up_late(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = NULL;
		int64_t since_ms = fake_since_start(&d->fake);
		struct google_token t = { 0 };

		d->policy.retries = i % 2 ? -1 : 0;
		d->policy.stranger_ms = d->policy.fault_ms = 1000;
		m = google_metadata_new(&d->options);
		d->bare->script_len = 0;
		memset(d->bare->used, 0, sizeof(d->bare->used));
		fake_expect(d->bare, faults[i]);
		d->bare->script[0].times = FAKE_ALWAYS;
		d->fake.world.deadline_ms = world_now_ms(&d->fake.world) + 20000;
		assert_false(mint(d, m, &t));
		assert_int_equal(d->fake.err.code, ERR_TIMEOUT);
		err_clear(&d->fake.err);
		assert_true(fake_since_start(&d->fake) - since_ms >= 20000);
		d->fake.world.deadline_ms = NEVER_MS;
		d->bare->script_len = 0;
		expect_the_rest(d);
		expect(d, "/token", 200, TOKEN);
		assert_mints(d, m, "SECRET-1", 299000);
	}
}

static void test_server_that_never_comes_up(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);

	fake_expect(d->bare, faults[0]);
	d->bare->script[0].times = FAKE_ALWAYS;
	assert_mints_not(d, m, ERR_NET, "the metadata server '169.254.169.254'");
	assert_true(fake_since_start(&d->fake) >= 30000);
	assert_true(fake_since_start(&d->fake) < 60000);
}

static void test_cancel(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);

	d->fake.cancel_at_sleep = 2;
	fake_expect(d->bare, faults[0]);
	d->bare->script[0].times = FAKE_ALWAYS;
	assert_mints_not(d, m, ERR_CANCELLED, "");
}

/* One after another */

struct crowd {
	struct desk *d;
	struct google_minter *m;
	size_t together;
};

static bool serve_alone(void *arg, const struct fake_request *r, struct fake_answer *ret)
{
	struct crowd *c = arg;

	c->together += c->d->bare->open_count > 0;
	*ret = strstr(r->url, "/token") ? google_says(NULL, 200, TOKEN)
					: google_says(NULL, 404, "");
	ret->piece_bytes = 5;
	return true;
}

static void *mint_often(void *arg)
{
	struct crowd *c = arg;
	struct err err = ERR_INIT;

	for (int i = 0; i < 25; i++) {
		struct google_token t;

		assert_true(google_mint(c->m, &c->d->fake.world, &usual, &t, &err));
		google_token_clear(&t);
	}
	return NULL;
}

static void test_one_question_at_a_time(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = google_metadata_new(&d->options);
	struct crowd c = { .d = d, .m = m };
	pthread_t threads[4];

	d->bare->serve = serve_alone;
	d->bare->serve_arg = &c;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mint_often, &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c.together, 0);
	assert_int_equal(fake_requests_to(d->bare, NULL, "/token"), 100);
}

/* Whether there is one */

static bool is_here(struct desk *d, const char *dmi)
{
	CLEANUP(mem_freep)
	char *path = dmi ? fake_dir_write(&d->home, "product_name", dmi, 0600)
			 : fake_dir_path(&d->home, "missing");
	bool here = true;

	if (!google_metadata_is_here_by(&d->options, &d->fake.world, path, &here, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return here;
}

static void test_here_without_a_question(void **state)
{
	struct desk *d = *state;

	setenv("GCE_METADATA_ROOT", "127.0.0.1:1", 1);
	assert_true(is_here(d, NULL));
	unsetenv("GCE_METADATA_ROOT");
	setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
	assert_true(is_here(d, "Something else\n"));
	setenv("NO_GCE_CHECK", "True", 1);
	assert_false(is_here(d, "Google\n"));
	assert_int_equal(d->bare->request_count, 0);
}

static void test_here_by_its_answer(void **state)
{
	struct desk *d = *state;

	setenv("NO_GCE_CHECK", "false", 1);
	expect(d, HERE "/", 200, "computeMetadata/\n");
	assert_true(is_here(d, NULL));
	assert_string_equal(fake_request_at(d->bare, 0)->headers, "Metadata-Flavor: Google\n");
	expect(d, HERE "/", 403, "");
	assert_true(is_here(d, NULL));
	expect(d, HERE "/", 503, "");
	assert_true(is_here(d, "Google Compute Engine\n"));
	setenv("GCE_METADATA_IP", "127.0.0.1:9", 1);
	expect(d, "http://127.0.0.1:9/", 200, "");
	assert_true(is_here(d, NULL));
	assert_int_equal(d->t->request_count, 0);
}

static void test_somebody_else_is_there(void **state)
{
	struct desk *d = *state;

	fake_expect(d->bare, (struct fake_answer){ .status = 200, .body = "hello" });
	assert_false(is_here(d, "Google\n"));
	fake_expect(d->bare,
		    (struct fake_answer){ .status = 404,
					  .headers = { { "Metadata-Flavor", "Amazon" } } });
	assert_false(is_here(d, NULL));
}

/* On a laptop every attempt is time that somebody waits. */
static void test_nobody_is_there(void **state)
{
	struct desk *d = *state;

	fake_expect(d->bare, (struct fake_answer){ .times = 3,
						   .failure = HTTP_FAILED_UNDER_WAY,
						   .takes_ms = 1000 });
	assert_false(is_here(d, "ThinkPad of Google\n"));
	assert_int_equal(fake_request_at(d->bare, 0)->answer_ms, 1000);
	assert_true(fake_since_start(&d->fake) < 5000);
	fake_expect(d->bare,
		    (struct fake_answer){ .times = 3, .failure = HTTP_FAILED_BEFORE_SENDING });
	assert_false(is_here(d, NULL));
	assert_true(fake_since_start(&d->fake) < 7000);
}

static void test_googles_machine_waits_for_its_server(void **state)
{
	struct desk *d = *state;

	fake_expect(d->bare,
		    (struct fake_answer){ .times = 8, .failure = HTTP_FAILED_BEFORE_SENDING });
	expect(d, HERE "/", 200, "");
	assert_true(is_here(d, "Google Compute Engine\n"));
	assert_true(fake_since_start(&d->fake) > 15000);
}

static void test_googles_machine_without_a_server(void **state)
{
	struct desk *d = *state;
	static const struct fake_answer each[] = {
		{ .times = FAKE_ALWAYS, .failure = HTTP_FAILED_BEFORE_SENDING },
		{ .times = FAKE_ALWAYS, .failure = HTTP_FAILED_UNDER_WAY, .takes_ms = 10000 },
		{ .times = FAKE_ALWAYS, .status = 503 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		int64_t since_ms = fake_since_start(&d->fake);

		d->bare->script_len = 0;
		fake_expect(d->bare, each[i]);
		assert_false(is_here(d, "Google\n"));
		assert_true(fake_since_start(&d->fake) - since_ms >= 30000);
		assert_true(fake_since_start(&d->fake) - since_ms <= 60000);
	}
}

static void test_looking_ends_with_a_cancel_or_the_deadline(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_write(&d->home, "product_name", "Google", 0600);
	bool here = true;

	fake_expect(d->bare, faults[0]);
	d->bare->script[0].times = FAKE_ALWAYS;
	d->fake.world.deadline_ms = BOOT_START_MS + 5000;
	assert_false(
		google_metadata_is_here_by(&d->options, &d->fake.world, path, &here, &d->fake.err));
	assert_false(here);
	assert_err(&d->fake.err, ERR_TIMEOUT, "");
	d->fake.world.deadline_ms = NEVER_MS;
	cancel_fire(d->fake.cancel, 15);
	assert_false(
		google_metadata_is_here_by(&d->options, &d->fake.world, path, &here, &d->fake.err));
	assert_err(&d->fake.err, ERR_CANCELLED, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_CASE(test_bad_answers),
		BARE_CASE(test_what_it_is_asked),
		BARE_CASE(test_life_counts_from_when_it_was_asked),
		BARE_CASE(test_universe_and_email_that_are_none),
		BARE_CASE(test_universe_of_another_server),
		BARE_CASE(test_impersonation_in_its_universe),
		BARE_CASE(test_universe_of_the_environment),
		BARE_CASE(test_hosts),
		BARE_CASE(test_hosts_that_are_none),
		BARE_CASE(test_mtls),
		BARE_CASE(test_server_that_comes_up_late),
		BARE_CASE(test_server_that_never_comes_up),
		BARE_CASE(test_cancel),
		BARE_CASE(test_one_question_at_a_time),
		BARE_CASE(test_here_without_a_question),
		BARE_CASE(test_here_by_its_answer),
		BARE_CASE(test_somebody_else_is_there),
		BARE_CASE(test_nobody_is_there),
		BARE_CASE(test_googles_machine_waits_for_its_server),
		BARE_CASE(test_googles_machine_without_a_server),
		BARE_CASE(test_looking_ends_with_a_cancel_or_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
