/*
 * Who we are to one API server: the http room's authorizer over what a kubeconfig's user, or Google, gives. A credential
 * is obtained when the first request wants it, again before it ends, and again after a 401; several threads share it
 * and one of them obtains.
 */
#ifndef KUBE_LOGIN_H
#define KUBE_LOGIN_H

#include "http/authorizer.h"
#include "kube/client.h"
#include "kube/exec.h"

/* Of the tokens that a kubelet puts into a file; client-go's period. */
#define KUBE_TOKEN_FILE_MS 60000

/* A refused credential is asked for again so often while the same one comes. */
#define KUBE_RENEW_EVERY_MS 2000

struct kube_login_options {
	enum kube_auth auth;
	const struct sources_options *google; /* borrowed, or NULL */
	const struct retry_policy *policy;
	int64_t renew_wait_ms;
	/* Told of every client certificate that is to be shown from then on; may be NULL. */
	void (*identify)(void *arg, const struct secret *cert, const struct secret *key);
	void *identify_arg;
};

struct kube_login;

/*
 * CONFIG is borrowed; W's sched is kept. ERR_USAGE when the user says nothing that can be shown, or what nobody can use
 * any more. The authorizer in it is freed with it (authorizer_free).
 */
MUST_USE bool kube_login_new(const struct kube_config *config,
			     const struct kube_login_options *options, const struct world *w,
			     struct kube_login **ret, struct err *err);
struct authorizer *kube_login_authorizer(struct kube_login *l);

/* For people; the caller frees. */
char *kube_login_source(struct kube_login *l);

/* Whether the plugin is GKE's, which only wraps a token that we can obtain ourselves. */
bool kube_exec_is_gke(const struct kube_exec *x);

#endif
