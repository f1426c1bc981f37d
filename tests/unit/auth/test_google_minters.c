/* Credential files and what is asked for by each of them: byte for byte what Google's own libraries ask. */
#include "auth/google_fixture.h"

#include "wire/jwt.h"

/* Files that are none */

static const struct {
	const char *text, *words;
} bad_files[] = {
	{ "{}", "'type' is missing" },
	{ "[]", "'type' is missing" },
	{ "{\"type\":\"\"}", "'type' is missing" },
	{ "{\"type\":7}", "'type' is missing" },
	{ "{\"installed\":{\"client_id\":\"c\"}}", "'type' is missing" },
	{ "{\"type\":\"gdch_service_account\"}", "'gdch_service_account' is not supported" },
	{ "{\"type\":\"Service_Account\"}", "'Service_Account' is not supported" },
	{ "{\"type\":\"service_account\"}", "'client_email' is missing" },
	{ "{\"type\":\"service_account\",\"client_email\":7,\"private_key\":\"SECRET\"}",
	  "'client_email' is not a string" },
	{ "{\"type\":\"service_account\",\"client_email\":\"\",\"private_key\":\"SECRET\"}",
	  "'client_email' is empty" },
	{ "{\"type\":\"service_account\",\"client_email\":\"a@b\"}", "'private_key' is missing" },
	{ "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"SECRET\"}",
	  "'private_key': not a private key" },
	{ "{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"SECRET\"}",
	  "'refresh_token' is missing" },
	{ "{\"type\":\"authorized_user\",\"client_id\":\"c\",\"refresh_token\":\"SECRET\"}",
	  "'client_secret' is missing" },
	{ "{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"SECRET\","
	  "\"refresh_token\":\"SECRET\",\"universe_domain\":\"u.example\"}",
	  "of no use in 'u.example'" },
	{ "{\"type\":\"external_account_authorized_user\",\"client_id\":\"c\"}",
	  "'client_secret' is missing" },
	{ "{\"type\":\"impersonated_service_account\"}",
	  "'service_account_impersonation_url' is missing" },
	{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\"}",
	  "'source_credentials' is missing" },
	{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"\","
	  "\"source_credentials\":" USER_FILE "}",
	  "'service_account_impersonation_url' is empty" },
	{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\","
	  "\"source_credentials\":{\"type\":\"x\"}}",
	  "source_credentials: a Google credential of type 'x' is not supported" },
	{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\","
	  "\"delegates\":[7],\"source_credentials\":" USER_FILE "}",
	  "'delegates' is no list" },
	{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"u\","
	  "\"delegates\":\"a@b\",\"source_credentials\":" USER_FILE "}",
	  "'delegates' is not an array" },
};

static void test_bad_files(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
		CLEANUP(js_freep) struct js *file = js_of(bad_files[i].text);
		struct google_minter *m = NULL;

		if (google_minter_from_json(file, "file", &d->options, &m, &d->fake.err))
			fail_msg("taken for a credential: %s", bad_files[i].text);
		assert_null(m);
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, bad_files[i].words);
	}
}

static void test_files_that_cannot_be_read(void **state)
{
	static const char *const texts[] = { "", "SECRET", "{\"type\":", "{} {}" };
	struct desk *d = *state;
	struct google_minter *m = NULL;

	assert_false(google_minter_from_file("/no/such/file", "named by X", &d->options, &m,
					     &d->fake.err));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "named by X: opening '/no/such/file'");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(mem_freep) char *path = desk_write(d, "f", texts[i]);

		assert_false(
			google_minter_from_file(path, "named by X", &d->options, &m, &d->fake.err));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "named by X: not valid JSON");
	}
	assert_null(m);
}

/* Service accounts */

/* The JSON of the nth part of a JWT. */
static struct js *part_of(const char *jwt, int nth)
{
	CLEANUP(secret_freep) struct secret *clear = NULL;

	while (nth--)
		jwt = strchr(jwt, '.') + 1;
	assert_true(base64url_decode(jwt, strcspn(jwt, "."), &clear));
	return js_of(secret_reveal(clear));
}

static void assert_field(const struct js *j, const char *name, const char *value)
{
	const char *text = js_string(js_get(j, name));

	assert_int_equal(!text, !value);
	if (value)
		assert_string_equal(text, value);
}

