/*
 * The word that was probably meant.
 */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *word; /* what was typed */
	const char *best; /* the nearest so far, NULL when nothing comes near */
	size_t distance;  /* of best */
};

#define SUGGEST_INIT(typed)      \
	{                        \
		.word = (typed), \
	}

/* CANDIDATE must outlive S. */
void suggest_consider(struct suggest *s, const char *candidate);

#endif
