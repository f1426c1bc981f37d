/*
 * WORD:PATH[:REF], how an image's place is written on the command line.
 */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include "base/err.h"

/*
 * Splits REST, what stands behind the word, into a path and a name. A path that is there as written
 * wins; else the shortest one before a colon that is there; else the first colon splits. Both are
 * the caller's; *ret_ref is NULL when none is written. ERR_USAGE.
 */
MUST_USE bool source_split(const char *rest, char **ret_path, char **ret_ref, struct err *err);

#endif
