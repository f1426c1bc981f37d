/*
 * Any bytes as a credential file: a minter with all that a mint and its error need, or an error. What is nested in one
 * is a credential file too.
 */
#include "auth/google.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct google_options options = { 0 };
	CLEANUP(js_freep) struct js *file = NULL;
	struct google_minter *m = NULL;
	struct err err = ERR_INIT;

	if (js_parse((const char *)bytes, len, GOOGLE_FILE_CEILING, ERR_NO_CREDENTIAL, &file,
		     &err)) {
		bool made = google_minter_from_json(file, "file", &options, &m, &err);

		if (made != (err.code == ERR_NONE) || made != (m != NULL))
			__builtin_trap();
		if (!made && err.code != ERR_NO_CREDENTIAL)
			__builtin_trap();
		if (m && (!m->ops || !m->kind || !m->origin || !m->universe))
			__builtin_trap();
		google_minter_free(m);
	}
	err_clear(&err);
	return 0;
}
