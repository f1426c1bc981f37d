/*
 * Content digests: `algorithm:encoded` (OCI image 1.1, descriptor.md, "Digests"). Only the two registered
 * algorithms exist for us: sha256 and sha512. A digest is a value: copy it.
 */
#ifndef WIRE_DIGEST_H
#define WIRE_DIGEST_H

#include "base/err.h"
#include "base/secret.h"

#include <stdint.h>

/* "sha512:" and 128 digits and the NUL. */
#define DIGEST_TEXT_SIZE 136

struct digest {
	char text[DIGEST_TEXT_SIZE]; /* canonical; "" is no digest */
};

/* Lower-case hex of exactly the algorithm's length; everything else fails with CODE. */
MUST_USE bool digest_parse(const char *text, enum err_code code, struct digest *ret,
			   struct err *err);
bool digest_is_valid(const char *text);

bool digest_same(const struct digest *a, const struct digest *b);

/* The part behind the colon, and the length of the part before it. */
const char *digest_hex(const struct digest *d);
int digest_algorithm_len(const struct digest *d);

/* For people: twelve digits, in a static form that printf can take: "%.12s". */
#define DIGEST_SHORT(d) digest_hex(d)

struct hasher;

/* Hashes with the algorithm that LIKE has; NULL means sha256. */
struct hasher *hasher_new(const struct digest *like);
void hasher_free(struct hasher *h);
DEFINE_FREEP(struct hasher, hasher_free)
void hasher_add(struct hasher *h, const void *bytes, size_t len);
int64_t hasher_bytes(const struct hasher *h);

/* Begin again with nothing hashed. */
void hasher_reset(struct hasher *h);

/* What was added so far; H must be reset before it hashes again. */
struct digest hasher_finish(struct hasher *h);

struct digest digest_of(const void *bytes, size_t len); /* sha256 */

/*
 * A name for a secret that tells nothing about it: the last 8 hex digits of its SHA-256. Text of size
 * FINGERPRINT_SIZE.
 */
#define FINGERPRINT_SIZE 9
void secret_fingerprint(const struct secret *s, char ret[FINGERPRINT_SIZE]);

#endif
