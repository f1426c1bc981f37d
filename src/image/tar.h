/*
 * One pass over a tar in a file, from any member on. The file is only read at given places (pread),
 * so that any number of passes share one descriptor; what is not wanted is stepped over without
 * being read.
 */
#ifndef IMAGE_TAR_H
#define IMAGE_TAR_H

#include "base/stream.h"

#include <stdint.h>

struct tar;

enum tar_kind {
	TAR_FILE,
	TAR_SYMLINK,
	TAR_HARDLINK,
	TAR_OTHER, /* directories and devices */
};

struct tar_member {
	enum tar_kind kind;
	const char *name;   /* as written, until the next member; NULL when it is not readable */
	const char *target; /* of a link */
	int64_t size_bytes;
	int64_t at; /* where a pass can begin with this member */
};

/* FD is borrowed; AT is 0 or a member's place. ERR_CORRUPT for what is no tar. */
MUST_USE bool tar_open(int fd, int64_t size_bytes, int64_t at, struct tar **ret, struct err *err);

/*
 * A pass over what S gives, which is borrowed: from its start, once, members' places are of no use.
 */
MUST_USE bool tar_open_stream(struct stream *s, struct tar **ret, struct err *err);
void tar_free(struct tar *t);
DEFINE_FREEP(struct tar, tar_free)

/*
 * *ret_end is true, and *ret not set, behind the last one. ERR_CORRUPT when the file is cut short.
 */
MUST_USE bool tar_next(struct tar *t, struct tar_member *ret, bool *ret_end, struct err *err);

/* Of the present member; *ret_len is 0 only at its end. */
MUST_USE bool tar_read(struct tar *t, void *bytes, size_t size, size_t *ret_len, struct err *err);

/* Known after the first tar_next. Then a member's place is of no use. */
bool tar_is_compressed(struct tar *t);

struct archive;

/* The compressions that we know. libarchive knows more, but would run programs for them. */
void tar_add_filters(struct archive *a);

#endif
