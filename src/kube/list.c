/* Collections: pages that stream by, and all of a list out of them. */
#include "base/mem.h"
#include "http/url.h"
#include "kube/client_private.h"
#include "kube/status.h"

#include <stdio.h>
#include <string.h>

#define LIST_ANSWER_MS 60000

/* Pages expire minutes after the first one was asked for: a list that is overtaken again and again comes to no end. */
#define RESTARTS_MAX 5
#define RESTART_MS 500

bool kube_selection_url(const struct kube_client *c, const struct kube_selection *s, char **ret,
			struct err *err)
{
	CLEANUP(mem_freep) char *url = kube_url(c, s->path);

	if (!kube_add_query(&url, "labelSelector", s->labels, err) ||
	    !kube_add_query(&url, "fieldSelector", s->fields, err))
		return false;
	*ret = TAKE(url);
	return true;
}

const char *kube_accept(const struct kube_selection *s, bool is_list)
{
	if (!s->metadata_only)
		return "application/json";
	return is_list ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
		       : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
}

/* Streams */

void kube_stream_close(struct kube_stream *s)
{
	http_close(s->exchange);
	splitter_clear(&s->splitter);
	*s = (struct kube_stream){ 0 };
}

static bool take_exchange(struct kube_client *c, const char *verb, const char *path,
			  const struct http_answer *answer, struct kube_reply *reply,
			  struct err *err)
{
	if (answer->status < 200 || answer->status >= 300) {
		kube_status_read(answer->status, answer->body, answer->body_len, reply);
		return kube_status_err(verb, path, reply, err);
	}
	reply->code = answer->status;
	return kube_is_json(c, answer, err);
}

bool kube_stream_open(struct kube_client *c, const struct world *w, const char *path,
		      const char *url, const struct kube_stream_options *options,
		      struct kube_stream *s, struct kube_reply *reply, struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct http_call call = kube_call(c, "GET", options->verb, url);
	bool answered;

	call.headers[0].value = options->accept;
	call.answer_ms = options->answer_ms;
	if (options->stall_ms)
		call.stall_ms = options->stall_ms;
	kube_reply_clear(reply);
	kube_stream_close(s);
	splitter_init(&s->splitter, options->form, KUBE_OBJECT_CEILING);
	answered = http_call_open(kube_http(c), w, &call, &s->exchange, &answer, err);
	if (!answered)
		reply->code = answer.status;
	if (answered && take_exchange(c, options->verb, path, &answer, reply, err))
		return true;
	kube_stream_close(s);
	return false;
}

static bool parse_object(const struct buf *text, struct js **ret, struct err *err)
{
	return js_parse(buf_str(text), text->len, KUBE_OBJECT_CEILING, ERR_NO_REGISTRY, ret, err) ||
	       err_wrap(err, "what the cluster sent");
}

static bool end_of_stream(struct kube_stream *s, struct js **ret_rest, struct err *err)
{
	if (s->splitter.form == SPLITTER_STREAM)
		return true;
	if (!s->splitter.complete)
		return err_set(err, ERR_NO_REGISTRY, "the cluster's list is cut short");
	return !ret_rest || parse_object(&s->splitter.rest, ret_rest, err);
}

bool kube_stream_next(struct kube_stream *s, const struct world *w, struct js **ret,
		      struct js **ret_rest, struct err *err)
{
	*ret = NULL;
	for (;;) {
		size_t used = 0;

		switch (splitter_feed(&s->splitter, s->bytes + s->begin, s->end - s->begin,
				      &used)) {
		case SPLIT_OBJECT:
			s->begin += used;
			return parse_object(&s->splitter.value, ret, err);
		case SPLIT_BROKEN:
			return err_set(err, ERR_NO_REGISTRY,
				       "what the cluster sent is no JSON, or longer than %zu bytes",
				       KUBE_OBJECT_CEILING);
		case SPLIT_MORE:
			break;
		}
		s->begin = 0;
		if (!http_read(s->exchange, w, s->bytes, sizeof(s->bytes), &s->end, err))
			return false;
		if (s->end == 0)
			return end_of_stream(s, ret_rest, err);
	}
}

