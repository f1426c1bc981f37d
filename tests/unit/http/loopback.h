/*
 * A server on this machine's loopback or on a socket of its own, one thread a connection, that does what a test tells it to: answer early,
 * stall, close, send too much. It counts what it saw.
 */
#ifndef UNIT_HTTP_LOOPBACK_H
#define UNIT_HTTP_LOOPBACK_H

#include "base/fake_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOPBACK_CONNECTIONS_MAX 256

struct loopback {
	struct sched sched;
	struct monitor *lock;
	int fd;
	int port;
	bool is_v6;
	struct task *acceptor;
	void (*handle)(struct loopback *l, int fd);
	atomic_bool stopping;
	atomic_int requests;
	atomic_llong sent_bytes;
	atomic_llong got_bytes; /* of bodies, by loopback_read_some */

	/* inside the lock */
	struct connection {
		struct loopback *l;
		struct task *task;
		int fd; /* -1: closed */
	} connections[LOOPBACK_CONNECTIONS_MAX];
	size_t connection_count;
	struct buf head; /* of the last request */
};

static inline bool loopback_send(struct loopback *l, int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t sent = send(fd, p, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		len -= (size_t)sent;
		atomic_fetch_add(&l->sent_bytes, sent);
	}
	return true;
}

static inline bool loopback_say(struct loopback *l, int fd, const char *text)
{
	return loopback_send(l, fd, text, strlen(text));
}

/* Up to the empty line; false when the client has gone. */
static inline bool loopback_read_head(struct loopback *l, int fd)
{
	struct buf head = BUF_INIT(64 * KIB);
	char c;
	bool whole = false;

	while (!whole && recv(fd, &c, 1, 0) == 1) {
		buf_putc(&head, c);
		whole = head.len >= 4 && memcmp(head.data + head.len - 4, "\r\n\r\n", 4) == 0;
	}
	if (whole) {
		atomic_fetch_add(&l->requests, 1);
		monitor_enter(&l->sched, l->lock);
		buf_clear(&l->head);
		buf_puts(&l->head, buf_str(&head));
		monitor_leave(&l->sched, l->lock);
	}
	buf_clear(&head);
	return whole;
}

static inline void loopback_read_some(struct loopback *l, int fd, int64_t len)
{
	char chunk[16384];

	while (len > 0) {
		size_t want = len < (int64_t)sizeof(chunk) ? (size_t)len : sizeof(chunk);
		ssize_t got = recv(fd, chunk, want, 0);

		if (got <= 0)
			return;
		len -= got;
		atomic_fetch_add(&l->got_bytes, got);
	}
}

/* Until the client goes away or the test ends. */
static inline void loopback_wait(struct loopback *l, int fd)
{
	char chunk[16384];

	(void)l;
	while (recv(fd, chunk, sizeof(chunk), 0) > 0)
		;
}

static inline void loopback_pause(struct loopback *l, int64_t ms)
{
	for (; ms > 0 && !atomic_load(&l->stopping); ms -= 10)
		l->sched.ops->sleep(&l->sched, 10, NULL);
}

static inline void loopback_serve(void *arg)
{
	struct connection *c = arg;

	c->l->handle(c->l, c->fd);
	monitor_enter(&c->l->sched, c->l->lock);
	close(c->fd);
	c->fd = -1;
	monitor_leave(&c->l->sched, c->l->lock);
}

static inline void loopback_accept(void *arg)
{
	struct loopback *l = arg;

	while (!atomic_load(&l->stopping)) {
		int fd = accept(l->fd, NULL, NULL);

		if (fd < 0)
			continue;
		monitor_enter(&l->sched, l->lock);
		if (l->connection_count < LOOPBACK_CONNECTIONS_MAX) {
			struct connection *c = &l->connections[l->connection_count++];

			*c = (struct connection){ .l = l, .fd = fd };
			c->task = sched_spawn(&l->sched, loopback_serve, c);
		}
		monitor_leave(&l->sched, l->lock);
	}
}

static inline int loopback_bind(struct loopback *l)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t v4_len = sizeof(v4), v6_len = sizeof(v6);

	l->fd = socket(l->is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->is_v6) {
		if (bind(l->fd, (struct sockaddr *)&v6, v6_len) < 0 ||
		    getsockname(l->fd, (struct sockaddr *)&v6, &v6_len) < 0)
			return -1;
		l->port = ntohs(v6.sin6_port);
	} else {
		if (bind(l->fd, (struct sockaddr *)&v4, v4_len) < 0 ||
		    getsockname(l->fd, (struct sockaddr *)&v4, &v4_len) < 0)
			return -1;
		l->port = ntohs(v4.sin_port);
	}
	return listen(l->fd, 64);
}

static inline void loopback_run(struct loopback *l)
{
	l->head.ceiling = 64 * KIB;
	l->lock = monitor_new(&l->sched);
	l->acceptor = sched_spawn(&l->sched, loopback_accept, l);
}

/* False when this machine has no such address. */
static inline bool loopback_start(struct loopback *l, bool is_v6,
				  void (*handle)(struct loopback *l, int fd))
{
	*l = (struct loopback){ .sched = sched_threads(), .is_v6 = is_v6, .handle = handle };
	if (loopback_bind(l) < 0) {
		close(l->fd);
		return false;
	}
	loopback_run(l);
	return true;
}

/* On a socket at PATH, which is the caller's to remove. */
static inline void loopback_start_at(struct loopback *l, const char *path,
				     void (*handle)(struct loopback *l, int fd))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*l = (struct loopback){ .sched = sched_threads(), .handle = handle };
	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(l->fd, 64), 0);
	loopback_run(l);
}

static inline void loopback_stop(struct loopback *l)
{
	atomic_store(&l->stopping, true);
	shutdown(l->fd, SHUT_RDWR);
	sched_join(&l->sched, l->acceptor);
	monitor_enter(&l->sched, l->lock);
	for (size_t i = 0; i < l->connection_count; i++)
		if (l->connections[i].fd >= 0)
			shutdown(l->connections[i].fd, SHUT_RDWR);
	monitor_leave(&l->sched, l->lock);
	for (size_t i = 0; i < l->connection_count; i++)
		sched_join(&l->sched, l->connections[i].task);
	close(l->fd);
	monitor_free(&l->sched, l->lock);
	buf_clear(&l->head);
}

static inline size_t loopback_connections(struct loopback *l)
{
	size_t count;

	monitor_enter(&l->sched, l->lock);
	count = l->connection_count;
	monitor_leave(&l->sched, l->lock);
	return count;
}

/* Whether the last request had that line; the comparison minds the case. */
static inline bool loopback_saw(struct loopback *l, const char *text)
{
	bool saw;

	monitor_enter(&l->sched, l->lock);
	saw = strstr(buf_str(&l->head), text) != NULL;
	monitor_leave(&l->sched, l->lock);
	return saw;
}

#endif
