/*
 * Any bytes as what an executable writes about its subject token. One that is taken is not empty, and its end is a
 * moment or not said.
 */
#include "auth/google_subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(secret_freep) struct secret *token = NULL;
	struct err err = ERR_INIT;
	int64_t expires_wall_ms = -1;
	bool parsed = google_subject_answer_parse((const char *)bytes, len, &token,
						  &expires_wall_ms, &err);

	if (parsed != (token != NULL) || parsed != (err.code == ERR_NONE))
		__builtin_trap();
	if (!parsed && err.code != ERR_NO_CREDENTIAL)
		__builtin_trap();
	if (parsed && (secret_len(token) == 0 || expires_wall_ms < -1))
		__builtin_trap();
	err_clear(&err);
	return 0;
}
