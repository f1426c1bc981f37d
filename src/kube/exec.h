/*
 * Credential plugins: a program that a kubeconfig names is run and says a token or a client certificate
 * (client.authentication.k8s.io, v1 and v1beta1). Bounded in time and in what it may say.
 */
#ifndef KUBE_EXEC_H
#define KUBE_EXEC_H

#include "base/world.h"
#include "kube/config.h"

#define KUBE_EXEC_CEILING (1 * MIB)
#define KUBE_EXEC_MS 60000
#define KUBE_EXEC_INTERACTIVE_MS 300000 /* somebody has to find a password */

/* What a login shows. */
struct kube_credential {
	struct secret *authorization; /* the header's value, or NULL */
	struct secret *cert;	      /* PEM; with its key, or NULL */
	struct secret *key;
	int64_t minted_ms;  /* boot clock */
	int64_t expires_ms; /* boot clock; NEVER_MS when nobody knows */
	char *source;	    /* for people */
};

void kube_credential_clear(struct kube_credential *c);

/* Runs CONFIG's plugin. ERR_NO_CREDENTIAL (with its install hint), ERR_CANCELLED, ERR_TIMEOUT. */
MUST_USE bool kube_exec_run(const struct kube_config *config, const struct world *w,
			    struct kube_credential *ret, struct err *err);

/* What KUBERNETES_EXEC_INFO says to it; the caller frees. */
char *kube_exec_info(const struct kube_config *config, bool interactive);

/* What it said. ERR_NO_CREDENTIAL. */
MUST_USE bool kube_exec_parse(const char *text, size_t len, const char *api_version, int64_t now_ms,
			      int64_t now_wall_ms, struct kube_credential *ret, struct err *err);

#endif
