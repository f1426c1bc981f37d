/* The real transport over a socket of this machine, and each request's own patience. */
#include "base/fake_dir.h"
#include "http/loopback.h"

#include "http/transport_curl.h"

struct line {
	struct fake_dir dir;
	char *path;
	struct loopback server;
	struct clock clock;
	struct sched sched;
	struct cancel *cancel;
	struct world world;
	struct transport *t;
	struct http_exchange *x;
	enum http_failure failure;
	struct err err;
};

static int64_t now_ms(void)
{
	struct clock c = clock_system();

	return clock_boot_ms(&c);
}

static void prepare(struct line *l)
{
	struct transport_options options = { .connect_ms = 5000, .stall_ms = 300 };

	*l = (struct line){ .clock = clock_system(), .sched = sched_threads() };
	fake_dir_init(&l->dir);
	l->path = fake_dir_path(&l->dir, "a socket");
	options.sched = &l->sched;
	options.unix_socket = l->path;
	assert_true(cancel_new(NULL, &l->cancel, &l->err));
	assert_true(transport_curl_new(&options, &l->t, &l->err));
	l->world = (struct world){ .clock = &l->clock,
				   .sched = &l->sched,
				   .cancel = l->cancel,
				   .deadline_ms = now_ms() + 60000 };
}

static void start(struct line *l, void (*handle)(struct loopback *l, int fd))
{
	prepare(l);
	loopback_start_at(&l->server, l->path, handle);
}

static void clear(struct line *l)
{
	http_close(l->x);
	transport_free(l->t);
	cancel_free(l->cancel);
	err_clear(&l->err);
	free(l->path);
	fake_dir_clear(&l->dir);
}

static void finish(struct line *l)
{
	http_close(TAKE(l->x));
	loopback_stop(&l->server);
	clear(l);
}

static bool open_it(struct line *l, const struct http_request *r)
{
	http_close(TAKE(l->x));
	err_clear(&l->err);
	return http_open(l->t, &l->world, r, &l->x, &l->failure, &l->err);
}

static void assert_open_fails(struct line *l, const struct http_request *r,
			      enum http_failure failure, enum err_code code, const char *words)
{
	assert_false(open_it(l, r));
	assert_int_equal(l->failure, failure);
	assert_err(&l->err, code, words);
}

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

static const struct http_request get = { .method = "GET", .url = "http://elsewhere.invalid/x?y" };

static void serve_ok(struct loopback *l, int fd)
{
	while (loopback_read_head(l, fd))
		loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void test_request_goes_to_the_socket_and_to_no_proxy(void **state)
{
	struct line l;
	int64_t bytes;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	start(&l, serve_ok);
	for (int i = 0; i < 3; i++) {
		if (!open_it(&l, &get))
			fail_msg("%s", l.err.message);
		assert_int_equal(http_status(l.x), 200);
		assert_true(read_all(&l, &bytes));
		assert_int_equal(bytes, 2);
	}
	assert_true(loopback_saw(&l.server, "GET /x?y HTTP/1.1\r\nHost: elsewhere.invalid\r\n"));
	assert_int_equal(loopback_connections(&l.server), 1); /* kept for the next one */
	unsetenv("http_proxy");
	finish(&l);
}

static void test_why_a_socket_cannot_be_connected_to(void **state)
{
	struct line l;
	int fd;

	(void)state;
	prepare(&l);
	assert_open_fails(&l, &get, HTTP_FAILED_BEFORE_SENDING, ERR_NET,
			  "a socket': No such file or directory");
	fd = open(l.path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_open_fails(&l, &get, HTTP_FAILED_BEFORE_SENDING, ERR_NET,
			  "a socket': Connection refused");
	clear(&l);
}

static void say_nothing(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd))
		loopback_wait(l, fd);
}

static void take_nothing(struct loopback *l, int fd)
{
	(void)fd;
	loopback_pause(l, 60000);
}

static void stall_in_the_body(struct loopback *l, int fd)
{
	if (loopback_read_head(l, fd) &&
	    loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"))
		loopback_wait(l, fd);
}

static void test_stalls_end_over_a_socket_too(void **state)
{
	CLEANUP(mem_freep) char *bytes = mem_alloc(16 * MIB);
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes(bytes, 16 * MIB);
	struct http_request put = get;
	struct line l;
	int64_t got;

	(void)state;
	start(&l, say_nothing);
	assert_open_fails(&l, &get, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	finish(&l);
	start(&l, take_nothing);
	put.method = "PUT";
	put.body = s;
	put.body_bytes = 16 * (int64_t)MIB;
	assert_open_fails(&l, &put, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	finish(&l);
	start(&l, stall_in_the_body);
	assert_true(open_it(&l, &get));
	assert_false(read_all(&l, &got));
	assert_err(&l.err, ERR_NET, "nothing moved");
	finish(&l);
}

/* Silence of a second before the first byte, and of a second behind it. */
static void think_first(struct loopback *l, int fd)
{
	if (!loopback_read_head(l, fd))
		return;
	loopback_pause(l, 1000);
	loopback_say(l, fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
	loopback_pause(l, 1000);
	loopback_say(l, fd, "67890");
	loopback_wait(l, fd);
}

static void test_each_request_has_its_own_patience(void **state)
{
	struct http_request r = get;
	struct line l;
	int64_t bytes;

	(void)state;
	start(&l, think_first);
	assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	r.first_byte_ms = 30000; /* for the first byte only: the transport's own 300 ms follow */
	if (!open_it(&l, &r))
		fail_msg("%s", l.err.message);
	assert_false(read_all(&l, &bytes));
	assert_int_equal(bytes, 5);
	assert_err(&l.err, ERR_NET, "nothing moved");
	r.stall_ms = 30000;
	assert_true(open_it(&l, &r));
	assert_true(read_all(&l, &bytes));
	assert_int_equal(bytes, 10);
	r.first_byte_ms = 400; /* shorter than the other one */
	assert_open_fails(&l, &r, HTTP_FAILED_UNDER_WAY, ERR_NET, "nothing moved");
	finish(&l);
}

static void fire(void *arg)
{
	struct line *l = arg;

	l->sched.ops->sleep(&l->sched, 200, NULL);
	cancel_fire(l->cancel, 15);
}

static void test_cancel_ends_a_long_patience_at_once(void **state)
{
	struct http_request r = get;
	struct task *task;
	struct line l;

	(void)state;
	start(&l, say_nothing);
	r.first_byte_ms = 3600000;
	task = sched_spawn(&l.sched, fire, &l);
	assert_open_fails(&l, &r, HTTP_FAILED_CANCELLED, ERR_CANCELLED, "");
	sched_join(&l.sched, task);
	finish(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_goes_to_the_socket_and_to_no_proxy),
		cmocka_unit_test(test_why_a_socket_cannot_be_connected_to),
		cmocka_unit_test(test_stalls_end_over_a_socket_too),
		cmocka_unit_test(test_each_request_has_its_own_patience),
		cmocka_unit_test(test_cancel_ends_a_long_patience_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
