/* The real transport against a server that does as it likes, on the real clock. */
#include "http/loopback.h"

#include "http/transport_curl.h"

struct line {
	struct loopback server;
	struct clock clock;
	struct sched sched;
	struct cancel *cancel;
	struct world world;
	struct transport *t;
	struct http_exchange *x;
	enum http_failure failure;
	struct err err;
	char url[64];
};

static int64_t now_ms(void)
{
	struct clock c = clock_system();

	return clock_boot_ms(&c);
}

static bool start_with(struct line *l, bool is_v6, int64_t stall_ms,
		       void (*handle)(struct loopback *l, int fd))
{
	struct transport_options options = { .connect_ms = 5000, .stall_ms = stall_ms };

	*l = (struct line){ .clock = clock_system(), .sched = sched_threads() };
	if (!loopback_start(&l->server, is_v6, handle))
		return false;
	options.sched = &l->sched;
	assert_true(cancel_new(NULL, &l->cancel, &l->err));
	assert_true(transport_curl_new(&options, &l->t, &l->err));
	l->world = (struct world){ .clock = &l->clock,
				   .sched = &l->sched,
				   .cancel = l->cancel,
				   .deadline_ms = now_ms() + 60000 };
	snprintf(l->url, sizeof(l->url), "http://%s:%d/x", is_v6 ? "[::1]" : "127.0.0.1",
		 l->server.port);
	return true;
}

static void start(struct line *l, void (*handle)(struct loopback *l, int fd))
{
	assert_true(start_with(l, false, 10000, handle));
}

static void finish(struct line *l)
{
	http_close(l->x);
	transport_free(l->t);
	loopback_stop(&l->server);
	cancel_free(l->cancel);
	assert_err_keeps_secrets(&l->err);
	err_clear(&l->err);
}

static struct http_request get(struct line *l)
{
	return (struct http_request){ .method = "GET", .url = l->url };
}

static bool open_it(struct line *l, const struct http_request *r)
{
	http_close(TAKE(l->x));
	err_clear(&l->err);
	return http_open(l->t, &l->world, r, &l->x, &l->failure, &l->err);
}

static void assert_opens(struct line *l, const struct http_request *r, int status)
{
	if (!open_it(l, r))
		fail_msg("%s", l->err.message);
	assert_int_equal(http_status(l->x), status);
}

static void assert_open_fails(struct line *l, const struct http_request *r,
			      enum http_failure failure, enum err_code code, const char *words)
{
	assert_false(open_it(l, r));
	assert_int_equal(l->failure, failure);
	assert_err(&l->err, code, words);
	assert_null(l->x);
}

/* Until the end or a failure; how many bytes there were. */
static bool read_all(struct line *l, int64_t *ret_bytes)
{
	char chunk[50000];
	size_t len = 1;

	*ret_bytes = 0;
	while (len) {
		if (!http_read(l->x, &l->world, chunk, sizeof(chunk), &len, &l->err))
			return false;
		*ret_bytes += (int64_t)len;
	}
	return true;
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* What a request looks like */

static void serve_ok(struct loopback *l, int fd)
{
	while (loopback_read_head(l, fd)) {
		monitor_enter(&l->sched, l->lock);
		bool has_body = strstr(buf_str(&l->head), "Content-Length: 4\r\n") != NULL;
		bool waits = strstr(buf_str(&l->head), "Expect: 100-continue") != NULL;
		monitor_leave(&l->sched, l->lock);
		if (waits)
			loopback_say(l, fd, "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n");
		if (has_body)
			loopback_read_some(l, fd, 4);
		loopback_say(l, fd,
			     "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Two: a\r\nx-two:b\r\n"
			     "X-Empty:\r\n\r\nok");
	}
}

static void test_request_and_answer_arrive_as_they_are(void **state)
{
	CLEANUP(secret_freep) struct secret *token = secret_new("Bearer SECRET", 13);
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	start(&l, serve_ok);
	snprintf(l.url, sizeof(l.url), "http://127.0.0.1:%d/a/../b%%2Fc?d=e", l.server.port);
	r = get(&l);
	r.headers[0] = (struct http_header){ "Accept", "application/json" };
	r.authorization = token;
	assert_opens(&l, &r, 200);
	assert_true(loopback_saw(&l.server, "GET /a/../b%2Fc?d=e HTTP/1.1\r\n"));
	assert_true(loopback_saw(&l.server, "\r\nAuthorization: Bearer SECRET\r\n"));
	assert_true(loopback_saw(&l.server, "\r\nAccept: application/json\r\n"));
	assert_true(loopback_saw(&l.server, "\r\nUser-Agent: landed/"));
	assert_string_equal(http_header(l.x, "X-TWO", 0), "a");
	assert_string_equal(http_header(l.x, "x-two", 1), "b");
	assert_null(http_header(l.x, "x-two", 2));
	assert_string_equal(http_header(l.x, "x-empty", 0), "");
	assert_null(http_header(l.x, "absent", 0));
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes, 2);
	r.authorization = NULL;
	assert_opens(&l, &r, 200);
	assert_false(loopback_saw(&l.server, "Authorization"));
	finish(&l);
}

