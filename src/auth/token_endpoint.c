#include "auth/token_endpoint.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"
#include "wire/base64.h"

#include <string.h>

#define TOKEN_ANSWER_MS 10000
#define BAD_ANSWERS_MAX 4

struct secret *basic_header(const struct credential *c)
{
	CLEANUP(mem_freep)
	char *pair = mem_printf("%s:%s", c->user ? c->user : "", secret_reveal(c->secret));
	CLEANUP(mem_freep) char *encoded = base64_encode(pair, strlen(pair));
	CLEANUP(mem_freep) char *header = mem_printf("Basic %s", encoded);
	struct secret *s = secret_new(header, strlen(header));

	secret_wipe(pair, strlen(pair));
	secret_wipe(encoded, strlen(encoded));
	secret_wipe(header, strlen(header));
	return s;
}

struct secret *bearer_header(const struct secret *token)
{
	CLEANUP(mem_freep) char *header = mem_printf("Bearer %s", secret_reveal(token));
	struct secret *s = secret_new(header, strlen(header));

	secret_wipe(header, strlen(header));
	return s;
}

static bool realm_is_allowed(const struct token_request *r, struct err *err)
{
	enum host_kind realm = host_kind_of(r->realm), registry = host_kind_of(r->registry_url);
	bool both_loopback = realm == HOST_LOOPBACK && registry == HOST_LOOPBACK;
	const char *why = NULL;

	if (strncasecmp(r->realm, "http://", 7) != 0 && strncasecmp(r->realm, "https://", 8) != 0)
		return err_set(
			err, ERR_NO_CREDENTIAL,
			"the registry names '%s' as its token endpoint, which is no http URL",
			r->realm);
	if (url_same_origin(r->realm, r->registry_url))
		return true;
	if (!host_may_lead_to(r->registry_url, r->realm))
		why = "it leads to an address inside this machine or network";
	else if (r->credential && !both_loopback && !url_is_https(r->realm))
		why = "it is not https";
	else if (r->credential && !both_loopback && !url_is_https(r->registry_url))
		why = "it was named over plain http";
	if (!why)
		return true;
	err_set(err, ERR_NO_CREDENTIAL,
		"the registry names '%s' as its token endpoint, which gets no credential",
		r->realm);
	err_cause(err, "%s", why);
	return false;
}

static bool add_query(char **url, const char *key, const char *value, struct err *err)
{
	char *longer = NULL;

	if (!value)
		return true;
	if (!url_add_query(*url, key, value, &longer, err))
		return false;
	free(*url);
	*url = longer;
	return true;
}

/* Every parameter of a token request, in the order of the specification's example. */
static bool add_parameters(const struct token_request *r, char **url, struct err *err)
{
	if (!add_query(url, "service", r->service, err))
		return false;
	for (size_t i = 0; i < HTTP_SCOPES_MAX && r->scope->resources[i]; i++)
		if (!add_query(url, "scope", r->scope->resources[i], err))
			return false;
	return true;
}

static struct http_call token_call(const struct token_request *r, const char *method,
				   const char *url)
{
	return (struct http_call){
		.what = "token",
		.method = method,
		.url = url,
		.anonymous = true,
		.answer_ms = TOKEN_ANSWER_MS,
		.outside_only = !url_same_origin(r->realm, r->registry_url) &&
				host_kind_of(r->registry_url) == HOST_ELSEWHERE,
	};
}

static enum http_outcome ask_with_get(struct http_client *c, const struct world *w,
				      const struct token_request *r, struct http_history *history,
				      struct http_answer *ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = mem_strdup(r->realm);
	CLEANUP(secret_freep)
	struct secret *basic = r->credential ? basic_header(r->credential) : NULL;
	struct http_call call;

	if (!add_parameters(r, &url, err))
		return HTTP_OVER;
	call = token_call(r, "GET", url);
	call.authorization = basic;
	return http_attempt(c, w, &call, history, ret, err);
}

/*
 * A form is a query string behind a URL that is cut off again: the encoding stays the library's. The body holds
 * the secret, so it follows no redirect.
 */
static bool compose_form(const struct token_request *r, char **ret, struct err *err)
{
	const struct credential *cred = r->credential;
	CLEANUP(mem_freep) char *url = mem_strdup("https://form.invalid/");
	bool ok = add_query(&url, "grant_type",
			    cred->is_identity_token ? "refresh_token" : "password", err) &&
		  add_query(&url, "client_id", "landed", err) && add_parameters(r, &url, err);

	if (ok && cred->is_identity_token)
		ok = add_query(&url, "refresh_token", secret_reveal(cred->secret), err);
	else if (ok)
		ok = add_query(&url, "username", cred->user, err) &&
		     add_query(&url, "password", secret_reveal(cred->secret), err);
	if (ok)
		*ret = mem_strdup(strchr(url, '?') + 1);
	secret_wipe(url, strlen(url));
	return ok;
}

