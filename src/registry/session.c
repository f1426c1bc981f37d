#include "registry/session.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A guess before anything was measured. */
#define BYTES_PER_SECOND_AT_FIRST (10 * 1000 * 1000)

#define CHUNK_BYTES_AT_FIRST ((int64_t)(4 * MIB)) /* GHCR refuses larger ones */

/* A 404 to the very first request may pass; from here on it is no registry. */
#define ODD_PINGS_MAX 4

struct session *session_new(struct http_client *client, const char *base_url,
			    const char *repository, enum session_access access)
{
	struct session *s = NEW(struct session);

	s->client = client;
	s->base_url = mem_strdup(base_url);
	s->repository = mem_strdup(repository);
	s->scope = mem_printf("repository:%s:%s", repository,
			      access == SESSION_PUSH ? "pull,push" : "pull");
	atomic_init(&s->upload_form, UPLOAD_PATCH);
	atomic_init(&s->chunk_bytes, CHUNK_BYTES_AT_FIRST);
	atomic_init(&s->capabilities_are_bare, false);
	atomic_init(&s->bytes_per_second, BYTES_PER_SECOND_AT_FIRST);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	http_client_free(s->client);
	free(s->base_url);
	free(s->repository);
	free(s->scope);
	free(s);
}

struct http_scope session_scope(const struct session *s)
{
	return (struct http_scope){ .resources = { s->scope } };
}

char *session_url(const struct session *s, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *rest = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&rest, fmt, ap);
	va_end(ap);
	if (len < 0)
		rest = mem_strdup("");
	return mem_printf("%s/v2/%s/%s", s->base_url, s->repository, rest);
}

/* Ping */

static bool belongs_to_the_protocol(const struct http_answer *a)
{
	return a->status == 200 || a->status == 401 || a->status == 403;
}

static bool ping_once(const struct world *w, struct http_client *client, const char *base,
		      struct http_history *history, struct http_answer *ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/v2/", base);
	const struct http_call call = {
		.what = "registry", .method = "GET", .url = url, .anonymous = true
	};

	return http_attempt(client, w, &call, history, ret, err) == HTTP_ANSWERED;
}

static bool no_registry(const char *base, const struct http_answer *answer, struct err *err)
{
	err_set(err, ERR_NO_REGISTRY, "'%s' does not answer like a registry", base);
	err_evidence(err, "GET %s/v2/: %d", base, answer->status);
	return false;
}

/* A server that wants TLS tells plain http 400: then it is the failure of TLS that is worth telling, and decides. */
static void keep_telling_failure(struct err *err, struct err *failed, enum http_failure failure,
				 const struct http_answer *answer, struct retry_fault *ret_fault)
{
	if (err->code == ERR_NONE || answer->status != 400) {
		err_move(err, failed);
		*ret_fault = (struct retry_fault){
			.answered = answer->status != 0,
			.status = answer->status,
			.failure = failure,
			.retry_after_ms = answer->retry_after_ms,
		};
	}
	err_clear(failed);
}

static bool ping_any(const struct world *w, struct http_client *client, const char *const *bases,
		     size_t base_count, size_t *ret_base, struct retry_fault *ret_fault,
		     struct http_answer *ret, struct err *err)
{
	err_clear(err);
	for (size_t i = 0; i < base_count; i++) {
		struct http_history history = { 0 };
		struct err failed = ERR_INIT;

		http_answer_clear(ret);
		*ret_base = i;
		if (ping_once(w, client, bases[i], &history, ret, &failed)) {
			if (belongs_to_the_protocol(ret)) {
				err_clear(err);
				return true;
			}
			no_registry(bases[i], ret, &failed);
		}
		keep_telling_failure(err, &failed, history.failure, ret, ret_fault);
		if (cancel_reason(w->cancel))
			return false;
	}
	return false;
}

/* Each base gets one attempt a round: a registry that is down answers at none of them. */
bool registry_ping(const struct world *w, struct transport *transport,
		   const struct retry_policy *policy, const char *const *bases, size_t base_count,
		   size_t *ret_base, struct http_answer *ret, struct err *err)
{
	struct retry_policy one_attempt = *policy;
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	int64_t last_ms = world_now_ms(w), trying_ms = 0;
	size_t odd = 0;

	one_attempt.retries = 0;
	client = http_client_new_borrowing(transport, &one_attempt);
	for (size_t tries = 1;; tries++) {
		struct retry_fault fault = { 0 };
		struct err cut_short = ERR_INIT;
		int64_t wait_ms;

		if (ping_any(w, client, bases, base_count, ret_base, &fault, ret, err))
			return true;
		if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT ||
		    err->code == ERR_LOCAL)
			return false;
		if (err->code == ERR_NO_REGISTRY && ++odd == ODD_PINGS_MAX)
			return false;
		fault.heard_before = atomic_load(&client->heard);
		trying_ms += retry_spent_ms(world_now_ms(w) - last_ms);
		last_ms = world_now_ms(w);
		if (!retry_decide(policy, tries, trying_ms, &fault, (uint32_t)last_ms, &wait_ms))
			return false;
		world_tell(w, &(struct event){ .kind = EVENT_WAIT,
					       .text = err->message,
					       .wait = { .ms = wait_ms } });
		if (!world_sleep(w, wait_ms, &cut_short)) {
			err_evidence(&cut_short, "%s", err->message);
			err_move(err, &cut_short);
			return false;
		}
	}
}
