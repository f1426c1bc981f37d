#include "base/stream.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bytes_stream {
	struct stream stream;
	const char *bytes;
	size_t left;
};

static bool bytes_read(struct stream *s, void *bytes, size_t size, size_t *ret_len, struct err *err)
{
	struct bytes_stream *b = (struct bytes_stream *)s;
	size_t len = size < b->left ? size : b->left;

	(void)err;
	if (len)
		memcpy(bytes, b->bytes, len);
	b->bytes += len;
	b->left -= len;
	*ret_len = len;
	return true;
}

static void bytes_free(struct stream *s)
{
	free(s);
}

static const struct stream_ops bytes_ops = { .read = bytes_read, .free = bytes_free };

struct stream *stream_of_bytes(const void *bytes, size_t len)
{
	struct bytes_stream *b = NEW(struct bytes_stream);

	b->stream.ops = &bytes_ops;
	b->bytes = bytes;
	b->left = len;
	return &b->stream;
}

struct fd_stream {
	struct stream stream;
	int fd;
	int64_t left; /* negative: to the end */
	char *name;
};

static bool fd_read(struct stream *s, void *bytes, size_t size, size_t *ret_len, struct err *err)
{
	struct fd_stream *f = (struct fd_stream *)s;
	ssize_t len;

	if (f->left >= 0 && (uint64_t)f->left < size)
		size = (size_t)f->left;
	do
		len = read(f->fd, bytes, size);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_set_errno(err, errno, "reading '%s'", f->name);
	if (f->left >= 0)
		f->left -= len;
	*ret_len = (size_t)len;
	return true;
}

static void fd_free(struct stream *s)
{
	struct fd_stream *f = (struct fd_stream *)s;

	close(f->fd);
	free(f->name);
	free(f);
}

static const struct stream_ops fd_ops = { .read = fd_read, .free = fd_free };

struct stream *stream_of_fd(int fd, int64_t limit_bytes, const char *name)
{
	struct fd_stream *f = NEW(struct fd_stream);

	f->stream.ops = &fd_ops;
	f->fd = fd;
	f->left = limit_bytes;
	f->name = mem_strdup(name);
	return &f->stream;
}

bool stream_read_all(struct stream *s, struct buf *out, enum err_code code, struct err *err)
{
	char chunk[16 * KIB];
	size_t len;

	do {
		if (!stream_read(s, chunk, sizeof(chunk), &len, err))
			return false;
		if (!buf_add(out, chunk, len))
			return err_set(err, code, "longer than %zu bytes", out->ceiling);
	} while (len);
	return true;
}

/* A pipe whose other end does not speak is given this long; a file never waits. */
#define FILE_READ_MS 10000

static bool has_something(int fd, int64_t until_ms)
{
	struct clock clock = clock_system();
	int64_t left_ms = until_ms - clock_boot_ms(&clock);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return left_ms > 0 && poll(&p, 1, (int)left_ms) != 0;
}

static bool read_pipe(int fd, const char *path, struct buf *out, struct err *err)
{
	struct clock clock = clock_system();
	int64_t until_ms = clock_after(clock_boot_ms(&clock), FILE_READ_MS);
	char chunk[4 * KIB];
	ssize_t len;

	do {
		if (!has_something(fd, until_ms))
			return err_set(err, ERR_LOCAL, "reading '%s': nothing comes", path);
		len = read(fd, chunk, sizeof(chunk));
		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return err_set_errno(err, errno, "reading '%s'", path);
		if (len > 0 && !buf_add(out, chunk, (size_t)len))
			return err_set(err, ERR_LOCAL, "'%s': longer than %zu bytes", path,
				       out->ceiling);
	} while (len != 0);
	return true;
}

static bool read_file(int fd, const char *path, struct buf *out, struct err *err)
{
	CLEANUP(stream_freep) struct stream *s = stream_of_fd(fd, -1, path);

	if (!stream_read_all(s, out, ERR_LOCAL, err))
		return err->code == ERR_LOCAL ? err_wrap(err, "'%s'", path) : false;
	return true;
}

bool file_read_all(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0)
		return err_set_errno(err, errno, "opening '%s'", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return read_file(fd, path, out, err);
	ok = read_pipe(fd, path, out, err);
	close(fd);
	return ok;
}

static bool write_fully(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t written = write(fd, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		len -= (size_t)written;
	}
	return true;
}

/* What is no regular file (a pipe, /dev/stdout) cannot be replaced: it is written into. */
static bool write_into(const char *path, const void *bytes, size_t len, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return err_set(err, ERR_LOCAL, "writing '%s': %s", path, strerror(errno));
	written = write_fully(fd, bytes, len);
	if (!written)
		err_set(err, ERR_LOCAL, "writing '%s': %s", path, strerror(errno));
	close(fd);
	return written;
}

bool file_write_all(const char *path, const void *bytes, size_t len, unsigned int mode,
		    struct err *err)
{
	CLEANUP(mem_freep) char *temporary = mem_printf("%s.XXXXXX", path);
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, bytes, len, err);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_LOCAL, "writing '%s': %s", path, strerror(errno));
	if (!write_fully(fd, bytes, len) || fchmod(fd, mode) < 0 || fsync(fd) < 0 ||
	    rename(temporary, path) < 0) {
		err_set(err, ERR_LOCAL, "writing '%s': %s", path, strerror(errno));
		close(fd);
		unlink(temporary);
		return false;
	}
	close(fd);
	return true;
}
