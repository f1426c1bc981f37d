/*
 * A request until it has an answer: every attempt is authorized when it is sent (law 2), a refusal leads to a
 * renewal, a passing fault to another attempt, a redirect is followed without the token. What the answer means
 * is the caller's business; nothing here knows a registry.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/authorizer.h"
#include "http/retry.h"
#include "http/transport.h"

#include <stdatomic.h>

struct http_client {
	struct transport *transport; /* owned, unless it is borrowed */
	bool transport_is_borrowed;
	struct authorizer *authorizer; /* owned; NULL: every request goes without */
	char *origin;		       /* a URL: only its origin ever sees a token (law 7) */
	struct retry_policy policy;
	atomic_bool heard; /* the other side has answered something */
	atomic_uint salt;  /* for the jitter */
};

/* TRANSPORT and AUTHORIZER become the client's. */
struct http_client *http_client_new(struct transport *transport, struct authorizer *authorizer,
				    const char *origin, const struct retry_policy *policy);

/* TRANSPORT stays the caller's and must outlive the client, which shows no token. */
struct http_client *http_client_new_borrowing(struct transport *transport,
					      const struct retry_policy *policy);
void http_client_free(struct http_client *c);
DEFINE_FREEP(struct http_client, http_client_free)

struct http_call {
	const char *what; /* for people: "manifest", "blob", "token" */
	const char *method;
	const char *url;
	struct http_header headers[HTTP_REQUEST_HEADERS_MAX];
	struct http_scope scope;
	bool anonymous;	   /* shows no token of ours, and a refusal is an answer like any other */
	bool only_401;	   /* turns a token away: a 403 is an answer like any other */
	bool outside_only; /* see struct http_request */
	/* with anonymous: shown as it is, not renewed, not redirected */
	const struct secret *authorization;

	/* A body in memory can be sent again with every attempt; without one, empty_body says Content-Length: 0. */
	const void *bytes;
	size_t size;
	bool empty_body;

	/* A body that passes once: for http_attempt only. */
	struct stream *stream;
	int64_t stream_bytes;
	int64_t need_ms; /* how long sending may take: the token should outlive it */
	void (*sending)(void *arg, int64_t sent_bytes);
	void *sending_arg;

	size_t answer_ceiling; /* of the body that is read into memory; 0 means HTTP_ANSWER_CEILING */
	int64_t stall_ms;      /* see struct http_request */
	int64_t answer_ms; /* of one attempt, without a body that http_call_open streams; 0: stalls alone decide */
	bool patient;		   /* see struct http_request */
	bool keep_redirect;	   /* a 3xx is an answer like any other */
	const char *wanted_header; /* of the answer, beside those that it always has; NULL: none */
};

#define HTTP_ANSWER_CEILING (64 * KIB)
#define HTTP_REDIRECTS_MAX 5

struct http_answer {
	int status;
	char *url;  /* that gave it: after redirects another one than was asked */
	char *body; /* NUL-terminated; never NULL */
	size_t body_len;
	char *location;		 /* resolved; NULL when there is none */
	char *content_type;	 /* lower case, without parameters; NULL when there is none */
	int64_t content_length;	 /* -1 when not said */
	int64_t range_total;	 /* of Content-Range, -1 when not said */
	int64_t chunk_min_bytes; /* OCI-Chunk-Min-Length, 0 when not said */
	int64_t sent_ms;	 /* boot clock: when the request that it answers was sent */
	int64_t date_wall_ms;	 /* of the Date header, -1 when not said */
	int64_t retry_after_ms;	 /* -1 when not said */
	char *challenges[8];	 /* WWW-Authenticate, ended by NULL */
	char *wanted_header;	 /* what the call asked for; NULL when there is none */
};

void http_answer_clear(struct http_answer *a);

/* "503: TOOMANYREQUESTS: slow down": one line of evidence; the caller frees. */
char *http_answer_words(const struct http_answer *a);

/* What one request has been through so far; begins as zeros. */
struct http_history {
	int64_t fault_ms; /* when the last fault was */
	int64_t trying_ms; /* spent on faults since something last got through; a suspend does not count */
	int64_t furthest_bytes; /* of a body, in any attempt */
	size_t attempts;
	size_t faults;
	enum http_failure failure; /* of the last attempt that got no answer */
	size_t refusals;
	size_t dead_links;
};

enum http_outcome {
	HTTP_ANSWERED, /* there is an answer to look at */
	HTTP_AGAIN, /* refused or failed, and worth another attempt from the start: any wait is over */
	HTTP_OVER, /* ERR says why */
};

/*
 * One attempt, with the renewal or the wait that it calls for. After HTTP_AGAIN the caller makes the next one, of
 * this request or of a larger undertaking that it was a part of. RET must be cleared after every attempt.
 */
enum http_outcome http_attempt(struct http_client *c, const struct world *w,
			       const struct http_call *call, struct http_history *history,
			       struct http_answer *ret, struct err *err);

/*
 * For a caller that finds an answer worth another attempt: waits as for a fault and returns HTTP_AGAIN, or
 * HTTP_OVER with ERR when the policy says that it is enough. What the caller has set in ERR is what is told; the
 * answer's status is when it has not.
 */
enum http_outcome http_again(struct http_client *c, const struct world *w,
			     const struct http_call *call, struct http_history *history,
			     const struct http_answer *answer, struct err *err);

/* Attempts until there is an answer. */
MUST_USE bool http_call(struct http_client *c, const struct world *w, const struct http_call *call,
			struct http_answer *ret, struct err *err);

/*
 * The same for an answer whose body is to be streamed: *ret_exchange is open when the status is 2xx, NULL for any
 * other answer (then RET has its body).
 */
MUST_USE bool http_call_open(struct http_client *c, const struct world *w,
			     const struct http_call *call, struct http_exchange **ret_exchange,
			     struct http_answer *ret, struct err *err);

/* ERR out of an answer that is no success: 404s and the like are the caller's to read first. */
bool http_answer_err(const struct http_call *call, const struct http_answer *answer,
		     struct err *err);

#endif