/* Lists */

struct listing {
	struct kube_client *client;
	const struct world *world;
	const struct kube_selection *selection;
	const struct kube_visitor *visitor;
	struct kube_stream *stream;
	char *url;
	char *next; /* the token of the page to come, or NULL */
	char *version;
	size_t restarts;
};

static void listing_clear(struct listing *l)
{
	kube_stream_close(l->stream);
	free(l->stream);
	free(l->url);
	free(l->next);
	free(l->version);
}

static char *dup_text(const struct js *metadata, const char *key)
{
	const char *text = js_string(js_get(metadata, key));

	return text && *text ? mem_strdup(text) : NULL;
}

static bool open_page(struct listing *l, struct kube_reply *reply, struct err *err)
{
	const struct kube_stream_options options = {
		.verb = "list",
		.accept = kube_accept(l->selection, true),
		.form = SPLITTER_LIST,
		.answer_ms = LIST_ANSWER_MS,
	};
	CLEANUP(mem_freep) char *url = mem_strdup(l->url);
	char limit[24];

	snprintf(limit, sizeof(limit), "%zu", l->selection->page ? l->selection->page : KUBE_PAGE);
	return kube_add_query(&url, "limit", limit, err) &&
	       kube_add_query(&url, "continue", l->next, err) &&
	       kube_stream_open(l->client, l->world, l->selection->path, url, &options, l->stream,
				reply, err);
}

/* *ret_visitor_failed: the failure is the visitor's. */
static bool read_page(struct listing *l, bool *ret_visitor_failed, struct err *err)
{
	CLEANUP(js_freep) struct js *rest = NULL;
	const struct js *metadata;

	for (;;) {
		CLEANUP(js_freep) struct js *item = NULL;

		if (!kube_stream_next(l->stream, l->world, &item, &rest, err))
			return false;
		if (!item)
			break;
		if (!l->visitor->item(l->visitor->arg, item, err)) {
			*ret_visitor_failed = true;
			return false;
		}
	}
	metadata = js_get(rest, "metadata");
	free(l->version);
	l->version = dup_text(metadata, "resourceVersion");
	free(l->next);
	l->next = dup_text(metadata, "continue");
	return true;
}

/* What was handed over does not count any more; false when it has been so too often. */
static bool restart(struct listing *l)
{
	free(TAKE(l->next));
	if (l->restarts++ == RESTARTS_MAX)
		return false;
	if (l->visitor->restart)
		l->visitor->restart(l->visitor->arg);
	return true;
}

static bool list_page(struct listing *l, struct err *err)
{
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	bool visitor_failed = false;

	if (!open_page(l, &reply, err)) {
		if (reply.code != 410 || !l->next || !restart(l))
			return false;
		err_clear(err);
		return true;
	}
	if (read_page(l, &visitor_failed, err))
		return true;
	if (visitor_failed || (err->code != ERR_NET && err->code != ERR_NO_REGISTRY) || !restart(l))
		return false;
	err_clear(err);
	return world_sleep(l->world, RESTART_MS, err);
}

bool kube_list(struct kube_client *c, const struct world *w, const struct kube_selection *selection,
	       const struct kube_visitor *visitor, char **ret_resource_version, struct err *err)
{
	CLEANUP(listing_clear)
	struct listing l = { .client = c,
			     .world = w,
			     .selection = selection,
			     .visitor = visitor,
			     .stream = NEW(struct kube_stream) };
	size_t restarts;

	if (!kube_selection_url(c, selection, &l.url, err))
		return false;
	do {
		restarts = l.restarts;
		if (!list_page(&l, err))
			return false;
	} while (l.next || l.restarts != restarts);
	if (ret_resource_version)
		*ret_resource_version = TAKE(l.version);
	return true;
}
