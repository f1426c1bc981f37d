/*
 * Memory that is there or the program ends: every buffer fed from outside has a ceiling, so an allocation that
 * fails is the machine's trouble and not an input's. Ends with exit code 42 (local trouble) and one line.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/macros.h"

#include <stdarg.h>
#include <stdlib.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_realloc(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
char *mem_vprintf(const char *fmt, va_list args) PRINTF(1, 0)
	__attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...) PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

/* NULL stays NULL. */
char *mem_strdup_or_null(const char *s);

/* Replaces *p, which is freed; value is copied and may be NULL. */
void mem_replace(char **p, const char *value);

static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

#define NEW(type) ((type *)mem_alloc(sizeof(type)))

#endif
