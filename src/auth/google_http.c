/* What all of Google's minters share: one question to an endpoint, and the tokens that its answers bring. */
#include "auth/google.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"
#include "wire/time.h"

#include <string.h>

#define ANSWER_MS 10000
#define TRIES_FOR_A_PASSING_ERROR 4

/* A clock that is off by more is the likely reason when an endpoint does not like what was signed. */
#define SKEW_WORTH_A_WORD_MS 60000

void google_token_clear(struct google_token *t)
{
	secret_free(t->secret);
	*t = (struct google_token){ 0 };
}

void google_minter_free(struct google_minter *m)
{
	if (m)
		m->ops->free(m);
}

void google_minter_clear(struct google_minter *m)
{
	free(m->principal);
	free(m->origin);
	free(m->universe);
	free(m->identity);
}

const char *const google_scopes_default[3] = { GOOGLE_SCOPE_PLATFORM, GOOGLE_SCOPE_EMAIL, NULL };

char *google_universe_of(const struct js *file)
{
	const char *said = js_string(js_get(file, "universe_domain"));

	if (!said || !*said)
		said = getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN");
	return mem_strdup(said && *said ? said : GOOGLE_UNIVERSE_DEFAULT);
}

/* Asking */

static bool place_is_allowed(const struct http_call *call, struct err *err)
{
	CLEANUP(mem_freep) char *shown = url_shown(call->url);
	enum host_kind kind = host_kind_of(call->url);
	bool plain = strncasecmp(call->url, "http://", 7) == 0;
	bool shows_secret = call->bytes || call->authorization;

	if (url_is_https(call->url) || (plain && kind == HOST_LOOPBACK) ||
	    (plain && kind == HOST_LINK_LOCAL && !shows_secret))
		return true;
	err_set(err, ERR_NO_CREDENTIAL, "'%s' is no place to ask for a %s", shown, call->what);
	err_cause(err, "only https is, or http on this machine");
	return false;
}

/* OAuth2's word for its failure (RFC 6749 §5.2), and Google's for what kind of it. */
struct oauth_error {
	char *error;
	char *subtype;
};

static void oauth_error_clear(struct oauth_error *e)
{
	free(e->error);
	free(e->subtype);
}

static struct oauth_error read_error(const struct http_answer *a)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct oauth_error e = { 0 };
	struct err ignored = ERR_INIT;

	if (!js_parse(a->body, a->body_len, HTTP_ANSWER_CEILING, ERR_NO_CREDENTIAL, &j, &ignored))
		err_clear(&ignored);
	e.error = mem_strdup_or_null(js_string(js_get(j, "error")));
	e.subtype = mem_strdup_or_null(js_string(js_get(j, "error_subtype")));
	return e;
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; text && *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

static bool error_is_passing(const struct oauth_error *e)
{
	static const char *const passing[] = { "internal_failure", "server_error",
					       "temporarily_unavailable", NULL };

	return is_one_of(e->error, passing);
}

/* The account must be proven anew by a human (Google's session control): nothing that we ask helps. */
static bool wants_a_human(const struct oauth_error *e)
{
	static const char *const human[] = { "invalid_rapt", "rapt_required", NULL };

	return is_one_of(e->subtype, human) || is_one_of(e->error, human);
}

