/* Where a Google login is found: ADC, gcloud's files and settings, tokens that somebody else minted, and the source. */
#include "auth/google_fixture.h"

#define TOKENINFO "https://oauth2.googleapis.com/tokeninfo"

#define GCLOUD ".config/gcloud/"
#define ADC_FILE GCLOUD "application_default_credentials.json"

/* "USER_FILE" of somebody else, told apart by its endpoint. */
#define USER_OF(host)                                                                       \
	"{\"type\":\"authorized_user\",\"client_id\":\"cid\",\"client_secret\":\"SECRET\"," \
	"\"refresh_token\":\"SECRET\",\"token_uri\":\"https://" host "/token\"}"

static struct google_minter *adc(struct desk *d)
{
	struct google_minter *m = NULL;

	if (!google_default_new(&d->options, &d->fake.world, &m, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return m;
}

static void assert_mints_at(struct desk *d, struct google_minter *m, const char *url)
{
	expect_grant(d, url, GRANT("SECRET"));
	assert_mints(d, m, "SECRET", 3599000);
}

/* Application Default Credentials */

static void test_adc_nobody(void **state)
{
	assert_null(adc(*state));
}

static void test_adc_named(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = desk_write(d, "named.json", USER_OF("named.example"));
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;

	desk_put(d, ADC_FILE, USER_OF("well-known.example"));
	setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
	m = adc(d);
	assert_mints_at(d, m, "named.example");
	assert_non_null(strstr(m->origin, "named by GOOGLE_APPLICATION_CREDENTIALS"));
}

/* What was named and does not work is an error: never somebody else's login. */
static void test_adc_named_and_broken(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ NULL, "opening" },
		{ "", "not valid JSON" },
		{ "{\"type\":\"gdch_service_account\"}", "not supported" },
	};
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, "named.json");

	desk_put(d, ADC_FILE, USER_OF("well-known.example"));
	setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct google_minter *m = NULL;

		if (cases[i].text)
			desk_put(d, "named.json", cases[i].text);
		assert_false(google_default_new(&d->options, &d->fake.world, &m, &d->fake.err));
		assert_null(m);
		assert_non_null(strstr(d->fake.err.message, "GOOGLE_APPLICATION_CREDENTIALS"));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, cases[i].words);
	}
}

static void test_adc_well_known(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *elsewhere = fake_dir_path(&d->home, "elsewhere");
	CLEANUP(google_minter_freep) struct google_minter *of_home = NULL;
	CLEANUP(google_minter_freep) struct google_minter *of_config = NULL;

	desk_put(d, ADC_FILE, USER_OF("home.example"));
	desk_put(d, "elsewhere/application_default_credentials.json", USER_OF("config.example"));
	of_home = adc(d);
	assert_mints_at(d, of_home, "home.example");
	setenv("CLOUDSDK_CONFIG", elsewhere, 1);
	of_config = adc(d);
	assert_mints_at(d, of_config, "config.example");
	setenv("CLOUDSDK_CONFIG", "/no/such/directory", 1);
	assert_null(adc(d));
}

static void test_adc_well_known_and_broken(void **state)
{
	struct desk *d = *state;
	struct google_minter *m = NULL;

	desk_put(d, ADC_FILE, "{\"type\":\"x\"}");
	assert_false(google_default_new(&d->options, &d->fake.world, &m, &d->fake.err));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "application_default_credentials.json");
}

/* gcloud */

static void log_in(struct desk *d, const char *account, const char *file)
{
	CLEANUP(mem_freep)
	char *name = mem_printf(GCLOUD "legacy_credentials/%s/adc.json", account);

	desk_put(d, name, file);
}

static struct google_minter *gcloud(struct desk *d, const char *account)
{
	struct google_minter *m = NULL;

