/*
 * The simple commands of a shell script, as far as they can be read without running it: for finding what a script is
 * about, not for running anything. Expansions are left as they are written.
 */
#ifndef CLI_EXEC_SCRIPT_H
#define CLI_EXEC_SCRIPT_H

#include "base/macros.h"

/* What is longer is not looked at. */
#define SCRIPT_MAX (64 * KIB)

/* Calls each(arg, words, count) for every command that has a word. */
void script_commands(const char *script, void (*each)(void *arg, char *const *words, size_t count),
		     void *arg);

#endif
