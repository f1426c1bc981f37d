#include "http/client.h"

#include "http/answer.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>

void http_ticket_clear(struct http_ticket *t)
{
	secret_free(t->authorization);
	*t = (struct http_ticket){ 0 };
}

struct http_client *http_client_new(struct transport *transport, struct authorizer *authorizer,
				    const char *origin, const struct retry_policy *policy)
{
	struct http_client *c = NEW(struct http_client);

	c->origin = mem_strdup(origin);
	c->transport = transport;
	c->authorizer = authorizer;
	c->policy = *policy;
	return c;
}

struct http_client *http_client_new_borrowing(struct transport *transport,
					      const struct retry_policy *policy)
{
	struct http_client *c = http_client_new(transport, NULL, "", policy);

	c->transport_is_borrowed = true;
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	authorizer_free(c->authorizer);
	if (!c->transport_is_borrowed)
		transport_free(c->transport);
	free(c->origin);
	free(c);
}

/* So often another host's refusal is put down to the link that led there. */
#define DEAD_LINKS_MAX 3

/* One attempt, redirects included. */
struct attempt {
	struct http_client *client;
	const struct world *world;
	const struct http_call *call;
	struct http_history *history;
	struct http_ticket ticket;
	struct http_exchange *exchange; /* NULL when there was no answer */
	enum http_failure failure;
	bool keep_open; /* a 2xx's body is the caller's to stream */
	int64_t start_ms;
	int64_t sent_bytes;
};

static void attempt_clear(struct attempt *a)
{
	http_close(a->exchange);
	http_ticket_clear(&a->ticket);
}

static void on_sending(void *arg, int64_t sent_bytes)
{
	struct attempt *a = arg;

	a->sent_bytes = sent_bytes;
	if (a->call->sending)
		a->call->sending(a->call->sending_arg, sent_bytes);
}

static const struct secret *authorization_for(const struct attempt *a, const char *url)
{
	const char *origin = a->call->anonymous ? a->call->url : a->client->origin;

	if (!url_same_origin(url, origin))
		return NULL;
	return a->call->anonymous ? a->call->authorization : a->ticket.authorization;
}

static bool place_is_allowed(const struct attempt *a, const char *url)
{
	const char *origin = a->call->anonymous ? a->call->url : a->client->origin;

	return url_same_origin(url, origin) || host_may_lead_to(origin, url);
}

static bool refuse_place(struct attempt *a, const char *url, struct err *err)
{
	CLEANUP(mem_freep) char *shown = url_shown(url);

	a->failure = HTTP_FAILED_FOR_GOOD;
	return err_set(err, ERR_NET,
		       "'%s' is an address inside this machine or network: not followed", shown);
}

