/*
 * Any bytes as config.json; the first one chooses who is looked for. A helper's name must stay a name.
 */
#include "auth/docker_config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct credential_target targets[] = {
	{ "r.example", "a/b" },
	{ "docker.io", "library/a" },
	{ "127.0.0.1:5000", "a" },
	{ "[::1]:5000", "a/b/c/d" },
};

static void check(const struct docker_config_entry *e)
{
	if (e->helper && (!*e->helper || strpbrk(e->helper, "/ ;$`'\"\\\n")))
		__builtin_trap();
	if (e->user && !e->secret)
		__builtin_trap();
	if (e->is_identity_token && (e->user || !e->secret))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct docker_config_entry e;
	struct err err = ERR_INIT;
	bool found;

	if (len == 0)
		return 0;
	found = docker_config_lookup((const char *)bytes + 1, len - 1,
				     &targets[bytes[0] % ARRAY_SIZE(targets)], &e, &err);
	if (found)
		check(&e);
	else if (err.code != ERR_NO_CREDENTIAL)
		__builtin_trap();
	docker_config_entry_clear(&e);
	err_clear(&err);
	return 0;
}
