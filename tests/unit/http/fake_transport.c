#include "http/fake_transport.h"

struct fake_exchange {
	struct http_exchange exchange;
	struct fake_transport *t;
	struct fake_answer answer;
	size_t sent; /* of the answer's body */
	int reads;
};

static size_t body_len(const struct fake_answer *a)
{
	if (a->endless_bytes)
		return (size_t)a->endless_bytes;
	return a->body_len || !a->body ? a->body_len : strlen(a->body);
}

/* The request's body, as far as the answer lets it come. */
static bool take_body(const struct fake_answer *a, const struct http_request *r,
		      struct fake_request *ret, struct err *err)
{
	int64_t wanted = a->takes_body_bytes ? a->takes_body_bytes : r->body_bytes;
	struct buf body = BUF_INIT(64 * MIB);
	char chunk[4096];
	size_t len = 1;
	bool ok = true;

	while (ok && len && !a->takes_no_body && (int64_t)body.len < wanted) {
		size_t most = (size_t)(wanted - (int64_t)body.len);

		ok = stream_read(r->body, chunk, most < sizeof(chunk) ? most : sizeof(chunk), &len,
				 err);
		if (ok && !buf_add(&body, chunk, len))
			fail_msg("the fake transport got more than it keeps");
		if (ok && r->sending)
			r->sending(r->sending_arg, (int64_t)body.len);
	}
	ret->body_bytes = (int64_t)body.len;
	ret->body = buf_take(&body);
	return ok;
}

static const char *header_of(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < HTTP_REQUEST_HEADERS_MAX && r->headers[i].name; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

static char *all_headers(const struct http_request *r)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; i < HTTP_REQUEST_HEADERS_MAX && r->headers[i].name; i++)
		buf_printf(&text, "%s: %s\n", r->headers[i].name, r->headers[i].value);
	return text.data ? buf_take(&text) : mem_strdup("");
}

static struct fake_request *keep_request(struct fake_transport *t, const struct http_request *r)
{
	struct fake_request *kept = &t->requests[t->request_count];

	if (++t->request_count >= FAKE_REQUESTS_MAX)
		abort();
	*kept = (struct fake_request){
		.method = mem_strdup(r->method),
		.url = mem_strdup(r->url),
		.authorized = r->authorization != NULL,
		.authorization =
			r->authorization ? mem_strdup(secret_reveal(r->authorization)) : NULL,
		.content_type = mem_strdup_or_null(header_of(r, "Content-Type")),
		.headers = all_headers(r),
		.large = r->large,
		.outside_only = r->outside_only,
		.answer_ms = r->answer_ms,
		.at_ms = world_now_ms(&t->world->world),
	};
	return kept;
}

static bool fits(const struct fake_answer *a, const struct http_request *r)
{
	return (!a->method || strcmp(a->method, r->method) == 0) &&
	       (!a->url || strstr(r->url, a->url));
}

static bool choose_answer(struct fake_transport *t, const struct http_request *r,
			  const struct fake_request *kept, struct fake_answer *ret)
{
	if (t->serve && t->serve(t->serve_arg, kept, ret))
		return true;
	for (size_t i = 0; i < t->script_len; i++) {
		size_t times = t->script[i].times ? t->script[i].times : 1;

		if (t->used[i] < times && fits(&t->script[i], r)) {
			t->used[i]++;
			*ret = t->script[i];
			return true;
		}
	}
	t->unexpected++;
	return false;
}

static bool answer_request(struct fake_transport *t, const struct http_request *r,
			   struct fake_answer *ret, enum http_failure *ret_failure, struct err *err)
{
	struct fake_request *kept;
	bool chosen, taken = true;

	*ret = (struct fake_answer){ 0 };
	*ret_failure = HTTP_FAILED_FOR_GOOD;
	monitor_enter(&t->world->sched, t->lock);
	kept = keep_request(t, r);
	chosen = choose_answer(t, r, kept, ret);
	if (chosen && r->body)
		taken = take_body(ret, r, kept, err);
	monitor_leave(&t->world->sched, t->lock);
	if (!chosen)
		return err_set(err, ERR_UNEXPECTED, "nobody expected %s %s", r->method, r->url);
	return taken;
}

static bool fake_open(struct transport *transport, const struct world *w,
		      const struct http_request *r, struct http_exchange **ret,
		      enum http_failure *ret_failure, struct err *err)
{
	struct fake_transport *t = (struct fake_transport *)transport;
	struct fake_answer answer;
	struct fake_exchange *x;