	if (!google_gcloud_new(&d->options, account, &m, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return m;
}

static void test_gcloud_nobody(void **state)
{
	struct desk *d = *state;

	assert_null(gcloud(d, NULL));
	desk_put(d, GCLOUD "configurations/config_default", "[core]\nproject = p\n");
	assert_null(gcloud(d, NULL));
	unsetenv("HOME");
	assert_null(gcloud(d, NULL));
}

static void test_gcloud_account(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *configured = NULL;
	CLEANUP(google_minter_freep) struct google_minter *by_variable = NULL;
	CLEANUP(google_minter_freep) struct google_minter *by_word = NULL;

	log_in(d, "a@x", USER_OF("a.example"));
	log_in(d, "b@x", USER_OF("b.example"));
	log_in(d, "c@x", USER_OF("c.example"));
	desk_put(d, GCLOUD "configurations/config_default", "[core]\naccount = a@x\n");
	configured = gcloud(d, NULL);
	assert_mints_at(d, configured, "a.example");
	assert_string_equal(configured->principal, "a@x");
	setenv("CLOUDSDK_CORE_ACCOUNT", "b@x", 1);
	by_variable = gcloud(d, NULL);
	assert_mints_at(d, by_variable, "b.example");
	by_word = gcloud(d, "c@x");
	assert_mints_at(d, by_word, "c.example");
}

static void test_gcloud_broken_login(void **state)
{
	struct desk *d = *state;
	struct google_minter *m = NULL;

	log_in(d, "a@x", "{\"type\":\"authorized_user\"}");
	assert_false(google_gcloud_new(&d->options, "a@x", &m, &d->fake.err));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "a@x/adc.json', gcloud's login");
}

/* gcloud's own order: a token, a token's file, a credential file, an account. */
static void test_gcloud_settings(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *token = desk_write(d, "token", "SECRET-file\n");
	CLEANUP(mem_freep) char *file = desk_write(d, "f.json", USER_OF("override.example"));
	CLEANUP(mem_freep)
	char *ini = mem_printf("[core]\naccount = a@x\n[auth]\naccess_token_file = %s\n", token);
	CLEANUP(google_minter_freep) struct google_minter *of_file = NULL;
	CLEANUP(google_minter_freep) struct google_minter *of_token_file = NULL;
	CLEANUP(google_minter_freep) struct google_minter *of_variable = NULL;
	CLEANUP(google_minter_freep) struct google_minter *of_account = NULL;

	fake_expect(d->t, (struct fake_answer){ .url = TOKENINFO, .status = 400, .times = 2 });
	log_in(d, "a@x", USER_OF("a.example"));
	desk_put(d, GCLOUD "configurations/config_default", "[core]\naccount = a@x\n");
	setenv("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", file, 1);
	of_file = gcloud(d, NULL);
	assert_mints_at(d, of_file, "override.example");
	desk_put(d, GCLOUD "configurations/config_default", ini);
	of_token_file = gcloud(d, NULL);
	assert_mints(d, of_token_file, "SECRET-file", -1);
	assert_true(of_token_file->renewable);
	setenv("CLOUDSDK_AUTH_ACCESS_TOKEN", "SECRET-variable", 1);
	of_variable = gcloud(d, NULL);
	assert_mints(d, of_variable, "SECRET-variable", -1);
	assert_false(of_variable->renewable);
	/* but an account that was asked for by name is that one */
	of_account = gcloud(d, "a@x");
	assert_mints_at(d, of_account, "a.example");
}

#define IAM_GRANT "{\"accessToken\":\"SECRET-target\",\"expireTime\":\"2026-11-24T15:00:00Z\"}"

static void test_gcloud_impersonates_as_it_is_set(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;
	CLEANUP(google_minter_freep) struct google_minter *plain = NULL;

	log_in(d, "a@x", USER_OF("a.example"));
	desk_put(d, GCLOUD "configurations/config_default",
		 "[core]\naccount = a@x\n[auth]\nimpersonate_service_account = d@p,t@p\n");
	m = gcloud(d, NULL);
	expect_grant(d, "a.example", GRANT("SECRET"));
	expect_grant(d, "serviceAccounts/t@p:generateAccessToken", IAM_GRANT);
	assert_mints(d, m, "SECRET-target", 3600000);
	/* what was asked of us goes before it, and is done by who asked */
	d->options.impersonate = "u@p";
	plain = gcloud(d, NULL);
	assert_mints_at(d, plain, "a.example");
}

static void test_gcloud_bad_impersonation(void **state)
{
	struct desk *d = *state;
	struct google_minter *m = NULL;

	log_in(d, "a@x", USER_OF("a.example"));
	setenv("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "nobody", 1);
	assert_false(google_gcloud_new(&d->options, "a@x", &m, &d->fake.err));
	assert_null(m);
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "auth/impersonate_service_account");
}

static void write_gcloud(struct desk *d, const char *script)
{
	CLEANUP(mem_freep) char *text = mem_printf("#!/bin/sh\n%s\n", script);
	CLEANUP(mem_freep) char *path = fake_dir_write(&d->home, "gcloud", text, 0700);
	CLEANUP(mem_freep) char *search = mem_printf("%s:/usr/bin:/bin", d->home.path);

	setenv("PATH", search, 1);
}

/* Where the file is not there gcloud itself is asked, as its own credential helper asks it. */
static void test_gcloud_is_asked_itself(void **state)
{
	static const struct {
		const char *script;
		int64_t life_ms;
	} answers[] = {
		{ "echo '{\"credential\":{\"access_token\":\"SECRET\",\"token_expiry\":"
		  "\"2026-11-24T14:55:00Z\"}}'",
		  3300000 },
		{ "echo '{\"credential\":{\"access_token\":\"SECRET\",\"token_expiry\":null}}'",
		  -1 },
		{ "test \"$*\" = 'config config-helper --min-expiry=55m --format=json(credential) "
		  "--account=principal://iam/x' && echo '{\"credential\":{\"access_token\":"
		  "\"SECRET\"}}'",
		  -1 },
	};
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = gcloud(d, "principal://iam/x");

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		write_gcloud(d, answers[i].script);
		assert_mints(d, m, "SECRET", answers[i].life_ms);
	}
	assert_true(m->renewable);
}

