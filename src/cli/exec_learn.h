/*
 * One run of a wrapped command and what it claims: from the words before, from the output while it runs, from its files
 * afterwards. A file that the command did not write anew says nothing.
 */
#ifndef CLI_EXEC_LEARN_H
#define CLI_EXEC_LEARN_H

#include "cli/common.h"
#include "cli/exec_child.h"
#include "cli/exec_claims.h"

struct exec_run {
	const struct common_settings *settings;
	const struct cancel *cancel;
	char *const *argv;
	size_t argc;
	const struct strings *refs;	  /* --ref: claimed in any case */
	const struct strings *registries; /* --registry: concerned in any case */
};

/* Fails as child_run, before the command ran. CLAIMS must be cleared by the caller. */
MUST_USE bool exec_run(const struct exec_run *x, struct claims *claims, struct child_end *ret,
		       struct err *err);

#endif
