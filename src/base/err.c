#include "base/err.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *format(const char *fmt, va_list ap) PRINTF(1, 0);

static char *format(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return mem_strdup(fmt);
	return text;
}

void err_clear(struct err *err)
{
	free(err->message);
	free(err->evidence);
	free(err->cause);
	free(err->hint);
	*err = (struct err)ERR_INIT;
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	err_clear(err);
	err->code = code;
	va_start(ap, fmt);
	err->message = format(fmt, ap);
	va_end(ap);
	return false;
}

static enum err_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NO_SOURCE;
	default:
		return ERR_LOCAL;
	}
}

bool err_set_errno(struct err *err, int errnum, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = format(fmt, ap);
	va_end(ap);
	return err_set(err, code_of_errno(errnum), "%s: %s", what, strerror(errnum));
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *context = NULL;
	char *message;
	va_list ap;

	va_start(ap, fmt);
	context = format(fmt, ap);
	va_end(ap);
	message = mem_printf("%s: %s", context, err->message ? err->message : "failed");
	free(err->message);
	err->message = message;
	if (err->code == ERR_NONE)
		err->code = ERR_UNEXPECTED;
	return false;
}

#define DEFINE_DETAIL(field)                                    \
	void err_##field(struct err *err, const char *fmt, ...) \
	{                                                       \
		va_list ap;                                     \
                                                                \
		if (err->field)                                 \
			return;                                 \
		va_start(ap, fmt);                              \
		err->field = format(fmt, ap);                   \
		va_end(ap);                                     \
	}

DEFINE_DETAIL(evidence)
DEFINE_DETAIL(cause)
DEFINE_DETAIL(hint)

void err_copy(struct err *to, const struct err *from)
{
	err_clear(to);
	to->code = from->code;
	to->message = mem_strdup_or_null(from->message);
	to->evidence = mem_strdup_or_null(from->evidence);
	to->cause = mem_strdup_or_null(from->cause);
	to->hint = mem_strdup_or_null(from->hint);
}

void err_move(struct err *to, struct err *from)
{
	if (to == from)
		return;
	err_clear(to);
	*to = *from;
	*from = (struct err)ERR_INIT;
}
