#include "image/source.h"

#include "base/mem.h"

#include <string.h>
#include <unistd.h>

#define SOURCE_LEN_MAX 8192

static bool prefix_is_there(const char *text, size_t len)
{
	CLEANUP(mem_freep) char *path = mem_strndup(text, len);

	return (len == 1 && *path == '-') || access(path, F_OK) == 0;
}

/* NULL: REST is a path as a whole. */
static const char *find_colon(const char *rest)
{
	const char *first = strchr(rest, ':');

	if (!first || prefix_is_there(rest, strlen(rest)))
		return NULL;
	for (const char *colon = first; colon; colon = strchr(colon + 1, ':'))
		if (prefix_is_there(rest, (size_t)(colon - rest)))
			return colon;
	return first;
}

bool source_split(const char *rest, char **ret_path, char **ret_ref, struct err *err)
{
	const char *colon;

	if (strlen(rest) > SOURCE_LEN_MAX)
		return err_set(err, ERR_USAGE, "the source is too long");
	colon = find_colon(rest);
	if (*rest == '\0' || colon == rest)
		return err_set(err, ERR_USAGE, "the source names no file");
	if (colon && colon[1] == '\0')
		return err_set(err, ERR_USAGE, "nothing stands behind the colon of '%s'", rest);
	*ret_path = colon ? mem_strndup(rest, (size_t)(colon - rest)) : mem_strdup(rest);
	*ret_ref = colon ? mem_strdup(colon + 1) : NULL;
	return true;
}