static void test_gcloud_itself_fails(void **state)
{
	static const struct {
		const char *script, *words;
	} failures[] = {
		{ "echo 'ERROR: (gcloud) no' >&2; exit 1", "failed with exit code 1" },
		{ "true", "not valid JSON" },
		{ "echo '{}'", "has no token" },
		{ "echo '{\"credential\":{\"access_token\":\"\"}}'", "has no token" },
	};
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = gcloud(d, "a@x");
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		write_gcloud(d, failures[i].script);
		assert_false(mint(d, m, &t));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, failures[i].words);
	}
	setenv("PATH", "/no/such/directory", 1);
	assert_false(mint(d, m, &t));
	assert_words(d, NULL, "no login of 'a@x'", NULL);
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "cannot run 'gcloud'");
}

/* Tokens that somebody else has minted */

static struct google_minter *token_of(struct desk *d, const char *token)
{
	return google_static_new(secret_new(token, strlen(token)), "a test", &d->options);
}

static void test_a_jwt_tells_its_end_itself(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *claims = base64url_encode("{\"exp\":1795529100}", 18);
	CLEANUP(mem_freep) char *jwt = mem_printf("e30.%s.SECRET", claims);
	CLEANUP(google_minter_freep) struct google_minter *m = token_of(d, jwt);

	assert_mints(d, m, jwt, 300000);
}

static const struct {
	struct fake_answer answer;
	int64_t life_ms;
} tokeninfos[] = {
	{ { .status = 200, .body = "{\"exp\":\"1795529100\",\"expires_in\":\"300\"}" }, 300000 },
	{ { .status = 200, .body = "{\"expires_in\":300}" }, 300000 },
	{ { .status = 200, .body = "{\"expires_in\":\"0\"}" }, 0 },
	{ { .status = 200, .body = "{\"expires_in\":\"-1\"}" }, -1 },
	{ { .status = 200, .body = "{}" }, -1 },
	{ { .status = 200, .body = "<html>" }, -1 },
	{ { .status = 400, .body = "{\"error\":\"invalid_token\"}" }, -1 },
	{ { .status = 503, .times = 2 }, -1 },
	{ { .failure = HTTP_FAILED_BEFORE_SENDING, .times = 2 }, -1 },
};

static void test_tokeninfo(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(tokeninfos); i++) {
		CLEANUP(google_minter_freep) struct google_minter *m = token_of(d, "ya29.SECRET");
		struct fake_answer a = tokeninfos[i].answer;
		int notes = d->fake.told_of[EVENT_NOTE];

		a.url = TOKENINFO;
		fake_expect(d->t, a);
		assert_mints(d, m, "ya29.SECRET", tokeninfos[i].life_ms);
		assert_string_equal(last_request(d)->body, "access_token=ya29.SECRET");
		assert_int_equal(d->fake.told_of[EVENT_NOTE] - notes, tokeninfos[i].life_ms < 0);
	}
	assert_true(fake_since_start(&d->fake) < 10000);
}

