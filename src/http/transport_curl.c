#include "http/transport_curl.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/tls_files.h"
#include "http/url.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* What was taken from the network and not yet read: one write of libcurl's more than PAUSE at most. */
#define PENDING_CEILING (256 * KIB)
#define PENDING_PAUSE (64 * KIB)
#define TICK_MS 200
#define IDLE_LANES_MAX 16
#define SHARED_KINDS (CURL_LOCK_DATA_LAST)
#define SYSTEM_CERTS "/etc/ssl/certs"

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
	bool proxied;
	char *hashed_dir; /* of the system's certificates, NULL when there is none */
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
	struct buf trusted;

	/* the answer */
	int status;
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
	int64_t answer_by_ms;

	int64_t moved_ms; /* when something last moved */
	int unsent;	  /* in the kernel's queue when we last looked */
	char why[CURL_ERROR_SIZE];
};

/* Sharing */

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
	struct curl_transport *t = arg;

	(void)easy;
	(void)access;
	monitor_enter(t->sched, t->shared[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
	struct curl_transport *t = arg;

	(void)easy;
	monitor_leave(t->sched, t->shared[data]);
}

static void share_init(struct curl_transport *t)
{
	for (size_t i = 0; i < SHARED_KINDS; i++)
		t->shared[i] = monitor_new(t->sched);
	t->share = curl_share_init();
	curl_share_setopt(t->share, CURLSHOPT_USERDATA, t);
	curl_share_setopt(t->share, CURLSHOPT_LOCKFUNC, share_lock);
	curl_share_setopt(t->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

/* Lanes */

static struct lane *lane_take(struct curl_transport *t, bool large)
{
	struct lane *lane = NULL;

	monitor_enter(t->sched, t->idle_monitor);
	for (struct lane **p = &t->idle; *p; p = &(*p)->next) {
		if ((*p)->large == large) {
			lane = *p;
			*p = lane->next;
			break;
		}
	}
	monitor_leave(t->sched, t->idle_monitor);
	if (lane)
		return lane;
	lane = NEW(struct lane);
	lane->multi = curl_multi_init();
	lane->large = large;
	curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, 4L);
	return lane;
}

static void lane_free(struct lane *lane)
{
	curl_multi_cleanup(lane->multi);
	free(lane);
}

static void lane_give_back(struct curl_transport *t, struct lane *lane)
{
	size_t count = 0;

	monitor_enter(t->sched, t->idle_monitor);
	for (struct lane *l = t->idle; l; l = l->next)
		count++;
	if (count < IDLE_LANES_MAX) {
		lane->next = t->idle;
		t->idle = lane;
		lane = NULL;
	}
	monitor_leave(t->sched, t->idle_monitor);
	if (lane)
		lane_free(lane);
}

/* What libcurl calls */

static void moved(struct curl_exchange *x)
{
	struct clock clock = clock_system();

	x->moved_ms = clock_boot_ms(&clock);
}

static size_t on_send(char *bytes, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t wanted = size * count, len = 0;

	if ((uint64_t)(x->body_bytes - x->sent_bytes) < wanted)
		wanted = (size_t)(x->body_bytes - x->sent_bytes);
	if (!stream_read(x->body, bytes, wanted, &len, &x->body_err)) {
		x->body_failed = true;
		return CURL_READFUNC_ABORT;
	}
	if (len == 0 && x->sent_bytes < x->body_bytes) {
		x->body_failed = true;
		err_set(&x->body_err, ERR_CORRUPT, "ends after %lld of %lld bytes",
			(long long)x->sent_bytes, (long long)x->body_bytes);
		return CURL_READFUNC_ABORT;
	}
	x->sent_bytes += (int64_t)len;
	moved(x);
	if (x->sending)
		x->sending(x->sending_arg, x->sent_bytes);
	return len;
}

static void headers_clear(struct curl_exchange *x)
{
	for (size_t i = 0; i < x->header_count; i++) {
		free(x->headers[i].name);
		free(x->headers[i].value);
	}
	x->header_count = 0;
	x->header_bytes = 0;
}

static bool headers_add(struct curl_exchange *x, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *value;

	x->header_bytes += len;
	if (x->header_count == HTTP_HEADERS_MAX || x->header_bytes > HTTP_HEADER_BYTES_MAX)
		return false;
	if (!colon)
		return true;
	value = colon + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	x->headers[x->header_count++] = (struct header_line){
		.name = mem_strndup(line, (size_t)(colon - line)),
		.value = mem_strndup(value, (size_t)(line + len - value)),
	};
	return true;
}

static int status_of_line(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	int status = 0;

	if (!space || line + len - space < 4)
		return 0;
	for (int i = 1; i <= 3; i++) {
		if (space[i] < '0' || space[i] > '9')
			return 0;
		status = status * 10 + (space[i] - '0');
	}
	return status;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t whole = size * count, len = whole;

	moved(x);
	if (x->headers_complete)
		return whole; /* a trailer */
	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		headers_clear(x);
		x->status = status_of_line(line, len);
	} else if (len == 0) {
		x->headers_complete = x->status >= 200;
	} else if (!headers_add(x, line, len)) {
		return 0;
	}
	return whole;
}

static size_t on_receive(char *bytes, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t len = size * count;

	moved(x);
	if (x->pending.len - x->pending_read >= PENDING_PAUSE) {
		x->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (x->pending_read == x->pending.len) {
		x->pending.len = 0;
		x->pending_read = 0;
	}
	return buf_add(&x->pending, bytes, len) ? len : 0;
}

/* A realm or redirect elsewhere must not lead inside, whatever its name resolves to. */
static int on_connected(void *arg, char *primary_ip, char *local_ip, int primary_port,
			int local_port)
{
	(void)arg;
	(void)local_ip;
	(void)primary_port;
	(void)local_port;
	return host_kind_of(primary_ip) == HOST_ELSEWHERE ? CURL_PREREQFUNC_OK
							  : CURL_PREREQFUNC_ABORT;
}

/* Preparing a request */

static void add_header(struct curl_exchange *x, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *line = mem_printf("%s: %s", name, value);

	x->request_headers = curl_slist_append(x->request_headers, line);
	secret_wipe(line, strlen(line));
}

static void set_headers(struct curl_exchange *x, const struct http_request *r)
{
	for (size_t i = 0; i < HTTP_REQUEST_HEADERS_MAX && r->headers[i].name; i++)
		add_header(x, r->headers[i].name, r->headers[i].value);
	if (r->authorization)
		add_header(x, "Authorization", secret_reveal(r->authorization));
	if (r->large && r->body && r->body_bytes > 0)
		add_header(x, "Expect", "100-continue");
	else
		x->request_headers = curl_slist_append(x->request_headers, "Expect:");
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->request_headers);
}

static void set_body(struct curl_exchange *x, const struct http_request *r)
{
	if (r->body) {
		x->body = r->body;
		x->body_bytes = r->body_bytes;
		x->sending = r->sending;
		x->sending_arg = r->sending_arg;
		curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_bytes);
		curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
	} else if (r->empty_body) {
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE, 0L);
		/* not the form type that libcurl gives to what it posts */
		x->request_headers = curl_slist_append(x->request_headers, "Content-Type:");
	}
	if (strcmp(r->method, "HEAD") == 0)
		curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

