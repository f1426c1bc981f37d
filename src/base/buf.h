/*
 * Bytes that grow up to a ceiling. Whoever makes a buffer says how large it may become; what does not fit is
 * refused whole and the buffer stays as it was. The bytes are always followed by a NUL that is not counted.
 *
 *	struct buf b = BUF_INIT(4 * MIB);
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/macros.h"

#include <stdbool.h>

struct buf {
	char *data; /* NULL while nothing was ever added: read through buf_str */
	size_t len;
	size_t size;
	size_t ceiling;
};

#define BUF_INIT(ceiling_bytes)             \
	{                                   \
		.ceiling = (ceiling_bytes), \
	}

/* Text that the program composes itself: long enough for any line, short enough to stop a loop gone wild. */
#define BUF_TEXT_CEILING (1 * MIB)

void buf_clear(struct buf *b);

/* The same for bytes that were a secret. */
void buf_wipe(struct buf *b);

/* False, with nothing added, when the ceiling would be passed. */
MUST_USE bool buf_add(struct buf *b, const void *bytes, size_t len);

/* For text of our own making under BUF_TEXT_CEILING: what does not fit is left out. */
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

const char *buf_str(const struct buf *b);

/* The bytes as a heap string that the caller frees; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
