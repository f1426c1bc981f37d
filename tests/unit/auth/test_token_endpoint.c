/* One question to a token endpoint: where the credential may go, how it is written, and what an answer means. */
#include "http/fake_transport.h"

#include "auth/token_endpoint.h"

#include "http/fake_transport.c"

struct booth {
	struct fake_world fake;
	struct fake_transport *t;
	struct http_client *c;
	struct http_scope scope;
	struct credential credential;
	struct token_request request;
	struct token_answer answer;
	int64_t asked_ms;
};

static int setup(void **state)
{
	const struct retry_policy policy = RETRY_POLICY_DEFAULT;
	struct booth *b = NEW(struct booth);

	fake_world_init(&b->fake);
	b->t = fake_transport_new(&b->fake);
	b->c = http_client_new_borrowing(&b->t->transport, &policy);
	b->scope.resources[0] = "repository:a/b:pull,push";
	b->credential.user = (char *)"user";
	b->credential.secret = secret_new("SECRET+&=/", 10);
	b->request = (struct token_request){ .registry_url = "https://r.example",
					     .realm = "https://r.example/token",
					     .service = "r.example",
					     .scope = &b->scope,
					     .credential = &b->credential };
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct booth *b = *state;

	token_answer_clear(&b->answer);
	secret_free(b->credential.secret);
	http_client_free(b->c);
	transport_free(&b->t->transport);
	fake_world_clear(&b->fake);
	free(b);
	return 0;
}

#define GRANT                                                         \
	{                                                             \
		.status = 200, .body = "{\"token\":\"SECRET-token\"}" \
	}

static enum token_outcome ask(struct booth *b)
{
	struct token_history history = { 0 };
	enum token_outcome outcome;

	token_answer_clear(&b->answer);
	err_clear(&b->fake.err);
	do
		outcome = token_endpoint_attempt(b->c, &b->fake.world, &b->request, &history,
						 &b->answer, &b->asked_ms, &b->fake.err);
	while (outcome == TOKEN_AGAIN);
	return outcome;
}

static void assert_granted(struct booth *b)
{
	if (ask(b) != TOKEN_GRANTED)
		fail_msg("%s", b->fake.err.message);
	assert_string_equal(secret_reveal(b->answer.token), "SECRET-token");
	assert_script_done(b->t);
}

static void assert_fails(struct booth *b, enum token_outcome outcome, enum err_code code,
			 const char *words)
{
	assert_int_equal(ask(b), outcome);
	assert_err(&b->fake.err, code, words);
	assert_script_done(b->t);
}

static const struct fake_request *last_request(struct booth *b)
{
	return fake_request_at(b->t, b->t->request_count - 1);
}

/* Where a credential may go */

static const struct {
	const char *registry, *realm;
	bool with, without; /* is it asked with a credential, and anonymously */
} realms[] = {
	/* no URL that we follow */
	{ "https://r.example", "", false, false },
	{ "https://r.example", "token", false, false },
	{ "https://r.example", "/token", false, false },
	{ "https://r.example", "ftp://r.example/token", false, false },
	{ "https://r.example", "file:///etc/passwd", false, false },
	/* the credential in the clear */
	{ "https://r.example", "http://r.example/token", false, true },
	{ "https://r.example", "http://auth.example/token", false, true },
	/* named by who knows whom */
	{ "http://r.example", "https://auth.example/token", false, true },
	{ "http://r.example", "http://auth.example/token", false, true },
	/* inside */
	{ "https://r.example", "https://169.254.169.254/token", false, false },
	{ "https://r.example", "http://metadata.google.internal/token", false, false },
	{ "https://r.example", "https://127.0.0.1/token", false, false },
	{ "https://r.example", "https://localhost:5001/token", false, false },
	{ "https://r.example", "https://[::1]/token", false, false },
	{ "https://r.example", "https://0x7f.1/token", false, false },
	{ "https://r.example", "https://[::ffff:169.254.169.254]/", false, false },
	{ "http://localhost:5000", "http://169.254.169.254/token", false, false },
	{ "http://localhost:5000", "https://metadata/token", false, false },
	/* fine */
	{ "https://r.example", "https://r.example/token", true, true },
	{ "https://r.example", "https://auth.example/token", true, true },
	{ "https://r.example", "HTTPS://auth.example/token", true, true },
	{ "http://r.example", "http://r.example/token", true, true },
	{ "http://localhost:5000", "http://127.0.0.1:5001/token", true, true },
	{ "https://127.0.0.1:5000", "https://localhost:5001/token", true, true },
	{ "http://localhost:5000", "https://auth.example/token", false, true },
};

