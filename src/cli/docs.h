/*
 * The manual and the completions, printed from the same tables that parse the command line.
 */
#ifndef CLI_DOCS_H
#define CLI_DOCS_H

#include "cli/command.h"

void docs_man(FILE *out); /* landed.1 in scdoc's language */
void docs_bash(FILE *out);
void docs_zsh(FILE *out);
void docs_fish(FILE *out);

#endif
