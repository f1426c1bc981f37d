#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void out_of_memory(void)
{
	static const char line[] = "landed: out of memory\n";

	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(42);
	_exit(42);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_realloc(void *p, size_t count, size_t size)
{
	void *q = reallocarray(p, count ? count : 1, size);

	if (!q)
		out_of_memory();
	return q;
}

char *mem_strndup(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *mem_strdup_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

void mem_replace(char **p, const char *value)
{
	char *copy = mem_strdup_or_null(value);

	free(*p);
	*p = copy;
}

char *mem_vprintf(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		out_of_memory();
	return text;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = mem_vprintf(fmt, args);
	va_end(args);
	return text;
}
