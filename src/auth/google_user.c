/*
 * Somebody's login, kept as a refresh token: authorized_user, as `gcloud auth login` leaves it, and
 * external_account_authorized_user, that of a workforce pool. It asks for the scopes that were granted at the login:
 * more would be refused.
 */
#include "auth/google.h"

#include "auth/token_endpoint.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

#define USER_URL "https://oauth2.googleapis.com/token"

/* Refresh tokens that an endpoint has put in the place of the one before; kept as long as the minter. */
struct refresh {
	struct refresh *before;
	struct secret *token;
};

struct user {
	struct google_minter minter;
	char *client_id;
	struct secret *client_secret;
	char *url;
	bool is_workforce;
	_Atomic(struct refresh *) newest;
};

static void push_refresh(struct user *u, const char *token)
{
	struct refresh *r = NEW(struct refresh);

	r->token = secret_new(token, strlen(token));
	r->before = atomic_load(&u->newest);
	while (!atomic_compare_exchange_weak(&u->newest, &r->before, r))
		;
}

static void take_rotated(struct user *u, const struct http_answer *answer,
			 const struct secret *shown)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;
	const char *rotated;

	if (!js_parse(answer->body, answer->body_len, HTTP_ANSWER_CEILING, ERR_NO_CREDENTIAL, &j,
		      &ignored))
		err_clear(&ignored);
	rotated = js_string(js_get(j, "refresh_token"));
	if (rotated && *rotated && strcmp(rotated, secret_reveal(shown)) != 0) {
		push_refresh(u, rotated);
		atomic_store(&u->minter.has_grown, true);
	}
}

/* RFC 6749 §6; who the client is stands in the form for users, in the header for a workforce. */
static void compose(const struct user *u, const struct secret *refresh, struct buf *form)
{
	google_form_add(form, "grant_type", "refresh_token");
	google_form_add(form, "refresh_token", secret_reveal(refresh));
	if (u->is_workforce)
		return;
	google_form_add(form, "client_id", u->client_id);
	google_form_add(form, "client_secret", secret_reveal(u->client_secret));
}

static bool user_mint(struct google_minter *m, const struct world *w,
		      const struct google_want *want, struct google_token *ret, struct err *err)
{
	struct user *u = (struct user *)m;
	const struct credential client = { .user = u->client_id, .secret = u->client_secret };
	const struct secret *refresh = atomic_load(&u->newest)->token;
	CLEANUP(secret_freep) struct secret *basic = u->is_workforce ? basic_header(&client) : NULL;
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(buf_wipe) struct buf form = BUF_INIT(GOOGLE_FORM_CEILING);
	struct http_call call;

	(void)want;
	compose(u, refresh, &form);
	call = google_form_call("token", u->url, &form);
	call.authorization = basic;
	if (!google_ask(m->options, w, &call, &answer, err)) {
		if (err->code == ERR_NO_CREDENTIAL)
			err_hint(err,
				 "gcloud auth login, or gcloud auth application-default login");
		return false;
	}
	if (!google_oauth_answer(&answer, ret, err))
		return false;
	take_rotated(u, &answer, refresh);
	return true;
}

static void user_free(struct google_minter *m)
{
	struct user *u = (struct user *)m;
	struct refresh *r = atomic_load(&u->newest);

	while (r) {
		struct refresh *before = r->before;

		secret_free(r->token);
		free(r);
		r = before;
	}
	free(u->client_id);
	secret_free(u->client_secret);
	free(u->url);
	google_minter_clear(m);
	free(u);
}

static const struct google_minter_ops user_ops = { .mint = user_mint, .free = user_free };

struct user_file {
	const char *type, *client_id, *client_secret, *refresh_token;
	const char *token_uri, *token_url, *account;
};

static const struct js_field fields[] = {
	{ "type", JS_STRING, offsetof(struct user_file, type), JS_OPTIONAL },
	{ "client_id", JS_STRING, offsetof(struct user_file, client_id), JS_REQUIRED },
	{ "client_secret", JS_STRING, offsetof(struct user_file, client_secret), JS_REQUIRED },
	{ "refresh_token", JS_STRING, offsetof(struct user_file, refresh_token), JS_REQUIRED },
	{ "token_uri", JS_STRING, offsetof(struct user_file, token_uri), JS_OPTIONAL },
	{ "token_url", JS_STRING, offsetof(struct user_file, token_url), JS_OPTIONAL },
	{ "account", JS_STRING, offsetof(struct user_file, account), JS_OPTIONAL },
};

/* The caller frees; NULL when there is no such place. */
static char *url_of(const struct user_file *f, bool is_workforce, const char *universe)
{
	const char *named = is_workforce ? f->token_url : f->token_uri;

	if (named && *named)
		return mem_strdup(named);
	if (is_workforce)
		return mem_printf("https://sts.%s/v1/oauthtoken", universe);
	return strcmp(universe, GOOGLE_UNIVERSE_DEFAULT) == 0 ? mem_strdup(USER_URL) : NULL;
}

bool google_user_new(const struct js *file, const struct google_options *options,
		     struct google_minter **ret, struct err *err)
{
	CLEANUP(mem_freep) char *universe = google_universe_of(file);
	CLEANUP(mem_freep) char *url = NULL;
	struct user_file f = { 0 };
	bool is_workforce;
	struct user *u;

	if (!js_dispatch(file, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, &f, err))
		return false;
	is_workforce = f.type && strcmp(f.type, "external_account_authorized_user") == 0;
	url = url_of(&f, is_workforce, universe);
	if (!url)
		return err_set(err, ERR_NO_CREDENTIAL, "a user's login is of no use in '%s'",
			       universe);
	u = NEW(struct user);
	u->minter = (struct google_minter){ .ops = &user_ops, .options = options };
	u->minter.principal = f.account && *f.account ? mem_strdup(f.account) : NULL;
	u->minter.universe = TAKE(universe);
	u->minter.renewable = true;
	u->client_id = mem_strdup(f.client_id);
	u->client_secret = secret_new(f.client_secret, strlen(f.client_secret));
	u->url = TAKE(url);
	u->is_workforce = is_workforce;
	push_refresh(u, f.refresh_token);
	*ret = &u->minter;
	return true;
}
