#include "auth/authenticator.h"

#include "auth/token_endpoint.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/challenge.h"
#include "http/url.h"
#include "wire/digest.h"

#include <string.h>

/* A credential of unknown expiry is asked for anew when it is this old: its source may have a better one. */
#define CREDENTIAL_REASK_MS 30000

/* Before the same bytes are shown once more: a registry that has just hiccuped. */
#define SAME_AGAIN_MS 300

/* Between two looks at a source that repeats a dead token. */
#define RENEW_POLL_MS 500

/* Of one request: more is a registry that will never be content. */
#define REFUSALS_MAX 30

enum scheme {
	SCHEME_UNKNOWN, /* nothing was asked for yet: requests go without */
	SCHEME_BASIC,
	SCHEME_BEARER,
};

struct token {
	struct token *next;
	char *scope; /* the resources, joined */
	struct secret *header;
	struct token_life life;
	int64_t serial;
	int64_t credential_serial;
	size_t uses;
	char fingerprint[FINGERPRINT_SIZE];
};

struct authenticator {
	struct authorizer authorizer;
	struct sched *sched;
	struct http_client *endpoint;
	char *base_url;
	char *host;
	char *repository;
	struct source *const *sources;
	size_t source_count;
	bool may_be_anonymous;
	int64_t renew_wait_ms;

	/* Read and written inside the monitor; the credential and what belongs to it only by who renews. */
	struct monitor *monitor;
	bool renewing;
	int64_t failures; /* of renewals */
	struct err failure;
	enum scheme scheme;
	char *realm;
	char *service;
	struct token *tokens; /* one a scope */
	int64_t last_serial;

	struct credential *credential;
	int64_t credential_serial; /* counts the different ones */
	int64_t credential_obtained_ms;
	bool credential_is_suspect;    /* a token bought with it was refused: ask for it again */
	struct secret *suspect;	       /* the bytes that were behind the refused token */
	struct secret *dead;	       /* bytes that will not be shown again */
	struct secret *refused_header; /* the registry token that was refused last */
	size_t refused_header_times;
};

/* Tokens */

static void token_free(struct token *t)
{
	if (!t)
		return;
	free(t->scope);
	secret_free(t->header);
	free(t);
}

static char *scope_key(const struct http_scope *scope)
{
	struct buf key = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < HTTP_SCOPES_MAX && scope->resources[i]; i++)
		buf_printf(&key, "%s%s", i ? " " : "", scope->resources[i]);
	return buf_take(&key);
}

static struct token **find_token(struct authenticator *a, const char *key)
{
	struct token **p = &a->tokens;

	while (*p && strcmp((*p)->scope, key) != 0)
		p = &(*p)->next;
	return p;
}

static void drop_token(struct authenticator *a, const char *key)
{
	struct token **p = find_token(a, key);
	struct token *t = *p;

	if (t)
		*p = t->next;
	token_free(t);
}

static void drop_all_tokens(struct authenticator *a)
{
	while (a->tokens) {
		struct token *t = a->tokens;

		a->tokens = t->next;
		token_free(t);
	}
}

static void hand_out(struct token *t, struct http_ticket *ret)
{
	*ret = (struct http_ticket){
		.authorization = secret_dup(t->header),
		.token_serial = t->serial,
		.credential_serial = t->credential_serial,
		.expires_ms = t->life.expires_ms,
	};
	memcpy(ret->fingerprint, t->fingerprint, sizeof(t->fingerprint));
	t->uses++;
}

/* What the registry asks for */

static void learn_bearer(struct authenticator *a, const struct challenge *c)
{
	const char *realm = challenge_param(c, "realm");

	if (!realm)
		realm = "";
	if (a->scheme != SCHEME_BEARER || strcmp(realm, a->realm) != 0)
		drop_all_tokens(a);
	a->scheme = SCHEME_BEARER;
	mem_replace(&a->realm, realm);
	mem_replace(&a->service, challenge_param(c, "service"));
}

