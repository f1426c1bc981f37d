/*
 * What every command that proves something does with its outcomes, one for each reference: write the files, say what
 * came out, and make one error of them all.
 */
#ifndef CLI_OUTCOMES_H
#define CLI_OUTCOMES_H

#include "cli/command.h"
#include "report/outcome.h"

/* An outcome with all that it borrows. */
struct settled {
	struct reference ref;
	struct push_result push;
	struct proof proof; /* of a command that pushes nothing */
	struct err err;
	struct outcome outcome;
};

struct outcomes {
	const struct run *run;
	struct settled *at;
	size_t count;
};

/* Parses all operands from FIRST on as references. ERR_USAGE; clear it whatever comes out. */
MUST_USE bool outcomes_init(struct outcomes *o, const struct run *run, size_t first,
			    struct err *err);
void outcomes_clear(struct outcomes *o);

/* From here on the work is about this one. */
void outcomes_begin(struct outcomes *o, size_t index, const char *verb);

/*
 * It is over: its own ERR says how. Prints an error only when there are several references, because the error of a
 * single one is the command's own.
 */
void outcomes_settle(struct outcomes *o, size_t index, bool pushed);

/* It failed before any reference was looked at: all of them have this error. */
void outcomes_settle_all(struct outcomes *o, const char *verb, const struct err *why);

/*
 * The command's end: files first, then the results and closing sentences. The error is that of the only reference, or
 * a sum of several with the first one's code; ERR may be set already, to what outcomes_settle_all was told. RECEIPT, if
 * not NULL, is written whatever came out, WRITE_MORE, if not NULL, is called when all has landed. A file that cannot be
 * written makes a success ERR_UNPROVEN, and the results say so.
 */
MUST_USE bool outcomes_finish(struct outcomes *o, const char *receipt,
			      bool (*write_more)(struct outcomes *o, struct err *err),
			      struct err *err);

/* A file about what has landed. A failure is ERR_UNPROVEN, "landed, but not reported". */
MUST_USE bool outcomes_write(const char *path, const char *text, struct err *err);

#endif
