/*
 * JSON web tokens (RFC 7515, RFC 7519): signed with RS256 for those who ask for a token by proving who they are, and
 * read without verifying, to learn when somebody else's token ends and whose it is. Nothing is decided by what is read
 * here but when to ask for another one.
 */
#ifndef WIRE_JWT_H
#define WIRE_JWT_H

#include "base/err.h"
#include "base/secret.h"
#include "wire/js.h"

#include <stdint.h>

#define JWT_CEILING (64 * KIB)

/* An RSA private key. May be used from many threads. */
struct jwt_key;

/*
 * Of a PEM text, PKCS#8 or PKCS#1, unencrypted. Line ends that were escaped twice on their way through JSON or an
 * environment are taken for line ends. Fails with ERR_NO_CREDENTIAL, which tells nothing of the text.
 */
MUST_USE bool jwt_key_parse(const struct secret *pem, struct jwt_key **ret, struct err *err);
void jwt_key_free(struct jwt_key *k);
DEFINE_FREEP(struct jwt_key, jwt_key_free)

/* "header.claims.signature"; HEADER says itself that it is RS256. Fails with ERR_NO_CREDENTIAL. */
MUST_USE bool jwt_sign(const struct jwt_key *key, const struct js *header, const struct js *claims,
		       struct secret **ret, struct err *err);

struct jwt_claims {
	int64_t expires_wall_ms; /* -1: not said */
	char *subject;		 /* NULL: not said */
	char *email;		 /* NULL: not said */
};

/* False for what is no signed JWT: three parts, of which the first two are JSON objects. Verifies nothing. */
MUST_USE bool jwt_read(const char *text, size_t len, struct jwt_claims *ret);
void jwt_claims_clear(struct jwt_claims *c);

#endif
