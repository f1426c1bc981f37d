#include "auth/authenticator_private.h"

#include "auth/token_endpoint.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/challenge.h"
#include "http/refusal.h"

#include <string.h>

/* Of one request: more is a registry that will never be content. */
#define REFUSALS_MAX 30

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

struct token **authenticator_find_token(struct authenticator *a, const char *key)
{
	struct token **p = &a->tokens;

	while (*p && strcmp((*p)->scope, key) != 0)
		p = &(*p)->next;
	return p;
}

void authenticator_drop_token(struct authenticator *a, const char *key)
{
	struct token **p = authenticator_find_token(a, key);
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

/* Inside the monitor, left meanwhile. Waiters learn of a failure instead of repeating it one by one. */
static bool renew_in_turn(struct authenticator *a, const struct world *w,
			  const struct http_scope *scope, const char *key, struct err *err)
{
	bool renewed;

	a->renewing = true;
	monitor_leave(a->sched, a->monitor);
	renewed = authenticator_renew(a, w, scope, key, err);
	monitor_enter(a->sched, a->monitor);
	a->renewing = false;
	if (!renewed && err->code != ERR_CANCELLED && err->code != ERR_TIMEOUT) {
		a->failures++;
		mem_replace(&a->failed_key, key);
		err_copy(&a->failure, err);
	}
	monitor_wake_all(a->sched, a->monitor);
	return renewed;
}

/* What the other worker could not get is not asked for again, unless it was for something else, or cut short. */
static bool wait_for_renewal(struct authenticator *a, const struct world *w, const char *key,
			     struct err *err)
{
	int64_t failures = a->failures;

	while (a->renewing && world_check(w, err))
		monitor_wait(a->sched, a->monitor, 100);
	if (err->code != ERR_NONE)
		return false;
	if (a->failures == failures || strcmp(a->failed_key, key) != 0)
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
	struct token *t = *authenticator_find_token(a, key);

	if (!t || (exclusive && t->uses))
		return false;
	hand_out(t, ret);
	ret->exclusive = exclusive;
	if (exclusive)
		authenticator_drop_token(a, key);
	return true;
}

static bool ticket_inside(struct authenticator *a, const struct world *w,
			  const struct http_scope *scope, const char *key, int64_t need_ms,
			  bool exclusive, struct http_ticket *ret, struct err *err)
{
	while (a->scheme != SCHEME_UNKNOWN) {
		struct token *t = *authenticator_find_token(a, key);

		if (!exclusive && t && token_is_fresh(&t->life, world_now_ms(w), need_ms)) {
			hand_out(t, ret);
			return true;
		}
		if (a->renewing) {
			if (!wait_for_renewal(a, w, key, err))
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
	if (refusal->says_denied || (refusal->status == 403 && !refusal->says_unauthenticated)) {
		err_set(err, ERR_DENIED,
			"the registry denies access to '%s/%s', or it does not exist", a->host,
			a->repository);
		err_cause(err,
			  "a fresh token was refused too: this identity has not the right, or the "
			  "repository does not exist");
		if (a->credential)
			refusal_name_role(refusal->words, err);
	} else {
		err_set(err, ERR_REFUSED, "the registry '%s' refuses a fresh credential", a->host);
	}
	err_evidence(err, "%d %s", refusal->status, refusal->words);
	if (!a->credential) {
		err_cause(err, "no credential for '%s' was found, so the request was anonymous",
			  a->host);
		authenticator_hint_login(a, err);
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

/* A password that was refused after its own end will not come to life again. */
static void kill_if_over(struct authenticator *a, const struct world *w,
			 const struct http_ticket *shown)
{
	CLEANUP(secret_freep) struct secret *header = NULL;

	if (a->scheme != SCHEME_BASIC || !a->credential || !a->credential->renewable ||
	    world_now_ms(w) < shown->expires_ms)
		return;
	header = basic_header(a->credential);
	if (secret_same(header, shown->authorization))
		authenticator_kill_credential(a);
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

/* How long it lives nobody knows, and it was no longer new. */
static bool may_have_died(const struct authenticator *a, const struct world *w)
{
	return !a->credential->expiry_known &&
	       world_now_ms(w) - a->credential_new_ms >= FIRST_USE_MS;
}

/* A fresh token, but bought with the very credential that was behind the refused one: a better may come. */
static bool may_get_another_credential(const struct authenticator *a, const struct world *w,
				       const struct http_refusal *refusal)
{
	if (refusal->says_denied || a->waited_in_vain || !a->credential ||
	    !a->credential->renewable)
		return false;
	return may_have_died(a, w) ||
	       (a->suspect && secret_same(a->credential->secret, a->suspect));
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
		return AUTH_CHALLENGED;
	note_refused_header(a, shown);
	kill_if_over(a, w, shown);
	t = *authenticator_find_token(a, key);
	if (t && t->serial != shown->token_serial)
		t = NULL; /* another worker has renewed */
	conclusive = is_conclusive(a, w, shown, t, nth);
	if (t)
		authenticator_drop_token(a, key);
	else if (!shown->exclusive && !conclusive)
		return AUTH_TRY_AGAIN;
	if (conclusive) {
		if (!may_get_another_credential(a, w, refusal) || nth >= REFUSALS_MAX)
			return final_refusal(a, refusal, err);
		authenticator_kill_credential(a);
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
	free(a->failed_key);
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
	struct retry_policy policy = *options->policy;

	a->authorizer.ops = &authenticator_ops;
	a->sched = options->sched;
	/* the registry was heard, and has named its endpoint: that is no stranger */
	policy.stranger_ms = NEVER_MS;
	a->endpoint = http_client_new_borrowing(options->transport, &policy);
	a->base_url = mem_strdup(options->base_url);
	a->host = mem_strdup(options->target.host);
	a->repository = mem_strdup(options->target.repository);
	a->sources = options->sources;
	a->source_count = options->source_count;
	a->may_be_anonymous = options->may_be_anonymous;
	a->renew_wait_ms = options->renew_wait_ms;
	a->min_life_ms = options->min_life_ms;
	a->monitor = monitor_new(a->sched);
	return &a->authorizer;
}
