/*
 * Any bytes as a token endpoint's answer; the first one says whether it had a Date. A token that is taken has a
 * life, one that is not has an error.
 */
#include "auth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define DATE_WALL_MS ((int64_t)1795528800000) /* 2026-11-24T14:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct token_answer a;
	struct err err = ERR_INIT;
	bool granted;

	if (len == 0)
		return 0;
	granted = token_answer_parse((const char *)bytes + 1, len - 1,
				     bytes[0] & 1 ? DATE_WALL_MS : -1, &a, &err);
	if (granted && (!a.token || secret_len(a.token) == 0 || a.life_ms < 0 ||
			a.life_ms > TOKEN_LONGEST_LIFE_MS))
		__builtin_trap();
	if (granted != (err.code == ERR_NONE) || (!granted && err.code != ERR_NO_CREDENTIAL))
		__builtin_trap();
	token_answer_clear(&a);
	err_clear(&err);
	return 0;
}
