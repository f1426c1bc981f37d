#include "cli/finding.h"

#include "base/mem.h"
#include "cli/exit.h"
#include "report/format.h"

#include <stdarg.h>
#include <stdio.h>

#define CHECK_COLUMNS 14
#define INDENT 25 /* below what was found */

static char *formatted(const char *fmt, va_list ap) PRINTF(1, 0);

static char *formatted(const char *fmt, va_list ap)
{
	char *text = NULL;

	return vasprintf(&text, fmt, ap) < 0 ? mem_strdup("") : text;
}

void findings_clear(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->at[i].found);
		free(f->at[i].evidence);
		free(f->at[i].fix);
	}
	free(f->at);
	*f = (struct findings){ .check = f->check };
}

/* FOUND becomes the finding's. */
static struct finding *add(struct findings *f, enum severity severity, enum err_code cause,
			   char *found)
{
	struct finding *n;

	f->at = mem_realloc(f->at, f->count + 1, sizeof(*f->at));
	n = &f->at[f->count++];
	*n = (struct finding){
		.check = f->check, .severity = severity, .cause = cause, .found = found
	};
	return n;
}

#define ADD(severity, cause)                           \
	do {                                           \
		va_list ap;                            \
		char *found;                           \
                                                       \
		va_start(ap, fmt);                     \
		found = formatted(fmt, ap);            \
		va_end(ap);                            \
		return add(f, severity, cause, found); \
	} while (0)

struct finding *finding_ok(struct findings *f, const char *fmt, ...)
{
	ADD(FINDING_OK, ERR_NONE);
}

struct finding *finding_note(struct findings *f, const char *fmt, ...)
{
	ADD(FINDING_NOTE, ERR_NONE);
}

struct finding *finding_warning(struct findings *f, const char *fmt, ...)
{
	ADD(FINDING_WARNING, ERR_NONE);
}

struct finding *finding_error(struct findings *f, enum err_code cause, const char *fmt, ...)
{
	ADD(FINDING_ERROR, cause);
}

struct finding *finding_of_err(struct findings *f, enum severity severity, const struct err *err)
{
	struct finding *n = add(f, severity, severity == FINDING_ERROR ? err->code : ERR_NONE,
				mem_strdup(err->message ? err->message : "failed"));

	n->evidence = mem_strdup_or_null(err->evidence ? err->evidence : err->cause);
	n->fix = mem_strdup_or_null(err->hint);
	return n;
}

void finding_evidence(struct finding *n, const char *fmt, ...)
{
	va_list ap;

	free(n->evidence);
	va_start(ap, fmt);
	n->evidence = formatted(fmt, ap);
	va_end(ap);
}

void finding_fix(struct finding *n, const char *fmt, ...)
{
	va_list ap;

	free(n->fix);
	va_start(ap, fmt);
	n->fix = formatted(fmt, ap);
	va_end(ap);
}

void findings_move(struct findings *f, struct findings *more)
{
	f->at = mem_realloc(f->at, f->count + more->count + 1, sizeof(*f->at));
	for (size_t i = 0; i < more->count; i++)
		f->at[f->count++] = more->at[i];
	free(more->at);
	*more = (struct findings){ .check = more->check };
}

const struct finding *findings_worst(const struct findings *f, size_t *ret_count)
{
	const struct finding *worst = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < f->count; i++) {
		if (f->at[i].severity != FINDING_ERROR)
			continue;
		if (!(*ret_count)++)
			worst = &f->at[i];
	}
	return worst;
}

const char *severity_word(enum severity severity)
{
	static const char *const words[] = {
		[FINDING_OK] = "ok",
		[FINDING_NOTE] = "note",
		[FINDING_WARNING] = "warning",
		[FINDING_ERROR] = "error",
	};

	return words[severity];
}

static void print_below(FILE *out, const char *label, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%*s%s: ", INDENT, "", label);
	print_clean(out, text);
	fputc('\n', out);
}

void findings_print(const struct findings *f, FILE *out, bool quiet)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *n = &f->at[i];

		if (quiet && n->severity <= FINDING_NOTE)
			continue;
		fprintf(out, "%-9s %-*s ", severity_word(n->severity), CHECK_COLUMNS, n->check);
		print_clean(out, n->found);
		fputc('\n', out);
		print_below(out, "seen", n->evidence);
		print_below(out, "fix", n->fix);
	}
}

struct js *findings_json(const struct findings *f)
{
	struct js *all = js_array();

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *n = &f->at[i];
		struct js *j = js_object();

		js_put_string(j, "check", n->check);
		js_put_string(j, "severity", severity_word(n->severity));
		js_put_string(j, "found", n->found);
		js_put_string(j, "evidence", n->evidence);
		js_put_string(j, "fix", n->fix);
		if (n->severity == FINDING_ERROR)
			js_put_integer(j, "exit", exit_of(n->cause)->code);
		js_append(all, j);
	}
	return all;
}
