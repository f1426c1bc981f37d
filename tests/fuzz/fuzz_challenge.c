/*
 * Values of WWW-Authenticate, a line each. What is read must be a list within its bounds, in lower case, with no
 * name twice.
 */
#include "base/mem.h"
#include "http/challenge.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_lower(const char *name)
{
	if (!*name)
		__builtin_trap();
	for (; *name; name++)
		if (isupper((unsigned char)*name) || strchr(" \t,=\"", *name))
			__builtin_trap();
}

static void check(const struct challenge *c)
{
	check_lower(c->scheme);
	if (c->param_count > CHALLENGE_PARAMS_MAX)
		__builtin_trap();
	for (size_t i = 0; i < c->param_count; i++) {
		check_lower(c->params[i].name);
		if (challenge_param(c, c->params[i].name) != c->params[i].value)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	struct challenges list = { 0 };
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		challenges_parse(&list, line);
	if (list.count > CHALLENGES_MAX)
		__builtin_trap();
	for (size_t i = 0; i < list.count; i++)
		check(&list.at[i]);
	challenges_clear(&list);
	return 0;
}
