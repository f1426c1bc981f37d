/*
 * A service account's key: a JWT signed with it is exchanged for an access token (RFC 7523), or is itself the token
 * (AIP-4111) where that is wished for, and in universes that have no exchange.
 */
#include "auth/google.h"

#include "base/mem.h"
#include "wire/jwt.h"

#include <string.h>

/* What an exchange expects as the audience wherever it is asked: also behind a proxy or private endpoint. */
#define AUDIENCE "https://oauth2.googleapis.com/token"
#define GRANT "urn:ietf:params:oauth:grant-type:jwt-bearer"

/* Google takes no more, and nothing from the future: a clock that is a little ahead is forgiven so. */
#define JWT_LIFE_S 3600
#define JWT_BACKDATED_S 10

struct service_account {
	struct google_minter minter;
	struct jwt_key *key;
	char *key_id; /* NULL: not said */
	char *url;
};

static struct js *header_of(const struct service_account *s)
{
	struct js *header = js_object();

	js_put_string(header, "alg", "RS256");
	js_put_string(header, "typ", "JWT");
	js_put_string(header, "kid", s->key_id);
	return header;
}

static struct js *claims_of(const struct service_account *s, const struct world *w,
			    const struct google_want *want)
{
	int64_t issued_s = clock_wall_ms(w->clock) / 1000 - JWT_BACKDATED_S;
	const char *const *scopes = want->scopes ? want->scopes : google_scopes_default;
	struct buf scope = BUF_INIT(BUF_TEXT_CEILING);
	struct js *claims = js_object();

	for (size_t i = 0; scopes[i]; i++)
		buf_printf(&scope, "%s%s", i ? " " : "", scopes[i]);
	js_put_string(claims, "iss", s->minter.principal);
	js_put_string(claims, "scope", buf_str(&scope));
	js_put_integer(claims, "iat", issued_s);
	js_put_integer(claims, "exp", issued_s + JWT_LIFE_S);
	buf_clear(&scope);
	return claims;
}

static bool sign(const struct service_account *s, const struct js *claims, struct secret **ret,
		 struct err *err)
{
	CLEANUP(js_freep) struct js *header = header_of(s);

	return jwt_sign(s->key, header, claims, ret, err);
}

/* The scope stands in the token, so an audience must not. */
static bool mint_self_signed(const struct service_account *s, const struct world *w,
			     const struct google_want *want, struct google_token *ret,
			     struct err *err)
{
	CLEANUP(js_freep) struct js *claims = claims_of(s, w, want);
	int64_t now_ms = world_now_ms(w);

	js_put_string(claims, "sub", s->minter.principal);
	*ret = (struct google_token){ .expiry_known = true };
	ret->life.minted_ms = now_ms;
	ret->life.expires_ms = clock_after(now_ms, (JWT_LIFE_S - JWT_BACKDATED_S) * 1000LL);
	return sign(s, claims, &ret->secret, err);
}

static bool mint_by_exchange(const struct service_account *s, const struct world *w,
			     const struct google_want *want, struct google_token *ret,
			     struct err *err)
{
	CLEANUP(js_freep) struct js *claims = claims_of(s, w, want);
	CLEANUP(secret_freep) struct secret *assertion = NULL;
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(buf_wipe) struct buf form = BUF_INIT(GOOGLE_FORM_CEILING);
	struct http_call call;

	js_put_string(claims, "aud", AUDIENCE);
	if (!sign(s, claims, &assertion, err))
		return false;
	google_form_add(&form, "grant_type", GRANT);
	google_form_add(&form, "assertion", secret_reveal(assertion));
	call = google_form_call("token", s->url, &form);
	return google_ask(s->minter.options, w, &call, &answer, err) &&
	       google_oauth_answer(&answer, ret, err);
}

static bool service_account_mint(struct google_minter *m, const struct world *w,
				 const struct google_want *want, struct google_token *ret,
				 struct err *err)
{
	const struct service_account *s = (const struct service_account *)m;

	if (m->options->self_signed_jwt || strcmp(m->universe, GOOGLE_UNIVERSE_DEFAULT) != 0)
		return mint_self_signed(s, w, want, ret, err);
	return mint_by_exchange(s, w, want, ret, err);
}

static void service_account_free(struct google_minter *m)
{
	struct service_account *s = (struct service_account *)m;

	jwt_key_free(s->key);
	free(s->key_id);
	free(s->url);
	google_minter_clear(m);
	free(s);
}

static const struct google_minter_ops service_account_ops = {
	.mint = service_account_mint,
	.free = service_account_free,
};

struct service_account_file {
	const char *client_email, *private_key, *private_key_id, *token_uri;
};

static const struct js_field fields[] = {
	{ "client_email", JS_STRING, offsetof(struct service_account_file, client_email),
	  JS_REQUIRED },
	{ "private_key", JS_STRING, offsetof(struct service_account_file, private_key),
	  JS_REQUIRED },
	{ "private_key_id", JS_STRING, offsetof(struct service_account_file, private_key_id),
	  JS_OPTIONAL },
	{ "token_uri", JS_STRING, offsetof(struct service_account_file, token_uri), JS_OPTIONAL },
};

bool google_service_account_new(const struct js *file, const struct google_options *options,
				struct google_minter **ret, struct err *err)
{
	CLEANUP(jwt_key_freep) struct jwt_key *key = NULL;
	CLEANUP(secret_freep) struct secret *pem = NULL;
	struct service_account_file f = { 0 };
	struct service_account *s;

	if (!js_dispatch(file, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, &f, err))
		return false;
	if (!*f.client_email)
		return err_set(err, ERR_NO_CREDENTIAL, "field 'client_email' is empty");
	pem = secret_new(f.private_key, strlen(f.private_key));
	if (!jwt_key_parse(pem, &key, err))
		return err_wrap(err, "field 'private_key'");
	s = NEW(struct service_account);
	s->minter = (struct google_minter){ .ops = &service_account_ops, .options = options };
	s->minter.principal = mem_strdup(f.client_email);
	s->minter.universe = google_universe_of(file);
	s->minter.renewable = true;
	s->key = TAKE(key);
	s->key_id = mem_strdup_or_null(f.private_key_id);
	s->url = mem_strdup(f.token_uri && *f.token_uri ? f.token_uri : AUDIENCE);
	*ret = &s->minter;
	return true;
}
