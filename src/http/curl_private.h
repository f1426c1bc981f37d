/*
 * What the parts of the libcurl transport share, and nobody else sees: transport_curl.c owns connections, curl_request.c
 * says what is asked, curl_answer.c takes what comes, curl_exchange.c drives one from open to close.
 */
#ifndef HTTP_CURL_PRIVATE_H
#define HTTP_CURL_PRIVATE_H

#include "base/buf.h"
#include "http/transport.h"

#include <curl/curl.h>

/* Kinds of data that libcurl can share, each with a lock. */
#define SHARED_KINDS (CURL_LOCK_DATA_LAST)

/* What was taken from the network and not yet read: one write of libcurl's more than PAUSE at most. */
#define PENDING_CEILING (256 * KIB)
#define PENDING_PAUSE (64 * KIB)

/* A multi handle with the connections it keeps. Blob bodies and the rest do not mix: other HTTP versions. */
struct lane {
	CURLM *multi;
	bool large;
	struct lane *next;
};

struct curl_transport {
	struct transport transport;
	struct sched *sched;
	int64_t connect_ms;
	int64_t stall_ms;
	bool insecure;
	struct buf cacert;
	char *cert;
	char *key;
	char *own_authority;
	char *unix_socket;
	char *server_name; /* that certificates are verified against, or NULL */
	char *proxy_url;
	bool only_cacert; /* nobody else is trusted */
	bool no_docker_dirs;
	bool proxied;
	bool no_proxy;
	char *hashed_dir;	 /* of the system's certificates, NULL when there is none */
	struct secret *cert_pem; /* by idle_monitor, too */
	struct secret *key_pem;
	struct monitor *idle_monitor;
	struct lane *idle;
	CURLSH *share;
	struct monitor *shared[SHARED_KINDS];
};

struct header_line {
	char *name;
	char *value;
};

struct curl_exchange {
	struct http_exchange exchange;
	struct curl_transport *t;
	struct lane *lane;
	CURL *easy;
	struct curl_slist *request_headers;
	struct curl_slist *connect_to;
	struct buf trusted;

	/* the answer */
	int status;
	bool begun; /* something came */
	bool headers_complete;
	struct header_line headers[HTTP_HEADERS_MAX];
	size_t header_count;
	size_t header_bytes;
	struct buf pending;
	size_t pending_read;
	bool paused;
	bool ended;
	CURLcode result;

	/* the request */
	struct stream *body;
	int64_t body_bytes;
	int64_t sent_bytes;
	struct err body_err;
	bool body_failed;
	void (*sending)(void *arg, int64_t sent_bytes);
	void *sending_arg;
	int64_t answer_by_ms; /* all of it, or the headers of what streams */
	bool streams;
	int64_t stall_ms;
	int64_t first_byte_ms;
	bool patient;

	int64_t moved_ms; /* when something last moved */
	int unsent;	  /* in the kernel's queue when we last looked */
	char why[CURL_ERROR_SIZE];
};

/* transport_curl.c */
struct lane *lane_take(struct curl_transport *t, bool large);
void lane_give_back(struct curl_transport *t, struct lane *lane);

/* curl_request.c: everything that libcurl has to be told of R before X is driven. */
void exchange_prepare(struct curl_exchange *x, const struct http_request *r);

/* curl_answer.c */
void exchange_moved(struct curl_exchange *x);
void exchange_clear_headers(struct curl_exchange *x);
size_t exchange_on_header(char *line, size_t size, size_t count, void *arg);
size_t exchange_on_receive(char *bytes, size_t size, size_t count, void *arg);

/* curl_exchange.c: the operations of the transport. */
bool exchange_open(struct transport *transport, const struct world *w, const struct http_request *r,
		   struct http_exchange **ret, enum http_failure *ret_failure, struct err *err);
int exchange_status(const struct http_exchange *exchange);
const char *exchange_header(const struct http_exchange *exchange, const char *name, size_t nth);
bool exchange_read(struct http_exchange *exchange, const struct world *w, void *bytes, size_t size,
		   size_t *ret_len, struct err *err);
void exchange_close(struct http_exchange *exchange);

#endif