static void assert_jwt(const char *jwt, const char *audience, const char *subject)
{
	CLEANUP(js_freep) struct js *header = part_of(jwt, 0);
	CLEANUP(js_freep) struct js *claims = part_of(jwt, 1);
	int64_t iat, exp;

	assert_field(header, "alg", "RS256");
	assert_field(header, "typ", "JWT");
	assert_field(header, "kid", "kid0001");
	assert_field(claims, "iss", EMAIL);
	assert_field(claims, "aud", audience);
	assert_field(claims, "sub", subject);
	assert_field(claims, "scope", GOOGLE_SCOPE_PLATFORM " " GOOGLE_SCOPE_EMAIL);
	assert_true(js_integer(js_get(claims, "iat"), &iat));
	assert_true(js_integer(js_get(claims, "exp"), &exp));
	assert_int_equal(iat, WALL_START_MS / 1000 - 10);
	assert_int_equal(exp - iat, 3600);
}

static void test_service_account(void **state)
{
	static const char grant[] =
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
	struct desk *d = *state;
	CLEANUP(mem_freep) char *file = key_file(NULL);
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, file);
	const struct fake_request *r;

	expect_grant(d, "https://sa.example/token", GRANT("ya29.SECRET"));
	assert_mints(d, m, "ya29.SECRET", 3599000);
	r = last_request(d);
	assert_string_equal(r->content_type, "application/x-www-form-urlencoded");
	assert_false(r->authorized);
	assert_int_equal(strncmp(r->body, grant, sizeof(grant) - 1), 0);
	/* the audience is Google's, whatever stands before it */
	assert_jwt(r->body + sizeof(grant) - 1, "https://oauth2.googleapis.com/token", NULL);
	assert_string_equal(m->kind, "service_account");
	assert_string_equal(m->principal, EMAIL);
	assert_true(m->renewable);
}

static void test_service_account_asks_anew_each_time(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *file = key_file(GOOGLE_UNIVERSE_DEFAULT);
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, file);

	expect_grant(d, "https://sa.example/token", GRANT("SECRET-1"));
	expect_grant(d, "https://sa.example/token", GRANT("SECRET-2"));
	assert_mints(d, m, "SECRET-1", 3599000);
	assert_mints(d, m, "SECRET-2", 3599000);
}

static void test_service_account_without_token_uri(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *file = key_file(NULL);
	CLEANUP(js_freep) struct js *j = js_of(file);
	CLEANUP(mem_freep) char *without = NULL;
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;

	js_put_string(j, "token_uri", "");
	without = js_text(j, JS_COMPACT);
	m = minter_of(d, without);
	expect_grant(d, "https://oauth2.googleapis.com/token", GRANT("SECRET"));
	assert_mints(d, m, "SECRET", 3599000);
}

static void assert_signs_itself(struct desk *d, struct google_minter *m)
{
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	assert_true(mint(d, m, &t));
	assert_jwt(secret_reveal(t.secret), NULL, EMAIL);
	assert_true(t.expiry_known);
	assert_int_equal(t.life.expires_ms, BOOT_START_MS + 3590000);
	assert_int_equal(d->t->request_count, 0);
}

static void test_self_signed(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *file = key_file(NULL);
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, file);

	d->options.self_signed_jwt = true;
	assert_signs_itself(d, m);
}

/* There is no exchange in another universe. */
static void test_self_signed_in_another_universe(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *file = key_file("u.example");
	CLEANUP(mem_freep) char *plain = key_file(NULL);
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, file);
	CLEANUP(google_minter_freep) struct google_minter *by_environment = NULL;

	assert_signs_itself(d, m);
	setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "u.example", 1);
	by_environment = minter_of(d, plain);
	assert_string_equal(by_environment->universe, "u.example");
	assert_signs_itself(d, by_environment);
}

/* Users */

static void test_user(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);

	expect_grant(d, "https://user.example/token", GRANT("ya29.SECRET"));
	assert_mints(d, m, "ya29.SECRET", 3599000);
	assert_string_equal(last_request(d)->body,
			    "grant_type=refresh_token&refresh_token=1%2F%2FSECRET&client_id=cid&"
			    "client_secret=csec-SECRET");
	assert_false(last_request(d)->authorized);
	assert_false(m->has_grown);
}

static void test_user_must_log_in_again(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	fake_expect(d->t,
		    (struct fake_answer){ .status = 400,
					  .body = "{\"error\":\"invalid_grant\",\"error_subtype\":"
						  "\"invalid_rapt\"}" });
	assert_false(mint(d, m, &t));
	assert_words(d, "invalid_grant", "only its owner", "gcloud auth login");
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "user.example");
}