	*ret_failure = HTTP_FAILED_CANCELLED;
	if (!world_check(w, err) || !answer_request(t, r, &answer, ret_failure, err))
		return false;
	fake_advance(t->world, answer.takes_ms);
	*ret_failure = answer.failure;
	if (!answer.status)
		return err_set(err, ERR_NET, "the fake network failed");
	*ret_failure = HTTP_FAILED_CANCELLED;
	if (!world_check(w, err))
		return false;
	x = NEW(struct fake_exchange);
	x->exchange.transport = transport;
	x->t = t;
	x->answer = answer;
	monitor_enter(&t->world->sched, t->lock);
	t->open_count++;
	monitor_leave(&t->world->sched, t->lock);
	*ret = &x->exchange;
	return true;
}

static int fake_status(const struct http_exchange *exchange)
{
	return ((const struct fake_exchange *)exchange)->answer.status;
}

static const char *fake_header(const struct http_exchange *exchange, const char *name, size_t nth)
{
	const struct fake_exchange *x = (const struct fake_exchange *)exchange;

	for (size_t i = 0; i < FAKE_HEADERS_MAX && x->answer.headers[i].name; i++)
		if (strcasecmp(x->answer.headers[i].name, name) == 0 && nth-- == 0)
			return x->answer.headers[i].value;
	return NULL;
}

static bool fake_read(struct http_exchange *exchange, const struct world *w, void *bytes,
		      size_t size, size_t *ret_len, struct err *err)
{
	struct fake_exchange *x = (struct fake_exchange *)exchange;
	size_t len = body_len(&x->answer) - x->sent;

	if (x->answer.cancel_at_read && ++x->reads >= x->answer.cancel_at_read)
		cancel_fire(x->t->world->cancel, 15);
	fake_advance(x->t->world, x->answer.piece_ms);
	if (!world_check(w, err))
		return false;
	if (len == 0 && x->answer.cut)
		return err_set(err, ERR_NET, "the fake network cut the body short");
	if (len > size)
		len = size;
	if (x->answer.piece_bytes && len > x->answer.piece_bytes)
		len = x->answer.piece_bytes;
	if (x->answer.endless_bytes)
		memset(bytes, 'x', len);
	else if (len)
		memcpy(bytes, x->answer.body + x->sent, len);
	x->sent += len;
	*ret_len = len;
	return true;
}

static void fake_close(struct http_exchange *exchange)
{
	struct fake_exchange *x = (struct fake_exchange *)exchange;

	monitor_enter(&x->t->world->sched, x->t->lock);
	x->t->open_count--;
	x->t->read_bytes += (int64_t)x->sent;
	monitor_leave(&x->t->world->sched, x->t->lock);
	free(x);
}

static void fake_free(struct transport *transport)
{
	struct fake_transport *t = (struct fake_transport *)transport;

	for (size_t i = 0; i < t->request_count; i++) {
		free(t->requests[i].method);
		free(t->requests[i].url);
		free(t->requests[i].authorization);
		free(t->requests[i].content_type);
		free(t->requests[i].headers);
		free(t->requests[i].body);
	}
	monitor_free(&t->world->sched, t->lock);
	free(t);
}

static const struct transport_ops fake_transport_ops = {
	.open = fake_open,
	.status = fake_status,
	.header = fake_header,
	.read = fake_read,
	.close = fake_close,
	.free = fake_free,
};

struct fake_transport *fake_transport_new(struct fake_world *world)
{
	struct fake_transport *t = NEW(struct fake_transport);

	t->transport.ops = &fake_transport_ops;
	t->world = world;
	t->lock = monitor_new(&world->sched);
	return t;
}

void fake_expect(struct fake_transport *t, struct fake_answer answer)
{
	assert_true(t->script_len < FAKE_SCRIPT_MAX);
	t->script[t->script_len++] = answer;
}

void assert_script_done(const struct fake_transport *t)
{
	assert_int_equal(t->unexpected, 0);
	assert_int_equal(t->open_count, 0);
	for (size_t i = 0; i < t->script_len; i++)
		if (t->script[i].times != FAKE_ALWAYS &&
		    t->used[i] < (t->script[i].times ? t->script[i].times : 1))
			fail_msg("answer %zu of the script (%d) was not asked for", i,
				 t->script[i].status);
}

const struct fake_request *fake_request_at(const struct fake_transport *t, size_t nth)
{
	if (nth >= t->request_count)
		fail_msg("there were only %zu requests", t->request_count);
	return &t->requests[nth];
}

size_t fake_requests_to(const struct fake_transport *t, const char *method, const char *url)
{
	size_t count = 0;

	for (size_t i = 0; i < t->request_count; i++)
		count += (!method || strcmp(t->requests[i].method, method) == 0) &&
			 (!url || strstr(t->requests[i].url, url));
	return count;
}