/* Bearer before Basic where both are offered: its token is for this repository only. */
static void learn(struct authenticator *a, const char *const *values)
{
	struct challenges list = { 0 };
	const struct challenge *bearer;

	for (; values && *values; values++)
		challenges_parse(&list, *values);
	bearer = challenges_find(&list, "bearer");
	if (bearer) {
		learn_bearer(a, bearer);
	} else if (challenges_find(&list, "basic")) {
		if (a->scheme != SCHEME_BASIC)
			drop_all_tokens(a);
		a->scheme = SCHEME_BASIC;
	}
	challenges_clear(&list);
}

static void authenticator_challenged(struct authorizer *authorizer, const char *const *challenges)
{
	struct authenticator *a = (struct authenticator *)authorizer;

	monitor_enter(a->sched, a->monitor);
	learn(a, challenges);
	monitor_leave(a->sched, a->monitor);
}

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
	changed = !secret_same(fresh ? fresh->secret : NULL,
			       a->credential ? a->credential->secret : NULL);
	if (changed && fresh)
		tell_credential(w, fresh);
	monitor_enter(a->sched, a->monitor);
	credential_free(a->credential);
	a->credential = fresh;
	a->credential_serial += changed;
	a->credential_obtained_ms = world_now_ms(w);
	a->credential_is_suspect = false;
	monitor_leave(a->sched, a->monitor);
	return true;
}

/* Renewal, by one worker at a time and outside the monitor */

struct renewal {
	int64_t begun_ms;
	size_t refusals; /* of credentials whose bytes were new */
	size_t denials;
	bool same_was_shown; /* the refused bytes were shown once more */
};

static void kill_credential(struct authenticator *a)
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
	int64_t waited_ms = world_now_ms(w) - r->begun_ms;
	struct err cut_short = ERR_INIT;
	CLEANUP(mem_freep) char *text = NULL;

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
		if (!a->credential || !a->dead || !secret_same(a->credential->secret, a->dead))
			return true;
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
	}
}

static void keep_token(struct authenticator *a, const struct world *w, const char *key,
		       struct secret *header, const struct secret *shown,
		       const struct token_life *life, const char *what, bool expiry_known)
{
	struct token *t = NEW(struct token);

	t->scope = mem_strdup(key);
	t->header = header;
	t->life = *life;
	secret_fingerprint(shown, t->fingerprint);
	monitor_enter(a->sched, a->monitor);
	t->serial = ++a->last_serial;
	t->credential_serial = a->credential_serial;
	drop_token(a, key);
	t->next = a->tokens;
	a->tokens = t;
	monitor_leave(a->sched, a->monitor);
	world_tell(w, &(struct event){
			      .kind = EVENT_TOKEN,
			      .token = {
				      .what = what,
				      .source = a->credential ? a->credential->source : "anonymous",
				      .fingerprint = t->fingerprint,
				      .expires_ms = life->expires_ms,
				      .expiry_known = expiry_known,
			      } });
}

static bool no_credential(const struct authenticator *a, struct err *err)
{
	err_set(err, ERR_NO_CREDENTIAL,
		"the registry '%s' asks for a login and no credential was found", a->host);
	err_hint(err, "docker login %s, or --cred file:PATH, exec:COMMAND or env:VARIABLE",
		 a->host);
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
			  a->realm, (long long)waited_ms / 1000);
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
				       const struct renewal *r, struct err *err)
{
	const struct token_request request = {
		.registry_url = a->base_url,
		.realm = a->realm,
		.service = a->service,
		.scope = scope,
		.credential = a->credential,
	};

	for (;;) {
		CLEANUP(token_answer_clear) struct token_answer answer = { 0 };
		CLEANUP(secret_freep) struct secret *header = NULL;
		struct token_life life;
		enum token_outcome outcome;

		outcome =
			token_endpoint_ask(a->endpoint, w, &request, &answer, &life.minted_ms, err);
		if (outcome != TOKEN_GRANTED)
			return outcome;
		header = bearer_header(answer.token);
		if (!is_refused_token(a, header)) {
			life.expires_ms = clock_after(life.minted_ms, answer.life_ms);
			keep_token(a, w, key, TAKE(header), answer.token, &life, "registry token",
				   answer.life_said);
			return TOKEN_GRANTED;
		}
		if (!wait_for_another_token(a, w, r, err))
			return TOKEN_FAILED;
	}
}