#define WORKFORCE_FILE                                                                            \
	"{\"type\":\"external_account_authorized_user\",\"client_id\":\"cid\",\"client_secret\":" \
	"\"csec-SECRET\",\"refresh_token\":\"SECRET-0\"}"

#define ROTATED(n) \
	"{\"access_token\":\"SECRET\",\"expires_in\":\"60\",\"refresh_token\":\"SECRET-" n "\"}"

/* What the endpoint puts in the place of a refresh token is what it wants to see from then on. */
static void test_workforce_user_and_rotation(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, WORKFORCE_FILE);
	static const char *const shown[] = { "0", "1", "1", "2" };
	static const char *const bodies[] = { ROTATED("1"), ROTATED("1"), ROTATED("2"),
					      GRANT("SECRET") };

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		CLEANUP(mem_freep)
		char *body =
			mem_printf("grant_type=refresh_token&refresh_token=SECRET-%s", shown[i]);

		expect_grant(d, "https://sts.googleapis.com/v1/oauthtoken", bodies[i]);
		assert_mints(d, m, "SECRET", i < 3 ? 60000 : 3599000);
		assert_string_equal(last_request(d)->body, body);
		assert_string_equal(last_request(d)->authorization, "Basic Y2lkOmNzZWMtU0VDUkVU");
	}
	assert_true(m->has_grown);
}

/* Impersonation */

#define IAM "https://iam.example/v1/projects/-/serviceAccounts/t@p:generateAccessToken"

#define IMPERSONATED_FILE(delegates)                                                              \
	"{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"" IAM \
	"\",\"delegates\":" delegates ",\"source_credentials\":" USER_FILE "}"

#define IAM_GRANT "{\"accessToken\":\"SECRET-target\",\"expireTime\":\"2026-11-24T15:00:00Z\"}"

static void expect_impersonation(struct desk *d, const char *url)
{
	expect_grant(d, "https://user.example/token", GRANT("SECRET-own"));
	expect_grant(d, url, IAM_GRANT);
}

static void test_impersonated(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep)
	struct google_minter *m = minter_of(d, IMPERSONATED_FILE("[\"d@p\",\"projects/-/x/e@p\"]"));

	expect_impersonation(d, IAM);
	assert_mints(d, m, "SECRET-target", 3600000);
	assert_string_equal(last_request(d)->authorization, "Bearer SECRET-own");
	assert_string_equal(last_request(d)->content_type, "application/json");
	assert_string_equal(last_request(d)->body,
			    "{\"scope\":[\"" GOOGLE_SCOPE_PLATFORM "\",\"" GOOGLE_SCOPE_EMAIL
			    "\"],\"lifetime\":\"3600s\",\"delegates\":"
			    "[\"projects/-/serviceAccounts/d@p\",\"projects/-/x/e@p\"]}");
	assert_string_equal(m->principal, "t@p");
	assert_string_equal(m->kind, "impersonated_service_account");
}

static void test_lifetimes(void **state)
{
	static const struct {
		int64_t file_ms, option_ms, want_ms;
		const char *asked;
	} cases[] = {
		{ 0, 0, 0, "\"3600s\"" },
		{ 7200000, 0, 0, "\"7200s\"" },
		{ 7200000, 43200000, 0, "\"43200s\"" },
		{ 7200000, 43200000, 60000, "\"60s\"" },
	};
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(google_minter_freep)
		struct google_minter *m = google_impersonate(minter_of(d, USER_FILE), "t@p", NULL,
							     NULL, cases[i].file_ms);
		const struct google_want want = { .lifetime_ms = cases[i].want_ms };
		CLEANUP(google_token_clear) struct google_token t = { 0 };

		d->options.lifetime_ms = cases[i].option_ms;
		expect_impersonation(d, "https://iamcredentials.googleapis.com/v1/projects/-/"
					"serviceAccounts/t@p:generateAccessToken");
		assert_true(google_mint(m, &d->fake.world, &want, &t, &d->fake.err));
		if (!strstr(last_request(d)->body, cases[i].asked))
			fail_msg("case %zu: %s", i, last_request(d)->body);
	}
}

static const struct {
	int status;
	const char *body, *hint;
} impersonation_refusals[] = {
	{ 403, "{\"error\":{\"message\":\"Permission denied\",\"status\":\"PERMISSION_DENIED\"}}",
	  "serviceAccountTokenCreator on t@p" },
	{ 404, "{\"error\":{\"message\":\"Not found\",\"status\":\"NOT_FOUND\"}}",
	  "serviceAccountTokenCreator on t@p" },
	{ 400,
	  "{\"error\":{\"message\":\"The access token lifetime cannot exceed 3600 seconds.\"}}",
	  "--token-lifetime 1h" },
};

