/*
 * Any bytes as a script, as its output and as the files it writes. Whatever is claimed must be a name that can be asked
 * for.
 */
#include "base/mem.h"
#include "cli/exec_claims.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct claims *c)
{
	if (c->count > CLAIMS_MAX)
		__builtin_trap();
	for (size_t i = 0; i < c->count; i++) {
		const struct claim *claim = &c->at[i];

		if (!claim->ref.host || !claim->ref.repository)
			__builtin_trap();
		if (*claim->digest.text && !digest_is_valid(claim->digest.text))
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	char *const words[] = { (char *)"sh", (char *)"-c", text };
	struct claims_output output;
	struct claims c = { 0 };

	claims_of_line(&c, words, ARRAY_SIZE(words));
	claims_output_init(&output, &c);
	claims_output_add(&output, (const char *)bytes, len);
	claims_output_finish(&output);
	check(&c);
	claims_of_metadata(&c, (const char *)bytes, len);
	claims_of_digest_file(&c, (const char *)bytes, len);
	check(&c);
	claims_drop_guesses(&c);
	claims_clear(&c);
	return 0;
}
