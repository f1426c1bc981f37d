/*
 * Renewal: which credential is shown, what a token endpoint gives for it, and how long a better one is waited for.
 * Runs outside the monitor, by one worker at a time.
 */
#include "auth/authenticator_private.h"

#include "auth/google.h"
#include "auth/token_endpoint.h"
#include "base/mem.h"

#include <string.h>

/* A credential of unknown expiry is asked for anew when it is this old: its source may have a better one. */
#define CREDENTIAL_REASK_MS 30000

/* Between two looks at a source that repeats a dead token. */
#define RENEW_POLL_MS 500

/* Credentials */

static void tell_credential(const struct world *w, const struct credential *c)
{
	char fingerprint[FINGERPRINT_SIZE];

	secret_fingerprint(c->secret, fingerprint);
	world_tell(w, &(struct event){ .kind = EVENT_TOKEN,
				       .token = {
					       .what = "credential",
					       .source = c->source,
					       .fingerprint = fingerprint,
					       .expires_ms = c->life.expires_ms,
					       .expiry_known = c->expiry_known,
				       } });
}

static bool ask_sources(struct authenticator *a, const struct world *w, struct credential **ret,
			struct err *err)
{
	const struct credential_target target = { .host = a->host, .repository = a->repository };

	*ret = NULL;
	for (size_t i = 0; i < a->source_count && !*ret; i++)
		if (!source_obtain(a->sources[i], w, &target, ret, err))
			return false;
	if (*ret || a->may_be_anonymous)
		return true;
	err_set(err, ERR_NO_CREDENTIAL,
		"none of the credential sources that were named has anything for '%s'", a->host);
	return false;
}

/* --min-token-life: better no beginning than an end half way. What can be renewed is renewed; what is not known is
 * not judged. */
static bool outlives(const struct authenticator *a, const struct world *w,
		     const struct credential *c, struct err *err)
{
	int64_t left_ms;

	if (a->has_begun || !a->min_life_ms || !c || c->renewable || !c->expiry_known)
		return true;
	left_ms = c->life.expires_ms - world_now_ms(w);
	if (left_ms >= a->min_life_ms)
		return true;
	err_set(err, ERR_NO_CREDENTIAL,
		"the token of '%s' lives for %lld s more and cannot be renewed: less than "
		"--min-token-life (%lld s)",
		c->source, (long long)(left_ms > 0 ? left_ms : 0) / 1000,
		(long long)a->min_life_ms / 1000);
	err_hint(err, "get a fresh one, or name a source that can renew: --cred adc, metadata, "
		      "gcloud or exec:COMMAND");
	return false;
}

static bool credential_will_do(const struct authenticator *a, const struct world *w)
{
	int64_t now_ms = world_now_ms(w);

	if (!a->credential || a->credential_is_suspect ||
	    secret_same(a->credential->secret, a->dead))
		return false;
	if (a->credential->expiry_known)
		return token_is_fresh(&a->credential->life, now_ms, 0);
	return !a->credential->renewable ||
	       now_ms - a->credential_obtained_ms < CREDENTIAL_REASK_MS;
}

static bool obtain_credential(struct authenticator *a, const struct world *w, struct err *err)
{
	struct credential *fresh = NULL;
	bool changed; /* also to none */

	if (credential_will_do(a, w))
		return true;
	if (!ask_sources(a, w, &fresh, err))
		return false;
	if (!outlives(a, w, fresh, err)) {
		credential_free(fresh);
		return false;
	}
	a->has_begun = true;
	changed = !secret_same(fresh ? fresh->secret : NULL,
			       a->credential ? a->credential->secret : NULL);
	if (changed && fresh)
		tell_credential(w, fresh);
	monitor_enter(a->sched, a->monitor);
	credential_free(a->credential);
	a->credential = fresh;
	a->credential_serial += changed;
	a->waited_in_vain &= !changed;
	a->credential_obtained_ms = world_now_ms(w);
	if (changed)
		a->credential_new_ms = a->credential_obtained_ms;
	a->credential_is_suspect = false;
	monitor_leave(a->sched, a->monitor);
	return true;
}

/* Renewal, by one worker at a time and outside the monitor */

struct renewal {
	enum scheme scheme; /* what the registry asked for when it began */
	char *realm;
	char *service;
	int64_t begun_ms;
	bool is_for_several; /* a mount: a token for two repositories */
	size_t refusals;     /* of credentials that had just come */
	size_t denials;
	int64_t repeats_since_ms; /* the source has nothing better; 0: not yet */
	bool is_last_try;	  /* nothing better came: it is shown once more, and that is all */
	bool same_was_shown;	  /* the refused bytes were shown once more */
	struct token_history history;
};

void authenticator_kill_credential(struct authenticator *a)
{
	secret_free(a->dead);
	a->dead = secret_dup(a->credential->secret);
}

/*
 * The source gave what is known to be dead. True when it is worth going on: with the same bytes once, then only
 * with others.
 */
static bool wait_for_another(struct authenticator *a, const struct world *w, struct renewal *r,
			     struct err *err)
{
	int64_t now_ms = world_now_ms(w), waited_ms;
	struct err cut_short = ERR_INIT;
	CLEANUP(mem_freep) char *text = NULL;