/* The endpoint turned the credential down: is another one worth the try? */
static bool go_on_after(struct authenticator *a, struct renewal *r, enum token_outcome outcome,
			struct err *err)
{
	bool same_bytes = a->credential && a->dead && secret_same(a->credential->secret, a->dead);

	if (!a->credential) {
		err_cause(err, "no credential for '%s' was found, so it was asked for anonymously",
			  a->host);
		err_hint(err, "docker login %s, or --cred file:PATH, exec:COMMAND or env:VARIABLE",
			 a->host);
		return r->denials++ == 0;
	}
	a->credential_is_suspect = true;
	if (outcome == TOKEN_DENIED)
		return r->denials++ == 0;
	kill_credential(a);
	if (same_bytes)
		return true; /* obtain_living_credential waits for others, or gives up */
	return r->refusals++ == 0;
}

static bool renew(struct authenticator *a, const struct world *w, const struct http_scope *scope,
		  const char *key, struct err *err)
{
	struct renewal r = { .begun_ms = world_now_ms(w), .same_was_shown = a->dead != NULL };

	for (;;) {
		enum token_outcome outcome;

		if (!obtain_living_credential(a, w, &r, err))
			return false;
		err_clear(err);
		if (a->scheme == SCHEME_BASIC)
			return renew_basic(a, w, key, err);
		outcome = renew_bearer(a, w, scope, key, &r, err);
		if (outcome == TOKEN_GRANTED) {
			secret_free(TAKE(a->dead));
			return true;
		}
		if (outcome == TOKEN_FAILED || !go_on_after(a, &r, outcome, err))
			return false;
	}
}

/* Inside the monitor, left meanwhile. Waiters learn of a failure instead of repeating it one by one. */
static bool renew_in_turn(struct authenticator *a, const struct world *w,
			  const struct http_scope *scope, const char *key, struct err *err)
{
	bool renewed;

	a->renewing = true;
	monitor_leave(a->sched, a->monitor);
	renewed = renew(a, w, scope, key, err);
	monitor_enter(a->sched, a->monitor);
	a->renewing = false;
	if (!renewed) {
		a->failures++;
		err_copy(&a->failure, err);
	}
	monitor_wake_all(a->sched, a->monitor);
	return renewed;
}

static bool wait_for_renewal(struct authenticator *a, const struct world *w, struct err *err)
{
	int64_t failures = a->failures;

	while (a->renewing && world_check(w, err))
		monitor_wait(a->sched, a->monitor, 100);
	if (err->code != ERR_NONE)
		return false;
	if (a->failures == failures)
		return true;
	err_copy(err, &a->failure);
	return false;
}

/* From the second refusal on a request gets a token that no other is shown: only that one's fate tells. */
#define REFUSALS_BEFORE_EXCLUSIVE 2

/* Minted by this worker: taken out of the others' reach when it is to be exclusive. */
static bool take_minted(struct authenticator *a, const char *key, bool exclusive,
			struct http_ticket *ret)
{
	struct token *t = *find_token(a, key);

	if (!t || (exclusive && t->uses))
		return false;
	hand_out(t, ret);
	ret->exclusive = exclusive;
	if (exclusive)
		drop_token(a, key);
	return true;
}

