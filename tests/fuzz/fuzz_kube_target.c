/*
 * Words of a command line, one a line: as a target and as an assignment. What is taken has a path that stays where it
 * belongs, and a patch of it is one document.
 */
#include "kube/patch.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_target(const char *word)
{
	CLEANUP(target_clear) struct target t;
	CLEANUP(mem_freep) char *path = NULL;
	struct err err = ERR_INIT;

	if (target_parse(word, &t, &err)) {
		path = target_path(&t, "n");
		if (strpbrk(strrchr(path, '/') + 1, "?#%. /") == strrchr(path, '/') + 1)
			__builtin_trap();
	} else if (err.code != ERR_USAGE) {
		__builtin_trap();
	}
	err_clear(&err);
}

static void try_assignment(const char *word)
{
	CLEANUP(assignment_clear) struct assignment a;
	CLEANUP(image_changes_clear) struct image_changes changes = { 0 };
	struct template_container app = { .name = "app", .image = "a:1" };
	struct workload w = { .meta = { .name = "w" },
			      .template = { .containers = &app, .container_count = 1 } };
	CLEANUP(js_freep) struct js *patch = NULL;
	struct err err = ERR_INIT;

	if (assignment_parse(word, &a, &err) && image_changes_plan(&w, &a, 1, &changes, &err)) {
		changes.at[0].to = a.image;
		patch = image_changes_patch(&w, &changes);
		if (js_count(patch) > 3)
			__builtin_trap();
	}
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	char *rest = NULL;

	for (char *word = strtok_r(text, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest)) {
		try_target(word);
		try_assignment(word);
	}
	return 0;
}
