#include "kube/login.h"

#include "auth/token.h"
#include "base/mem.h"
#include "http/url.h"
#include "kube/login_private.h"
#include "wire/digest.h"

#include <string.h>

#define LOGIN_REFUSALS_MAX 3

bool kube_exec_is_gke(const struct kube_exec *x)
{
	const char *slash = x ? strrchr(x->command, '/') : NULL;

	return x && strcmp(slash ? slash + 1 : x->command, "gke-gcloud-auth-plugin") == 0;
}

/* Sharing */

static bool same(const struct kube_credential *a, const struct kube_credential *b)
{
	return secret_same(a->authorization, b->authorization) && secret_same(a->cert, b->cert);
}

static void tell(const struct kube_login *l, const struct world *w)
{
	char fingerprint[FINGERPRINT_SIZE] = "";

	if (!l->now.authorization)
		return;
	secret_fingerprint(l->now.authorization, fingerprint);
	world_tell(w,
		   &(struct event){ .kind = EVENT_TOKEN,
				    .token = { .what = "credential",
					       .source = l->now.source,
					       .fingerprint = fingerprint,
					       .expires_ms = l->now.expires_ms,
					       .expiry_known = l->now.expires_ms != NEVER_MS } });
}

/* By whoever is busy. Takes FRESH; the serial says whether it is another one. */
static void keep(struct kube_login *l, const struct world *w, struct kube_credential *fresh)
{
	bool other = l->serial == 0 || !same(&l->now, fresh);

	if (other && l->options.identify && (fresh->cert || l->now.cert))
		l->options.identify(l->options.identify_arg, fresh->cert, fresh->key);
	monitor_enter(l->sched, l->monitor);
	kube_credential_clear(&l->now);
	l->now = *fresh;
	l->serial += other;
	monitor_leave(l->sched, l->monitor);
	*fresh = (struct kube_credential){ 0 };
	if (other)
		tell(l, w);
}

/* Inside the monitor when it returns true. */
static bool enter_idle(struct kube_login *l, const struct world *w, struct err *err)
{
	monitor_enter(l->sched, l->monitor);
	while (l->busy) {
		if (!world_check(w, err)) {
			monitor_leave(l->sched, l->monitor);
			return false;
		}
		monitor_wait(l->sched, l->monitor, 100);
	}
	return true;
}

static void end_busy(struct kube_login *l)
{
	monitor_enter(l->sched, l->monitor);
	l->busy = false;
	monitor_wake_all(l->sched, l->monitor);
	monitor_leave(l->sched, l->monitor);
}

static bool is_fresh(const struct kube_login *l, int64_t now_ms, int64_t need_ms)
{
	const struct token_life life = { .minted_ms = l->now.minted_ms,
					 .expires_ms = l->now.expires_ms };

	if (!l->serial)
		return false;
	if (l->kind == LOGIN_FILE)
		return now_ms - l->now.minted_ms < KUBE_TOKEN_FILE_MS;
	return token_is_fresh(&life, now_ms, need_ms);
}

static bool renew_once(struct kube_login *l, const struct world *w, struct err *err)
{
	CLEANUP(kube_credential_clear) struct kube_credential fresh = { 0 };

	if (!login_obtain(l, w, &fresh, err))
		return false;
	keep(l, w, &fresh);
	return true;
}

static bool login_ticket(struct authorizer *a, const struct world *w,
			 const struct http_scope *scope, int64_t need_ms, size_t refusals,
			 struct http_ticket *ret, struct err *err)
{
	struct kube_login *l = (struct kube_login *)a;
	bool ok = true;

