/*
 * Any text as the name of an image. What is taken must mean the same when its own text is read
 * again.
 */
#include "base/mem.h"
#include "image/reference.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_again(const struct reference *r)
{
	CLEANUP(reference_clear) struct reference again = { .host = NULL };
	CLEANUP(mem_freep) char *text = reference_text(r), *text_again = NULL;
	struct err err = ERR_INIT;

	if (!reference_parse(text, &again, &err))
		__builtin_trap();
	text_again = reference_text(&again);
	if (strcmp(text, text_again) != 0 || strcmp(r->repository, again.repository) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	CLEANUP(reference_clear) struct reference r = { .host = NULL };
	struct err err = ERR_INIT;

	if (reference_parse(text, &r, &err))
		read_again(&r);
	else if (err.code != ERR_USAGE || !err.message)
		__builtin_trap();
	err_clear(&err);
	return 0;
}
