/*
 * Any bytes as the body of an error; the first one says its status. The words must be one short printable line, and
 * say one thing at most.
 */
#include "base/mem.h"
#include "http/refusal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_words(const char *words)
{
	if (strlen(words) > 1000)
		__builtin_trap();
	for (; *words; words++)
		if (*words < 0x20 || *words > 0x7e)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int statuses[] = { 400, 401, 403, 404, 500 };
	CLEANUP(mem_freep) char *words = NULL;
	struct http_refusal r;
	int status;

	if (len == 0)
		return 0;
	status = statuses[bytes[0] % ARRAY_SIZE(statuses)];
	words = refusal_words((const char *)bytes + 1, len - 1);
	check_words(words);
	if (refusal_read(status, words, NULL, &r) != (status == 401 || status == 403) &&
	    !(status == 400 && r.says_unauthenticated))
		__builtin_trap();
	if (r.says_denied && r.says_unauthenticated)
		__builtin_trap();
	return 0;
}
