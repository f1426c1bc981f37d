/* One exchange from open to close, driven in the calling thread. */
#include "http/curl_private.h"

#include "base/mem.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

/* How often time and the kernel's queue are looked at while nothing happens. */
#define TICK_MS 200

/* Added to the stall timeout while a server commits: together they stay under half a minute. */
#define PATIENCE_MS 12000

/* The kernel may hold megabytes that a slow link takes its time for: that its queue drains is movement too. */
static void note_queue(struct curl_exchange *x)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	int unsent = 0;

	if (curl_easy_getinfo(x->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
	    fd == CURL_SOCKET_BAD)
		return;
	if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent != x->unsent) {
		if (unsent < x->unsent)
			exchange_moved(x);
		x->unsent = unsent;
	}
}

static bool note_end(struct curl_exchange *x)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(x->lane->multi, &left))) {
		if (message->msg == CURLMSG_DONE) {
			x->ended = true;
			x->result = message->data.result;
		}
	}
	return x->ended;
}

/* Silence after the last byte was sent may be work: storage that is slow to commit. */
static int64_t stall_ms(const struct curl_exchange *x)
{
	bool all_sent = x->sent_bytes == x->body_bytes && x->unsent == 0;

	if (x->first_byte_ms && all_sent && !x->begun)
		return x->first_byte_ms;
	return x->stall_ms + (x->patient && all_sent && !x->headers_complete ? PATIENCE_MS : 0);
}

static int64_t answer_by_ms(const struct curl_exchange *x)
{
	return x->streams && x->headers_complete ? NEVER_MS : x->answer_by_ms;
}

static bool check_time(struct curl_exchange *x, const struct world *w, struct err *err)
{
	int64_t now_ms;

	if (!world_check(w, err))
		return false;
	note_queue(x);
	now_ms = world_now_ms(w);
	if (now_ms - x->moved_ms >= stall_ms(x))
		return err_set(err, ERR_NET, "nothing moved for %lld s",
			       (long long)(stall_ms(x) / 1000));
	if (now_ms >= answer_by_ms(x))
		return err_set(err, ERR_NET, "no answer in time");
	return true;
}

static int wait_ms(const struct curl_exchange *x, const struct world *w)
{
	int64_t now_ms = world_now_ms(w);
	int64_t ms = TICK_MS;

	if (answer_by_ms(x) - now_ms < ms)
		ms = answer_by_ms(x) - now_ms;
	if (w->deadline_ms - now_ms < ms)
		ms = w->deadline_ms - now_ms;
	return ms > 0 ? (int)ms : 0;
}

static void wait_for_network(struct curl_exchange *x, const struct world *w)
{
	struct pollfd fds[CANCEL_POLL_MAX];
	struct curl_waitfd extra[CANCEL_POLL_MAX];
	size_t count = cancel_poll(w->cancel, fds);

	for (size_t i = 0; i < count; i++)
		extra[i] = (struct curl_waitfd){ .fd = fds[i].fd, .events = CURL_WAIT_POLLIN };
	curl_multi_poll(x->lane->multi, extra, (unsigned int)count, wait_ms(x, w), NULL);
}

static bool has_pending(const struct curl_exchange *x)
{
	return x->pending_read < x->pending.len;
}

/* Until the transfer has ended, or READY says so. False when time or a cancel cuts it short. */
static bool drive(struct curl_exchange *x, const struct world *w,
		  bool (*ready)(const struct curl_exchange *), struct err *err)
{
	for (;;) {
		int running;

		curl_multi_perform(x->lane->multi, &running);
		if (note_end(x) || ready(x))
			return true;
		if (!check_time(x, w, err))
			return false;
		wait_for_network(x, w);
	}
}

static bool is_answered(const struct curl_exchange *x)
{
	return x->headers_complete;
}

/* Opening and closing */

void exchange_close(struct http_exchange *exchange)
{
	struct curl_exchange *x = (struct curl_exchange *)exchange;

	curl_multi_remove_handle(x->lane->multi, x->easy);
	curl_easy_cleanup(x->easy);
	lane_give_back(x->t, x->lane);
	for (struct curl_slist *l = x->request_headers; l; l = l->next)
		secret_wipe(l->data, strlen(l->data));
	curl_slist_free_all(x->request_headers);
	curl_slist_free_all(x->connect_to);
	exchange_clear_headers(x);
	buf_clear(&x->pending);
	buf_clear(&x->trusted);
	err_clear(&x->body_err);
	free(x);
}

static struct curl_exchange *exchange_new(struct curl_transport *t, const struct world *w,
					  const struct http_request *r)
{
	struct curl_exchange *x = NEW(struct curl_exchange);

	x->exchange.transport = &t->transport;
	x->t = t;
	x->pending = (struct buf)BUF_INIT(PENDING_CEILING);
	x->moved_ms = world_now_ms(w);
	x->patient = r->patient;
	x->stall_ms = r->stall_ms ? r->stall_ms : t->stall_ms;
	x->first_byte_ms = r->first_byte_ms;
	x->answer_by_ms = r->answer_ms ? clock_after(x->moved_ms, r->answer_ms) : NEVER_MS;
	x->streams = r->streams;
	x->lane = lane_take(t, r->large);
	x->easy = curl_easy_init();
	exchange_prepare(x, r);
	return x;
}

