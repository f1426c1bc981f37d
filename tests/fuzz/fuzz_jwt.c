/* Any bytes as a token: what is read of it is whole text, and a moment that somebody can live to see. */
#include "wire/jwt.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct jwt_claims c;
	bool read = jwt_read((const char *)bytes, len, &c);

	if (c.expires_wall_ms < -1 || c.expires_wall_ms > INT64_C(253402300799999))
		__builtin_trap();
	if (!read && (c.expires_wall_ms != -1 || c.subject || c.email))
		__builtin_trap();
	jwt_claims_clear(&c);
	return 0;
}