static void test_large_body_waits_for_the_server_s_word(void **state)
{
	CLEANUP(stream_freep) struct stream *small = stream_of_bytes("1234", 4);
	CLEANUP(stream_freep) struct stream *large = stream_of_bytes("1234", 4);
	struct line l;
	struct http_request r;

	(void)state;
	start(&l, serve_ok);
	r = get(&l);
	r.method = "PUT";
	r.body = small;
	r.body_bytes = 4;
	assert_opens(&l, &r, 200);
	assert_true(loopback_saw(&l.server, "PUT /x HTTP/1.1\r\n"));
	assert_false(loopback_saw(&l.server, "Expect"));
	r.body = large;
	r.large = true;
	assert_opens(&l, &r, 200);
	assert_true(loopback_saw(&l.server, "\r\nExpect: 100-continue\r\n"));
	assert_null(http_header(l.x, "X-Early", 0));
	assert_int_equal(atomic_load(&l.server.got_bytes), 8);
	finish(&l);
}

static void test_empty_body_says_that_it_is_empty(void **state)
{
	struct line l;
	struct http_request r;

	(void)state;
	start(&l, serve_ok);
	r = get(&l);
	r.method = "POST";
	r.empty_body = true;
	assert_opens(&l, &r, 200);
	assert_true(loopback_saw(&l.server, "\r\nContent-Length: 0\r\n"));
	assert_false(loopback_saw(&l.server, "Content-Type"));
	r = get(&l);
	r.method = "DELETE";
	assert_opens(&l, &r, 200);
	assert_true(loopback_saw(&l.server, "DELETE /x HTTP/1.1\r\n"));
	finish(&l);
}

static void serve_head(struct loopback *l, int fd)
{
	while (loopback_read_head(l, fd))
		loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
}

static void test_head_has_a_length_and_no_body(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	start(&l, serve_head);
	r = get(&l);
	r.method = "HEAD";
	for (int i = 0; i < 3; i++) {
		assert_opens(&l, &r, 200);
		assert_string_equal(http_header(l.x, "Content-Length", 0), "12345");
		assert_true(read_all(&l, &bytes));
		assert_int_equal(bytes, 0);
	}
	assert_int_equal(loopback_connections(&l.server), 1); /* kept for the next one */
	finish(&l);
}

/* Refusals that come early */

static void refuse_at_once(struct loopback *l, int fd)
{
	if (!loopback_read_head(l, fd))
		return;
	loopback_say(l, fd,
		     "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"r\"\r\n"
		     "Content-Length: 7\r\nConnection: close\r\n\r\nexpired");
	loopback_pause(l, 200);
}

static void assert_early_refusal(bool large)
{
	const int64_t size = 64 * (int64_t)MIB;
	CLEANUP(mem_freep) char *bytes = mem_alloc((size_t)size);
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes(bytes, (size_t)size);
	struct line l;
	struct http_request r;
	int64_t got;

	start(&l, refuse_at_once);
	r = get(&l);
	r.method = "PATCH";
	r.body = s;
	r.body_bytes = size;
	r.large = large;
	assert_opens(&l, &r, 401);
	assert_string_equal(http_header(l.x, "WWW-Authenticate", 0), "Bearer realm=\"r\"");
	if (large) {
		assert_true(read_all(&l, &got));
		assert_int_equal(got, 7);
	}
	finish(&l);
}

