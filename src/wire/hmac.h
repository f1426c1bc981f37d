/*
 * HMAC with SHA-256 (RFC 2104, FIPS 180-4): what request signatures are made of.
 */
#ifndef WIRE_HMAC_H
#define WIRE_HMAC_H

#include <stddef.h>

#define HMAC_SHA256_BYTES 32

struct hmac {
	unsigned char bytes[HMAC_SHA256_BYTES];
};

/* A derived key is a secret like the one it comes from: secret_wipe it. */
struct hmac hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len);

/* Lower case. */
#define HMAC_HEX_SIZE (2 * HMAC_SHA256_BYTES + 1)
void hmac_hex(const struct hmac *h, char ret[HMAC_HEX_SIZE]);

#endif
