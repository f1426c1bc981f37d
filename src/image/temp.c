#include "image/temp.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Not every file system has nameless files. */
static int open_and_unlink(const char *dir)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/landed-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

bool temp_open(struct temp *t, const char *dir, struct err *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	*t = (struct temp)TEMP_INIT;
	if (fd < 0)
		fd = open_and_unlink(dir);
	if (fd < 0) {
		err_set(err, ERR_LOCAL, "no temporary file in '%s': %s", dir, strerror(errno));
		err_hint(err, "set TMPDIR to a directory that can be written to");
		return false;
	}
	t->fd = fd;
	t->dir = mem_strdup(dir);
	return true;
}

static bool refuse(const struct temp *t, int errnum, struct err *err)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;

	err_set(err, ERR_LOCAL, "%s in '%s' after %.1f MiB: %s",
		full ? "no room for a temporary file" : "writing a temporary file", t->dir,
		(double)t->size_bytes / (double)MIB, strerror(errnum));
	if (full)
		err_hint(err, "set TMPDIR to a directory with more room");
	return false;
}

bool temp_add(struct temp *t, const void *bytes, size_t len, struct err *err)
{
	const char *rest = bytes;

	while (len) {
		ssize_t written = write(t->fd, rest, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return refuse(t, errno, err);
		rest += written;
		len -= (size_t)written;
		t->size_bytes += written;
	}
	return true;
}

void temp_clear(struct temp *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t->dir);
	*t = (struct temp)TEMP_INIT;
}

void temp_move(struct temp *to, struct temp *from)
{
	*to = *from;
	*from = (struct temp)TEMP_INIT;
}

struct file_stream {
	struct stream stream;
	int fd;
	int64_t at;
	int64_t end;
	char *name;
};

static bool file_read(struct stream *s, void *bytes, size_t size, size_t *ret_len, struct err *err)
{
	struct file_stream *f = (struct file_stream *)s;
	ssize_t len;

	if ((uint64_t)(f->end - f->at) < size)
		size = (size_t)(f->end - f->at);
	do
		len = pread(f->fd, bytes, size, f->at);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_set(err, ERR_LOCAL, "reading %s: %s", f->name, strerror(errno));
	f->at += len;
	*ret_len = (size_t)len;
	return true;
}

static void file_free(struct stream *s)
{
	struct file_stream *f = (struct file_stream *)s;

	free(f->name);
	free(f);
}

static const struct stream_ops file_ops = { .read = file_read, .free = file_free };

struct stream *stream_of_file(int fd, int64_t size_bytes, const char *name)
{
	struct file_stream *f = NEW(struct file_stream);

	f->stream.ops = &file_ops;
	f->fd = fd;
	f->end = size_bytes;
	f->name = mem_strdup(name);
	return &f->stream;
}
