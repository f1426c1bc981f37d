/*
 * Bytes that are pulled, once, from front to back. Whoever needs them a second time opens a second stream at
 * the place where this one came from.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include "base/err.h"

#include <stdint.h>

struct stream;

struct stream_ops {
	/* *ret_len is 0 only at the end (or for size 0). */
	bool (*read)(struct stream *s, void *bytes, size_t size, size_t *ret_len, struct err *err);
	void (*free)(struct stream *s);
};

struct stream {
	const struct stream_ops *ops;
};

MUST_USE static inline bool stream_read(struct stream *s, void *bytes, size_t size, size_t *ret_len,
					struct err *err)
{
	return s->ops->read(s, bytes, size, ret_len, err);
}

static inline void stream_free(struct stream *s)
{
	if (s)
		s->ops->free(s);
}
DEFINE_FREEP(struct stream, stream_free)

/* BYTES are borrowed and must outlive the stream. */
struct stream *stream_of_bytes(const void *bytes, size_t len);

/* At most LIMIT_BYTES (negative: to the end) of FD from its present position; FD is closed with the stream. */
struct stream *stream_of_fd(int fd, int64_t limit_bytes, const char *name);

/* All that is left, if it fits the ceiling of OUT: else fails with CODE. */
struct buf;
MUST_USE bool stream_read_all(struct stream *s, struct buf *out, enum err_code code,
			      struct err *err);

/*
 * A whole file, or what a pipe gives within 10 s, of at most the ceiling of OUT. ERR_NO_SOURCE when it is not there,
 * ERR_LOCAL otherwise.
 */
MUST_USE bool file_read_all(const char *path, struct buf *out, struct err *err);

/* Replaces PATH as a whole (a new file, flushed, then renamed over it), mode bits as given. */
MUST_USE bool file_write_all(const char *path, const void *bytes, size_t len, unsigned int mode,
			     struct err *err);

#endif