/*
 * What is trusted beside the system. Where the system has a hashed directory, libcurl's default of reading its whole
 * bundle for each connection is left out: that takes megabytes and milliseconds, the directory is looked into when a
 * certificate is wanted.
 */
static void set_trusted(struct curl_exchange *x)
{
	struct curl_blob blob = { .data = x->trusted.data, .len = x->trusted.len };

	if (x->trusted.len)
		curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &blob);
	else if (x->t->hashed_dir)
		curl_easy_setopt(x->easy, CURLOPT_CAINFO, NULL);
	if (x->t->hashed_dir)
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, x->t->hashed_dir);
}

static void set_client_cert(struct curl_exchange *x, const char *cert, const char *key)
{
	if (cert)
		curl_easy_setopt(x->easy, CURLOPT_SSLCERT, cert);
	if (key)
		curl_easy_setopt(x->easy, CURLOPT_SSLKEY, key);
}

static void read_certs_d(struct tls_files *files, const char *authority)
{
	tls_files_read(files, "/etc/docker/certs.d", authority);
	tls_files_read(files, "/etc/containers/certs.d", authority);
}

static void set_tls(struct curl_exchange *x, const struct curl_transport *t, const char *authority)
{
	struct tls_files files = TLS_FILES_INIT;
	bool own = t->own_authority && authority && strcasecmp(authority, t->own_authority) == 0;

	if (t->insecure) {
		curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (authority)
		read_certs_d(&files, authority);
	x->trusted = files.trusted;
	files.trusted = (struct buf)BUF_INIT(0);
	buf_puts(&x->trusted, buf_str(&t->cacert));
	set_trusted(x);
	if (own && t->cert)
		set_client_cert(x, t->cert, t->key);
	else
		set_client_cert(x, files.cert, files.key);
	tls_files_clear(&files);
}

static void set_proxy(struct curl_exchange *x, const struct http_request *r)
{
	const char *upper = getenv("HTTP_PROXY");

	if (host_kind_of(r->url) == HOST_LOOPBACK)
		curl_easy_setopt(x->easy, CURLOPT_NOPROXY,
				 "*"); /* as docker and every Go client do */
	else if (upper && !getenv("http_proxy") && !url_is_https(r->url))
		curl_easy_setopt(x->easy, CURLOPT_PROXY,
				 upper); /* libcurl reads only the lower case */
}

static void set_common(struct curl_exchange *x, const struct curl_transport *t,
		       const struct http_request *r)
{
	CURL *easy = x->easy;

	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SHARE, t->share);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "landed/" LANDED_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 r->large ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 32L * 1024);
	if (r->outside_only && !t->proxied)
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
}