	if (!r->repeats_since_ms)
		r->repeats_since_ms = now_ms;
	waited_ms = now_ms - r->repeats_since_ms;

	if (a->credential->renewable && waited_ms >= a->renew_wait_ms && !r->is_last_try) {
		r->is_last_try = true;
		a->waited_in_vain = true;
		return true;
	}
	if (!a->credential->renewable || waited_ms >= a->renew_wait_ms) {
		if (a->credential->renewable)
			err_cause(err,
				  "'%s' still gives the credential that was refused, after %lld s",
				  a->credential->source, (long long)waited_ms / 1000);
		else
			err_cause(err, "the credential is stored in '%s' and cannot be renewed",
				  a->credential->source);
		return false;
	}
	text = mem_printf("'%s' gives a credential that was refused: waiting for another",
			  a->credential->source);
	world_tell(w, &(struct event){
			      .kind = EVENT_WAIT, .text = text, .wait = { .ms = RENEW_POLL_MS } });
	if (!world_sleep(w, RENEW_POLL_MS, &cut_short)) {
		err_move(err, &cut_short);
		return false;
	}
	return true;
}

/* A source that has worked and does not for a moment: a file that is just being replaced, a metadata server. */
static bool wait_for_source(const struct authenticator *a, const struct world *w,
			    const struct renewal *r, struct err *err)
{
	struct err cut_short = ERR_INIT;

	if (!a->credential || err->code != ERR_NO_CREDENTIAL ||
	    world_now_ms(w) - r->begun_ms >= a->renew_wait_ms)
		return false;
	world_tell(w, &(struct event){ .kind = EVENT_WAIT,
				       .text = err->message,
				       .wait = { .ms = RENEW_POLL_MS } });
	if (!world_sleep(w, RENEW_POLL_MS, &cut_short)) {
		err_move(err, &cut_short);
		return false;
	}
	err_clear(err);
	return true;
}

/* Leaves a credential (or none) that is worth showing. ERR holds the last refusal, which is told when not. */
static bool obtain_living_credential(struct authenticator *a, const struct world *w,
				     struct renewal *r, struct err *err)
{
	for (;;) {
		struct err failed = ERR_INIT;

		if (!obtain_credential(a, w, &failed)) {
			if (wait_for_source(a, w, r, &failed))
				continue;
			err_move(err, &failed);
			return false;
		}
		if (!a->credential || !a->dead || !secret_same(a->credential->secret, a->dead)) {
			r->repeats_since_ms = 0;
			return true;
		}
		if (!r->same_was_shown) {
			r->same_was_shown = true;
			if (!world_sleep(w, SAME_AGAIN_MS, &failed)) {
				err_move(err, &failed);
				return false;
			}
			return true;
		}
		if (err->code == ERR_NONE)
			err_set(err, ERR_REFUSED, "the registry refused the credential");
		if (!wait_for_another(a, w, r, err))
			return false;
		if (r->is_last_try)
			return true;
	}
}

static void keep_token(struct authenticator *a, const struct world *w, const char *key,
		       struct secret *header, const struct secret *shown,
		       const struct token_life *life, const char *what, bool expiry_known)
{
	struct token *t = NEW(struct token);
	char fingerprint[FINGERPRINT_SIZE]; /* T is anybody's to drop once it is kept */

	t->scope = mem_strdup(key);
	t->header = header;
	t->life = *life;
	secret_fingerprint(shown, fingerprint);
	memcpy(t->fingerprint, fingerprint, sizeof(fingerprint));
	monitor_enter(a->sched, a->monitor);
	t->serial = ++a->last_serial;
	t->credential_serial = a->credential_serial;
	authenticator_drop_token(a, key);
	t->next = a->tokens;
	a->tokens = t;
	monitor_leave(a->sched, a->monitor);
	world_tell(w, &(struct event){
			      .kind = EVENT_TOKEN,
			      .token = {
				      .what = what,
				      .source = a->credential ? a->credential->source : "anonymous",
				      .fingerprint = fingerprint,
				      .expires_ms = life->expires_ms,
				      .expiry_known = expiry_known,
			      } });
}

void authenticator_hint_login(const struct authenticator *a, struct err *err)
{
	if (google_is_registry(a->host))
		err_hint(err,
			 "gcloud auth login, or --cred adc, adc:FILE, file:PATH or exec:COMMAND");
	else
		err_hint(err, "docker login %s, or --cred file:PATH, exec:COMMAND or env:VARIABLE",
			 a->host);
}

static bool no_credential(const struct authenticator *a, struct err *err)
{
	err_set(err, ERR_NO_CREDENTIAL,
		"the registry '%s' asks for a login and no credential was found", a->host);
	authenticator_hint_login(a, err);
	return false;
}

static bool renew_basic(struct authenticator *a, const struct world *w, const char *key,
			struct err *err)
{
	const struct credential *c = a->credential;

	if (!c)
		return no_credential(a, err);
	keep_token(a, w, key, basic_header(c), c->secret, &c->life, "login", c->expiry_known);
	return true;
}

