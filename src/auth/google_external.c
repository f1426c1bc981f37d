/*
 * external_account: workload identity federation. A subject token, new for each minting, is exchanged for a Google
 * token at the security token service (RFC 8693), which lives no longer than its subject, often minutes; where the
 * file names a service account, that is impersonated with it, and the result lives as long as it was asked to.
 */
#include "auth/google_subject.h"

#include "auth/token_endpoint.h"
#include "base/mem.h"

#include <string.h>

#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define WORKFORCE "//iam.googleapis.com/locations/"

struct external {
	struct google_minter minter;
	struct google_subject *subject;
	struct google_subject_use use; /* of what stands below */
	char *audience;
	char *token_type;
	char *email;
	char *token_url;
	char *user_project; /* who pays for a workforce's requests; NULL: none */
	struct credential client;
	bool has_client;
};

/* The exchange */

static char *scopes_of(const struct google_want *want)
{
	struct buf text = BUF_INIT(64 * KIB);

	for (const char *const *s = want->scopes ? want->scopes : google_scopes_default; *s; s++)
		buf_printf(&text, "%s%s", text.len ? " " : "", *s);
	return buf_take(&text);
}

static char *options_of(const struct external *e)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (!e->user_project || e->has_client)
		return NULL;
	j = js_object();
	js_put_string(j, "userProject", e->user_project);
	return js_text(j, JS_COMPACT);
}

static void compose(const struct external *e, const struct google_want *want,
		    const struct secret *subject_token, struct buf *form)
{
	CLEANUP(mem_freep) char *scope = scopes_of(want);
	CLEANUP(mem_freep) char *options = options_of(e);

	google_form_add(form, "audience", e->audience);
	google_form_add(form, "grant_type", GRANT_EXCHANGE);
	google_form_add(form, "requested_token_type", TYPE_ACCESS_TOKEN);
	google_form_add(form, "scope", scope);
	google_form_add(form, "subject_token", secret_reveal(subject_token));
	google_form_add(form, "subject_token_type", e->token_type);
	google_form_add(form, "options", options);
}

/*
 * Only what came from an access token may be without a life of its own (Security Token Service, "expires_in"): that
 * it had, and nobody told us.
 */
static bool life_is_said(const struct external *e, const struct google_token *t, struct err *err)
{
	if (t->expiry_known ? t->life.expires_ms > t->life.minted_ms
			    : strcmp(e->token_type, TYPE_ACCESS_TOKEN) == 0)
		return true;
	return err_set(err, ERR_NO_CREDENTIAL,
		       "the token that came from '%s' has no life: expires_in is missing or not "
		       "positive",
		       e->token_url);
}

static bool exchange(const struct external *e, const struct world *w,
		     const struct google_want *want, const struct secret *subject_token,
		     struct google_token *ret, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(secret_freep)
	struct secret *basic = e->has_client ? basic_header(&e->client) : NULL;
	CLEANUP(buf_wipe) struct buf form = BUF_INIT(GOOGLE_FORM_CEILING);
	struct http_call call;

	compose(e, want, subject_token, &form);
	call = google_form_call("federated token", e->token_url, &form);
	call.authorization = basic;
	return google_ask(e->minter.options, w, &call, &answer, err) &&
	       google_oauth_answer(&answer, ret, err) && life_is_said(e, ret, err);
}

static bool external_mint(struct google_minter *m, const struct world *w,
			  const struct google_want *want, struct google_token *ret, struct err *err)
{
	struct external *e = (struct external *)m;
	CLEANUP(secret_freep) struct secret *subject_token = NULL;

	*ret = (struct google_token){ 0 };
	if (!google_subject_get(e->subject, w, &subject_token, err))
		return false;
	if (exchange(e, w, want, subject_token, ret, err))
		return true;
	google_token_clear(ret);
	return false;
}

static void external_free(struct google_minter *m)
{
	struct external *e = (struct external *)m;

	google_subject_free(e->subject);
	free(e->audience);
	free(e->token_type);
	free(e->email);
	free(e->token_url);
	free(e->user_project);
	free(e->client.user);
	secret_free(e->client.secret);
	google_minter_clear(m);
	free(e);
}

static const struct google_minter_ops external_ops = { .mint = external_mint,
						       .free = external_free };

/* The file */

struct external_file {
	const char *audience, *token_type, *token_url, *impersonation_url;
	const char *client_id, *client_secret, *user_project;
	const struct js *source, *impersonation;
};