static void explain_skew(const struct http_answer *a, const struct world *w, struct err *err)
{
	int64_t ahead_ms = clock_wall_ms(w->clock) - a->date_wall_ms;

	if (a->date_wall_ms < 0 ||
	    (ahead_ms < SKEW_WORTH_A_WORD_MS && ahead_ms > -SKEW_WORTH_A_WORD_MS))
		return;
	err_cause(err, "this machine's clock is %lld s %s the endpoint's",
		  (long long)(ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000,
		  ahead_ms < 0 ? "behind" : "ahead of");
}

static bool refused(const struct http_call *call, const struct http_answer *a,
		    const struct oauth_error *e, const struct world *w, struct err *err)
{
	CLEANUP(mem_freep) char *words = http_answer_words(a);
	CLEANUP(mem_freep) char *host = url_authority(call->url);

	err_set(err, ERR_NO_CREDENTIAL, "'%s' was asked for a %s and answered with %d", host,
		call->what, a->status);
	err_evidence(err, "%s", words);
	if (a->status >= 300 && a->status < 400)
		err_cause(err, "it leads elsewhere, which is not followed with a secret");
	if (wants_a_human(e)) {
		err_cause(err, "the login is over and only its owner can renew it");
		err_hint(err, "gcloud auth login, or gcloud auth application-default login");
	}
	explain_skew(a, w, err);
	return false;
}

/* An endpoint that was heard and then is away is waited for; the rest is the policy's. */
static bool ask(struct http_client *c, const struct world *w, const struct http_call *call,
		struct http_answer *ret, struct err *err)
{
	struct http_history history = { 0 };

	for (;;) {
		enum http_outcome outcome = http_attempt(c, w, call, &history, ret, err);

		if (outcome == HTTP_ANSWERED && ret->status >= 200 && ret->status < 300)
			return true;
		if (outcome == HTTP_ANSWERED) {
			CLEANUP(oauth_error_clear) struct oauth_error e = read_error(ret);

			if (!error_is_passing(&e) ||
			    history.faults + 1 >= TRIES_FOR_A_PASSING_ERROR)
				return refused(call, ret, &e, w, err);
			outcome = http_again(c, w, call, &history, ret, err);
		}
		if (outcome == HTTP_OVER)
			return false;
		http_answer_clear(ret);
	}
}

bool google_ask(const struct google_options *options, const struct world *w,
		const struct http_call *call, struct http_answer *ret, struct err *err)
{
	CLEANUP(http_client_freep)
	struct http_client *c = http_client_new_borrowing(options->transport, options->policy);
	struct http_call whole = *call;

	*ret = (struct http_answer){ 0 };
	whole.anonymous = true;
	whole.keep_redirect = true;
	if (!whole.answer_ms)
		whole.answer_ms = ANSWER_MS;
	if (!place_is_allowed(&whole, err))
		return false;
	if (ask(c, w, &whole, ret, err))
		return true;
	/* too long an answer: no token endpoint does that */
	if (err->code == ERR_NO_REGISTRY || err->code == ERR_REFUSED || err->code == ERR_DENIED)
		err->code = ERR_NO_CREDENTIAL;
	return false;
}

/* Forms */

void google_form_add(struct buf *form, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *key = NULL;
	CLEANUP(mem_freep) char *encoded = NULL;

	if (!value)
		return;
	key = url_encode(name);
	encoded = url_encode(value);
	if (form->len)
		buf_putc(form, '&');
	buf_puts(form, key);
	buf_putc(form, '=');
	buf_puts(form, encoded);
	secret_wipe(encoded, strlen(encoded));
}

struct http_call google_form_call(const char *what, const char *url, const struct buf *form)
{
	return (struct http_call){
		.what = what,
		.method = "POST",
		.url = url,
		.headers = { { "Content-Type", "application/x-www-form-urlencoded" },
			     { "Accept", "application/json" } },
		.bytes = buf_str(form),
		.size = form->len,
	};
}

/* Answers */

static bool parse_answer(const struct http_answer *answer, const char *field, struct js **ret_json,
			 struct google_token *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;

	*ret = (struct google_token){ 0 };
	if (!js_parse(answer->body, answer->body_len, HTTP_ANSWER_CEILING, ERR_NO_CREDENTIAL, &j,
		      err))
		return err_wrap(err, "the token endpoint's answer");
	ret->secret = token_of_json(js_get(j, field));
	if (!ret->secret)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the token endpoint's answer has no '%s' in it", field);
	ret->life = (struct token_life){ .minted_ms = answer->sent_ms, .expires_ms = NEVER_MS };
	*ret_json = TAKE(j);
	return true;
}

/* However little is said to be left: no life at all is one too, and another token is wanted at once. */
static void set_life(struct google_token *t, int64_t life_ms)
{
	t->expiry_known = true;
	t->life.expires_ms = clock_after(t->life.minted_ms, life_ms > 0 ? life_ms : 0);
}

bool google_oauth_answer(const struct http_answer *answer, struct google_token *ret,
			 struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	double seconds;

	if (!parse_answer(answer, "access_token", &j, ret, err))
		return false;
	if (token_seconds_of_json(js_get(j, "expires_in"), &seconds))
		set_life(ret, (int64_t)(seconds * 1000));
	return true;
}

bool google_iam_answer(const struct http_answer *answer, const struct world *w,
		       struct google_token *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *moment;
	int64_t expires_wall_ms, sent_wall_ms = answer->date_wall_ms;

	if (!parse_answer(answer, "accessToken", &j, ret, err))
		return false;
	if (sent_wall_ms < 0)
		sent_wall_ms = clock_wall_ms(w->clock) - (world_now_ms(w) - answer->sent_ms);
	moment = js_string(js_get(j, "expireTime"));
	if (moment && time_parse_rfc3339(moment, &expires_wall_ms))
		set_life(ret, expires_wall_ms - sent_wall_ms);
	return true;
}
