#include "image/spool.h"

#include "base/mem.h"
#include "image/tar.h"

#include <archive.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * KIB)

struct input {
	const struct world *world;
	int fd;
	struct err err; /* why reading stopped, for what libarchive cannot carry */
	char chunk[CHUNK];
	char unpacked[CHUNK];
};

static bool wait_readable(struct input *in)
{
	struct pollfd fds[CANCEL_POLL_MAX + 1] = { { .fd = in->fd, .events = POLLIN } };
	size_t count = 1 + cancel_poll(in->world->cancel, fds + 1);

	for (;;) {
		int64_t left_ms;

		if (!world_check(in->world, &in->err))
			return false;
		left_ms = world_left_ms(in->world);
		if (poll(fds, count, left_ms < INT_MAX ? (int)left_ms : INT_MAX) < 0 &&
		    errno != EINTR)
			return err_set(&in->err, ERR_LOCAL, "poll: %s", strerror(errno));
		if (fds[0].revents)
			return true;
	}
}

static la_ssize_t give_bytes(struct archive *a, void *arg, const void **ret_bytes)
{
	struct input *in = arg;
	ssize_t len;

	*ret_bytes = in->chunk;
	do {
		if (!wait_readable(in))
			return -1;
		len = read(in->fd, in->chunk, sizeof(in->chunk));
	} while (len < 0 && (errno == EINTR || errno == EAGAIN));
	if (len < 0)
		err_set(&in->err, ERR_LOCAL, "reading: %s", strerror(errno));
	if (len < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	return len;
}

static bool refuse(struct archive *a, struct input *in, struct err *err)
{
	const char *why = archive_error_string(a);

	if (in->err.code != ERR_NONE) {
		err_move(err, &in->err);
		return false;
	}
	return err_set(err, ERR_CORRUPT, "cannot be decompressed: %s", why ? why : "unreadable");
}

static bool copy(struct archive *a, struct input *in, struct temp *to, struct err *err)
{
	for (;;) {
		la_ssize_t len = archive_read_data(a, in->unpacked, sizeof(in->unpacked));

		if (len == ARCHIVE_RETRY)
			continue;
		if (len < 0)
			return refuse(a, in, err);
		if (len == 0)
			return true;
		if (!world_check(in->world, err) || !temp_add(to, in->unpacked, (size_t)len, err))
			return false;
	}
}

static void archive_freep(struct archive **a)
{
	archive_read_free(*a);
}

static void input_freep(struct input **in)
{
	err_clear(&(*in)->err);
	free(*in);
}

/* As libarchive sees it: one file of no format, behind any number of filters. */
static bool open_raw(struct archive *a, struct input *in, bool *ret_empty, struct err *err)
{
	struct archive_entry *e;
	int result;

	archive_read_support_format_raw(a);
	archive_read_support_format_empty(a);
	tar_add_filters(a);
	result = archive_read_open2(a, in, NULL, give_bytes, NULL, NULL);
	if (result == ARCHIVE_OK)
		result = archive_read_next_header(a, &e);
	*ret_empty = result == ARCHIVE_EOF;
	return result == ARCHIVE_OK || *ret_empty || refuse(a, in, err);
}

bool spool(const struct world *w, int fd, const char *tmp_dir, struct temp *ret, struct err *err)
{
	CLEANUP(input_freep) struct input *in = NEW(struct input);
	CLEANUP(archive_freep) struct archive *a = archive_read_new();
	CLEANUP(temp_clear) struct temp t = TEMP_INIT;
	bool empty;

	in->world = w;
	in->fd = fd;
	if (!a)
		return err_set(err, ERR_LOCAL, "out of memory");
	if (!temp_open(&t, tmp_dir, err) || !open_raw(a, in, &empty, err))
		return false;
	if (!empty && !copy(a, in, &t, err))
		return false;
	temp_move(ret, &t);
	return true;
}
