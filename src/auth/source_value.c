/*
 * file:PATH, exec:COMMAND and env:VARIABLE: a value that somebody else keeps fresh, read again for each renewal.
 */
#include "auth/source.h"

#include "auth/subprocess.h"
#include "base/mem.h"
#include "base/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define VALUE_CEILING (64 * KIB)

struct value_source {
	struct source source;
	enum value_place place;
	char *where;
	char *user;
	char *name; /* as it was written */
};

static bool read_file(struct value_source *v, const struct world *w, struct buf *out,
		      struct err *err)
{
	(void)w;
	if (access(v->where, F_OK) != 0 && errno == ENOENT)
		return true;
	return file_read_all(v->where, out, err);
}

/* What a command writes about its failure, its last line most often says it. */
static bool read_command(struct value_source *v, const struct world *w, struct buf *out,
			 struct err *err)
{
	const char *const argv[] = { "/bin/sh", "-c", v->where, NULL };
	struct buf errout = BUF_INIT(4 * KIB);
	int code = 0;
	bool ok = subprocess_run(w, argv, NULL, out, &errout, &code, err);

	if (ok && code != 0) {
		ok = err_set(err, ERR_NO_CREDENTIAL, "the command failed with exit code %d", code);
		if (errout.len)
			err_evidence(err, "%.*s", (int)strcspn(errout.data, "\r\n"), errout.data);
	}
	buf_clear(&errout);
	return ok;
}

static bool read_variable(struct value_source *v, const struct world *w, struct buf *out,
			  struct err *err)
{
	const char *value = getenv(v->where);

	(void)w;
	if (value && !buf_add(out, value, strlen(value)))
		return err_set(err, ERR_NO_CREDENTIAL, "the variable is too long");
	return true;
}

static const struct {
	const char *prefix;
	bool (*read)(struct value_source *v, const struct world *w, struct buf *out,
		     struct err *err);
} places[] = {
	[VALUE_FILE] = { "file:", read_file },
	[VALUE_EXEC] = { "exec:", read_command },
	[VALUE_ENV] = { "env:", read_variable },
};

static bool value_obtain(struct source *s, const struct world *w,
			 const struct credential_target *target, struct credential **ret,
			 struct err *err)
{
	struct value_source *v = (struct value_source *)s;
	struct buf text = BUF_INIT(VALUE_CEILING);
	int64_t asked_ms = world_now_ms(w);
	bool ok;

	(void)target;
	*ret = NULL;
	ok = places[v->place].read(v, w, &text, err);
	if (ok && !text.len && v->place != VALUE_EXEC) {
		buf_clear(&text);
		return true; /* not there, or not yet */
	}
	ok = ok && credential_parse(buf_str(&text), text.len, v->user, asked_ms,
				    clock_wall_ms(w->clock), ret, err);
	if (text.data)
		secret_wipe(text.data, text.len);
	buf_clear(&text);
	if (!ok) {
		if (err->code != ERR_CANCELLED && err->code != ERR_TIMEOUT)
			err->code = ERR_NO_CREDENTIAL;
		return err_wrap(err, "credential '%s'", v->name);
	}
	(*ret)->source = mem_strdup(v->name);
	/* our own environment does not change while we run */
	(*ret)->renewable = v->place != VALUE_ENV;
	return true;
}

static void value_free(struct source *s)
{
	struct value_source *v = (struct value_source *)s;

	free(v->where);
	free(v->user);
	free(v->name);
	free(v);
}

static const struct source_ops value_ops = { .obtain = value_obtain, .free = value_free };

/* A command may carry arguments that are nobody's business in a log: its first word names it. */
static char *name_of(enum value_place place, const char *where)
{
	int len = place == VALUE_EXEC ? (int)strcspn(where, " \t=") : (int)strlen(where);

	return mem_printf("%s%.*s", places[place].prefix, len, where);
}

struct source *source_value_new(enum value_place place, const char *where, const char *user)
{
	struct value_source *v = NEW(struct value_source);

	v->source.ops = &value_ops;
	v->place = place;
	v->where = mem_strdup(where);
	v->user = mem_strdup(user);
	v->name = name_of(place, where);
	return &v->source;
}