static enum http_outcome ask_with_post(struct http_client *c, const struct world *w,
				       const struct token_request *r, struct http_history *history,
				       struct http_answer *ret, struct err *err)
{
	CLEANUP(mem_freep) char *form = NULL;
	struct http_call call = token_call(r, "POST", r->realm);
	enum http_outcome outcome;

	if (!compose_form(r, &form, err))
		return HTTP_OVER;
	call.headers[0] =
		(struct http_header){ "Content-Type", "application/x-www-form-urlencoded" };
	call.bytes = form;
	call.size = strlen(form);
	call.keep_redirect = true;
	outcome = http_attempt(c, w, &call, history, ret, err);
	secret_wipe(form, strlen(form));
	return outcome;
}

/* Most endpoints know GET; an identity token only works with POST; some know nothing but POST. */
static enum http_outcome ask(struct http_client *c, const struct world *w,
			     const struct token_request *r, struct http_history *history,
			     struct http_answer *ret, struct err *err)
{
	enum http_outcome outcome;

	if (r->credential && r->credential->is_identity_token)
		return ask_with_post(c, w, r, history, ret, err);
	outcome = ask_with_get(c, w, r, history, ret, err);
	if (outcome != HTTP_ANSWERED || ret->status != 405 || !r->credential)
		return outcome;
	http_answer_clear(ret);
	return ask_with_post(c, w, r, history, ret, err);
}

static enum token_outcome read_refusal(const struct token_request *r,
				       const struct http_answer *answer, struct err *err)
{
	CLEANUP(mem_freep) char *words = refusal_words(answer->body, answer->body_len);
	CLEANUP(mem_freep) char *host = url_authority(r->realm);
	struct http_refusal refusal;
	bool denied;

	if (!refusal_read(answer->status, words, NULL, &refusal)) {
		err_set(err, ERR_NO_CREDENTIAL, "the token endpoint '%s' answered with %d",
			host ? host : r->realm, answer->status);
		err_evidence(err, "%d %s", answer->status, words);
		return TOKEN_FAILED;
	}
	denied = answer->status == 403 && !refusal.says_unauthenticated;
	err_set(err, denied ? ERR_DENIED : ERR_REFUSED,
		"the token endpoint '%s' refused the credential", host ? host : r->realm);
	err_evidence(err, "%d %s", answer->status, words);
	if (denied && r->credential)
		refusal_name_role(words, err);
	return denied ? TOKEN_DENIED : TOKEN_CREDENTIAL_REFUSED;
}

/* A bad answer of a good endpoint: it may pass. 404 too: Artifact Registry's endpoint has been seen to say it. */
static enum token_outcome after_bad_answer(struct http_client *c, const struct world *w,
					   const struct token_request *r,
					   struct token_history *history,
					   const struct http_answer *answer, struct err *err)
{
	struct http_call call = token_call(r, "GET", r->realm);

	if (++history->bad_answers == BAD_ANSWERS_MAX)
		return TOKEN_FAILED;
	return http_again(c, w, &call, &history->http, answer, err) == HTTP_AGAIN ? TOKEN_AGAIN
										  : TOKEN_FAILED;
}

static enum token_outcome read_answer(struct http_client *c, const struct world *w,
				      const struct token_request *r, struct token_history *history,
				      const struct http_answer *answer, struct token_answer *ret,
				      struct err *err)
{
	enum token_outcome outcome;

	if (answer->status != 200) {
		outcome = read_refusal(r, answer, err);
		if (outcome != TOKEN_FAILED || answer->status == 400)
			return outcome;
	} else if (token_answer_parse(answer->body, answer->body_len, answer->date_wall_ms, ret,
				      err)) {
		return TOKEN_GRANTED;
	} else {
		token_answer_clear(ret);
	}
	return after_bad_answer(c, w, r, history, answer, err);
}

enum token_outcome token_endpoint_attempt(struct http_client *c, const struct world *w,
					  const struct token_request *request,
					  struct token_history *history, struct token_answer *ret,
					  int64_t *ret_asked_ms, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };

	if (!realm_is_allowed(request, err))
		return TOKEN_FAILED;
	switch (ask(c, w, request, &history->http, &answer, err)) {
	case HTTP_AGAIN:
		return TOKEN_AGAIN;
	case HTTP_OVER:
		return TOKEN_FAILED;
	case HTTP_ANSWERED:
		break;
	}
	*ret_asked_ms = answer.sent_ms;
	return read_answer(c, w, request, history, &answer, ret, err);
}
