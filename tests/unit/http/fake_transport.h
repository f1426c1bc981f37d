/*
 * A transport in memory. What it answers is scripted: each request takes the first answer of the script that fits
 * its method and URL and is not used up, or asks a function that plays a server. What it was asked is kept. It
 * can fail in each way, send a body slowly or cut it short, and let the clock of its fake world go on meanwhile.
 *
 * An executable is one source file: a test includes "http/fake_transport.c" too.
 */
#ifndef UNIT_HTTP_FAKE_TRANSPORT_H
#define UNIT_HTTP_FAKE_TRANSPORT_H

#include "base/fake_world.h"

#include "http/transport.h"

#define FAKE_ALWAYS SIZE_MAX
#define FAKE_SCRIPT_MAX 64
#define FAKE_REQUESTS_MAX 4096
#define FAKE_HEADERS_MAX 6

struct fake_answer {
	const char *method; /* that it is for; NULL: any */
	const char *url;    /* some part of it; NULL: any */
	size_t times;	    /* how often; 0 means once */

	int status; /* 0: there is none, FAILURE says why */
	enum http_failure failure;
	struct http_header headers[FAKE_HEADERS_MAX];
	const char *body;
	size_t body_len;       /* 0: the length of BODY as text */
	int64_t endless_bytes; /* instead of BODY: so many 'x' */
	bool cut;	       /* the body ends before it should */

	int64_t takes_ms;	  /* until the status is there */
	size_t piece_bytes;	  /* of the body in one read; 0: as much as is asked for */
	int64_t piece_ms;	  /* that each piece takes */
	int cancel_at_read;	  /* that read fires the world's cancel first; 0: none */
	int64_t takes_body_bytes; /* answers after so much of the request's body; 0: after all */
	bool takes_no_body;
};

struct fake_request {
	char *method;
	char *url;
	bool authorized;     /* Authorization was set */
	char *authorization; /* its value or NULL */
	char *content_type;  /* or NULL */
	char *headers;	     /* all but Authorization: "Name: value\n" each */
	char *body;	     /* or NULL when it had none */
	int64_t body_bytes;
	bool large;
	bool outside_only;
	int64_t answer_ms;
	int64_t at_ms; /* boot clock */
};

struct fake_transport {
	struct transport transport;
	struct fake_world *world;
	struct monitor *lock;

	struct fake_answer script[FAKE_SCRIPT_MAX];
	size_t used[FAKE_SCRIPT_MAX];
	size_t script_len;

	/* Asked before the script, from any thread, one at a time; false: not mine. What RET points to must stay. */
	bool (*serve)(void *arg, const struct fake_request *r, struct fake_answer *ret);
	void *serve_arg;

	struct fake_request requests[FAKE_REQUESTS_MAX];
	size_t request_count;
	size_t unexpected; /* requests that nothing fitted */
	size_t open_count; /* exchanges that are not closed */
	int64_t read_bytes;
};

/* On the heap: a http_client may own it. */
struct fake_transport *fake_transport_new(struct fake_world *world);

/* In order of preference. */
void fake_expect(struct fake_transport *t, struct fake_answer answer);

/* Everything was asked for, nothing else was, and all exchanges are closed. */
void assert_script_done(const struct fake_transport *t);

/* The nth request, from 0. */
const struct fake_request *fake_request_at(const struct fake_transport *t, size_t nth);
size_t fake_requests_to(const struct fake_transport *t, const char *method, const char *url);

#endif