	(void)scope;
	(void)refusals;
	*ret = (struct http_ticket){ .expires_ms = NEVER_MS };
	if (!enter_idle(l, w, err))
		return false;
	if (!is_fresh(l, world_now_ms(w), need_ms)) {
		l->busy = true;
		monitor_leave(l->sched, l->monitor);
		ok = renew_once(l, w, err);
		monitor_enter(l->sched, l->monitor);
	}
	if (ok) {
		ret->authorization = secret_dup(l->now.authorization);
		ret->token_serial = l->serial;
		ret->expires_ms = l->now.expires_ms;
		if (ret->authorization)
			secret_fingerprint(ret->authorization, ret->fingerprint);
	}
	l->busy = false;
	monitor_wake_all(l->sched, l->monitor);
	monitor_leave(l->sched, l->monitor);
	return ok;
}

/* After a refusal */

static bool can_renew(const struct kube_login *l)
{
	switch (l->kind) {
	case LOGIN_FILE:
	case LOGIN_EXEC:
	case LOGIN_GOOGLE:
		return true;
	case LOGIN_CERT:
		return l->config->user.cert_file != NULL;
	default:
		return false;
	}
}

static enum auth_verdict refused_for_good(struct kube_login *l, const struct http_refusal *refusal,
					  struct err *err)
{
	CLEANUP(mem_freep) char *who = kube_login_source(l);

	err_set(err, ERR_REFUSED, "the cluster does not take the login: %s", who);
	err_evidence(err, "%d: %s", refusal->status, refusal->words);
	if (l->kind == LOGIN_NOBODY)
		err_cause(err, "the kubeconfig says nobody to log in as");
	err_hint(err,
		 l->config->in_cluster ? "kubectl auth whoami"
				       : "kubectl --context '%s' auth whoami",
		 l->config->context ? l->config->context : "");
	return AUTH_FINAL;
}

/* Nobody writes certificates every second, and nobody types a password twice. */
static bool is_worth_asking_again(const struct kube_login *l)
{
	return l->kind != LOGIN_CERT &&
	       (l->kind != LOGIN_EXEC || l->config->user.exec->interactive != KUBE_ALWAYS);
}

/* Until another one comes, if only the wait allows it. */
static bool renew_until_other(struct kube_login *l, const struct world *w, struct err *err)
{
	int64_t serial = l->serial;
	int64_t until_ms = clock_after(world_now_ms(w), l->options.renew_wait_ms);

	for (;;) {
		if (!renew_once(l, w, err))
			return false;
		if (l->serial != serial || !is_worth_asking_again(l) ||
		    world_now_ms(w) + KUBE_RENEW_EVERY_MS > until_ms)
			return true;
		if (!world_sleep(w, KUBE_RENEW_EVERY_MS, err))
			return false;
	}
}

static enum auth_verdict login_refused(struct authorizer *a, const struct world *w,
				       const struct http_scope *scope,
				       const struct http_ticket *shown,
				       const struct http_refusal *refusal, size_t nth,
				       struct err *err)
{
	struct kube_login *l = (struct kube_login *)a;
	bool renewed;

	(void)scope;
	if (!enter_idle(l, w, err))
		return AUTH_FINAL;
	if (!can_renew(l) || nth > LOGIN_REFUSALS_MAX) {
		monitor_leave(l->sched, l->monitor);
		return refused_for_good(l, refusal, err);
	}
	if (l->serial != shown->token_serial) { /* somebody else has renewed it meanwhile */
		monitor_leave(l->sched, l->monitor);
		return AUTH_TRY_AGAIN;
	}
	l->busy = true;
	monitor_leave(l->sched, l->monitor);
	world_tell(w, &(struct event){ .kind = EVENT_REFUSED,
				       .text = refusal->words,
				       .token = { .what = "credential",
						  .source = l->now.source,
						  .fingerprint = shown->fingerprint,
						  .expires_ms = NEVER_MS } });
	renewed = renew_until_other(l, w, err);
	end_busy(l);
	if (!renewed)
		return AUTH_FINAL;
	return l->serial != shown->token_serial ? AUTH_TRY_AGAIN
						: refused_for_good(l, refusal, err);
}

