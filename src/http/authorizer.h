/*
 * Who may speak: asked before every attempt of every request, told of every refusal (law 2). Declared here so
 * that requests can be made without knowing what a token is; src/auth implements it.
 */
#ifndef HTTP_AUTHORIZER_H
#define HTTP_AUTHORIZER_H

#include "base/secret.h"
#include "base/world.h"

struct http_exchange;

/* What a request needs to be allowed, as token authentication writes it: "repository:a/b:pull,push". */
#define HTTP_SCOPES_MAX 4
struct http_scope {
	const char *resources[HTTP_SCOPES_MAX]; /* unused ones are NULL */
};

/* The permission for one attempt. */
struct http_ticket {
	struct secret *authorization; /* the header's value; NULL: go without */
	int64_t token_serial; /* which token it is, for the authorizer's eyes; 0 when there is none */
	int64_t credential_serial; /* what was behind it */
	bool exclusive;		   /* nobody else is shown that token */
	int64_t expires_ms;	   /* boot clock; NEVER_MS when it does not or nobody knows */
	char fingerprint[16];	   /* of the token, "" when there is none */
};

void http_ticket_clear(struct http_ticket *t);

/* What an answer says about the permission that was shown. */
struct http_refusal {
	int status;
	const char *words;	       /* the body's text, printable, shortened */
	bool says_unauthenticated;     /* expired, invalid, anonymous */
	bool says_denied;	       /* known, but not allowed */
	const char *const *challenges; /* values of WWW-Authenticate, NULL-terminated */
};

enum auth_verdict {
	AUTH_TRY_AGAIN, /* there is, or will be, another token to try with */
	AUTH_CHALLENGED, /* nothing was shown yet: now it is known what is asked for, and that counts for none */
	AUTH_FINAL, /* ERR says why: ERR_REFUSED, ERR_DENIED, ERR_NO_CREDENTIAL, or what cut the renewal short */
};

struct authorizer;

struct authorizer_ops {
	bool (*ticket)(struct authorizer *a, const struct world *w, const struct http_scope *scope,
		       int64_t need_ms, size_t refusals, struct http_ticket *ret, struct err *err);
	enum auth_verdict (*refused)(struct authorizer *a, const struct world *w,
				     const struct http_scope *scope,
				     const struct http_ticket *shown,
				     const struct http_refusal *refusal, size_t nth,
				     struct err *err);
	void (*challenged)(struct authorizer *a, const char *const *challenges);
	void (*free)(struct authorizer *a);
};

struct authorizer {
	const struct authorizer_ops *ops;
};

/*
 * Permission for one attempt of a request in SCOPE that may take NEED_MS: renews first when the token at hand
 * would not outlive it, waits for one when another worker is renewing. REFUSALS is how often this request was
 * refused before: then it gets a newer token, and in the end one of its own. RET must be cleared by the caller.
 */
MUST_USE static inline bool authorizer_ticket(struct authorizer *a, const struct world *w,
					      const struct http_scope *scope, int64_t need_ms,
					      size_t refusals, struct http_ticket *ret,
					      struct err *err)
{
	return a->ops->ticket(a, w, scope, need_ms, refusals, ret, err);
}

/*
 * The NTH refusal (from 1) of one request: gives the token up and obtains another, waiting for it if it must.
 */
static inline enum auth_verdict authorizer_refused(struct authorizer *a, const struct world *w,
						   const struct http_scope *scope,
						   const struct http_ticket *shown,
						   const struct http_refusal *refusal, size_t nth,
						   struct err *err)
{
	return a->ops->refused(a, w, scope, shown, refusal, nth, err);
}

/* What the registry said it wants, seen before anything was refused. CHALLENGES as in struct http_refusal. */
static inline void authorizer_challenged(struct authorizer *a, const char *const *challenges)
{
	a->ops->challenged(a, challenges);
}

static inline void authorizer_free(struct authorizer *a)
{
	if (a)
		a->ops->free(a);
}
DEFINE_FREEP(struct authorizer, authorizer_free)

#endif