static const struct {
	CURLcode code;
	enum http_failure failure;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_PROXY, HTTP_FAILED_BEFORE_SENDING },
	{ CURLE_COULDNT_RESOLVE_HOST, HTTP_FAILED_BEFORE_SENDING },
	{ CURLE_COULDNT_CONNECT, HTTP_FAILED_BEFORE_SENDING },
	{ CURLE_SSL_CONNECT_ERROR, HTTP_FAILED_BEFORE_SENDING },
	{ CURLE_PROXY, HTTP_FAILED_BEFORE_SENDING },
	{ CURLE_URL_MALFORMAT, HTTP_FAILED_FOR_GOOD },
	{ CURLE_PEER_FAILED_VERIFICATION, HTTP_FAILED_FOR_GOOD },
	{ CURLE_SSL_CERTPROBLEM, HTTP_FAILED_FOR_GOOD },
	{ CURLE_SSL_CACERT_BADFILE, HTTP_FAILED_FOR_GOOD },
	{ CURLE_SSL_ISSUER_ERROR, HTTP_FAILED_FOR_GOOD },
	{ CURLE_ABORTED_BY_CALLBACK, HTTP_FAILED_FOR_GOOD },
};

static enum http_failure failure_of(const struct curl_exchange *x, const struct err *err)
{
	long request_bytes = 0;

	if (err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT)
		return HTTP_FAILED_CANCELLED;
	if (x->body_failed || err->code == ERR_LOCAL)
		return HTTP_FAILED_FOR_GOOD;
	for (size_t i = 0; x->ended && i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == x->result)
			return failures[i].failure;
	curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	return request_bytes ? HTTP_FAILED_UNDER_WAY : HTTP_FAILED_BEFORE_SENDING;
}

/* libcurl only says that it could not; the system knows whether nobody listens or we may not. */
static bool describe_socket(const struct curl_exchange *x, struct err *err)
{
	long errnum = 0;

	if (!x->t->unix_socket || x->result != CURLE_COULDNT_CONNECT ||
	    curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &errnum) != CURLE_OK || errnum == 0)
		return false;
	err_set(err, errnum == EACCES || errnum == EPERM ? ERR_LOCAL : ERR_NET, "'%s': %s",
		x->t->unix_socket, strerror((int)errnum));
	return true;
}

static void describe_end(struct curl_exchange *x, struct err *err)
{
	if (x->body_failed)
		err_move(err, &x->body_err);
	else if (describe_socket(x, err))
		return;
	else if (x->result == CURLE_ABORTED_BY_CALLBACK)
		err_set(err, ERR_NET,
			"its name leads to an address inside this machine or network");
	else if (x->result == CURLE_WRITE_ERROR && !x->headers_complete)
		err_set(err, ERR_NET, "the answer's headers are longer than %zu bytes or %d lines",
			HTTP_HEADER_BYTES_MAX, HTTP_HEADERS_MAX);
	else
		err_set(err, ERR_NET, "%s", x->why[0] ? x->why : curl_easy_strerror(x->result));
}

/* A refusal that was read counts, even if the connection went down before its headers had ended. */
static bool has_status(struct curl_exchange *x)
{
	if (!x->headers_complete && x->ended && x->status >= 400 && !x->body_failed)
		x->headers_complete = true;
	return x->headers_complete && !x->body_failed;
}

bool exchange_open(struct transport *transport, const struct world *w, const struct http_request *r,
		   struct http_exchange **ret, enum http_failure *ret_failure, struct err *err)
{
	CLEANUP(http_closep) struct http_exchange *exchange = NULL;
	struct curl_exchange *x;
	bool driven;

	*ret_failure = HTTP_FAILED_CANCELLED;
	if (!world_check(w, err))
		return false;
	x = exchange_new((struct curl_transport *)transport, w, r);
	exchange = &x->exchange;
	curl_multi_add_handle(x->lane->multi, x->easy);
	driven = drive(x, w, is_answered, err);
	if (driven && has_status(x)) {
		*ret = TAKE(exchange);
		return true;
	}
	if (driven)
		describe_end(x, err);
	*ret_failure = failure_of(x, err);
	return false;
}

int exchange_status(const struct http_exchange *exchange)
{
	return ((const struct curl_exchange *)exchange)->status;
}

const char *exchange_header(const struct http_exchange *exchange, const char *name, size_t nth)
{
	const struct curl_exchange *x = (const struct curl_exchange *)exchange;

	for (size_t i = 0; i < x->header_count; i++)
		if (strcasecmp(x->headers[i].name, name) == 0 && nth-- == 0)
			return x->headers[i].value;
	return NULL;
}

bool exchange_read(struct http_exchange *exchange, const struct world *w, void *bytes, size_t size,
		   size_t *ret_len, struct err *err)
{
	struct curl_exchange *x = (struct curl_exchange *)exchange;
	size_t len;

	if (!has_pending(x) && !x->ended) {
		exchange_moved(x); /* the reader's own pause is no stall of the other side's */
		if (x->paused) {
			x->paused = false;
			curl_easy_pause(x->easy, CURLPAUSE_CONT);
		}
		if (!drive(x, w, has_pending, err))
			return false;
	}
	len = x->pending.len - x->pending_read;
	if (len == 0 && x->result != CURLE_OK) {
		describe_end(x, err);
		return false;
	}
	if (len > size)
		len = size;
	if (len)
		memcpy(bytes, x->pending.data + x->pending_read, len);
	x->pending_read += len;
	*ret_len = len;
	return true;
}
