/*
 * Bytes that are kept for a while: in memory as long as a budget lasts, the rest in a file without
 * a name, which is gone with the process, however that ends. The file is made when it is needed.
 *
 * One thread writes. Once all is written, any number of threads may read side by side.
 */
#ifndef IMAGE_TEMP_H
#define IMAGE_TEMP_H

#include "base/stream.h"

/* The memory that the temps of one image share. May be used from any thread. */
struct temp_budget {
	_Atomic int64_t left_bytes;
};

#define TEMP_BUDGET_BYTES ((int64_t)(16 * MIB))
#define TEMP_BUDGET_INIT                         \
	{                                        \
		.left_bytes = TEMP_BUDGET_BYTES, \
	}

struct temp_chunk;

struct temp {
	struct temp_budget *budget; /* NULL: nothing is kept in memory */
	struct temp_chunk *first;   /* the bytes in memory come before those in the file */
	struct temp_chunk *last;
	int64_t memory_bytes;
	int fd; /* -1: no file */
	char *dir;
	int64_t size_bytes; /* of both */
};

#define TEMP_INIT         \
	{                 \
		.fd = -1, \
	}

/* Empty. BUDGET may be NULL and must outlive it; DIR is copied. */
void temp_init(struct temp *t, struct temp_budget *budget, const char *dir);

/* The same without a budget, and the file is made at once. */
MUST_USE bool temp_open(struct temp *t, const char *dir, struct err *err);

/* ERR_LOCAL, with the advice to set TMPDIR when the disk is full. */
MUST_USE bool temp_add(struct temp *t, const void *bytes, size_t len, struct err *err);

/* What it took of the budget is given back. */
void temp_clear(struct temp *t);

/* FROM is empty afterwards. */
void temp_move(struct temp *to, struct temp *from);

/* All of T from its start, which is borrowed: T may be moved meanwhile, but not written or cleared. */
struct stream *temp_stream(const struct temp *t, const char *name);

/*
 * SIZE_BYTES of FD from its start. Unlike stream_of_fd it borrows FD and does not move its
 * position, so that any number of streams can read one file side by side.
 */
struct stream *stream_of_file(int fd, int64_t size_bytes, const char *name);

#endif
