/*
 * A growing array of owned strings, for the few places that only need that.
 */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include "base/macros.h"

#include <stdbool.h>

struct strings {
	char **at;
	size_t count;
};

void strings_add(struct strings *list, const char *s); /* copies */
bool strings_have(const struct strings *list, const char *s);
void strings_clear(struct strings *list);

bool text_ends_with(const char *text, const char *end);

/* Of LEN bytes at *text, without the blanks and line ends around them: *text and the length that is left. */
size_t text_trim(const char **text, size_t len);

#endif
