/* Any bytes as what an engine says of an image; the first one chooses between one image and the list. */
#include "image/engine_image.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_names(const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strstr(list->at[i], "<none>"))
			__builtin_trap();
}

static void check_image(const struct engine_image *i)
{
	if (!digest_is_valid(i->id.text) || i->size_bytes < -1 ||
	    i->diff_id_count > ENGINE_LAYERS_MAX)
		__builtin_trap();
	for (size_t k = 0; k < i->diff_id_count; k++)
		if (!digest_is_valid(i->diff_ids[k].text))
			__builtin_trap();
	if (i->descriptor.media_type &&
	    (!digest_is_valid(i->descriptor.digest.text) || i->descriptor.size_bytes < 0))
		__builtin_trap();
	check_names(&i->repo_tags);
	check_names(&i->repo_digests);
}

static bool parse_image(const char *text, size_t len, struct err *err)
{
	CLEANUP(engine_image_clear) struct engine_image image = { 0 };

	if (!engine_image_parse(text, len, &image, err))
		return false;
	check_image(&image);
	return true;
}

static bool parse_list(const char *text, size_t len, struct err *err)
{
	CLEANUP(engine_list_clear) struct engine_list list = { 0 };

	if (!engine_list_parse(text, len, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		if (!digest_is_valid(list.at[i].id.text))
			__builtin_trap();
		check_names(&list.at[i].repo_tags);
		check_names(&list.at[i].repo_digests);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = ERR_INIT;
	bool parsed;

	if (len == 0)
		return 0;
	parsed = (bytes[0] & 1 ? parse_list : parse_image)((const char *)bytes + 1, len - 1, &err);
	if (parsed != (err.code == ERR_NONE) || (!parsed && err.code != ERR_CORRUPT))
		__builtin_trap();
	err_clear(&err);
	return 0;
}
