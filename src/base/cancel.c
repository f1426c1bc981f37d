#include "base/cancel.h"

#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cancel {
	struct cancel *parent;
	atomic_int reason;
	int fd;
};

bool cancel_new(struct cancel *parent, struct cancel **ret, struct err *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct cancel *c;

	if (fd < 0)
		return err_set_errno(err, errno, "eventfd");
	c = NEW(struct cancel);
	c->parent = parent;
	c->fd = fd;
	*ret = c;
	return true;
}

void cancel_free(struct cancel *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

void cancel_fire(struct cancel *c, int reason)
{
	int none = 0, saved_errno = errno;
	const uint64_t one = 1;

	if (atomic_compare_exchange_strong(&c->reason, &none, reason)) {
		ssize_t written = write(c->fd, &one, sizeof(one));

		(void)written; /* a new eventfd takes a 1 */
	}
	errno = saved_errno;
}

int cancel_reason(const struct cancel *c)
{
	for (; c; c = c->parent) {
		int reason = atomic_load(&c->reason);

		if (reason)
			return reason;
	}
	return 0;
}

bool cancel_check(const struct cancel *c, struct err *err)
{
	int reason = cancel_reason(c);

	if (!reason)
		return true;
	if (reason > 0)
		return err_set(err, ERR_CANCELLED, "interrupted by SIG%s", sigabbrev_np(reason));
	return err_set(err, ERR_CANCELLED, "given up because other work failed");
}

size_t cancel_poll(const struct cancel *c, struct pollfd fds[CANCEL_POLL_MAX])
{
	size_t count = 0;

	for (; c && count < CANCEL_POLL_MAX; c = c->parent)
		fds[count++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	return count;
}