/* An endpoint that hands out yesterday's token: shown once more, then only another one will do. */
static bool is_refused_token(const struct authenticator *a, const struct secret *header)
{
	return a->refused_header_times >= 2 && secret_same(header, a->refused_header);
}

static bool wait_for_another_token(const struct authenticator *a, const struct world *w,
				   const struct renewal *r, struct err *err)
{
	int64_t waited_ms = world_now_ms(w) - r->begun_ms;

	if (waited_ms >= a->renew_wait_ms) {
		err_set(err, ERR_REFUSED, "the registry '%s' refuses the token of its own endpoint",
			a->host);
		err_cause(err, "'%s' still hands out the token that was refused, after %lld s",
			  r->realm, (long long)waited_ms / 1000);
		return false;
	}
	world_tell(w,
		   &(struct event){ .kind = EVENT_WAIT,
				    .text = "the token endpoint repeats a token that was refused",
				    .wait = { .ms = RENEW_POLL_MS } });
	return world_sleep(w, RENEW_POLL_MS, err);
}

static enum token_outcome renew_bearer(struct authenticator *a, const struct world *w,
				       const struct http_scope *scope, const char *key,
				       struct renewal *r, struct err *err)
{
	const struct token_request request = {
		.registry_url = a->base_url,
		.realm = r->realm,
		.service = r->service,
		.scope = scope,
		.credential = a->credential,
	};
	CLEANUP(token_answer_clear) struct token_answer answer = { 0 };
	CLEANUP(secret_freep) struct secret *header = NULL;
	struct token_life life;
	enum token_outcome outcome = token_endpoint_attempt(a->endpoint, w, &request, &r->history,
							    &answer, &life.minted_ms, err);

	if (outcome != TOKEN_GRANTED)
		return outcome;
	header = bearer_header(answer.token);
	if (is_refused_token(a, header))
		return wait_for_another_token(a, w, r, err) ? TOKEN_AGAIN : TOKEN_FAILED;
	life.expires_ms = clock_after(life.minted_ms, answer.life_ms);
	keep_token(a, w, key, TAKE(header), answer.token, &life, "registry token",
		   answer.life_said);
	return TOKEN_GRANTED;
}

/*
 * The endpoint was away: what it never saw was not shown. Meanwhile a credential may die whose life nobody knows: its
 * source is asked again.
 */
static void unsay(struct authenticator *a, struct renewal *r, const struct renewal *before)
{
	r->same_was_shown = before->same_was_shown;
	r->is_last_try = before->is_last_try;
	if (a->credential && a->credential->renewable && !a->credential->expiry_known)
		a->credential_is_suspect = true;
}

/* The endpoint turned the credential down: is another one worth the try? */
static bool go_on_after(struct authenticator *a, const struct world *w, struct renewal *r,
			enum token_outcome outcome, struct err *err)
{
	bool is_young = world_now_ms(w) - a->credential_new_ms < FIRST_USE_MS;
	bool same_bytes = a->credential && a->dead && secret_same(a->credential->secret, a->dead);

	if (!a->credential) {
		err_cause(err, "no credential for '%s' was found, so it was asked for anonymously",
			  a->host);
		authenticator_hint_login(a, err);
		return r->denials++ == 0;
	}
	if (r->is_for_several)
		return false; /* it may be the other repository that is the trouble */
	a->credential_is_suspect = true;
	if (outcome == TOKEN_DENIED)
		return r->denials++ == 0;
	authenticator_kill_credential(a);
	if (same_bytes)
		return true; /* obtain_living_credential waits for others, or gives up */
	return !is_young || r->refusals++ == 0;
}

static void renewal_init(struct renewal *r, struct authenticator *a, const struct world *w)
{
	monitor_enter(a->sched, a->monitor);
	*r = (struct renewal){
		.scheme = a->scheme,
		.realm = mem_strdup_or_null(a->realm),
		.service = mem_strdup_or_null(a->service),
		.begun_ms = world_now_ms(w),
		.same_was_shown = a->dead != NULL,
	};
	monitor_leave(a->sched, a->monitor);
}

static void renewal_clear(struct renewal *r)
{
	free(r->realm);
	free(r->service);
}

bool authenticator_renew(struct authenticator *a, const struct world *w,
			 const struct http_scope *scope, const char *key, struct err *err)
{
	CLEANUP(renewal_clear) struct renewal r = { 0 };

	renewal_init(&r, a, w);
	r.is_for_several = scope->resources[1] != NULL;
	for (;;) {
		const struct renewal before = r;
		enum token_outcome outcome;

		if (!obtain_living_credential(a, w, &r, err))
			return false;
		err_clear(err);
		if (r.scheme == SCHEME_BASIC)
			return renew_basic(a, w, key, err);
		outcome = renew_bearer(a, w, scope, key, &r, err);
		if (outcome == TOKEN_GRANTED) {
			secret_free(TAKE(a->dead));
			return true;
		}
		if (outcome == TOKEN_AGAIN)
			unsay(a, &r, &before);
		else if (outcome == TOKEN_FAILED || !go_on_after(a, w, &r, outcome, err))
			return false;
	}
}