static void test_status_before_the_body_outranks_what_comes_after(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_early_refusal(true);
}

static void test_status_before_the_body_is_heard_without_expect_too(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_early_refusal(false);
}

static void refuse_and_go_within_the_headers(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd, "HTTP/1.1 403 Forbidden\r\nX-One: 1\r\n");
}

static void test_refusal_counts_even_if_its_headers_never_end(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	start(&l, refuse_and_go_within_the_headers);
	r = get(&l);
	assert_opens(&l, &r, 403);
	assert_false(read_all(&l, &bytes) && bytes > 0);
	finish(&l);
}

/* Answers that are not whole */

static void go_at_once(struct loopback *l, int fd)
{
	(void)l;
	(void)fd;
}

static void go_after_the_request(struct loopback *l, int fd)
{
	loopback_read_head(l, fd);
}

static void go_within_the_headers(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd, "HTTP/1.1 200 OK\r\nX-One: 1\r\n");
}

static void speak_another_protocol(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd, "SSH-2.0-OpenSSH_9.2\r\n");
}

static void test_no_whole_answer_is_a_failure_under_way(void **state)
{
	static void (*const handles[])(struct loopback * l,
				       int fd) = { go_at_once, go_after_the_request,
						   go_within_the_headers, speak_another_protocol };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		struct line l;
		struct http_request r;

		start(&l, handles[i]);
		r = get(&l);
		assert_false(open_it(&l, &r));
		assert_int_equal(l.err.code, ERR_NET);
		assert_int_equal(l.failure, HTTP_FAILED_UNDER_WAY);
		finish(&l);
	}
}

static void test_nobody_there_is_a_failure_before_sending(void **state)
{
	struct line l;
	struct http_request r;
	int fd;

	(void)state;
	start(&l, go_at_once);
	r = get(&l);
	/* a port that is taken and not listened to */
	l.server.is_v6 = false;
	fd = l.server.fd;
	shutdown(fd, SHUT_RDWR);
	assert_open_fails(&l, &r, HTTP_FAILED_BEFORE_SENDING, ERR_NET, "");
	r.url = "http://name.invalid/";
	assert_open_fails(&l, &r, HTTP_FAILED_BEFORE_SENDING, ERR_NET, "name.invalid");
	finish(&l);
}

static void test_bad_url_fails_for_good(void **state)
{
	static const char *const urls[] = { "http://a b/", "http://:5000/", "" };
	struct line l;

	(void)state;
	start(&l, go_at_once);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct http_request r = { .method = "GET", .url = urls[i] };

		assert_open_fails(&l, &r, HTTP_FAILED_FOR_GOOD, ERR_NET, "");
	}
	finish(&l);
}

static void cut_the_body(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
}

static void cut_the_chunk(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd,
			     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "5\r\n12345\r\n");
}

static void test_body_cut_short_is_never_a_whole_one(void **state)
{
	static void (*const handles[])(struct loopback * l, int fd) = { cut_the_body,
									cut_the_chunk };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		struct line l;
		struct http_request r;
		int64_t bytes;

		start(&l, handles[i]);
		r = get(&l);
		assert_opens(&l, &r, 200);
		assert_false(read_all(&l, &bytes));
		assert_int_equal(bytes, 5);
		assert_err(&l.err, ERR_NET, "");
		finish(&l);
	}
}

static void send_trailers(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd,
			     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "2\r\nab\r\n0\r\nLocation: http://evil.test/\r\n\r\n");
}

static void test_trailers_are_no_headers(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	start(&l, send_trailers);
	r = get(&l);
	assert_opens(&l, &r, 200);
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes, 2);
	assert_null(http_header(l.x, "Location", 0));
	finish(&l);
}

static void serve_twice_then_close(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_say(l, fd, OK_EMPTY);
}

