/*
 * Any bytes as what a file or a URL holds for a subject token; the first one says whether that is JSON. A token that
 * is taken is not empty and has no space around it.
 */
#include "auth/google_subject.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_space(char c)
{
	return c && strchr(" \t\r\n", c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char field[] = "value";
	struct google_subject_format format = { .field = NULL };
	CLEANUP(secret_freep) struct secret *token = NULL;
	struct err err = ERR_INIT;
	bool parsed;

	if (len == 0)
		return 0;
	format.field = bytes[0] & 1 ? field : NULL;
	parsed = google_subject_parse((const char *)bytes + 1, len - 1, &format, &token, &err);
	if (parsed != (token != NULL) || parsed != (err.code == ERR_NONE))
		__builtin_trap();
	if (!parsed && err.code != ERR_NO_CREDENTIAL)
		__builtin_trap();
	if (parsed && (secret_len(token) == 0 || is_space(secret_reveal(token)[0]) ||
		       is_space(secret_reveal(token)[secret_len(token) - 1])))
		__builtin_trap();
	err_clear(&err);
	return 0;
}