static bool ticket_inside(struct authenticator *a, const struct world *w,
			  const struct http_scope *scope, const char *key, int64_t need_ms,
			  bool exclusive, struct http_ticket *ret, struct err *err)
{
	while (a->scheme != SCHEME_UNKNOWN) {
		struct token *t = *find_token(a, key);

		if (!exclusive && t && token_is_fresh(&t->life, world_now_ms(w), need_ms)) {
			hand_out(t, ret);
			return true;
		}
		if (a->renewing) {
			if (!wait_for_renewal(a, w, err))
				return false;
			continue;
		}
		if (!renew_in_turn(a, w, scope, key, err))
			return false;
		/* however short it lives: nothing better is to be had */
		if (take_minted(a, key, exclusive, ret))
			return true;
	}
	*ret = (struct http_ticket){ .expires_ms = NEVER_MS };
	return true;
}

static bool authenticator_ticket(struct authorizer *authorizer, const struct world *w,
				 const struct http_scope *scope, int64_t need_ms, size_t refusals,
				 struct http_ticket *ret, struct err *err)
{
	struct authenticator *a = (struct authenticator *)authorizer;
	CLEANUP(mem_freep) char *key = scope_key(scope);
	bool ok;

	monitor_enter(a->sched, a->monitor);
	ok = ticket_inside(a, w, scope, key, need_ms, refusals >= REFUSALS_BEFORE_EXCLUSIVE, ret,
			   err);
	monitor_leave(a->sched, a->monitor);
	return ok;
}

/* Refusals */

static void tell_refused(const struct world *w, const struct http_ticket *shown,
			 const struct http_refusal *refusal)
{
	CLEANUP(mem_freep) char *text = mem_printf("%d %s", refusal->status, refusal->words);

	world_tell(w, &(struct event){ .kind = EVENT_REFUSED,
				       .text = text,
				       .token = { .what = "registry token",
						  .fingerprint = shown->fingerprint,
						  .expires_ms = shown->expires_ms } });
}

static enum auth_verdict final_refusal(const struct authenticator *a,
				       const struct http_refusal *refusal, struct err *err)
{
	if (refusal->says_denied) {
		err_set(err, ERR_DENIED,
			"the registry denies access to '%s/%s', or it does not exist", a->host,
			a->repository);
		err_cause(err,
			  "a fresh token was refused too: this identity has not the right, or the "
			  "repository does not exist");
	} else {
		err_set(err, ERR_REFUSED, "the registry '%s' refuses a fresh credential", a->host);
	}
	err_evidence(err, "%d %s", refusal->status, refusal->words);
	if (!a->credential) {
		err_cause(err, "no credential for '%s' was found, so the request was anonymous",
			  a->host);
		err_hint(err, "docker login %s, or --cred file:PATH, exec:COMMAND or env:VARIABLE",
			 a->host);
	}
	return AUTH_FINAL;
}

static void note_refused_header(struct authenticator *a, const struct http_ticket *shown)
{
	if (secret_same(a->refused_header, shown->authorization)) {
		a->refused_header_times++;
		return;
	}
	secret_free(a->refused_header);
	a->refused_header = secret_dup(shown->authorization);
	a->refused_header_times = 1;
}

/*
 * Is this the refusal that settles it? T is the token that was shown if it is still the one at hand. What others used
 * at the same time may have been spent by them.
 */
static bool is_conclusive(const struct authenticator *a, const struct world *w,
			  const struct http_ticket *shown, const struct token *t, size_t nth)
{
	bool alone = !shown->token_serial || shown->exclusive || (t && t->uses == 1);
	bool new_bytes = a->scheme != SCHEME_BEARER || a->refused_header_times == 1;

	if (nth >= REFUSALS_MAX)
		return true;
	return nth >= 2 && alone && new_bytes && shown->credential_serial == a->credential_serial &&
	       world_now_ms(w) < shown->expires_ms;
}

/* A fresh token, but bought with the very credential that was behind the refused one: a better may come. */
static bool may_get_another_credential(const struct authenticator *a,
				       const struct http_refusal *refusal)
{
	return !refusal->says_denied && a->credential && a->credential->renewable && a->suspect &&
	       secret_same(a->credential->secret, a->suspect);
}

