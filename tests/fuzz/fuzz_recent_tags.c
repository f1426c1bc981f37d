/* Any bytes as a registry's list of tags: never more than were asked for. */
#include "registry/recent.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct strings tags = { 0 };
	struct err err = ERR_INIT;
	size_t max = len ? bytes[0] % 5 : 0;
	bool ok = len && recent_tags_parse((const char *)bytes + 1, len - 1, max, &tags, &err);

	if (tags.count > max || (!ok && tags.count))
		__builtin_trap();
	if (len && (ok != (err.code == ERR_NONE) || (!ok && err.code != ERR_NO_REGISTRY)))
		__builtin_trap();
	strings_clear(&tags);
	err_clear(&err);
	return 0;
}
