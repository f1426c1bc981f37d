/*
 * One attempt at a token endpoint: a credential goes in, a registry token comes out (Docker Registry v2
 * authentication via a central service; "OAuth2 token authentication"). It says what the endpoint said of this
 * credential; the next attempt is its caller's, who may have another credential by then (law 2).
 */
#ifndef AUTH_TOKEN_ENDPOINT_H
#define AUTH_TOKEN_ENDPOINT_H

#include "auth/source.h"
#include "http/client.h"

struct token_request {
	const char *registry_url; /* where the challenge was heard */
	const char *realm;
	const char *service; /* NULL: none */
	const struct http_scope *scope;
	const struct credential *credential; /* NULL: anonymous */
};

enum token_outcome {
	TOKEN_GRANTED,
	TOKEN_CREDENTIAL_REFUSED, /* expired or wrong; ERR has the endpoint's words */
	TOKEN_DENIED,		  /* known, but not allowed; ERR too */
	TOKEN_AGAIN,		  /* a fault that may pass: any wait is over */
	TOKEN_FAILED,		  /* anything else */
};

/* What one token has taken so far; begins as zeros. */
struct token_history {
	struct http_history http;
	size_t bad_answers;
};

/*
 * A realm on another host gets the credential only over https from an https challenge, and never a link-local or
 * loopback address unless the registry is there itself. RET must be cleared when granted; *ret_asked_ms is when
 * the request was sent, from which the token's life counts.
 */
enum token_outcome token_endpoint_attempt(struct http_client *c, const struct world *w,
					  const struct token_request *request,
					  struct token_history *history, struct token_answer *ret,
					  int64_t *ret_asked_ms, struct err *err);

/* The value of an Authorization header: "Basic ..." of the credential, "Bearer ..." of the token. */
struct secret *basic_header(const struct credential *c);
struct secret *bearer_header(const struct secret *token);

#endif
