/*
 * What the two halves of a login share: login.c hands credentials out and has them renewed, login_obtain.c obtains one.
 */
#ifndef KUBE_LOGIN_PRIVATE_H
#define KUBE_LOGIN_PRIVATE_H

#include "kube/login.h"
#include "kube/login_google.h"

enum login_kind {
	LOGIN_NOBODY, /* nothing is shown: plain http, or a client certificate alone */
	LOGIN_TOKEN,
	LOGIN_FILE,
	LOGIN_BASIC,
	LOGIN_CERT,
	LOGIN_EXEC,
	LOGIN_GOOGLE,
};

struct kube_login {
	struct authorizer authorizer;
	const struct kube_config *config;
	struct kube_login_options options;
	struct sched *sched;
	enum login_kind kind;
	bool may_run_plugin; /* where Google has nothing */
	struct login_google *google;

	struct monitor *monitor;
	bool busy; /* somebody obtains; what follows changes inside the monitor only */
	struct kube_credential now;
	int64_t serial; /* of NOW; 0 while there is none */
};

/* Anew, every time; by whoever is busy. RET must be cleared. ERR_NO_CREDENTIAL, ERR_CANCELLED, ERR_TIMEOUT. */
MUST_USE bool login_obtain(struct kube_login *l, const struct world *w, struct kube_credential *ret,
			   struct err *err);

#endif
