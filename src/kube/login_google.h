/*
 * Google's tokens for an API server, from the sources that a push has. GKE's plugin wraps gcloud's login, or ADC where
 * it is told so: the same goes first here, so that landed is to the cluster whom kubectl is.
 */
#ifndef KUBE_LOGIN_GOOGLE_H
#define KUBE_LOGIN_GOOGLE_H

#include "kube/login.h"

struct login_google;

/* PLUGIN, or NULL: what it is told about accounts counts. OPTIONS must outlive RET. ERR_USAGE, ERR_LOCAL. */
MUST_USE bool login_google_new(const struct kube_login_options *options,
			       const struct kube_exec *plugin, const struct world *w,
			       struct login_google **ret, struct err *err);
void login_google_free(struct login_google *g);

/* *ret is NULL where nobody is logged in. */
MUST_USE bool login_google_obtain(struct login_google *g, const struct world *w,
				  struct credential **ret, struct err *err);

#endif