static void assert_realm(struct booth *b, size_t i, bool anonymous)
{
	bool allowed = anonymous ? realms[i].without : realms[i].with;
	size_t before = b->t->request_count;
	enum token_outcome outcome;

	b->request.registry_url = realms[i].registry;
	b->request.realm = realms[i].realm;
	b->request.credential = anonymous ? NULL : &b->credential;
	outcome = ask(b);
	if ((outcome == TOKEN_GRANTED) != allowed)
		fail_msg("%s names %s: %d", realms[i].registry, realms[i].realm, outcome);
	assert_int_equal(b->t->request_count - before, allowed ? 1 : 0);
	if (allowed)
		assert_int_equal(last_request(b)->authorized, !anonymous);
	else
		assert_err(&b->fake.err, ERR_NO_CREDENTIAL, "as its token endpoint");
}

static void test_realms(void **state)
{
	struct booth *b = *state;
	struct fake_answer grant = GRANT;

	grant.times = FAKE_ALWAYS;
	fake_expect(b->t, grant);
	for (size_t i = 0; i < ARRAY_SIZE(realms); i++) {
		assert_realm(b, i, false);
		assert_realm(b, i, true);
	}
}

static void test_realm_elsewhere_must_not_resolve_inside(void **state)
{
	static const struct {
		const char *registry, *realm;
		bool outside_only;
	} cases[] = {
		{ "https://r.example", "https://auth.example/token", true },
		{ "https://r.example", "https://r.example/token", false },
		{ "http://localhost:5000", "http://127.0.0.1:5001/token", false },
	};
	struct booth *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_expect(b->t, (struct fake_answer)GRANT);
		b->request.registry_url = cases[i].registry;
		b->request.realm = cases[i].realm;
		assert_granted(b);
		assert_int_equal(last_request(b)->outside_only, cases[i].outside_only);
	}
}

static void test_redirect_of_the_endpoint_does_not_take_the_credential_along(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t, (struct fake_answer){
				  .status = 307,
				  .headers = { { "Location", "https://evil.test/token" } } });
	fake_expect(b->t, (struct fake_answer)GRANT);
	assert_granted(b);
	assert_true(fake_request_at(b->t, 0)->authorized);
	assert_false(fake_request_at(b->t, 1)->authorized);
}

/* How it is asked */

static void test_get_carries_service_and_scopes(void **state)
{
	struct booth *b = *state;
	const char *url;

	b->scope.resources[1] = "repository:c/d:pull";
	b->request.realm = "https://r.example/token?account=x";
	fake_expect(b->t, (struct fake_answer)GRANT);
	fake_advance(&b->fake, 77);
	assert_granted(b);
	url = last_request(b)->url;
	assert_string_equal(last_request(b)->method, "GET");
	assert_int_equal(strncasecmp(url,
				     "https://r.example/token?account=x&service=r.example&"
				     "scope=repository%3aa%2fb%3apull%2cpush&"
				     "scope=repository%3ac%2fd%3apull",
				     500),
			 0);
	assert_string_equal(last_request(b)->authorization, "Basic dXNlcjpTRUNSRVQrJj0v");
	assert_true(last_request(b)->answer_ms > 0 && last_request(b)->answer_ms <= 10000);
	assert_int_equal(b->asked_ms, BOOT_START_MS + 77);
}

static void test_no_service_no_scope_no_credential(void **state)
{
	struct booth *b = *state;

	b->request.service = NULL;
	b->request.credential = NULL;
	b->scope.resources[0] = NULL;
	fake_expect(b->t, (struct fake_answer)GRANT);
	assert_granted(b);
	assert_string_equal(last_request(b)->url, "https://r.example/token");
	assert_false(last_request(b)->authorized);
}

static void assert_form(struct booth *b, const char *form)
{
	const struct fake_request *r = last_request(b);

	assert_string_equal(r->method, "POST");
	assert_string_equal(r->url, "https://r.example/token");
	assert_string_equal(r->content_type, "application/x-www-form-urlencoded");
	assert_false(r->authorized);
	if (strcasecmp(r->body, form) != 0)
		fail_msg("%s", r->body);
}