static const struct js_field fields[] = {
	{ "audience", JS_STRING, offsetof(struct external_file, audience), JS_REQUIRED },
	{ "subject_token_type", JS_STRING, offsetof(struct external_file, token_type),
	  JS_REQUIRED },
	{ "credential_source", JS_OBJECT, offsetof(struct external_file, source), JS_REQUIRED },
	{ "token_url", JS_STRING, offsetof(struct external_file, token_url), JS_OPTIONAL },
	{ "service_account_impersonation_url", JS_STRING,
	  offsetof(struct external_file, impersonation_url), JS_OPTIONAL },
	{ "service_account_impersonation", JS_OBJECT, offsetof(struct external_file, impersonation),
	  JS_OPTIONAL },
	{ "client_id", JS_STRING, offsetof(struct external_file, client_id), JS_OPTIONAL },
	{ "client_secret", JS_STRING, offsetof(struct external_file, client_secret), JS_OPTIONAL },
	{ "workforce_pool_user_project", JS_STRING, offsetof(struct external_file, user_project),
	  JS_OPTIONAL },
};

static bool is_there(const char *text)
{
	return text && *text;
}

static void take_client(const struct external_file *f, struct external *e)
{
	const char *secret = f->client_secret ? f->client_secret : "";

	e->has_client = is_there(f->client_id);
	if (!e->has_client)
		return;
	e->client.user = mem_strdup(f->client_id);
	e->client.secret = secret_new(secret, strlen(secret));
}

static bool is_workforce(const char *audience)
{
	const char *pool = strncmp(audience, WORKFORCE, strlen(WORKFORCE)) == 0
				   ? strchr(audience + strlen(WORKFORCE), '/')
				   : NULL;

	return pool && strncmp(pool, "/workforcePools/", strlen("/workforcePools/")) == 0;
}

static bool take_user_project(const struct external_file *f, struct external *e, struct err *err)
{
	if (!is_there(f->user_project))
		return true;
	if (!is_workforce(f->audience))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "field 'workforce_pool_user_project' is for an audience in a "
			       "workforce pool, not for '%.200s'",
			       f->audience);
	e->user_project = mem_strdup(f->user_project);
	return true;
}

static bool take_file(const struct external_file *f, struct external *e, struct err *err)
{
	if (!is_there(f->audience) || !is_there(f->token_type))
		return err_set(err, ERR_NO_CREDENTIAL, "field '%s' is empty",
			       is_there(f->audience) ? "subject_token_type" : "audience");
	if (!take_user_project(f, e, err))
		return false;
	e->audience = mem_strdup(f->audience);
	e->token_type = mem_strdup(f->token_type);
	e->token_url = is_there(f->token_url)
			       ? mem_strdup(f->token_url)
			       : mem_printf("https://sts.%s/v1/token", e->minter.universe);
	if (is_there(f->impersonation_url))
		e->email = google_email_of(f->impersonation_url);
	take_client(f, e);
	e->minter.principal = mem_strdup(e->audience);
	e->use = (struct google_subject_use){ e->audience, e->token_type, e->email };
	return google_subject_new(f->source, &e->use, e->minter.options, &e->subject, err);
}

/*
 * How long the impersonated token is to live; 0 when the file leaves that open. What is too short is the service's to
 * say: libraries differ in what they let pass.
 */
static bool read_lifetime(const struct external_file *f, int64_t *ret_ms, struct err *err)
{
	const struct js *j = js_get(f->impersonation, "token_lifetime_seconds");
	int64_t seconds;

	*ret_ms = 0;
	if (!j)
		return true;
	if (!js_integer(j, &seconds) || seconds < 0 || seconds > GOOGLE_LIFETIME_MAX_MS / 1000)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "field 'token_lifetime_seconds' is no number of at most %lld",
			       GOOGLE_LIFETIME_MAX_MS / 1000);
	*ret_ms = seconds * 1000;
	return true;
}

bool google_external_new(const struct js *file, const struct google_options *options,
			 struct google_minter **ret, struct err *err)
{
	CLEANUP(google_minter_freep) struct google_minter *m = NULL;
	struct external *e = NEW(struct external);
	struct external_file f = { 0 };
	int64_t lifetime_ms;

	m = &e->minter;
	*m = (struct google_minter){ .ops = &external_ops,
				     .options = options,
				     .kind = "external_account",
				     .universe = google_universe_of(file),
				     .renewable = true };
	if (!js_dispatch(file, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, &f, err) ||
	    !take_file(&f, e, err) || !read_lifetime(&f, &lifetime_ms, err))
		return false;
	*ret = is_there(f.impersonation_url)
		       ? google_impersonate(TAKE(m), e->email, f.impersonation_url, NULL,
					    lifetime_ms)
		       : TAKE(m);
	return true;
}
