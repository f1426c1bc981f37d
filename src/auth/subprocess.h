/*
 * A command that hands out a credential: run, fed, listened to, and ended when it takes too long.
 */
#ifndef AUTH_SUBPROCESS_H
#define AUTH_SUBPROCESS_H

#include "base/buf.h"
#include "base/world.h"

#define SUBPROCESS_MS 20000

/*
 * Runs ARGV (found by PATH) in a process group of its own with INPUT (or nothing) on its standard input. *ret_code is
 * its exit code, 128+n after a signal. OUT and ERROUT take what they hold; what is beyond is read and dropped.
 * Fails with ERR_NO_CREDENTIAL (cannot be run, takes too long), ERR_CANCELLED, ERR_TIMEOUT.
 */
MUST_USE bool subprocess_run(const struct world *w, const char *const *argv, const char *input,
			     struct buf *out, struct buf *errout, int *ret_code, struct err *err);

struct subprocess {
	const char *const *argv;
	const char *input; /* NULL: nothing */
	/* Ends with NULL: "NAME=VALUE" is set beside our own environment, "NAME" is taken out. NULL: as ours. */
	const char *const *environment;
	int64_t longest_ms; /* 0: SUBPROCESS_MS */
	/* It may talk with whoever sits there: our standard input and error are its own, and so is our process group. */
	bool on_terminal;
};

/* The same, said with more. */
MUST_USE bool subprocess_run_as(const struct world *w, const struct subprocess *p, struct buf *out,
				struct buf *errout, int *ret_code, struct err *err);

#endif
