/*
 * Google's endpoints over the fake transport, and an environment that nobody has set anything in: HOME is an empty
 * directory. Every secret in here has SECRET in it.
 */
#ifndef UNIT_AUTH_GOOGLE_FIXTURE_H
#define UNIT_AUTH_GOOGLE_FIXTURE_H

#include "base/fake_dir.h"
#include "http/fake_transport.h"

#include "auth/google.h"
#include "wire/base64.h"

#include "http/fake_transport.c"
#include "wire/test_key.h"

#define EMAIL "emu@p.iam.gserviceaccount.com"

struct desk {
	struct fake_world fake;
	struct fake_transport *t;
	struct fake_transport *bare; /* of bare_fixture.h; else T is both */
	struct retry_policy policy;
	struct google_options options;
	struct http_call call;
	struct http_answer answer;
	struct fake_dir home;
};

static const char *const google_variables[] = {
	"GOOGLE_APPLICATION_CREDENTIALS",
	"GOOGLE_CLOUD_UNIVERSE_DOMAIN",
	"NO_GCE_CHECK",
	"GCE_METADATA_HOST",
	"GCE_METADATA_ROOT",
	"GCE_METADATA_IP",
	"GCE_METADATA_MTLS_MODE",
	"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
	"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE",
	"GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL",
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_REGION",
	"AWS_DEFAULT_REGION",
	"CLOUDSDK_CONFIG",
	"CLOUDSDK_ACTIVE_CONFIG_NAME",
	"CLOUDSDK_CORE_ACCOUNT",
	"CLOUDSDK_AUTH_ACCESS_TOKEN",
	"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
	"CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
	"CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
	"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
};

static inline int desk_setup(void **state)
{
	struct desk *d = NEW(struct desk);

	fake_world_init(&d->fake);
	d->t = fake_transport_new(&d->fake);
	d->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	d->options = (struct google_options){ .transport = &d->t->transport,
					      .bare = &d->t->transport,
					      .policy = &d->policy };
	for (size_t i = 0; i < ARRAY_SIZE(google_variables); i++)
		unsetenv(google_variables[i]);
	setenv("NO_GCE_CHECK", "true", 1);
	fake_dir_init(&d->home);
	setenv("HOME", d->home.path, 1);
	*state = d;
	return 0;
}

static inline int desk_teardown(void **state)
{
	struct desk *d = *state;

	http_answer_clear(&d->answer);
	assert_script_done(d->t);
	transport_free(&d->t->transport);
	fake_world_clear(&d->fake);
	fake_dir_clear(&d->home);
	free(d);
	return 0;
}

/* A file below HOME, with the directories that lead there; the caller frees its path. */
static inline char *desk_write(struct desk *d, const char *name, const char *text)
{
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, name);

	for (char *c = path + strlen(d->home.path) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(path, 0700);
		*c = '/';
	}
	return fake_dir_write(&d->home, name, text, 0600);
}

static inline void desk_put(struct desk *d, const char *name, const char *text)
{
	free(desk_write(d, name, text));
}

/* What an error must have said beside its message. */
static inline void assert_words(struct desk *d, const char *evidence, const char *cause,
				const char *hint)
{
	const struct err *e = &d->fake.err;

	if (evidence && (!e->evidence || !strstr(e->evidence, evidence)))
		fail_msg("'%s' is not in '%s'", evidence, e->evidence ? e->evidence : "");
	if (cause && (!e->cause || !strstr(e->cause, cause)))
		fail_msg("'%s' is not in '%s'", cause, e->cause ? e->cause : "");
	if (hint && (!e->hint || !strstr(e->hint, hint)))
		fail_msg("'%s' is not in '%s'", hint, e->hint ? e->hint : "");
}

/* Credential files */

static inline struct js *js_of(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;

	if (!js_parse(text, strlen(text), GOOGLE_FILE_CEILING, ERR_UNEXPECTED, &j, &err))
		fail_msg("%s: %s", err.message, text);
	return j;
}

/* A service account's key file; UNIVERSE NULL: not said. The caller frees. */
static inline char *key_file(const char *universe)
{
	CLEANUP(js_freep) struct js *j = js_object();

	js_put_string(j, "type", "service_account");
	js_put_string(j, "client_email", EMAIL);
	js_put_string(j, "private_key_id", "kid0001");
	js_put_string(j, "private_key", TEST_KEY);
	js_put_string(j, "token_uri", "https://sa.example/token");
	js_put_string(j, "universe_domain", universe);
	return js_text(j, JS_COMPACT);
}

#define USER_FILE                                                                                \
	"{\"type\":\"authorized_user\",\"client_id\":\"cid\",\"client_secret\":\"csec-SECRET\"," \
	"\"refresh_token\":\"1//SECRET\",\"token_uri\":\"https://user.example/token\"}"

#define GRANT(token) \
	"{\"access_token\":\"" token "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"

static inline struct google_minter *minter_of(struct desk *d, const char *text)
{
	CLEANUP(js_freep) struct js *file = js_of(text);
	struct google_minter *m = NULL;

	if (!google_minter_from_json(file, "file", &d->options, &m, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return m;
}

static inline bool mint(struct desk *d, struct google_minter *m, struct google_token *ret)
{
	const struct google_want want = { 0 };

	google_token_clear(ret);
	return google_mint(m, &d->fake.world, &want, ret, &d->fake.err);
}

static inline void assert_mints(struct desk *d, struct google_minter *m, const char *token,
				int64_t life_ms)
{
	CLEANUP(google_token_clear) struct google_token t = { 0 };

	if (!mint(d, m, &t))
		fail_msg("%s; %s", d->fake.err.message,
			 d->fake.err.evidence ? d->fake.err.evidence : "");
	assert_string_equal(secret_reveal(t.secret), token);
	assert_int_equal(t.expiry_known, life_ms >= 0);
	assert_int_equal(t.life.expires_ms - t.life.minted_ms,
			 life_ms >= 0 ? life_ms : NEVER_MS - t.life.minted_ms);
}

static inline void expect_grant(struct desk *d, const char *url, const char *body)
{
	fake_expect(d->t, (struct fake_answer){
				  .method = "POST", .url = url, .status = 200, .body = body });
}

static inline const struct fake_request *last_request(struct desk *d)
{
	return fake_request_at(d->t, d->t->request_count - 1);
}

#endif