static void login_challenged(struct authorizer *a, const char *const *challenges)
{
	(void)a;
	(void)challenges;
}

static void login_free(struct authorizer *a)
{
	struct kube_login *l = (struct kube_login *)a;

	kube_credential_clear(&l->now);
	login_google_free(l->google);
	monitor_free(l->sched, l->monitor);
	free(l);
}

static const struct authorizer_ops login_ops = {
	.ticket = login_ticket,
	.refused = login_refused,
	.challenged = login_challenged,
	.free = login_free,
};

/* Which one it is */

static bool choose_google(struct kube_login *l, const struct world *w, struct err *err)
{
	l->kind = LOGIN_GOOGLE;
	return login_google_new(&l->options, l->config->user.exec, w, &l->google, err);
}

static bool refuse_provider(const char *provider, struct err *err)
{
	err_set(err, ERR_USAGE,
		"the kubeconfig's auth-provider '%s' is of a kind that kubectl has given up",
		provider);
	err_hint(err, strcmp(provider, "gcp") == 0
			      ? "gcloud container clusters get-credentials, or --kube-auth google"
			      : "name an exec plugin in the kubeconfig instead");
	return false;
}

static bool refuse_nobody(const struct kube_config *c, struct err *err)
{
	err_set(err, ERR_USAGE, "%s says nobody to log in as", c->origin);
	err_hint(err, "kubectl config set-credentials, or --kube-auth google for a cluster of GKE");
	return false;
}

static bool may_see_token(const char *server)
{
	return url_is_https(server) || host_kind_of(server) == HOST_LOOPBACK;
}

/* As client-go: a plugin is not asked where something else is there to be shown. */
static bool choose(struct kube_login *l, const struct world *w, struct err *err)
{
	const struct kube_user *u = &l->config->user;

	if (l->options.auth == KUBE_AUTH_GOOGLE && may_see_token(l->config->cluster.server))
		return choose_google(l, w, err);
	if (!url_is_https(l->config->cluster.server)) {
		l->kind = LOGIN_NOBODY;
		return true;
	}
	if (u->auth_provider)
		return refuse_provider(u->auth_provider, err);
	if (!u->token && !u->token_file && !u->username && !u->cert && !u->exec)
		return refuse_nobody(l->config, err);
	l->kind = u->token_file ? LOGIN_FILE
		  : u->token	? LOGIN_TOKEN
		  : u->username ? LOGIN_BASIC
		  : u->cert	? LOGIN_CERT
				: LOGIN_EXEC;
	if (l->kind == LOGIN_EXEC && l->options.auth == KUBE_AUTH_AUTO &&
	    kube_exec_is_gke(u->exec)) {
		l->may_run_plugin = true;
		return choose_google(l, w, err);
	}
	return true;
}

bool kube_login_new(const struct kube_config *config, const struct kube_login_options *options,
		    const struct world *w, struct kube_login **ret, struct err *err)
{
	struct kube_login *l = NEW(struct kube_login);
	CLEANUP(authorizer_freep) struct authorizer *owned = &l->authorizer;

	l->authorizer.ops = &login_ops;
	l->config = config;
	l->options = *options;
	l->sched = w->sched;
	l->monitor = monitor_new(w->sched);
	if (!choose(l, w, err))
		return false;
	owned = NULL;
	*ret = l;
	return true;
}

struct authorizer *kube_login_authorizer(struct kube_login *l)
{
	return &l->authorizer;
}

char *kube_login_source(struct kube_login *l)
{
	char *source;

	monitor_enter(l->sched, l->monitor);
	source = l->now.source		   ? mem_strdup(l->now.source)
		 : l->google		   ? mem_strdup("Google's login")
		 : l->kind != LOGIN_NOBODY ? kube_user_kind(&l->config->user)
					   : mem_strdup("nobody");
	monitor_leave(l->sched, l->monitor);
	return source;
}
