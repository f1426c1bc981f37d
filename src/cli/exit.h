/*
 * What the exit code says: the one table. docs/exit-codes.md and the manual are checked against it.
 */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "base/err.h"

/* Whether the same command, run again, may do what it did not do now. */
enum exit_again { EXIT_AGAIN_NO, EXIT_AGAIN_PERHAPS, EXIT_AGAIN_YES };

struct exit_class {
	enum err_code error;
	int code;	     /* of ERR_CANCELLED: SIGINT's; see exit_code */
	const char *name;    /* the "verdict" in JSON */
	const char *meaning; /* one clause, for the manual */
	enum exit_again again;
};

const struct exit_class *exit_of(enum err_code error);

/* All of them, in the order of their codes; NULL behind the last. */
const struct exit_class *exit_at(size_t index);

/* REASON is cancel_reason: an interrupted command ends with 128 + the signal, as a shell would say it. */
int exit_code(enum err_code error, int reason);

const char *exit_again_text(enum exit_again again);

#endif