static void test_identity_token_is_posted_as_a_form(void **state)
{
	struct booth *b = *state;

	b->credential.user = NULL;
	b->credential.is_identity_token = true;
	fake_expect(b->t, (struct fake_answer)GRANT);
	assert_granted(b);
	assert_int_equal(b->t->request_count, 1);
	assert_form(b, "grant_type=refresh_token&client_id=landed&service=r.example&"
		       "scope=repository%3aa%2fb%3apull%2cpush&refresh_token=SECRET%2b%26%3d%2f");
}

static void test_endpoint_that_knows_only_post(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t, (struct fake_answer){ .method = "GET", .status = 405 });
	fake_expect(b->t, (struct fake_answer){ .method = "POST",
						.status = 200,
						.body = "{\"access_token\":\"SECRET-token\"}" });
	assert_granted(b);
	assert_form(b, "grant_type=password&client_id=landed&service=r.example&"
		       "scope=repository%3aa%2fb%3apull%2cpush&username=user&"
		       "password=SECRET%2b%26%3d%2f");
}

/* The body holds the secret: a redirect would carry it along. */
static void test_form_follows_no_redirect(void **state)
{
	struct booth *b = *state;

	b->credential.is_identity_token = true;
	fake_expect(b->t, (struct fake_answer){
				  .status = 307,
				  .times = 4,
				  .headers = { { "Location", "https://evil.test/token" } } });
	assert_fails(b, TOKEN_FAILED, ERR_NO_CREDENTIAL, "answered with 307");
	assert_int_equal(fake_requests_to(b->t, NULL, "evil.test"), 0);
}

/* What an answer means */

static const struct {
	int status;
	const char *body;
	enum token_outcome outcome;
	enum err_code code;
	size_t requests;
} answers[] = {
	{ 401, "", TOKEN_CREDENTIAL_REFUSED, ERR_REFUSED, 1 },
	{ 401, "{\"details\":\"incorrect username or password\"}", TOKEN_CREDENTIAL_REFUSED,
	  ERR_REFUSED, 1 },
	{ 401, "denied: no permission", TOKEN_CREDENTIAL_REFUSED, ERR_REFUSED, 1 },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"token expired\"}",
	  TOKEN_CREDENTIAL_REFUSED, ERR_REFUSED, 1 },
	{ 403, "Unauthenticated requests do not have permission x", TOKEN_CREDENTIAL_REFUSED,
	  ERR_REFUSED, 1 },
	{ 403, "", TOKEN_DENIED, ERR_DENIED, 1 },
	{ 403, "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"Permission x denied\"}]}",
	  TOKEN_DENIED, ERR_DENIED, 1 },
	{ 400, "bad scope", TOKEN_FAILED, ERR_NO_CREDENTIAL, 1 },
	{ 404, "", TOKEN_FAILED, ERR_NO_CREDENTIAL, 4 },
	{ 200, "<html>log in here</html>", TOKEN_FAILED, ERR_NO_CREDENTIAL, 4 },
	{ 200, "{}", TOKEN_FAILED, ERR_NO_CREDENTIAL, 4 },
	{ 204, "", TOKEN_FAILED, ERR_NO_CREDENTIAL, 4 },
	{ 418, "", TOKEN_FAILED, ERR_NO_CREDENTIAL, 4 },
};

static void test_answers(void **state)
{
	struct booth *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		size_t before = b->t->request_count;
		enum token_outcome outcome;

		fake_expect(b->t, (struct fake_answer){ .status = answers[i].status,
							.body = answers[i].body,
							.times = answers[i].requests });
		outcome = ask(b);
		if (outcome != answers[i].outcome || b->fake.err.code != answers[i].code)
			fail_msg("%d %s: %d, code %d", answers[i].status, answers[i].body, outcome,
				 b->fake.err.code);
		assert_int_equal(b->t->request_count - before, answers[i].requests);
		assert_err_keeps_secrets(&b->fake.err);
	}
	assert_script_done(b->t);
}

static void test_words_of_the_endpoint_are_evidence(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t, (struct fake_answer){ .status = 401, .body = "{\"details\":\"no\"}" });
	assert_int_equal(ask(b), TOKEN_CREDENTIAL_REFUSED);
	assert_string_equal(b->fake.err.evidence, "401 no");
}

