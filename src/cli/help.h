/*
 * What --help prints, from the tables.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

void help_front(FILE *out);
void help_group(FILE *out, const char *word);
void help_command(FILE *out, const struct command *c);

/* What is behind an option's help line: "one of text, json; default text". NULL when nothing is. The caller frees. */
char *help_values(const struct opt *o);

#endif