static void test_connection_that_died_meanwhile_is_replaced(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	start(&l, serve_twice_then_close);
	r = get(&l);
	for (int i = 0; i < 3; i++) {
		assert_opens(&l, &r, 200);
		assert_true(read_all(&l, &bytes));
		http_close(TAKE(l.x));
		l.sched.ops->sleep(&l.sched, 30, NULL);
	}
	assert_int_equal(atomic_load(&l.server.requests), 3);
	finish(&l);
}

/* Ceilings */

static void send_headers(struct loopback *l, int fd, size_t count, size_t value_bytes)
{
	struct buf text = BUF_INIT(4 * MIB);

	if (!loopback_read_head(l, fd))
		return;
	buf_puts(&text, "HTTP/1.1 200 OK\r\n");
	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "X-%zu: ", i);
		for (size_t k = 0; k < value_bytes; k++)
			buf_putc(&text, 'v');
		buf_puts(&text, "\r\n");
	}
	buf_puts(&text, "\r\n");
	loopback_send(l, fd, text.data, text.len);
	buf_clear(&text);
}

static void send_200_headers(struct loopback *l, int fd)
{
	send_headers(l, fd, 200, 1);
}

static void send_201_headers(struct loopback *l, int fd)
{
	send_headers(l, fd, 201, 1);
}

static void send_60_kib_of_headers(struct loopback *l, int fd)
{
	send_headers(l, fd, 60, 1000);
}

static void send_70_kib_of_headers(struct loopback *l, int fd)
{
	send_headers(l, fd, 70, 1000);
}

static void send_headers_without_end(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd) && loopback_say(l, fd, "HTTP/1.1 200 OK\r\n"))
		while (loopback_say(l, fd, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"))
			;
}

static void test_headers_have_ceilings(void **state)
{
	static void (*const good[])(struct loopback * l, int fd) = { send_200_headers,
								     send_60_kib_of_headers };
	static void (*const bad[])(struct loopback * l, int fd) = { send_201_headers,
								    send_70_kib_of_headers,
								    send_headers_without_end };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct line l;
		struct http_request r;

		start(&l, bad[i]);
		r = get(&l);
		assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "headers are longer");
		finish(&l);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct line l;
		struct http_request r;

		start(&l, good[i]);
		r = get(&l);
		assert_opens(&l, &r, 200);
		assert_string_equal(http_header(l.x, "X-59", 0) ? "there" : "not there", "there");
		finish(&l);
	}
}

#define FLOOD_BYTES (64 * (int64_t)MIB)

static void send_flood(struct loopback *l, int fd)
{
	static const char piece[16384];
	int small = 64 * 1024;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	if (!loopback_read_head(l, fd))
		return;
	loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
	for (int64_t sent = 0; sent < FLOOD_BYTES; sent += (int64_t)sizeof(piece))
		if (!loopback_send(l, fd, piece, sizeof(piece)))
			return;
}

/* The server's progress while nobody reads: once the kernel's buffers are full there is none. */
static int64_t sent_when_still(struct line *l)
{
	int64_t before, now = -1;

	do {
		before = now;
		l->sched.ops->sleep(&l->sched, 150, NULL);
		now = atomic_load(&l->server.sent_bytes);
	} while (now != before);
	return now;
}

static void test_what_is_not_read_is_not_taken_from_the_network(void **state)
{
	struct line l;
	struct http_request r;
	char chunk[1000];
	int64_t still, bytes;
	size_t len;

	(void)state;
	start(&l, send_flood);
	r = get(&l);
	assert_opens(&l, &r, 200);
	assert_true(http_read(l.x, &l.world, chunk, sizeof(chunk), &len, &l.err));
	still = sent_when_still(&l);
	assert_true(still < 16 * (int64_t)MIB);
	assert_true(http_read(l.x, &l.world, chunk, sizeof(chunk), &len, &l.err));
	assert_true(sent_when_still(&l) - still < 1 * (int64_t)MIB);
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes + 2000, FLOOD_BYTES);
	finish(&l);
}

/* Time */

