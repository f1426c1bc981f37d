/* Workload identity federation: what a file must have, what is exchanged for what, and how long that lives. */
#include "auth/bare_fixture.h"

#define POOL "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"
#define WORKFORCE "//iam.googleapis.com/locations/global/workforcePools/p/providers/q"
#define JWT "urn:ietf:params:oauth:token-type:jwt"
#define ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define STS "https://sts.example/v1/token"
#define IMPERSONATION \
	"https://iam.example/v1/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com"
#define SUBJECT "'credential_source':{'url':'https://oidc.example/'}"
#define AUDIENCE "'audience':'" POOL "',"
#define TYPE "'subject_token_type':'" JWT "',"
#define URL "'token_url':'" STS "',"
#define PLAIN "{'type':'external_account'," AUDIENCE TYPE URL SUBJECT "}"
#define IMPERSONATED(more)                                           \
	"{'type':'external_account'," AUDIENCE TYPE URL SUBJECT more \
	",'service_account_impersonation_url':'" IMPERSONATION ":generateAccessToken'}"
#define ANSWER "{\"access_token\":\"SECRET-google\",\"expires_in\":299,\"token_type\":\"Bearer\"}"

static bool make(struct desk *d, const char *json, struct google_minter **ret)
{
	CLEANUP(js_freep) struct js *j = js_of_single_quoted(json);

	*ret = NULL;
	err_clear(&d->fake.err);
	return google_external_new(j, &d->options, ret, &d->fake.err);
}

static struct google_minter *made(struct desk *d, const char *json)
{
	struct google_minter *m;

	if (!make(d, json, &m))
		fail_msg("%s: %s", json, d->fake.err.message);
	return m;
}

/* Files */

static const struct {
	const char *json, *words;
} bad_files[] = {
	{ "{}", "audience" },
	{ "[]", "not a JSON object" },
	{ "{" TYPE SUBJECT "}", "audience" },
	{ "{'audience':''," TYPE SUBJECT "}", "audience" },
	{ "{'audience':7," TYPE SUBJECT "}", "audience" },
	{ "{" AUDIENCE SUBJECT "}", "subject_token_type" },
	{ "{" AUDIENCE TYPE "'x':1}", "credential_source" },
	{ "{" AUDIENCE TYPE "'credential_source':[]}", "credential_source" },
	{ "{" AUDIENCE TYPE "'credential_source':'/file'}", "credential_source" },
	{ "{" AUDIENCE TYPE "'credential_source':{'certificate':{}}}", "not supported" },
	{ "{" AUDIENCE TYPE "'workforce_pool_user_project':'p'," SUBJECT "}", "workforce" },
	{ "{'audience':'//iam.googleapis.com/locations//workloadIdentityPools/x'," TYPE
	  "'workforce_pool_user_project':'p'," SUBJECT "}",
	  "workforce" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':-1}"),
	  "token_lifetime_seconds" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':43201}"),
	  "token_lifetime_seconds" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':'1h'}"),
	  "token_lifetime_seconds" },
};

static void test_bad_files(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
		struct google_minter *m;

		if (make(d, bad_files[i].json, &m))
			fail_msg("taken: %s", bad_files[i].json);
		assert_null(m);
		assert_no_credential(d, bad_files[i].words);
	}
}

static void test_what_a_file_says_of_itself(void **state)
{
	CLEANUP(google_minter_freep) struct google_minter *m = made(*state, PLAIN);
	CLEANUP(google_minter_freep) struct google_minter *i = made(*state, IMPERSONATED(""));

	assert_string_equal(m->kind, "external_account");
	assert_string_equal(m->principal, POOL);
	assert_string_equal(m->universe, GOOGLE_UNIVERSE_DEFAULT);
	assert_true(m->renewable);
	assert_string_equal(i->principal, "sa@p.iam.gserviceaccount.com");
	assert_true(i->renewable);
}

/* The exchange */

static void expect_subject(struct desk *d, const char *token)
{
	fake_expect(d->t, (struct fake_answer){
				  .url = "https://oidc.example/", .status = 200, .body = token });
}

static void expect_exchange(struct desk *d, int status, const char *body)
{
	fake_expect(d->t,
		    (struct fake_answer){
			    .method = "POST", .url = "/v1/token", .status = status, .body = body });
}

static void assert_mints_not(struct desk *d, struct google_minter *m, enum err_code code,
			     const char *words)
{
	struct google_token t = { 0 };

	assert_false(mint(d, m, &t));
	assert_null(t.secret);
	assert_err(&d->fake.err, code, words);
}

#define FORM(scope, token, type)                                                       \
	"audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2Flocations%2Fglobal%2F"     \
	"workloadIdentityPools%2Fp%2Fproviders%2Fq&grant_type=urn%3Aietf%3Aparams%3A"  \
	"oauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn%3Aietf%3Aparams" \
	"%3Aoauth%3Atoken-type%3Aaccess_token&scope=" scope "&subject_token=" token    \
	"&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A" type