/* Driving it */

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
			moved(x);
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

static bool check_time(struct curl_exchange *x, const struct world *w, struct err *err)
{
	int64_t now_ms;

	if (!world_check(w, err))
		return false;
	note_queue(x);
	now_ms = world_now_ms(w);
	if (now_ms - x->moved_ms >= x->t->stall_ms)
		return err_set(err, ERR_NET, "nothing moved for %lld s",
			       (long long)(x->t->stall_ms / 1000));
	if (now_ms >= x->answer_by_ms)
		return err_set(err, ERR_NET, "no answer in time");
	return true;
}

static int wait_ms(const struct curl_exchange *x, const struct world *w)
{
	int64_t now_ms = world_now_ms(w);
	int64_t ms = TICK_MS;

	if (x->answer_by_ms - now_ms < ms)
		ms = x->answer_by_ms - now_ms;
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

static void exchange_close(struct http_exchange *exchange)
{
	struct curl_exchange *x = (struct curl_exchange *)exchange;

	curl_multi_remove_handle(x->lane->multi, x->easy);
	curl_easy_cleanup(x->easy);
	lane_give_back(x->t, x->lane);
	for (struct curl_slist *l = x->request_headers; l; l = l->next)
		secret_wipe(l->data, strlen(l->data));
	curl_slist_free_all(x->request_headers);
	headers_clear(x);
	buf_clear(&x->pending);
	buf_clear(&x->trusted);
	err_clear(&x->body_err);
	free(x);
}

static struct curl_exchange *exchange_new(struct curl_transport *t, const struct world *w,
					  const struct http_request *r)
{
	struct curl_exchange *x = NEW(struct curl_exchange);
	CLEANUP(mem_freep) char *authority = url_authority(r->url);

	x->exchange.transport = &t->transport;
	x->t = t;
	x->pending = (struct buf)BUF_INIT(PENDING_CEILING);
	x->moved_ms = world_now_ms(w);
	x->answer_by_ms = r->answer_ms ? clock_after(x->moved_ms, r->answer_ms) : NEVER_MS;
	x->lane = lane_take(t, r->large);
	x->easy = curl_easy_init();
	set_common(x, t, r);
	set_tls(x, t, authority);
	set_proxy(x, r);
	set_body(x, r);
	set_headers(x, r);
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
	if (x->body_failed)
		return HTTP_FAILED_FOR_GOOD;
	for (size_t i = 0; x->ended && i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == x->result)
			return failures[i].failure;
	curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	return request_bytes ? HTTP_FAILED_UNDER_WAY : HTTP_FAILED_BEFORE_SENDING;
}

static void describe_end(struct curl_exchange *x, struct err *err)
{
	if (x->body_failed)
		err_move(err, &x->body_err);
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

static bool curl_open(struct transport *transport, const struct world *w,
		      const struct http_request *r, struct http_exchange **ret,
		      enum http_failure *ret_failure, struct err *err)
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

static int curl_status(const struct http_exchange *exchange)
{
	return ((const struct curl_exchange *)exchange)->status;
}

static const char *curl_header(const struct http_exchange *exchange, const char *name, size_t nth)
{
	const struct curl_exchange *x = (const struct curl_exchange *)exchange;

	for (size_t i = 0; i < x->header_count; i++)
		if (strcasecmp(x->headers[i].name, name) == 0 && nth-- == 0)
			return x->headers[i].value;
	return NULL;
}

static bool curl_read(struct http_exchange *exchange, const struct world *w, void *bytes,
		      size_t size, size_t *ret_len, struct err *err)
{
	struct curl_exchange *x = (struct curl_exchange *)exchange;
	size_t len;

	if (!has_pending(x) && !x->ended) {
		moved(x); /* the reader's own pause is no stall of the other side's */
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

/* The transport itself */

static void curl_transport_free(struct transport *transport)
{
	struct curl_transport *t = (struct curl_transport *)transport;

	while (t->idle) {
		struct lane *lane = t->idle;

		t->idle = lane->next;
		lane_free(lane);
	}
	curl_share_cleanup(t->share);
	for (size_t i = 0; i < SHARED_KINDS; i++)
		monitor_free(t->sched, t->shared[i]);
	monitor_free(t->sched, t->idle_monitor);
	buf_clear(&t->cacert);
	free(t->cert);
	free(t->key);
	free(t->own_authority);
	free(t->hashed_dir);
	free(t);
	curl_global_cleanup();
}

static const struct transport_ops curl_ops = {
	.open = curl_open,
	.status = curl_status,
	.header = curl_header,
	.read = curl_read,
	.close = exchange_close,
	.free = curl_transport_free,
};

static bool has_proxy(void)
{
	static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
					     "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]) && *getenv(names[i]))
			return true;
	return false;
}

/* OpenSSL's own variables. A bundle that lies in the system's hashed directory adds nothing to that. */
static bool read_trusted(struct curl_transport *t, const char *cacert, struct err *err)
{
	const char *bundle = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

	t->cacert = (struct buf)BUF_INIT(TLS_FILES_CEILING);
	if (tls_dir_is_hashed(dir && *dir ? dir : SYSTEM_CERTS))
		t->hashed_dir = mem_strdup(dir && *dir ? dir : SYSTEM_CERTS);
	if (cacert && !file_read_all(cacert, &t->cacert, err))
		return false;
	if (!bundle || !*bundle ||
	    (t->hashed_dir && strncmp(bundle, SYSTEM_CERTS "/", sizeof(SYSTEM_CERTS)) == 0))
		return true;
	return file_read_all(bundle, &t->cacert, err) || err_wrap(err, "SSL_CERT_FILE");
}

bool transport_curl_new(const struct transport_options *options, struct transport **ret,
			struct err *err)
{
	CLEANUP(transport_freep) struct transport *owned = NULL;
	struct curl_transport *t = NEW(struct curl_transport);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	owned = &t->transport;
	t->transport.ops = &curl_ops;
	t->sched = options->sched;
	t->connect_ms = options->connect_ms;
	t->stall_ms = options->stall_ms;
	t->insecure = options->insecure;
	t->cert = mem_strdup_or_null(options->cert);
	t->key = mem_strdup_or_null(options->key);
	t->own_authority = mem_strdup_or_null(options->own_authority);
	t->proxied = has_proxy();
	t->idle_monitor = monitor_new(t->sched);
	share_init(t);
	if (!read_trusted(t, options->cacert, err))
		return false;
	*ret = TAKE(owned);
	return true;
}