static void say_nothing(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_wait(l, fd);
}

static void stall_in_the_body(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd) &&
	    loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"))
		loopback_wait(l, fd);
}

static void read_nothing(struct loopback *l, int fd)
{
	(void)fd;
	loopback_pause(l, 60000);
}

static void test_stall_ends_the_wait_for_a_status(void **state)
{
	struct line l;
	struct http_request r;
	int64_t start_ms;

	(void)state;
	assert_true(start_with(&l, false, 300, say_nothing));
	r = get(&l);
	start_ms = now_ms();
	assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	assert_true(now_ms() - start_ms >= 300 && now_ms() - start_ms < 5000);
	finish(&l);
}

static void test_stall_ends_a_read(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes, start_ms;

	(void)state;
	assert_true(start_with(&l, false, 300, stall_in_the_body));
	r = get(&l);
	assert_opens(&l, &r, 200);
	start_ms = now_ms();
	assert_false(read_all(&l, &bytes));
	assert_int_equal(bytes, 5);
	assert_true(now_ms() - start_ms < 5000);
	assert_err(&l.err, ERR_NET, "nothing moved");
	finish(&l);
}

static void test_stall_ends_the_sending_of_a_body(void **state)
{
	CLEANUP(mem_freep) char *bytes = mem_alloc(64 * MIB);
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes(bytes, 64 * MIB);
	struct line l;
	struct http_request r;
	int64_t start_ms = now_ms();

	(void)state;
	assert_true(start_with(&l, false, 300, read_nothing));
	r = get(&l);
	r.method = "PUT";
	r.body = s;
	r.body_bytes = 64 * (int64_t)MIB;
	assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	assert_true(now_ms() - start_ms < 20000);
	finish(&l);
}

static void send_slowly(struct loopback *l, int fd)
{
	if (!loopback_read_head(l, fd) ||
	    !loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"))
		return;
	for (int i = 0; i < 10; i++) {
		loopback_pause(l, 100);
		loopback_say(l, fd, "x");
	}
}

static void test_slow_is_not_stalled(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	assert_true(start_with(&l, false, 800, send_slowly));
	r = get(&l);
	assert_opens(&l, &r, 200);
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes, 10);
	finish(&l);
}

static void test_reader_s_own_pause_is_no_stall(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	assert_true(start_with(&l, false, 300, send_flood));
	r = get(&l);
	r.answer_ms = 600; /* it was answered: the body has limits of its own */
	r.streams = true;
	assert_opens(&l, &r, 200);
	l.sched.ops->sleep(&l.sched, 700, NULL);
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes, FLOOD_BYTES);
	finish(&l);
}

/* What is read whole has to be there in time: whoever answers byte by byte is no better than who does not. */
static void test_whole_answer_in_time_or_none(void **state)
{
	struct line l;
	struct http_request r;
	int64_t bytes;

	(void)state;
	assert_true(start_with(&l, false, 3000, send_flood));
	r = get(&l);
	r.answer_ms = 600;
	assert_opens(&l, &r, 200);
	l.sched.ops->sleep(&l.sched, 700, NULL);
	assert_false(read_all(&l, &bytes));
	assert_string_equal(l.err.message, "no answer in time");
	finish(&l);
}

static void test_answer_in_time_or_none(void **state)
{
	struct line l;
	struct http_request r;
	int64_t start_ms = now_ms();

	(void)state;
	start(&l, say_nothing);
	r = get(&l);
	r.answer_ms = 200;
	assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "no answer in time");
	assert_true(now_ms() - start_ms < 5000);
	finish(&l);
}

static void test_deadline_ends_everything(void **state)
{
	struct line l;
	struct http_request r;
	int64_t start_ms = now_ms();

	(void)state;
	start(&l, say_nothing);
	r = get(&l);
	l.world.deadline_ms = now_ms() + 200;
	assert_open_fails(&l, &r, HTTP_FAILED_CANCELLED, ERR_TIMEOUT, "time is up");
	assert_true(now_ms() - start_ms < 5000);
	assert_open_fails(&l, &r, HTTP_FAILED_CANCELLED, ERR_TIMEOUT, "time is up");
	assert_int_equal(atomic_load(&l.server.requests), 1);
	finish(&l);
}

