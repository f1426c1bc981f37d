/*
 * WWW-Authenticate (RFC 9110 §11.6.1): several challenges may share a header, several headers may come, names
 * have any case, parameters any order, quoted strings may hold commas and escapes. What cannot be read ends the
 * header: challenges before it count.
 */
#ifndef HTTP_CHALLENGE_H
#define HTTP_CHALLENGE_H

#include "base/macros.h"

#include <stdbool.h>

#define CHALLENGES_MAX 8
#define CHALLENGE_PARAMS_MAX 16

struct challenge_param {
	char *name; /* lower case */
	char *value;
};

struct challenge {
	char *scheme; /* lower case: "bearer", "basic" */
	struct challenge_param params[CHALLENGE_PARAMS_MAX];
	size_t param_count;
};

struct challenges {
	struct challenge at[CHALLENGES_MAX];
	size_t count;
};

/* Adds what VALUE, one header's value, holds. */
void challenges_parse(struct challenges *list, const char *value);
void challenges_clear(struct challenges *list);

/* The first of that scheme (lower case), or NULL. */
const struct challenge *challenges_find(const struct challenges *list, const char *scheme);

/* NULL when it is not there. */
const char *challenge_param(const struct challenge *c, const char *name);

#endif