static void test_a_new_subject_for_every_exchange(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = made(d, PLAIN);
	const struct fake_request *r;

	expect_subject(d, "SECRET.one/+=\n");
	expect_exchange(d, 200, ANSWER);
	expect_subject(d, "SECRET.two\n");
	expect_exchange(d, 200, ANSWER);
	assert_mints(d, m, "SECRET-google", 299000);
	assert_mints(d, m, "SECRET-google", 299000);
	r = fake_request_at(d->t, 1);
	assert_string_equal(r->method, "POST");
	assert_string_equal(r->url, STS);
	assert_string_equal(r->content_type, "application/x-www-form-urlencoded");
	assert_string_equal(r->body,
			    FORM("https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%20"
				 "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email",
				 "SECRET.one%2F%2B%3D", "jwt"));
	assert_false(r->authorized);
	assert_non_null(strstr(fake_request_at(d->t, 3)->body, "subject_token=SECRET.two&"));
}

static void test_scopes_that_are_wanted(void **state)
{
	static const char *const scopes[] = { "https://a.example/x", "b", NULL };
	static const struct google_want want = { .scopes = scopes };
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = made(d, PLAIN);
	struct google_token t;

	expect_subject(d, "SECRET");
	expect_exchange(d, 200, ANSWER);
	assert_true(google_mint(m, &d->fake.world, &want, &t, &d->fake.err));
	google_token_clear(&t);
	assert_string_equal(fake_request_at(d->t, 1)->body,
			    FORM("https%3A%2F%2Fa.example%2Fx%20b", "SECRET", "jwt"));
}

static const struct {
	const char *file, *url, *authorization, *options;
} exchanges[] = {
	{ "{" AUDIENCE TYPE SUBJECT "}", "https://sts.googleapis.com/v1/token", NULL, NULL },
	{ "{" AUDIENCE TYPE "'universe_domain':'example.goog'," SUBJECT "}",
	  "https://sts.example.goog/v1/token", NULL, NULL },
	{ "{" AUDIENCE TYPE "'universe_domain':'example.goog'," URL SUBJECT "}", STS, NULL, NULL },
	{ "{" AUDIENCE TYPE "'token_url':'http://127.0.0.1:9/v1/token'," SUBJECT "}",
	  "http://127.0.0.1:9/v1/token", NULL, NULL },
	{ "{" AUDIENCE TYPE "'client_id':'id','client_secret':'SECRET'," SUBJECT "}",
	  "https://sts.googleapis.com/v1/token", "Basic aWQ6U0VDUkVU", NULL },
	{ "{" AUDIENCE TYPE "'client_id':'id'," SUBJECT "}", "https://sts.googleapis.com/v1/token",
	  "Basic aWQ6", NULL },
	{ "{" AUDIENCE TYPE "'client_id':'','client_secret':'SECRET'," SUBJECT "}",
	  "https://sts.googleapis.com/v1/token", NULL, NULL },
	{ "{'audience':'" WORKFORCE "'," TYPE "'workforce_pool_user_project':'p1'," SUBJECT "}",
	  "https://sts.googleapis.com/v1/token", NULL,
	  "&options=%7B%22userProject%22%3A%22p1%22%7D" },
	{ "{'audience':'" WORKFORCE "'," TYPE "'workforce_pool_user_project':'p1'," SUBJECT
	  ",'client_id':'id','client_secret':'SECRET'}",
	  "https://sts.googleapis.com/v1/token", "Basic aWQ6U0VDUkVU", NULL },
};

static void test_exchanges(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = made(d, exchanges[i].file);
		const struct fake_request *r;

		expect_subject(d, "SECRET");
		expect_exchange(d, 200, ANSWER);
		assert_mints(d, m, "SECRET-google", 299000);
		r = fake_request_at(d->t, 2 * i + 1);
		assert_string_equal(r->url, exchanges[i].url);
		if (exchanges[i].authorization)
			assert_string_equal(r->authorization, exchanges[i].authorization);
		else
			assert_false(r->authorized);
		if (exchanges[i].options)
			assert_non_null(strstr(r->body, exchanges[i].options));
		else
			assert_null(strstr(r->body, "options"));
	}
}

static const struct {
	const char *file;
	const char *words;
} bad_places[] = {
	{ "{" AUDIENCE TYPE "'token_url':'http://sts.example/v1/token'," SUBJECT "}", "no place" },
	{ "{" AUDIENCE TYPE "'token_url':'http://169.254.169.254/token'," SUBJECT "}", "no place" },
	{ "{" AUDIENCE TYPE "'token_url':'sts'," SUBJECT "}", "no place" },
};

static void test_bad_places(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_places); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = made(d, bad_places[i].file);

		expect_subject(d, "SECRET");
		assert_mints_not(d, m, ERR_NO_CREDENTIAL, bad_places[i].words);
	}
	assert_int_equal(fake_requests_to(d->t, "POST", NULL), 0);
}

/* Answers */