static void cancel_soon(void *arg)
{
	struct line *l = arg;

	l->sched.ops->sleep(&l->sched, 100, NULL);
	cancel_fire(l->cancel, 2);
}

static void test_cancel_ends_a_stalled_read_at_once(void **state)
{
	struct line l;
	struct http_request r;
	struct task *t;
	int64_t bytes, start_ms;

	(void)state;
	start(&l, stall_in_the_body);
	r = get(&l);
	assert_opens(&l, &r, 200);
	start_ms = now_ms();
	t = sched_spawn(&l.sched, cancel_soon, &l);
	assert_false(read_all(&l, &bytes));
	assert_true(now_ms() - start_ms < 1000);
	assert_err(&l.err, ERR_CANCELLED, "SIGINT");
	sched_join(&l.sched, t);
	finish(&l);
}

static void test_cancel_ends_the_wait_for_a_status_at_once(void **state)
{
	struct line l;
	struct http_request r;
	struct task *t;
	int64_t start_ms;

	(void)state;
	start(&l, say_nothing);
	r = get(&l);
	start_ms = now_ms();
	t = sched_spawn(&l.sched, cancel_soon, &l);
	assert_open_fails(&l, &r, HTTP_FAILED_CANCELLED, ERR_CANCELLED, "SIGINT");
	assert_true(now_ms() - start_ms < 1000);
	sched_join(&l.sched, t);
	finish(&l);
}

/* Bodies of requests */

static void take_a_body(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd)) {
		loopback_read_some(l, fd, 8);
		loopback_say(l, fd, OK_EMPTY);
	}
}

static void test_body_shorter_than_said_fails_with_its_own_error(void **state)
{
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes("123", 3);
	struct line l;
	struct http_request r;

	(void)state;
	start(&l, take_a_body);
	r = get(&l);
	r.method = "PUT";
	r.body = s;
	r.body_bytes = 8;
	assert_open_fails(&l, &r, HTTP_FAILED_FOR_GOOD, ERR_CORRUPT, "ends after 3 of 8 bytes");
	finish(&l);
}

static void test_body_that_cannot_be_read_fails_with_its_own_error(void **state)
{
	CLEANUP(stream_freep) struct stream *s = stream_of_fd(-1, -1, "layer.tar");
	struct line l;
	struct http_request r;

	(void)state;
	start(&l, take_a_body);
	r = get(&l);
	r.method = "PUT";
	r.body = s;
	r.body_bytes = 8;
	assert_open_fails(&l, &r, HTTP_FAILED_FOR_GOOD, ERR_LOCAL, "reading 'layer.tar'");
	finish(&l);
}

static void test_body_longer_than_said_is_not_sent_beyond(void **state)
{
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes("123456789abc", 12);
	struct line l;
	struct http_request r;
	size_t len;
	char rest[8] = "";

	(void)state;
	start(&l, take_a_body);
	r = get(&l);
	r.method = "PUT";
	r.body = s;
	r.body_bytes = 8;
	assert_opens(&l, &r, 200);
	assert_int_equal(atomic_load(&l.server.got_bytes), 8);
	assert_true(stream_read(s, rest, sizeof(rest), &len, &l.err));
	assert_string_equal(rest, "9abc");
	finish(&l);
}

/* Places */

static void assert_inside_is_refused(bool is_v6)
{
	struct line l;
	struct http_request r;

	if (!start_with(&l, is_v6, 10000, serve_ok)) {
		print_message("this machine has no such loopback\n");
		return;
	}
	r = get(&l);
	assert_opens(&l, &r, 200);
	r.outside_only = true;
	assert_open_fails(&l, &r, HTTP_FAILED_FOR_GOOD, ERR_NET, "inside this machine or network");
	assert_int_equal(atomic_load(&l.server.requests), 1);
	finish(&l);
}

static void test_outside_only_refuses_loopback(void **state)
{
	(void)state;
	assert_inside_is_refused(false);
}

