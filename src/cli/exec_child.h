/*
 * A command that is run as if it had been started without us: same process group and terminal, so that job control
 * is the shell's; its input is ours; signals that only we got are passed on to it; its exit code is what a shell would
 * say.
 *
 * Its output is read on the way when it goes to a file or a pipe, and is passed on as it comes. A terminal stays the
 * child's own: nothing is read then. Standard error is left alone, unless it goes to the same place as the output:
 * then both share one pipe, and keep their order.
 */
#ifndef CLI_EXEC_CHILD_H
#define CLI_EXEC_CHILD_H

#include "base/strings.h"
#include "base/world.h"

struct child {
	char *const *argv;
	const struct cancel
		*cancel; /* a signal that came before there was anybody to pass it on to */
	const struct strings *environment; /* "NAME=VALUE" beside our own */
	void (*heard)(void *arg, const char *bytes,
		      size_t len); /* output, before it is passed on */
	void *arg;
};

struct child_end {
	int code;	  /* 128 + the signal that ended it */
	int signal;	  /* the last one that was passed on or came with the terminal; 0: none */
	bool lost_output; /* what it wrote could not all be written, and it was not the reader who left */
};

/*
 * Returns when the child has ended and what it wrote by then was passed on; what it has left running in the background
 * is not waited for. Fails with ERR_NOT_FOUND, ERR_NOT_EXECUTABLE, ERR_WRAPPER, ERR_CANCELLED.
 */
MUST_USE bool child_run(const struct child *c, struct child_end *ret, struct err *err);

#endif