static enum auth_verdict refused_inside(struct authenticator *a, const struct world *w,
					const char *key, const struct http_ticket *shown,
					const struct http_refusal *refusal, size_t nth,
					struct err *err)
{
	enum scheme scheme_before = a->scheme;
	bool conclusive;
	struct token *t;

	learn(a, refusal->challenges);
	if (scheme_before == SCHEME_UNKNOWN && a->scheme != SCHEME_UNKNOWN)
		return AUTH_TRY_AGAIN;
	note_refused_header(a, shown);
	t = *find_token(a, key);
	if (t && t->serial != shown->token_serial)
		t = NULL; /* another worker has renewed */
	conclusive = is_conclusive(a, w, shown, t, nth);
	if (t)
		drop_token(a, key);
	else if (!shown->exclusive && !conclusive)
		return AUTH_TRY_AGAIN;
	if (conclusive) {
		if (!may_get_another_credential(a, refusal) || nth >= REFUSALS_MAX)
			return final_refusal(a, refusal, err);
		kill_credential(a);
	}
	a->credential_is_suspect = true;
	if (a->credential) {
		secret_free(a->suspect);
		a->suspect = secret_dup(a->credential->secret);
	}
	return AUTH_TRY_AGAIN;
}

static enum auth_verdict authenticator_refused(struct authorizer *authorizer, const struct world *w,
					       const struct http_scope *scope,
					       const struct http_ticket *shown,
					       const struct http_refusal *refusal, size_t nth,
					       struct err *err)
{
	struct authenticator *a = (struct authenticator *)authorizer;
	CLEANUP(mem_freep) char *key = scope_key(scope);
	enum auth_verdict verdict;
	bool went_without;

	tell_refused(w, shown, refusal);
	monitor_enter(a->sched, a->monitor);
	while (a->renewing && world_check(w, err))
		monitor_wait(a->sched, a->monitor, 100);
	verdict = err->code == ERR_NONE ? refused_inside(a, w, key, shown, refusal, nth, err)
					: AUTH_FINAL;
	went_without = a->scheme == SCHEME_UNKNOWN;
	monitor_leave(a->sched, a->monitor);
	if (verdict == AUTH_TRY_AGAIN && went_without && !world_sleep(w, SAME_AGAIN_MS, err))
		return AUTH_FINAL;
	return verdict;
}

static void authenticator_free(struct authorizer *authorizer)
{
	struct authenticator *a = (struct authenticator *)authorizer;

	drop_all_tokens(a);
	credential_free(a->credential);
	secret_free(a->suspect);
	secret_free(a->dead);
	secret_free(a->refused_header);
	err_clear(&a->failure);
	http_client_free(a->endpoint);
	monitor_free(a->sched, a->monitor);
	free(a->base_url);
	free(a->host);
	free(a->repository);
	free(a->realm);
	free(a->service);
	free(a);
}

static const struct authorizer_ops authenticator_ops = {
	.ticket = authenticator_ticket,
	.refused = authenticator_refused,
	.challenged = authenticator_challenged,
	.free = authenticator_free,
};

struct authorizer *authenticator_new(const struct authenticator_options *options)
{
	struct authenticator *a = NEW(struct authenticator);

	a->authorizer.ops = &authenticator_ops;
	a->sched = options->sched;
	a->endpoint = http_client_new_borrowing(options->transport, options->policy);
	a->base_url = mem_strdup(options->base_url);
	a->host = mem_strdup(options->target.host);
	a->repository = mem_strdup(options->target.repository);
	a->sources = options->sources;
	a->source_count = options->source_count;
	a->may_be_anonymous = options->may_be_anonymous;
	a->renew_wait_ms = options->renew_wait_ms;
	a->monitor = monitor_new(a->sched);
	return &a->authorizer;
}