static void test_outside_only_refuses_loopback_over_ipv6(void **state)
{
	(void)state;
	assert_inside_is_refused(true);
}

/* Many at once */

struct crowd {
	struct line *l;
	atomic_int good;
};

static void ask_often(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < 20; i++) {
		struct http_request r = { .method = "GET", .url = c->l->url };
		struct http_exchange *x = NULL;
		enum http_failure failure;
		struct err err = ERR_INIT;
		char text[16];
		size_t len = 0;

		if (http_open(c->l->t, &c->l->world, &r, &x, &failure, &err) &&
		    http_read(x, &c->l->world, text, sizeof(text), &len, &err) && len == 2)
			atomic_fetch_add(&c->good, 1);
		http_close(x);
		err_clear(&err);
	}
}

static void test_many_threads_share_one_transport(void **state)
{
	struct line l;
	struct crowd c = { .l = &l };
	struct task *tasks[8];

	(void)state;
	start(&l, serve_ok);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i] = sched_spawn(&l.sched, ask_often, &c);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		sched_join(&l.sched, tasks[i]);
	assert_int_equal(atomic_load(&c.good), 160);
	assert_int_equal(atomic_load(&l.server.requests), 160);
	finish(&l);
}

static void test_trusted_certificates_that_cannot_be_read(void **state)
{
	struct sched sched = sched_threads();
	struct transport_options options = { .sched = &sched, .cacert = "no/such/file" };
	struct transport *t = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_false(transport_curl_new(&options, &t, &err));
	assert_null(t);
	assert_non_null(strstr(err.message, "no/such/file"));
	err_clear(&err);
}

static int without_proxies(void **state)
{
	static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
					     "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_and_answer_arrive_as_they_are),
		cmocka_unit_test(test_large_body_waits_for_the_server_s_word),
		cmocka_unit_test(test_empty_body_says_that_it_is_empty),
		cmocka_unit_test(test_head_has_a_length_and_no_body),
		cmocka_unit_test(test_status_before_the_body_outranks_what_comes_after),
		cmocka_unit_test(test_status_before_the_body_is_heard_without_expect_too),
		cmocka_unit_test(test_refusal_counts_even_if_its_headers_never_end),
		cmocka_unit_test(test_no_whole_answer_is_a_failure_under_way),
		cmocka_unit_test(test_nobody_there_is_a_failure_before_sending),
		cmocka_unit_test(test_bad_url_fails_for_good),
		cmocka_unit_test(test_body_cut_short_is_never_a_whole_one),
		cmocka_unit_test(test_trailers_are_no_headers),
		cmocka_unit_test(test_connection_that_died_meanwhile_is_replaced),
		cmocka_unit_test(test_headers_have_ceilings),
		cmocka_unit_test(test_what_is_not_read_is_not_taken_from_the_network),
		cmocka_unit_test(test_stall_ends_the_wait_for_a_status),
		cmocka_unit_test(test_stall_ends_a_read),
		cmocka_unit_test(test_stall_ends_the_sending_of_a_body),
		cmocka_unit_test(test_slow_is_not_stalled),
		cmocka_unit_test(test_reader_s_own_pause_is_no_stall),
		cmocka_unit_test(test_answer_in_time_or_none),
		cmocka_unit_test(test_whole_answer_in_time_or_none),
		cmocka_unit_test(test_deadline_ends_everything),
		cmocka_unit_test(test_cancel_ends_a_stalled_read_at_once),
		cmocka_unit_test(test_cancel_ends_the_wait_for_a_status_at_once),
		cmocka_unit_test(test_body_shorter_than_said_fails_with_its_own_error),
		cmocka_unit_test(test_body_that_cannot_be_read_fails_with_its_own_error),
		cmocka_unit_test(test_body_longer_than_said_is_not_sent_beyond),
		cmocka_unit_test(test_outside_only_refuses_loopback),
		cmocka_unit_test(test_outside_only_refuses_loopback_over_ipv6),
		cmocka_unit_test(test_many_threads_share_one_transport),
		cmocka_unit_test(test_trusted_certificates_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, without_proxies, NULL);
}
