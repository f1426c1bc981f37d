/*
 * What an examination has found: a list that the judges add to, and how people and pipelines read it. Holds no secret:
 * whoever adds a finding sees to that.
 */
#ifndef CLI_FINDING_H
#define CLI_FINDING_H

#include "base/err.h"
#include "wire/js.h"

#include <stdio.h>

enum severity {
	FINDING_OK,
	FINDING_NOTE,	 /* worth knowing */
	FINDING_WARNING, /* a trap: for another tool, or on another day */
	FINDING_ERROR,	 /* a push from here will not land */
};

struct finding {
	const char *check; /* static: "docker-config" */
	enum severity severity;
	enum err_code cause; /* of an error: what the push would fail with */
	char *found;
	char *evidence; /* NULL: it speaks for itself */
	char *fix;	/* NULL: there is nothing to be done */
};

struct findings {
	const char *check; /* what those are of that are added now */
	struct finding *at;
	size_t count;
};

void findings_clear(struct findings *f);

/* What is returned lives until the next one is added. */
struct finding *finding_ok(struct findings *f, const char *fmt, ...) PRINTF(2, 3);
struct finding *finding_note(struct findings *f, const char *fmt, ...) PRINTF(2, 3);
struct finding *finding_warning(struct findings *f, const char *fmt, ...) PRINTF(2, 3);
struct finding *finding_error(struct findings *f, enum err_code cause, const char *fmt, ...)
	PRINTF(3, 4);

/* Of a failure: its message, evidence (or cause) and hint. */
struct finding *finding_of_err(struct findings *f, enum severity severity, const struct err *err);

void finding_evidence(struct finding *n, const char *fmt, ...) PRINTF(2, 3);
void finding_fix(struct finding *n, const char *fmt, ...) PRINTF(2, 3);

/* Those of MORE go behind those of F; MORE is empty afterwards. */
void findings_move(struct findings *f, struct findings *more);

/* The first error, NULL when nothing stands in the way. *ret_count is how many there are. */
const struct finding *findings_worst(const struct findings *f, size_t *ret_count);

/* "warning", a word for each severity. */
const char *severity_word(enum severity severity);

/* A line for each, with what goes below it; QUIET leaves out what is in order. */
void findings_print(const struct findings *f, FILE *out, bool quiet);

/* [{"check","severity","found","evidence","fix","exit"}]: exit is that of an error only. */
struct js *findings_json(const struct findings *f);

#endif
