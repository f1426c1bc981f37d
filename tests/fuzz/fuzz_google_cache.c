/* Any bytes as a token that was kept: one that lives, or an error. */
#include "auth/google_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct google_now now = { .boot_ms = 5000, .wall_ms = 55000, .boot_id = "here" };
	const struct digest key = { "sha256:00" };
	struct google_token t;
	struct err err = ERR_INIT;
	bool ok = google_cache_parse((const char *)bytes, len, &key, &now, &t, &err);

	if (ok != (t.secret != NULL) || ok != (err.code == ERR_NONE))
		__builtin_trap();
	if (ok && (t.life.expires_ms <= now.boot_ms || !secret_len(t.secret)))
		__builtin_trap();
	if (ok && t.life.expires_ms - t.life.minted_ms > TOKEN_LONGEST_LIFE_MS)
		__builtin_trap();
	google_token_clear(&t);
	err_clear(&err);
	return 0;
}
