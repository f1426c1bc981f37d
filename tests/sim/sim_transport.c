#include "sim/sim_transport.h"

#include "base/mem.h"

#include <string.h>

#define PIECE_BYTES (4 * KIB)

struct sim_transport {
	struct transport transport;
	struct sim_net *net;
	bool for_proof;
	size_t tokens_under_way;
};

struct sim_exchange {
	struct http_exchange exchange;
	struct sim_net *net;
	struct sim_answer answer;
	size_t read;
	size_t whole; /* breaks off here */
};

/* One request on its way. */
struct trip {
	struct sim_net *net;
	const struct world *world;
	const struct http_request *request;
	struct sim_request asked;
	struct buf body;
	struct sim_answer answer;
	enum sim_fault fault;
	enum http_failure failure;
	size_t number;
	struct err *err;
};

static const char *header_of(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < HTTP_REQUEST_HEADERS_MAX && r->headers[i].name; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

/* What is asked for and of what, without the number of an upload: a download is one wherever it is read. */
static uint64_t thing_of(const struct sim_request *q)
{
	bool downloads = q->what == SIM_BLOB_GET || q->what == SIM_STORAGE_GET;
	bool uploads = q->what == SIM_UPLOAD_PATCH || q->what == SIM_UPLOAD_PUT;
	const char *name = uploads ? "" : downloads ? q->name : q->path;
	uint64_t hash = 0xcbf29ce484222325u + (downloads ? SIM_BLOB_GET : (uint64_t)q->what);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return hash;
}

static bool pass(struct trip *t, int64_t ms)
{
	t->failure = HTTP_FAILED_CANCELLED;
	return world_sleep(t->world, ms, t->err);
}

static bool is_killed(struct trip *t)
{
	if (t->net->dead)
		err_set(t->err, ERR_CANCELLED, "killed");
	return t->net->dead;
}

static bool pass_latency(struct trip *t)
{
	int64_t ms = 1 + (int64_t)sim_rng_below(&t->net->rng, (uint64_t)(2 * t->net->latency_ms));

	return pass(t, ms) && !is_killed(t);
}

static bool break_off(struct trip *t, enum http_failure failure, const char *words)
{
	t->failure = failure;
	return err_set(t->err, ERR_NET, "%s", words);
}

static bool stall(struct trip *t)
{
	int64_t answer_ms = t->request->answer_ms;
	bool sooner = answer_ms && answer_ms < SIM_STALL_MS;

	if (!pass(t, sooner ? answer_ms : SIM_STALL_MS))
		return false;
	return break_off(t, HTTP_FAILED_UNDER_WAY,
			 sooner ? "no answer in time" : "nothing moved for 15 s");
}

/* What stands between us and the server. */
static bool arrive(struct trip *t)
{
	switch (t->fault) {
	case FAULT_CONNECT:
		return break_off(t, HTTP_FAILED_BEFORE_SENDING, "connection refused");
	case FAULT_RESET_BEFORE:
		return break_off(t, HTTP_FAILED_UNDER_WAY, "connection reset");
	case FAULT_STALL_BEFORE:
		return stall(t);
	default:
		return true;
	}
}

static void answer_with_fault(struct trip *t)
{
	const struct sim_fault_looks *looks = &sim_fault_looks[t->fault];

	sim_answer_error(&t->answer, looks->status, looks->code, looks->words);
	if (t->fault == FAULT_401_CHALLENGE)
		sim_registry_challenge(t->net->registry, &t->answer);
	else if (t->fault == FAULT_429)
		sim_answer_header(&t->answer, "Retry-After", "2");
	else if (t->fault == FAULT_PAGE) {
		sim_answer_header(&t->answer, "Content-Type", "text/html; charset=utf-8");
		buf_puts(&t->answer.body, "<html><body>Welcome to the hotel</body></html>");
	}
}

/* One piece of the body, in its time. *RET_MORE is false at the end. */
static bool send_piece(struct trip *t, char *piece, bool *ret_more)
{
	int64_t left = t->request->body_bytes - (int64_t)t->body.len;
	size_t want = left < (int64_t)PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	size_t len = 0;

	*ret_more = want > 0;
	if (!*ret_more)
		return true;
	t->failure = HTTP_FAILED_FOR_GOOD;
	if (!stream_read(t->request->body, piece, want, &len, t->err))
		return false;
	if (!len)
		return err_set(t->err, ERR_NET, "the body is shorter than it was said to be");
	if (!buf_add(&t->body, piece, len))
		abort();
	if (t->request->sending)
		t->request->sending(t->request->sending_arg, (int64_t)t->body.len);
	return pass(t, (int64_t)len / t->net->bytes_per_ms) && !is_killed(t);
}

static bool send_body(struct trip *t)
{
	CLEANUP(mem_freep) char *piece = NULL;
	bool more = t->request->body != NULL;

	if (more)
		piece = mem_alloc(PIECE_BYTES);
	while (more) {
		bool half = t->fault == FAULT_RESET_MIDWAY &&
			    (int64_t)t->body.len * 2 >= t->request->body_bytes;

		if (half)
			return break_off(t, HTTP_FAILED_UNDER_WAY, "connection reset by peer");
		if (!send_piece(t, piece, &more))
			return false;
	}
	return true;
}

static void take(struct trip *t)
{
	const struct sim_taking how = {
		.now_ms = sim_now_ms(t->net->sched),
		.late_ms = t->fault == FAULT_LATE ? t->net->plan->late_ms : 0,
		.drop = t->fault == FAULT_DROPPED,
		.damage = t->fault == FAULT_DAMAGED,
	};

	sim_registry_take(t->net->registry, &t->asked, &t->body, &how, &t->answer);
}

static void lie(struct trip *t)
{
	struct sim_answer *a = &t->answer;
	char *length = NULL;

	for (size_t i = 0; i < a->header_count; i++)
		if (strcmp(a->names[i], "Content-Length") == 0)
			length = a->values[i];
	if (t->fault == FAULT_HEAD_ABSENT) {
		sim_answer_error(a, 404, NULL, NULL);
	} else if (t->fault == FAULT_HEAD_LENGTH && length) {
		length[0] = length[0] == '9' ? '8' : (char)(length[0] + 1);
	} else if (t->fault == FAULT_HEAD_PRESENT && a->status == 404) {
		sim_answer_error(a, 200, NULL, NULL);
		sim_answer_header(a, "Content-Length", "%s", "4711");
	}
}

/* The server has done what it does; what becomes of its answer? */
static bool come_back(struct trip *t)
{
	switch (t->fault) {
	case FAULT_RESET_AFTER:
		return break_off(t, HTTP_FAILED_UNDER_WAY, "connection reset before the answer");
	case FAULT_STALL_AFTER:
		return stall(t);
	case FAULT_500_AFTER:
		sim_answer_error(&t->answer, 500, "UNKNOWN", "unknown error");
		break;
	case FAULT_HEAD_ABSENT:
	case FAULT_HEAD_LENGTH:
	case FAULT_HEAD_PRESENT:
		lie(t);
		break;
	default:
		break;
	}
	return pass_latency(t);
}

/* A small body is sent without waiting for a word; a large one waits for 100 Continue. */
static bool travel(struct trip *t)
{
	struct sim_registry *r = t->net->registry;
	int status = sim_fault_looks[t->fault].status;
	bool heard;

	if (!pass_latency(t) || !arrive(t))
		return false;
	if (t->fault == FAULT_TOKEN_DIES)
		sim_registry_kill_tokens(r);
	if (status)
		answer_with_fault(t);
	heard = status || sim_registry_hear(r, &t->asked, sim_now_ms(t->net->sched), &t->answer);
	if (!(heard && t->request->large) && !send_body(t)) {
		sim_registry_cut(r, &t->asked, &t->body);
		return false;
	}
	if (!heard)
		take(t);
	return come_back(t);
}

static void trace(const struct trip *t, const struct sim_net *net, bool answered)
{
	if (!net->trace)
		return;
	fprintf(net->trace, "%10.3f s  #%-3zu task %zu  %-6s %s%s%s%s -> ",
		(double)(sim_now_ms(net->sched) - 3600000) / 1000, t->number,
		sim_task_number(net->sched), t->asked.method,
		strcmp(t->asked.host, SIM_HOST) == 0 ? "" : t->asked.host, t->asked.path,
		*t->asked.query ? "?" : "", t->asked.query);
	if (answered)
		fprintf(net->trace, "%d", t->answer.status);
	else
		fprintf(net->trace, "(%s)", t->err->message);
	if (t->asked.authorization)
		fprintf(net->trace, "  with %s", strchr(t->asked.authorization, ' ') + 1);
	if (t->fault != FAULT_NONE)
		fprintf(net->trace, "  [%s]", sim_fault_looks[t->fault].name);
	fputc('\n', net->trace);
}

static void trip_begin(struct trip *t, bool for_proof)
{
	const struct http_request *r = t->request;

	t->body = (struct buf)BUF_INIT(SIM_BODY_CEILING);
	sim_answer_init(&t->answer);
	sim_request_read(r->method, r->url, &t->asked);
	t->asked.authorization = r->authorization ? secret_reveal(r->authorization) : NULL;
	t->asked.content_type = header_of(r, "Content-Type");
	t->asked.content_range = header_of(r, "Content-Range");
	t->asked.range = header_of(r, "Range");
	t->asked.for_proof = for_proof;
	t->number = ++t->net->requests;
	if (t->net->hook)
		t->net->hook(t->net->hook_arg, t->number, &t->asked);
	t->fault = sim_plan_next(t->net->plan, t->number, sim_now_ms(t->net->sched), t->asked.what,
				 thing_of(&t->asked), for_proof);
}

static struct http_exchange *exchange_of(struct transport *transport, struct trip *t)
{
	struct sim_exchange *x = NEW(struct sim_exchange);

	x->exchange.transport = transport;
	x->net = t->net;
	x->answer = t->answer;
	x->whole = t->fault == FAULT_TRUNCATED ? t->answer.body.len / 2 : t->answer.body.len;
	return &x->exchange;
}

static bool sim_open(struct transport *transport, const struct world *w,
		     const struct http_request *request, struct http_exchange **ret,
		     enum http_failure *ret_failure, struct err *err)
{
	struct sim_transport *of = (struct sim_transport *)transport;
	struct trip t = { .net = of->net, .world = w, .request = request, .err = err };
	bool answered, is_token;

	*ret_failure = HTTP_FAILED_CANCELLED;
	if (is_killed(&t) || !world_check(w, err))
		return false;
	trip_begin(&t, of->for_proof);
	is_token = t.asked.what == SIM_TOKEN;
	of->net->token_rushes += is_token && of->tokens_under_way;
	of->tokens_under_way += is_token;
	if (++of->net->under_way > of->net->most_under_way)
		of->net->most_under_way = of->net->under_way;
	answered = travel(&t);
	of->net->under_way--;
	of->tokens_under_way -= is_token;
	trace(&t, of->net, answered);
	sim_registry_record(of->net->registry, &t.asked, answered ? t.answer.status : 0, t.fault);
	if (answered)
		*ret = exchange_of(transport, &t);
	else
		sim_answer_clear(&t.answer);
	*ret_failure = t.failure;
	buf_clear(&t.body);
	sim_request_clear(&t.asked);
	return answered;
}

static int sim_status(const struct http_exchange *exchange)
{
	return ((const struct sim_exchange *)exchange)->answer.status;
}

static const char *sim_header(const struct http_exchange *exchange, const char *name, size_t nth)
{
	const struct sim_answer *a = &((const struct sim_exchange *)exchange)->answer;

	for (size_t i = 0; i < a->header_count; i++)
		if (strcasecmp(a->names[i], name) == 0 && nth-- == 0)
			return a->values[i];
	return NULL;
}

static bool sim_read(struct http_exchange *exchange, const struct world *w, void *bytes,
		     size_t size, size_t *ret_len, struct err *err)
{
	struct sim_exchange *x = (struct sim_exchange *)exchange;
	size_t left = x->whole - x->read;
	size_t len = left < size ? left : size;

	if (len > PIECE_BYTES)
		len = PIECE_BYTES;
	if (!world_sleep(w, (int64_t)len / x->net->bytes_per_ms, err))
		return false;
	if (len == 0 && x->whole < x->answer.body.len)
		return err_set(err, ERR_NET, "the answer breaks off after %zu bytes", x->read);
	if (len)
		memcpy(bytes, x->answer.body.data + x->read, len);
	x->read += len;
	*ret_len = len;
	return true;
}

static void sim_close(struct http_exchange *exchange)
{
	struct sim_exchange *x = (struct sim_exchange *)exchange;

	sim_answer_clear(&x->answer);
	free(x);
}

static void sim_free(struct transport *transport)
{
	free(transport);
}

static const struct transport_ops sim_transport_ops = {
	.open = sim_open,
	.status = sim_status,
	.header = sim_header,
	.read = sim_read,
	.close = sim_close,
	.free = sim_free,
};

struct transport *sim_transport_new(struct sim_net *net, bool for_proof)
{
	struct sim_transport *t = NEW(struct sim_transport);

	t->transport.ops = &sim_transport_ops;
	t->net = net;
	t->for_proof = for_proof;
	return &t->transport;
}
