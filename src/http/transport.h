/*
 * One request and its answer, blocking: open sends the request and returns when the status and headers are
 * there, read pulls the body, close ends it wherever it is. Nothing here retries, follows a redirect, knows a
 * token or a registry. Pulling is the back-pressure: what is not read is not taken from the network.
 *
 * An open exchange belongs to one thread; a transport may be used from many.
 */
#ifndef HTTP_TRANSPORT_H
#define HTTP_TRANSPORT_H

#include "base/secret.h"
#include "base/stream.h"
#include "base/world.h"

/* Ceilings on what an answer may bring before its body. */
#define HTTP_HEADERS_MAX 200
#define HTTP_HEADER_BYTES_MAX (64 * KIB)

struct http_header {
	const char *name;
	const char *value;
};

#define HTTP_REQUEST_HEADERS_MAX 16

struct http_request {
	const char *method;
	const char *url;
	struct http_header headers[HTTP_REQUEST_HEADERS_MAX]; /* unused ones have no name */
	const struct secret *authorization; /* the header's whole value, or NULL */
	struct stream *body;		    /* borrowed; NULL: none */
	int64_t body_bytes;		    /* its exact length */
	bool empty_body; /* says Content-Length: 0 where the method has no body of its own */
	bool large;	 /* a blob: HTTP/1.1 with Expect, so that a refusal comes before the body */
	bool outside_only; /* the address that its host's name has must be outside this machine */
	bool patient;	   /* the server has work to do before it answers: a commit */
	int64_t stall_ms;  /* instead of the transport's own; 0: that */
	int64_t answer_ms; /* for the whole answer; 0: stalls alone decide */
	bool streams;	   /* the body is as long as it is: answer_ms ends with the headers */
	int64_t first_byte_ms; /* the same until the answer's first byte; 0: as long as ever */
	void (*sending)(void *arg, int64_t sent_bytes); /* progress, may be NULL */
	void *sending_arg;
};

/* How far a request that got no answer went. */
enum http_failure {
	HTTP_FAILED_BEFORE_SENDING, /* it cannot have had any effect */
	HTTP_FAILED_UNDER_WAY,	    /* the server may have acted on it */
	HTTP_FAILED_FOR_GOOD, /* trying again cannot help: a certificate, a bad URL, the body's own error */
	HTTP_FAILED_CANCELLED, /* cancel or deadline */
};

struct http_exchange;
struct transport;

struct transport_ops {
	bool (*open)(struct transport *t, const struct world *w, const struct http_request *request,
		     struct http_exchange **ret, enum http_failure *ret_failure, struct err *err);
	int (*status)(const struct http_exchange *x);
	const char *(*header)(const struct http_exchange *x, const char *name, size_t nth);
	bool (*read)(struct http_exchange *x, const struct world *w, void *bytes, size_t size,
		     size_t *ret_len, struct err *err);
	void (*close)(struct http_exchange *x);
	void (*free)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
};

struct http_exchange {
	struct transport *transport;
};

/*
 * True when an answer began, whatever its status, also if it came before the whole body was sent. Else
 * *ret_failure says how far it went and ERR is ERR_NET, ERR_TIMEOUT, ERR_CANCELLED, ERR_LOCAL (this machine does not
 * let us connect to a socket of its own) or what the body's stream said.
 */
MUST_USE static inline bool http_open(struct transport *t, const struct world *w,
				      const struct http_request *request,
				      struct http_exchange **ret, enum http_failure *ret_failure,
				      struct err *err)
{
	return t->ops->open(t, w, request, ret, ret_failure, err);
}

static inline int http_status(const struct http_exchange *x)
{
	return x->transport->ops->status(x);
}

/* The NTH header of that name (any case), NULL when there are not so many. Lives as long as X. */
static inline const char *http_header(const struct http_exchange *x, const char *name, size_t nth)
{
	return x->transport->ops->header(x, name, nth);
}

/* *ret_len is 0 at the end of a whole body; a body cut short is ERR_NET. */
MUST_USE static inline bool http_read(struct http_exchange *x, const struct world *w, void *bytes,
				      size_t size, size_t *ret_len, struct err *err)
{
	return x->transport->ops->read(x, w, bytes, size, ret_len, err);
}

static inline void http_close(struct http_exchange *x)
{
	if (x)
		x->transport->ops->close(x);
}
DEFINE_FREEP(struct http_exchange, http_close)

static inline void transport_free(struct transport *t)
{
	if (t)
		t->ops->free(t);
}
DEFINE_FREEP(struct transport, transport_free)

#endif
