/*
 * How the real world is put together for a command: transports, credentials and tokens for the registry that a
 * reference names, out of the common options.
 */
#ifndef CLI_CONNECT_H
#define CLI_CONNECT_H

#include "base/strings.h"
#include "registry/session.h"

struct connect_options {
	bool plain_http;
	bool insecure; /* TLS without verification */
	char *cacert;  /* path or NULL */
	char *cert;
	char *key;
	struct strings cred; /* "file:PATH", "exec:CMD", ...; none: docker-config, then anonymous */
	char *cred_user;     /* NULL: "oauth2accesstoken" */
	char *authfile;	     /* NULL: the usual places */
	int64_t stall_timeout_ms;
	int64_t renew_wait_ms;
	int64_t retries;
	struct strings mount_from; /* repositories that sessions for pushing may also pull from */
};

/* OPTIONS are borrowed and must outlive the maker. Fails with ERR_USAGE, ERR_NO_CREDENTIAL, ERR_LOCAL. */
MUST_USE bool connect_new(const struct connect_options *options, struct session_maker **ret,
			  struct err *err);
void connect_free(struct session_maker *m);
DEFINE_FREEP(struct session_maker, connect_free)

#endif
