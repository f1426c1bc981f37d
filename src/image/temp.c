#include "image/temp.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Small, so that sixty small layers do not take the budget of a large one. */
#define CHUNK_MIN (4 * KIB)
#define CHUNK_MAX (64 * KIB)

struct temp_chunk {
	struct temp_chunk *next;
	size_t len;
	size_t size;
	char bytes[];
};

void temp_init(struct temp *t, struct temp_budget *budget, const char *dir)
{
	*t = (struct temp)TEMP_INIT;
	t->budget = budget;
	t->dir = mem_strdup(dir);
}

/* Not every file system has nameless files. */
static int open_and_unlink(const char *dir)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/landed-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

static bool make_file(struct temp *t, struct err *err)
{
	t->fd = open(t->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (t->fd < 0)
		t->fd = open_and_unlink(t->dir);
	if (t->fd >= 0)
		return true;
	err_set(err, ERR_LOCAL, "no temporary file in '%s': %s", t->dir, strerror(errno));
	err_hint(err, "set TMPDIR to a directory that can be written to");
	return false;
}

bool temp_open(struct temp *t, const char *dir, struct err *err)
{
	temp_init(t, NULL, dir);
	return make_file(t, err);
}

static bool refuse(const struct temp *t, int errnum, struct err *err)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;

	err_set(err, ERR_LOCAL, "%s in '%s' after %.1f MiB: %s",
		full ? "no room for a temporary file" : "writing a temporary file", t->dir,
		(double)(t->size_bytes - t->memory_bytes) / (double)MIB, strerror(errnum));
	if (full)
		err_hint(err, "set TMPDIR to a directory with more room");
	return false;
}

static bool write_file(struct temp *t, const char *rest, size_t len, struct err *err)
{
	if (t->fd < 0 && !make_file(t, err))
		return false;
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

static bool budget_take(struct temp_budget *b, int64_t bytes)
{
	int64_t left = atomic_load(&b->left_bytes);

	while (left >= bytes)
		if (atomic_compare_exchange_weak(&b->left_bytes, &left, left - bytes))
			return true;
	return false;
}

/* Once a file was begun all goes there: memory comes first. */
static bool add_chunk(struct temp *t, size_t wanted)
{
	size_t size = wanted < CHUNK_MIN ? CHUNK_MIN : wanted < CHUNK_MAX ? wanted : CHUNK_MAX;
	struct temp_chunk *c;

	if (!t->budget || t->fd >= 0 || !budget_take(t->budget, (int64_t)size))
		return false;
	c = mem_alloc(sizeof(*c) + size);
	c->size = size;
	if (t->last)
		t->last->next = c;
	else
		t->first = c;
	t->last = c;
	return true;
}

/* How many of LEN bytes the memory took. */
static size_t remember(struct temp *t, const char *bytes, size_t len)
{
	struct temp_chunk *c = t->last;
	size_t room = c ? c->size - c->len : 0;

	if (t->fd >= 0)
		return 0;
	if (!room && !add_chunk(t, len))
		return 0;
	c = t->last;
	room = c->size - c->len;
	if (len > room)
		len = room;
	memcpy(c->bytes + c->len, bytes, len);
	c->len += len;
	t->memory_bytes += (int64_t)len;
	t->size_bytes += (int64_t)len;
	return len;
}

bool temp_add(struct temp *t, const void *bytes, size_t len, struct err *err)
{
	const char *rest = bytes;

	while (len) {
		size_t taken = remember(t, rest, len);

		if (!taken)
			return write_file(t, rest, len, err);
		rest += taken;
		len -= taken;
	}
	return true;
}

void temp_clear(struct temp *t)
{
	struct temp_chunk *next;

	for (struct temp_chunk *c = t->first; c; c = next) {
		next = c->next;
		atomic_fetch_add(&t->budget->left_bytes, (int64_t)c->size);
		free(c);
	}
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

/* What is in memory, then what is in a file; either may be nothing. */
struct temp_stream {
	struct stream stream;
	const struct temp_chunk *chunk;
	size_t chunk_at;
	int fd;
	int64_t at;
	int64_t end;
	char *name;
};

static size_t recall(struct temp_stream *s, void *bytes, size_t size)
{
	const struct temp_chunk *c = s->chunk;
	size_t len = c->len - s->chunk_at < size ? c->len - s->chunk_at : size;

	memcpy(bytes, c->bytes + s->chunk_at, len);
	s->chunk_at += len;
	if (s->chunk_at == c->len) {
		s->chunk = c->next;
		s->chunk_at = 0;
	}
	return len;
}

static bool read_file(struct temp_stream *s, void *bytes, size_t size, size_t *ret_len,
		      struct err *err)
{
	ssize_t len;

	if ((uint64_t)(s->end - s->at) < size)
		size = (size_t)(s->end - s->at);
	do
		len = pread(s->fd, bytes, size, s->at);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return err_set(err, ERR_LOCAL, "reading %s: %s", s->name, strerror(errno));
	s->at += len;
	*ret_len = (size_t)len;
	return true;
}

static bool temp_read(struct stream *stream, void *bytes, size_t size, size_t *ret_len,
		      struct err *err)
{
	struct temp_stream *s = (struct temp_stream *)stream;

	*ret_len = 0;
	if (s->chunk)
		*ret_len = recall(s, bytes, size);
	else if (s->fd >= 0)
		return read_file(s, bytes, size, ret_len, err);
	return true;
}

static void temp_stream_free(struct stream *stream)
{
	struct temp_stream *s = (struct temp_stream *)stream;

	free(s->name);
	free(s);
}

static const struct stream_ops temp_ops = { .read = temp_read, .free = temp_stream_free };

struct stream *stream_of_file(int fd, int64_t size_bytes, const char *name)
{
	struct temp_stream *s = NEW(struct temp_stream);

	s->stream.ops = &temp_ops;
	s->fd = fd;
	s->end = size_bytes;
	s->name = mem_strdup(name);
	return &s->stream;
}

struct stream *temp_stream(const struct temp *t, const char *name)
{
	struct stream *stream = stream_of_file(t->fd, t->size_bytes - t->memory_bytes, name);

	((struct temp_stream *)stream)->chunk = t->first;
	return stream;
}
