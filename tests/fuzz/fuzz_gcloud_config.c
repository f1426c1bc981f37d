/* Any bytes as the INI file of a gcloud configuration; the first one chooses what is looked for. */
#include "auth/gcloud_config.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct {
	const char *section, *key;
} wanted[] = {
	{ "core", "account" },
	{ "auth", "impersonate_service_account" },
	{ "auth", "access_token_file" },
	{ "", "" },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *value = NULL;
	struct err err = ERR_INIT;
	size_t which;
	bool read;

	if (len == 0)
		return 0;
	which = bytes[0] % ARRAY_SIZE(wanted);
	read = gcloud_ini_get((const char *)bytes + 1, len - 1, wanted[which].section,
			      wanted[which].key, &value, &err);
	if (read != (err.code == ERR_NONE) || (!read && (value || err.code != ERR_NO_CREDENTIAL)))
		__builtin_trap();
	if (value && (!*value || strpbrk(value, "\r\n\t") || *value == ' ' || strlen(value) > len))
		__builtin_trap();
	err_clear(&err);
	return 0;
}
