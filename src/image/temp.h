/*
 * A file without a name, for what is too large for memory: it is gone with the process, however
 * that ends.
 */
#ifndef IMAGE_TEMP_H
#define IMAGE_TEMP_H

#include "base/stream.h"

struct temp {
	int fd; /* -1: none */
	char *dir;
	int64_t size_bytes;
};

#define TEMP_INIT         \
	{                 \
		.fd = -1, \
	}

/* ERR_LOCAL, with the advice to set TMPDIR when the disk is full. */
MUST_USE bool temp_open(struct temp *t, const char *dir, struct err *err);
MUST_USE bool temp_add(struct temp *t, const void *bytes, size_t len, struct err *err);
void temp_clear(struct temp *t);

/* T is empty afterwards. */
void temp_move(struct temp *to, struct temp *from);

/*
 * SIZE_BYTES of FD from its start. Unlike stream_of_fd it borrows FD and does not move its
 * position, so that any number of streams can read one file side by side.
 */
struct stream *stream_of_file(int fd, int64_t size_bytes, const char *name);

#endif