static const struct {
	int status;
	const char *body, *words;
} bad_answers[] = {
	{ 200, "", "JSON" },
	{ 200, "SECRET", "JSON" },
	{ 200, "{}", "no 'access_token'" },
	{ 200, "{\"access_token\":\"\",\"expires_in\":9}", "no 'access_token'" },
	{ 200, "{\"access_token\":\"SECRET\"}", "has no life" },
	{ 200, "{\"access_token\":\"SECRET\",\"expires_in\":null}", "has no life" },
	{ 200, "{\"access_token\":\"SECRET\",\"expires_in\":0}", "has no life" },
	{ 200, "{\"access_token\":\"SECRET\",\"expires_in\":-1}", "has no life" },
	{ 200, "{\"access_token\":\"SECRET\",\"expires_in\":\"soon\"}", "has no life" },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"stale\"}", "400" },
	{ 401, "{\"error\":\"invalid_client\"}", "401" },
	{ 403, "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\"}}", "403" },
	{ 302, "", "302" },
};

static void test_bad_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = made(d, PLAIN);

		expect_subject(d, "SECRET");
		expect_exchange(d, bad_answers[i].status, bad_answers[i].body);
		assert_mints_not(d, m, ERR_NO_CREDENTIAL, bad_answers[i].words);
	}
}

/* What came from a user's access token lives as long as that did, which nobody tells. */
static void test_life_of_an_exchanged_access_token(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep)
	struct google_minter *m =
		made(d, "{" AUDIENCE "'subject_token_type':'" ACCESS_TOKEN "'," URL SUBJECT "}");
	struct google_token t = { 0 };

	expect_subject(d, "SECRET");
	expect_exchange(d, 200, "{\"access_token\":\"SECRET-2\"}");
	assert_true(mint(d, m, &t));
	assert_false(t.expiry_known);
	assert_string_equal(secret_reveal(t.secret), "SECRET-2");
	google_token_clear(&t);
}

static void test_subject_that_fails(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = made(d, PLAIN);

	fake_expect(d->t, (struct fake_answer){ .status = 403, .body = "no id-token permission" });
	assert_mints_not(d, m, ERR_NO_CREDENTIAL, "asked for a subject token");
	expect_subject(d, "SECRET");
	fake_expect(d->t, (struct fake_answer){ .status = 503 });
	expect_exchange(d, 200, ANSWER);
	assert_mints(d, m, "SECRET-google", 299000);
}

/* A token of 12 KiB is the longest that the service says it gives. */
static void test_long_tokens(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = made(d, PLAIN);
	CLEANUP(mem_freep) char *token = mem_alloc(12289);
	CLEANUP(mem_freep) char *answer = NULL;

	memset(token, 'x', 12288);
	answer = mem_printf("{\"access_token\":\"%s\",\"expires_in\":\"299\"}", token);
	expect_subject(d, token);
	expect_exchange(d, 200, answer);
	assert_mints(d, m, token, 299000);
	assert_non_null(strstr(fake_request_at(d->t, 1)->body, token));
}

/* Impersonation */

#define IAM_ANSWER "{\"accessToken\":\"SECRET-sa\",\"expireTime\":\"2026-11-24T16:00:00Z\"}"

static const struct {
	const char *file, *lifetime;
} lifetimes[] = {
	{ IMPERSONATED(""), "\"lifetime\":\"3600s\"" },
	{ IMPERSONATED(",'service_account_impersonation':{}"), "\"lifetime\":\"3600s\"" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':7200}"),
	  "\"lifetime\":\"7200s\"" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':0}"),
	  "\"lifetime\":\"3600s\"" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':300}"),
	  "\"lifetime\":\"300s\"" },
	{ IMPERSONATED(",'service_account_impersonation':{'token_lifetime_seconds':43200}"),
	  "\"lifetime\":\"43200s\"" },
};

static void test_impersonation(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lifetimes); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = made(d, lifetimes[i].file);
		const struct fake_request *r;

		expect_subject(d, "SECRET");
		expect_exchange(d, 200, ANSWER);
		fake_expect(d->t, (struct fake_answer){ .url = "iam.example",
							.status = 200,
							.body = IAM_ANSWER });
		assert_mints(d, m, "SECRET-sa", 7200000);
		r = fake_request_at(d->t, 3 * i + 2);
		assert_string_equal(r->url, IMPERSONATION ":generateAccessToken");
		assert_string_equal(r->authorization, "Bearer SECRET-google");
		assert_non_null(strstr(r->body, lifetimes[i].lifetime));
		assert_non_null(strstr(fake_request_at(d->t, 3 * i + 1)->body,
				       "scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2F"
				       "cloud-platform&"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_CASE(test_bad_files),
		BARE_CASE(test_what_a_file_says_of_itself),
		BARE_CASE(test_a_new_subject_for_every_exchange),
		BARE_CASE(test_scopes_that_are_wanted),
		BARE_CASE(test_exchanges),
		BARE_CASE(test_bad_places),
		BARE_CASE(test_bad_answers),
		BARE_CASE(test_life_of_an_exchanged_access_token),
		BARE_CASE(test_subject_that_fails),
		BARE_CASE(test_long_tokens),
		BARE_CASE(test_impersonation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
