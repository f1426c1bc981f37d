/*
 * What the place can show that we draw in: columns, colours, characters.
 */
#ifndef REPORT_LOOK_H
#define REPORT_LOOK_H

#include <stdbool.h>
#include <stdio.h>

struct look {
	bool terminal;
	bool utf8;
	bool colour;
	int columns; /* used when there is no terminal to ask */
	int rows;
	int fd; /* the terminal that is asked anew for each drawing; negative: nobody */
};

/*
 * NO_COLOR, FORCE_COLOR, TERM=dumb and the locale are honoured; setlocale is the caller's business. A terminal
 * that is dumb is no terminal.
 */
struct look look_of(FILE *out);

/* The present size; a terminal may be resized at any time. */
void look_size(const struct look *l, int *ret_columns, int *ret_rows);

#endif
