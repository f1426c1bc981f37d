/* Any text as docker's configuration: edited it says what it should, and what was recorded gives it back. */
#include "auth/docker_setup.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const char *before, const char *after)
{
	CLEANUP(docker_setup_record_clear) struct docker_setup_record r = { 0 };
	CLEANUP(mem_freep) char *undone = NULL;

	docker_setup_record_make(before, after, js_object(), &r);
	/* what is no UTF-8 is no JSON and was refused */
	if (!docker_setup_record_undo(&r, after, &undone) || strcmp(undone, before) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	struct err err = ERR_INIT;

	for (int on = 0; on < 2; on++) {
		CLEANUP(mem_freep) char *after = NULL;
		CLEANUP(mem_freep) char *helper = NULL;

		if (docker_setup_edit(text, "gcr.io", on ? "landed" : NULL, &after, &helper, &err))
			check(text, after);
		else if (err.code != ERR_LOCAL)
			__builtin_trap();
		err_clear(&err);
	}
	return 0;
}
