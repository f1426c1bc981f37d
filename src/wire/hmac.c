#include "wire/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

struct hmac hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len)
{
	struct hmac h = { { 0 } };

	HMAC(EVP_sha256(), key, (int)key_len, bytes, len, h.bytes, NULL);
	return h;
}

void hmac_hex(const struct hmac *h, char ret[HMAC_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < HMAC_SHA256_BYTES; i++) {
		ret[2 * i] = digits[h->bytes[i] >> 4];
		ret[2 * i + 1] = digits[h->bytes[i] & 15];
	}
	ret[HMAC_HEX_SIZE - 1] = '\0';
}