static bool send_to(struct attempt *a, const char *url, struct err *err)
{
	const struct http_call *call = a->call;
	CLEANUP(stream_freep) struct stream *in_memory = NULL;
	struct http_request r = {
		.method = call->method,
		.url = url,
		.authorization = authorization_for(a, url),
		.body = call->stream,
		.body_bytes = call->stream_bytes,
		.empty_body = call->empty_body,
		.large = call->stream || a->keep_open,
		.outside_only = call->outside_only,
		.patient = call->patient,
		.stall_ms = call->stall_ms,
		.answer_ms = call->answer_ms,
		.streams = a->keep_open,
		.sending = on_sending,
		.sending_arg = a,
	};

	if (!place_is_allowed(a, url))
		return refuse_place(a, url, err);
	memcpy(r.headers, call->headers, sizeof(r.headers));
	if (call->bytes) {
		in_memory = stream_of_bytes(call->bytes, call->size);
		r.body = in_memory;
		r.body_bytes = (int64_t)call->size;
	}
	return http_open(a->client->transport, a->world, &r, &a->exchange, &a->failure, err);
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A method other than GET is kept: what a registry moves is the place, not the wish. 303 asks for a GET. */
static bool may_follow(const struct attempt *a, int status)
{
	if (a->call->keep_redirect || !is_redirect(status))
		return false;
	return status != 303 || strcmp(a->call->method, "GET") == 0;
}

/* A streamed body that has begun to flow is gone. */
static bool body_is_spent(const struct attempt *a)
{
	return a->call->stream && a->sent_bytes > 0;
}

/* Where the answer moves the request to, NULL when it does not; from https never to http. */
static char *redirect_target(struct attempt *a, const char *url)
{
	const char *location = http_header(a->exchange, "Location", 0);
	CLEANUP(mem_freep) char *target = NULL;
	struct err ignored = ERR_INIT;

	if (!may_follow(a, http_status(a->exchange)) || !location || body_is_spent(a))
		return NULL;
	if (!url_resolve(url, location, &target, &ignored)) {
		err_clear(&ignored);
		return NULL;
	}
	if (url_is_https(url) && !url_is_https(target))
		return NULL;
	return TAKE(target);
}

/* *RET_URL is the one that answered, or the last one tried. */
static bool send_following(struct attempt *a, char **ret_url, struct err *err)
{
	CLEANUP(mem_freep) char *url = mem_strdup(a->call->url);

	for (int hops = 0;; hops++) {
		char *next = NULL;
		bool opened = send_to(a, url, err);

		if (opened && hops < HTTP_REDIRECTS_MAX)
			next = redirect_target(a, url);
		if (!next) {
			*ret_url = TAKE(url);
			return opened;
		}
		http_close(TAKE(a->exchange));
		free(url);
		url = next;
	}
}

/* Reading an answer */

/*
 * An error's body is evidence: what there is of it is taken, however it ends. A success's body is the answer
 * itself and must be whole.
 */
static bool read_body(struct attempt *a, struct http_answer *ret, struct err *err)
{
	size_t ceiling = a->call->answer_ceiling ? a->call->answer_ceiling : HTTP_ANSWER_CEILING;
	struct buf body = BUF_INIT(ceiling);
	bool must_be_whole = ret->status < 400;
	bool ok = true;
	char chunk[16 * KIB];
	size_t len = 1;

	while (ok && len) {
		ok = http_read(a->exchange, a->world, chunk, sizeof(chunk), &len, err);
		if (ok && !buf_add(&body, chunk, len)) {
			ok = false;
			a->failure = HTTP_FAILED_FOR_GOOD;
			err_set(err, ERR_NO_REGISTRY, "the answer is longer than %zu bytes",
				ceiling);
		}
	}
	ret->body_len = body.len;
	ret->body = buf_take(&body);
	if (ok || (!must_be_whole && err->code == ERR_NET) || err->code == ERR_NO_REGISTRY) {
		if (!must_be_whole)
			err_clear(err);
		return ok || !must_be_whole;
	}
	a->failure = err->code == ERR_NET ? HTTP_FAILED_UNDER_WAY : HTTP_FAILED_CANCELLED;
	return false;
}

static void tell_request(const struct attempt *a, const struct http_answer *answer,
			 const struct err *err)
{
	CLEANUP(mem_freep) char *shown = NULL;

	if (!a->world->observer)
		return;
	shown = url_shown(answer->url ? answer->url : a->call->url);
	world_tell(a->world,
		   &(struct event){
			   .kind = EVENT_REQUEST,
			   .request = {
				   .method = a->call->method,
				   .url = shown,
				   .what = a->call->what,
				   .status = answer->status,
				   .attempt = (int)a->history->attempts,
				   .start_ms = a->start_ms,
				   .end_ms = world_now_ms(a->world),
				   .sent_bytes = a->sent_bytes,
				   .received_bytes = (int64_t)answer->body_len,
				   .token = a->ticket.fingerprint[0] ? a->ticket.fingerprint : NULL,
				   .failure = answer->status ? NULL : err->message,
			   } });
}

static bool exchange_messages(struct attempt *a, struct http_answer *ret, struct err *err)
{
	bool answered;

	a->start_ms = world_now_ms(a->world);
	a->history->attempts++;
	answered = send_following(a, &ret->url, err);
	if (answered) {
		atomic_store(&a->client->heard, true);
		answer_read_headers(ret, a->exchange, clock_wall_ms(a->world->clock));
		if (a->call->wanted_header)
			ret->wanted_header = mem_strdup_or_null(
				http_header(a->exchange, a->call->wanted_header, 0));
		ret->sent_ms = a->start_ms;
		if (!a->keep_open || ret->status >= 300)
			answered = read_body(a, ret, err);
		if (!answered)
			ret->status = 0;
	}
	tell_request(a, ret, err);
	return answered;
}

/* After an attempt */

static enum http_outcome wait_for_fault(struct http_client *c, const struct world *w,
					const struct http_call *call, struct http_history *history,
					struct retry_fault *fault, struct err *err)
{
	int64_t now_ms = world_now_ms(w);
	struct err cut_short = ERR_INIT;
	int64_t wait_ms;
	CLEANUP(mem_freep) char *text = NULL;

	fault->heard_before = atomic_load(&c->heard);
	if (history->faults++)
		history->trying_ms += retry_spent_ms(now_ms - history->fault_ms);
	history->fault_ms = now_ms;
	if (!retry_decide(&c->policy, history->faults, history->trying_ms, fault,
			  atomic_fetch_add(&c->salt, 7919), &wait_ms))
		return HTTP_OVER;
	text = mem_printf("%s %s: %s", call->method, call->what, err->message);
	world_tell(w,
		   &(struct event){ .kind = EVENT_WAIT, .text = text, .wait = { .ms = wait_ms } });
	if (!world_sleep(w, wait_ms, &cut_short)) {
		if (cut_short.code == ERR_TIMEOUT)
			err_evidence(&cut_short, "%s", err->message);
		err_move(err, &cut_short);
		return HTTP_OVER;
	}
	err_clear(err);
	return HTTP_AGAIN;
}

static enum http_outcome after_failure(struct attempt *a, struct err *err)
{
	struct retry_fault fault = { .failure = a->failure, .retry_after_ms = -1 };
	enum http_outcome outcome;

	/* a body that gets further than before is not the same fault again and again */
	if (a->sent_bytes > a->history->furthest_bytes) {
		a->history->furthest_bytes = a->sent_bytes;
		a->history->faults = 0;
		a->history->trying_ms = 0;
	}
	a->history->failure = a->failure;
	outcome = wait_for_fault(a->client, a->world, a->call, a->history, &fault, err);
	if (outcome == HTTP_OVER && err->code == ERR_NET) {
		CLEANUP(mem_freep) char *authority = url_authority(a->call->url);

		err_wrap(err, "%s of the %s at '%s'", a->call->method, a->call->what,
			 authority ? authority : a->call->url);
		if (a->history->attempts > 1)
			err_cause(err, "tried %zu times in %lld s", a->history->attempts,
				  (long long)a->history->trying_ms / 1000);
	}
	return outcome;
}

enum http_outcome http_again(struct http_client *c, const struct world *w,
			     const struct http_call *call, struct http_history *history,
			     const struct http_answer *answer, struct err *err)
{
	struct retry_fault fault = { .answered = true,
				     .status = answer->status,
				     .retry_after_ms = answer->retry_after_ms };

	if (err->code == ERR_NONE)
		http_answer_err(call, answer, err);
	return wait_for_fault(c, w, call, history, &fault, err);
}

static enum http_outcome after_refusal(struct attempt *a, const struct http_refusal *refusal,
				       struct err *err)
{
	size_t nth = a->history->refusals + 1;

	switch (authorizer_refused(a->client->authorizer, a->world, &a->call->scope, &a->ticket,
				   refusal, nth, err)) {
	case AUTH_TRY_AGAIN:
		a->history->refusals = nth;
		return HTTP_AGAIN;
	case AUTH_CHALLENGED:
		return HTTP_AGAIN;
	case AUTH_FINAL:
		break;
	}
	return HTTP_OVER;
}

/* What a redirect leads to is signed for a while: whoever asks again gets a new link. */
static bool link_has_died(struct attempt *a, const struct http_answer *answer)
{
	if (answer->status != 400 && answer->status != 401 && answer->status != 403)
		return false;
	return !url_same_origin(answer->url, a->call->url) &&
	       a->history->dead_links++ < DEAD_LINKS_MAX;
}

/* What another host says, where a redirect led without the token, is no refusal of it. */
static bool may_refuse(const struct attempt *a, const struct http_answer *answer)
{
	return !a->call->anonymous && a->client->authorizer &&
	       url_same_origin(answer->url, a->client->origin) &&
	       (!a->call->only_401 || answer->status == 401);
}

static enum http_outcome judge_answer(struct attempt *a, struct http_answer *answer,
				      struct err *err)
{
	CLEANUP(mem_freep) char *words = NULL;
	struct http_refusal refusal;

	if (answer->status < 400)
		return HTTP_ANSWERED;
	words = refusal_words(answer->body, answer->body_len);
	if (may_refuse(a, answer) &&
	    refusal_read(answer->status, words, (const char *const *)answer->challenges,
			 &refusal)) {
		/* a HEAD has no words: whoever wants them asks with a GET */
		refusal.says_denied |=
			answer->status == 403 && strcmp(a->call->method, "HEAD") == 0;
		return after_refusal(a, &refusal, err);
	}
	if (retry_status_is_passing(answer->status) || link_has_died(a, answer))
		return http_again(a->client, a->world, a->call, a->history, answer, err);
	return HTTP_ANSWERED;
}

static enum http_outcome attempt_once(struct attempt *a, struct http_answer *ret, struct err *err)
{
	*ret = (struct http_answer){ 0 };
	if (!world_check(a->world, err))
		return HTTP_OVER;
	if (!a->call->anonymous && a->client->authorizer &&
	    !authorizer_ticket(a->client->authorizer, a->world, &a->call->scope, a->call->need_ms,
			       a->history->refusals, &a->ticket, err))
		return HTTP_OVER;
	if (!exchange_messages(a, ret, err))
		return after_failure(a, err);
	return judge_answer(a, ret, err);
}

enum http_outcome http_attempt(struct http_client *c, const struct world *w,
			       const struct http_call *call, struct http_history *history,
			       struct http_answer *ret, struct err *err)
{
	CLEANUP(attempt_clear)
	struct attempt a = { .client = c, .world = w, .call = call, .history = history };

	return attempt_once(&a, ret, err);
}

bool http_call(struct http_client *c, const struct world *w, const struct http_call *call,
	       struct http_answer *ret, struct err *err)
{
	return http_call_open(c, w, call, NULL, ret, err);
}

bool http_call_open(struct http_client *c, const struct world *w, const struct http_call *call,
		    struct http_exchange **ret_exchange, struct http_answer *ret, struct err *err)
{
	struct http_history history = { 0 };

	for (;;) {
		CLEANUP(attempt_clear)
		struct attempt a = { .client = c,
				     .world = w,
				     .call = call,
				     .history = &history,
				     .keep_open = ret_exchange != NULL };
		enum http_outcome outcome = attempt_once(&a, ret, err);

		if (outcome == HTTP_ANSWERED && ret_exchange)
			*ret_exchange = ret->status < 300 ? TAKE(a.exchange) : NULL;
		if (outcome != HTTP_AGAIN)
			return outcome == HTTP_ANSWERED;
		http_answer_clear(ret);
	}
}
