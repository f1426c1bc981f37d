/*
 * What every command that proves something does with its outcomes, one for each reference: say each as it comes,
 * write the files at the end, and make one error of them all.
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
 * It is over: its own ERR says how. Prints the result and the closing sentence; an error only when there are
 * several references, because the error of a single one is the command's own.
 */
void outcomes_settle(struct outcomes *o, size_t index, bool pushed);

/* It failed before any reference was looked at: all of them have this error. */
void outcomes_settle_all(struct outcomes *o, const char *verb, const struct err *why);

/*
 * The command's end: the error of the only reference, or a sum of several with the first one's code. With RECEIPT
 * not NULL that file is written, whatever came out; a file that cannot be written makes a success ERR_UNPROVEN.
 */
/* ERR may be set already, to what outcomes_settle_all was told. */
MUST_USE bool outcomes_finish(struct outcomes *o, const char *receipt, struct err *err);

/* A file about what has landed. A failure is ERR_UNPROVEN, "landed, but not reported". */
MUST_USE bool outcomes_write(const char *path, const char *text, struct err *err);

#endif
