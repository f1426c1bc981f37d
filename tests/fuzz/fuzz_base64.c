/*
 * Any bytes as base64, and any bytes into base64 and back.
 */
#include "base/mem.h"
#include "wire/base64.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	CLEANUP(mem_freep) char *encoded = base64_encode(bytes, len);
	CLEANUP(secret_freep) struct secret *decoded = NULL;
	CLEANUP(secret_freep) struct secret *back = NULL;

	if (base64_decode(text, &decoded) && secret_len(decoded) > strlen(text) / 4 * 3)
		__builtin_trap();
	if (!base64_decode(encoded, &back) || secret_len(back) != len ||
	    (len && memcmp(secret_reveal(back), bytes, len) != 0))
		__builtin_trap();
	return 0;
}