static void test_another_universe_is_not_asked(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;

	setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "u.example", 1);
	m = token_of(d, "SECRET");
	assert_mints(d, m, "SECRET", -1);
	assert_mints(d, m, "SECRET", -1);
	assert_int_equal(d->fake.told_of[EVENT_NOTE], 1); /* once is enough */
}

static void test_bad_token_files(void **state)
{
	static const char *const texts[] = { "", "\n", "SECRET SECRET", "SECRET\nSECRET" };
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, "token");
	CLEANUP(google_minter_freep)
	struct google_minter *m = google_token_file_new(path, "named by X", &d->options);
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	assert_false(mint(d, m, &t));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "opening");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		desk_put(d, "token", texts[i]);
		assert_false(mint(d, m, &t));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "has not one token");
	}
}

static void test_token_file_is_read_again(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = desk_write(d, "token", " SECRET-1\r\n");
	CLEANUP(google_minter_freep)
	struct google_minter *m = google_token_file_new(path, "named by X", &d->options);

	fake_expect(d->t, (struct fake_answer){ .url = TOKENINFO, .status = 400, .times = 2 });
	assert_mints(d, m, "SECRET-1", -1);
	desk_put(d, "token", "SECRET-2");
	assert_mints(d, m, "SECRET-2", -1);
}

/* The source */

static const struct {
	const char *host;
	bool is_google;
} hosts[] = {
	{ "docker.io", false },	       { "pkg.dev", false },
	{ ".pkg.dev", false },	       { "evil-pkg.dev", false },
	{ "us.pkg.dev.evil", false },  { "gcr.io.evil", false },
	{ "agcr.io", false },	       { "us.pkg.dev:443", false },
	{ "127.0.0.1:5000", false },   { "gcr.io", true },
	{ "eu.gcr.io", true },	       { "us-docker.pkg.dev", true },
	{ "US-docker.PKG.dev", true },
};

static void test_registries(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (google_is_registry(hosts[i].host) != hosts[i].is_google)
			fail_msg("%s", hosts[i].host);
}

static bool obtain(struct desk *d, struct source *s, const char *host, struct credential **ret)
{
	const struct credential_target target = { host, "p/r/i" };

	credential_free(*ret);
	*ret = NULL;
	return source_obtain(s, &d->fake.world, &target, ret, &d->fake.err);
}

static void assert_obtains(struct desk *d, struct source *s, const char *token, const char *name)
{
	CLEANUP(credential_freep) struct credential *c = NULL;

	if (!obtain(d, s, "us-docker.pkg.dev", &c))
		fail_msg("%s", d->fake.err.message);
	assert_non_null(c);
	assert_string_equal(secret_reveal(c->secret), token);
	assert_string_equal(c->user, "oauth2accesstoken");
	if (!strstr(c->source, name))
		fail_msg("'%s' is not in '%s'", name, c->source);
}

static struct source *source_of(struct desk *d, enum google_place place, const char *where)
{
	return source_google_new(place, where, NULL, &d->options, &d->fake.sched);
}

static void test_source_of_a_file(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *key = key_file(NULL);
	CLEANUP(mem_freep) char *path = desk_write(d, "sa.json", key);
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_FILE, path);
	CLEANUP(credential_freep) struct credential *c = NULL;

	expect_grant(d, "sa.example", GRANT("SECRET-1"));
	expect_grant(d, "sa.example", GRANT("SECRET-2"));
	assert_obtains(d, s, "SECRET-1", "adc (" EMAIL ", '");
	assert_true(obtain(d, s, "r.example", &c)); /* it was named: for any registry */
	assert_string_equal(secret_reveal(c->secret), "SECRET-2");
	assert_true(c->renewable);
	assert_true(c->expiry_known);
}

static void test_source_of_a_missing_file(void **state)
{
	struct desk *d = *state;
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_FILE, "/no/such/file");
	struct credential *c = NULL;

	assert_false(obtain(d, s, "gcr.io", &c));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "credential 'adc'");
}

static void test_source_without_a_name_is_for_google_only(void **state)
{
	struct desk *d = *state;
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_ANY, NULL);
	CLEANUP(credential_freep) struct credential *c = NULL;

	desk_put(d, ADC_FILE, USER_OF("adc.example"));
	assert_true(obtain(d, s, "docker.io", &c));
	assert_null(c);
	expect_grant(d, "adc.example", GRANT("SECRET"));
	assert_obtains(d, s, "SECRET", "adc ('");
}

