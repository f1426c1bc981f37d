#include "base/buf.h"

#include "base/mem.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_clear(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->size);
	buf_clear(b);
}

bool buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len > b->ceiling || b->len > b->ceiling - len)
		return false;
	if (b->len + len + 1 > b->size) {
		size_t size = b->size ? b->size : 256;

		while (size < b->len + len + 1)
			size *= 2;
		b->data = mem_realloc(b->data, size, 1);
		b->size = size;
	}
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return true;
}

void buf_puts(struct buf *b, const char *s)
{
	bool fits = buf_add(b, s, strlen(s));

	(void)fits;
}

void buf_putc(struct buf *b, char c)
{
	bool fits = buf_add(b, &c, 1);

	(void)fits;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		buf_puts(b, text);
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *text = b->data ? b->data : mem_strdup("");

	b->data = NULL;
	b->len = b->size = 0;
	return text;
}
