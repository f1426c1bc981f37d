/*
 * How the real world is put together for a command: transports, credentials and tokens for the registry that a
 * reference names, out of the common options.
 */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "auth/sources.h"
#include "registry/session.h"

struct connect_options {
	bool plain_http;
	bool insecure; /* TLS without verification */
	char *cacert;  /* path or NULL */
	char *cert;
	char *key;
	struct strings cred; /* "file:PATH", "adc", ...; none: see connect_new */
	char *cred_user;     /* NULL: "oauth2accesstoken" */
	char *authfile;	     /* NULL: the usual places */
	int64_t stall_timeout_ms;
	int64_t renew_wait_ms;
	char *impersonate;	   /* "[DELEGATE,...]EMAIL" or NULL */
	int64_t token_lifetime_ms; /* 0: the default */
	int64_t min_token_life_ms; /* 0: none is too short */
	int64_t retries;
	struct strings mount_from; /* repositories that sessions for pushing may also pull from */
};

/* What they say about credentials; borrowed from O. */
static inline struct sources_options connect_sources(const struct connect_options *o)
{
	return (struct sources_options){
		.named = &o->cred,
		.user = o->cred_user,
		.authfile = o->authfile,
		.impersonate = o->impersonate,
		.cacert = o->cacert,
		.lifetime_ms = o->token_lifetime_ms,
		.stall_ms = o->stall_timeout_ms,
	};
}

/*
 * Where no credential source is named, what docker and podman have stored for a registry is taken; for Google's own
 * registries ADC, then gcloud's login; then nobody's. With --impersonate only Google's count.
 *
 * OPTIONS are borrowed and must outlive the maker, as must W's sched. Fails with ERR_USAGE, ERR_NO_CREDENTIAL,
 * ERR_LOCAL.
 */
MUST_USE bool connect_new(const struct connect_options *options, const struct world *w,
			  struct session_maker **ret, struct err *err);
void connect_free(struct session_maker *m);

/*
 * Parts of what M does for a session, each by itself. How REF's registry answers GET /v2/: *ret_base is where ("https://
 * host"), the caller frees it. And what would be shown to TARGET: *ret is NULL when nobody's credential would be;
 * whether that is allowed is another question (connect_may_be_anonymous).
 */
MUST_USE bool connect_hello(struct session_maker *m, const struct world *w,
			    const struct reference *ref, char **ret_base, struct http_answer *ret,
			    struct err *err);
MUST_USE bool connect_credential(struct session_maker *m, const struct world *w,
				 const struct credential_target *target, struct credential **ret,
				 struct err *err);
/* "host[:port]" where the registry of that name in a reference lives: another place than it says for docker.io. */
const char *connect_registry(const char *host);

bool connect_may_be_anonymous(const struct session_maker *m);
DEFINE_FREEP(struct session_maker, connect_free)

#endif