static void test_source_goes_on_to_gcloud(void **state)
{
	struct desk *d = *state;
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_ANY, NULL);

	log_in(d, "a@x", USER_OF("a.example"));
	setenv("CLOUDSDK_CORE_ACCOUNT", "a@x", 1);
	expect_grant(d, "a.example", GRANT("SECRET"));
	assert_obtains(d, s, "SECRET", "(a@x, '");
}

static void test_source_of_nobody_looks_again_later(void **state)
{
	static const enum google_place places[] = { GOOGLE_ANY, GOOGLE_ADC, GOOGLE_GCLOUD };
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		CLEANUP(source_freep) struct source *s = source_of(d, places[i], NULL);
		CLEANUP(credential_freep) struct credential *c = NULL;

		unsetenv("CLOUDSDK_CORE_ACCOUNT");
		assert_true(obtain(d, s, "gcr.io", &c));
		assert_null(c);
		log_in(d, "a@x", USER_OF("a.example"));
		setenv("CLOUDSDK_CORE_ACCOUNT", "a@x", 1);
		assert_true(obtain(d, s, "gcr.io", &c));
		assert_null(c);
		fake_advance(&d->fake, 61000);
		if (places[i] == GOOGLE_ADC)
			continue;
		expect_grant(d, "a.example", GRANT("SECRET"));
		assert_true(obtain(d, s, "gcr.io", &c));
		assert_non_null(c);
	}
}

/* A key that was put in the place of one that was refused. */
static void test_source_reads_the_file_again_after_a_refusal(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = desk_write(d, "f.json", USER_OF("old.example"));
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_FILE, path);
	struct credential *c = NULL;

	fake_expect(d->t, (struct fake_answer){ .url = "old.example", .status = 401 });
	assert_false(obtain(d, s, "gcr.io", &c));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "credential adc ('");
	desk_put(d, "f.json", USER_OF("new.example"));
	expect_grant(d, "new.example", GRANT("SECRET"));
	assert_obtains(d, s, "SECRET", "f.json");
}

static void test_source_impersonates(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = desk_write(d, "f.json", USER_OF("own.example"));
	CLEANUP(source_freep) struct source *s = NULL;

	d->options.impersonate = "t@p";
	s = source_of(d, GOOGLE_FILE, path);
	expect_grant(d, "own.example", GRANT("SECRET-own"));
	expect_grant(d, "serviceAccounts/t@p:generateAccessToken", IAM_GRANT);
	assert_obtains(d, s, "SECRET-target", "adc (t@p, '");
}

static void test_source_waits_no_longer_than_the_world(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = desk_write(d, "f.json", USER_OF("own.example"));
	CLEANUP(source_freep) struct source *s = source_of(d, GOOGLE_FILE, path);
	struct credential *c = NULL;

	d->fake.world.deadline_ms = BOOT_START_MS + 5000;
	fake_expect(d->t, (struct fake_answer){ .status = 503, .times = FAKE_ALWAYS });
	assert_false(obtain(d, s, "gcr.io", &c));
	assert_err(&d->fake.err, ERR_TIMEOUT, "time is up");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_adc_nobody),
		TEST(test_adc_named),
		TEST(test_adc_named_and_broken),
		TEST(test_adc_well_known),
		TEST(test_adc_well_known_and_broken),
		TEST(test_gcloud_nobody),
		TEST(test_gcloud_account),
		TEST(test_gcloud_broken_login),
		TEST(test_gcloud_settings),
		TEST(test_gcloud_impersonates_as_it_is_set),
		TEST(test_gcloud_bad_impersonation),
		TEST(test_gcloud_is_asked_itself),
		TEST(test_gcloud_itself_fails),
		TEST(test_a_jwt_tells_its_end_itself),
		TEST(test_tokeninfo),
		TEST(test_another_universe_is_not_asked),
		TEST(test_bad_token_files),
		TEST(test_token_file_is_read_again),
		cmocka_unit_test(test_registries),
		TEST(test_source_of_a_file),
		TEST(test_source_of_a_missing_file),
		TEST(test_source_without_a_name_is_for_google_only),
		TEST(test_source_goes_on_to_gcloud),
		TEST(test_source_of_nobody_looks_again_later),
		TEST(test_source_reads_the_file_again_after_a_refusal),
		TEST(test_source_impersonates),
		TEST(test_source_waits_no_longer_than_the_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