static void test_a_denial_names_the_role(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t,
		    (struct fake_answer){
			    .status = 403,
			    .body = "Permission 'artifactregistry.repositories.uploadArtifacts' "
				    "denied" });
	assert_int_equal(ask(b), TOKEN_DENIED);
	assert_non_null(strstr(b->fake.err.hint, "roles/artifactregistry.writer"));
}

static void test_bad_answer_of_a_good_endpoint_passes(void **state)
{
	static const struct fake_answer once[] = {
		{ .status = 404 },
		{ .status = 200, .body = "<html>maintenance</html>" },
		{ .status = 200, .body = "{\"token\":" },
		{ .status = 200, .body = "{\"tok", .cut = true },
		{ .status = 503 },
		{ .status = 429, .headers = { { "Retry-After", "3" } } },
		{ .failure = HTTP_FAILED_UNDER_WAY },
	};
	struct booth *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
		fake_expect(b->t, once[i]);
		fake_expect(b->t, (struct fake_answer)GRANT);
		assert_granted(b);
	}
	assert_int_equal(b->t->request_count, 2 * ARRAY_SIZE(once));
}

/* The life counts from the request that was answered, not from the one before it. */
static void test_asked_is_when_the_good_request_was_sent(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t, (struct fake_answer){ .status = 404, .takes_ms = 5000 });
	fake_expect(b->t, (struct fake_answer){ .status = 200,
						.body = "{\"token\":\"SECRET-token\"}",
						.takes_ms = 700 });
	assert_granted(b);
	assert_int_equal(b->asked_ms, last_request(b)->at_ms);
	assert_true(b->asked_ms >= BOOT_START_MS + 5000);
}

/* A passing fault is waited for inside the client: the life must not count from before the wait. */
static void test_asked_is_not_before_a_wait_for_a_fault(void **state)
{
	struct booth *b = *state;

	fake_expect(b->t,
		    (struct fake_answer){ .status = 429, .headers = { { "Retry-After", "50" } } });
	fake_expect(b->t, (struct fake_answer)GRANT);
	assert_granted(b);
	assert_int_equal(b->asked_ms, last_request(b)->at_ms);
}

static void test_cancel_and_deadline_end_it(void **state)
{
	struct booth *b = *state;

	b->fake.cancel_at_sleep = 1;
	fake_expect(b->t, (struct fake_answer){ .status = 404 });
	assert_fails(b, TOKEN_FAILED, ERR_CANCELLED, "SIGTERM");
	b->fake.cancel_at_sleep = 0;
	b->fake.world.cancel = NULL;
	b->fake.world.deadline_ms = world_now_ms(&b->fake.world) + 3000;
	fake_expect(b->t, (struct fake_answer){ .status = 503, .times = FAKE_ALWAYS });
	assert_fails(b, TOKEN_FAILED, ERR_TIMEOUT, "time is up");
}

static void test_headers(void **state)
{
	struct booth *b = *state;
	struct credential nobody = { .secret = b->credential.secret };
	CLEANUP(secret_freep) struct secret *basic = basic_header(&b->credential);
	CLEANUP(secret_freep) struct secret *no_user = basic_header(&nobody);
	CLEANUP(secret_freep) struct secret *bearer = bearer_header(b->credential.secret);

	assert_string_equal(secret_reveal(basic), "Basic dXNlcjpTRUNSRVQrJj0v");
	assert_string_equal(secret_reveal(no_user), "Basic OlNFQ1JFVCsmPS8=");
	assert_string_equal(secret_reveal(bearer), "Bearer SECRET+&=/");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_realms),
		CASE(test_realm_elsewhere_must_not_resolve_inside),
		CASE(test_redirect_of_the_endpoint_does_not_take_the_credential_along),
		CASE(test_get_carries_service_and_scopes),
		CASE(test_no_service_no_scope_no_credential),
		CASE(test_identity_token_is_posted_as_a_form),
		CASE(test_endpoint_that_knows_only_post),
		CASE(test_form_follows_no_redirect),
		CASE(test_answers),
		CASE(test_words_of_the_endpoint_are_evidence),
		CASE(test_a_denial_names_the_role),
		CASE(test_bad_answer_of_a_good_endpoint_passes),
		CASE(test_asked_is_when_the_good_request_was_sent),
		CASE(test_asked_is_not_before_a_wait_for_a_fault),
		CASE(test_cancel_and_deadline_end_it),
		CASE(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