static void test_impersonation_is_refused(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep)
	struct google_minter *m = minter_of(d, IMPERSONATED_FILE("[]"));
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(impersonation_refusals); i++) {
		expect_grant(d, "https://user.example/token", GRANT("SECRET-own"));
		fake_expect(d->t, (struct fake_answer){ .url = IAM,
							.status = impersonation_refusals[i].status,
							.body = impersonation_refusals[i].body });
		assert_false(mint(d, m, &t));
		assert_words(d, NULL, NULL, impersonation_refusals[i].hint);
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "impersonating 't@p'");
	}
	fake_expect(d->t, (struct fake_answer){ .url = "user.example", .status = 401 });
	assert_false(mint(d, m, &t));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "that is to impersonate 't@p'");
}

/* Whoever would read the file again would find the refresh token of before. */
static void test_source_that_has_grown(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep)
	struct google_minter *m = minter_of(d, IMPERSONATED_FILE("[]"));

	expect_impersonation(d, IAM);
	assert_mints(d, m, "SECRET-target", 3600000);
	assert_false(m->has_grown);
	expect_grant(d, "https://user.example/token",
		     "{\"access_token\":\"SECRET-own\",\"expires_in\":3599,"
		     "\"refresh_token\":\"1//SECRET-2\"}");
	expect_grant(d, IAM, IAM_GRANT);
	assert_mints(d, m, "SECRET-target", 3600000);
	assert_true(m->has_grown);
}

static void expect_refused_source(struct desk *d)
{
	expect_grant(d, "https://user.example/token", GRANT("SECRET-own"));
	fake_expect(d->t, (struct fake_answer){ .url = IAM, .status = 401 });
}

/* A slow way may be longer than the source's token lives: the next one is tried, and that is all. */
static void test_source_that_ended_on_its_way(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep)
	struct google_minter *m = minter_of(d, IMPERSONATED_FILE("[]"));
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	expect_refused_source(d);
	expect_impersonation(d, IAM);
	assert_mints(d, m, "SECRET-target", 3600000);
	expect_refused_source(d);
	expect_refused_source(d);
	assert_false(mint(d, m, &t));
	assert_words(d, "401", NULL, NULL);
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "impersonating 't@p'");
}

static const char *const bad_chains[] = {
	"",   ",",  "a@b,",  ",a@b",	"a@b,,c@d", "a",
	"@b", "a@", "a@b@c", "a@b c@d", "a@b/../x", "a@b?x",
};

static void test_bad_chains(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);
	struct google_minter *before = m;

	for (size_t i = 0; i < ARRAY_SIZE(bad_chains); i++) {
		if (google_impersonate_chain(m, bad_chains[i], &m, &d->fake.err))
			fail_msg("taken for a chain: '%s'", bad_chains[i]);
		assert_ptr_equal(m, before);
		assert_err(&d->fake.err, ERR_USAGE, "no service account's address");
		assert_false(google_impersonation_check(bad_chains[i], &d->fake.err));
		err_clear(&d->fake.err);
	}
}

/* As gcloud reads it: the last one is the one to be. */
static void test_chain(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = minter_of(d, USER_FILE);

	setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "http://127.0.0.1:81/", 1);
	assert_true(google_impersonate_chain(m, "d@p,e@p,t@p", &m, &d->fake.err));
	expect_impersonation(d, "http://127.0.0.1:81/v1/projects/-/serviceAccounts/"
				"t@p:generateAccessToken");
	assert_mints(d, m, "SECRET-target", 3600000);
	assert_non_null(strstr(last_request(d)->body,
			       "\"delegates\":[\"projects/-/serviceAccounts/d@p\","
			       "\"projects/-/serviceAccounts/e@p\"]"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_files),
		TEST(test_files_that_cannot_be_read),
		TEST(test_service_account),
		TEST(test_service_account_asks_anew_each_time),
		TEST(test_service_account_without_token_uri),
		TEST(test_self_signed),
		TEST(test_self_signed_in_another_universe),
		TEST(test_user),
		TEST(test_user_must_log_in_again),
		TEST(test_workforce_user_and_rotation),
		TEST(test_impersonated),
		TEST(test_lifetimes),
		TEST(test_impersonation_is_refused),
		TEST(test_source_that_has_grown),
		TEST(test_source_that_ended_on_its_way),
		TEST(test_bad_chains),
		TEST(test_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
