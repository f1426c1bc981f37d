/*
 * What requests are made of, for those in the room that make some: client.c, list.c, watch.c.
 */
#ifndef KUBE_CLIENT_PRIVATE_H
#define KUBE_CLIENT_PRIVATE_H

#include "kube/client.h"
#include "kube/splitter.h"

/* The server's own limit for a request that is no watch is a minute. */
#define KUBE_REQUEST_STALL_MS 65000
#define KUBE_READ_STALL_MS 30000

/* The server says where a watch is about once a minute, changes or not: who is silent for longer is not there any more. */
#define KUBE_SILENCE_MS 100000

/* The http room's call for METHOD at URL, with the headers that every request has. */
struct http_call kube_call(const struct kube_client *c, const char *method, const char *what,
			   const char *url);
struct http_client *kube_http(struct kube_client *c);
int64_t kube_silence_ms(const struct kube_client *c);

/* The URL of PATH; the caller frees. */
char *kube_url(const struct kube_client *c, const char *path);

/* *url, with "KEY=VALUE" behind it; NULL adds nothing. */
MUST_USE bool kube_add_query(char **url, const char *key, const char *value, struct err *err);

/* URL of a collection with what selects. The caller frees. */
MUST_USE bool kube_selection_url(const struct kube_client *c, const struct kube_selection *s,
				 char **ret, struct err *err);

/* Whether an answer is JSON that an API server may have written; else ERR_NO_REGISTRY. */
MUST_USE bool kube_is_json(const struct kube_client *c, const struct http_answer *answer,
			   struct err *err);

/*
 * A collection as it streams by, one object after the other: a page of a list, or a watch. Begins as zeros; opened
 * where URL leads.
 */
struct kube_stream {
	struct http_exchange *exchange;
	struct splitter splitter;
	char bytes[16 * KIB]; /* read and not yet looked at: from BEGIN to END */
	size_t begin;
	size_t end;
};

struct kube_stream_options {
	const char *verb; /* "list", "watch" */
	const char *accept;
	enum splitter_form form;
	int64_t stall_ms;
	int64_t answer_ms;
};

/* False for any answer that is no success: its code and words are in REPLY, 0 when there was none. */
MUST_USE bool kube_stream_open(struct kube_client *c, const struct world *w, const char *path,
			       const char *url, const struct kube_stream_options *options,
			       struct kube_stream *s, struct kube_reply *reply, struct err *err);

/*
 * *ret is NULL at the end, when REST (of a list, may be NULL) is what was beside the items. Fails with ERR_NET when it
 * was cut short or went silent, ERR_NO_REGISTRY for what cannot be read, ERR_CANCELLED, ERR_TIMEOUT.
 */
MUST_USE bool kube_stream_next(struct kube_stream *s, const struct world *w, struct js **ret,
			       struct js **ret_rest, struct err *err);
void kube_stream_close(struct kube_stream *s);

/* "Accept" for whole objects, and for a list's or watch's metadata alone. */
const char *kube_accept(const struct kube_selection *s, bool is_list);

#endif
