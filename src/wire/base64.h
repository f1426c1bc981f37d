/*
 * Base64 in the standard alphabet with padding (RFC 4648 §4), as HTTP Basic and docker's config.json use it.
 */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "base/secret.h"

#include <stdbool.h>

/* The caller frees. */
char *base64_encode(const void *bytes, size_t len);

/*
 * False for anything but whole, padded groups; spaces around the text are tolerated. What was encoded is most
 * often a secret, so it comes out as one.
 */
MUST_USE bool base64_decode(const char *text, struct secret **ret);

/* In the URL-safe alphabet without padding (RFC 4648 §5), as JSON web tokens have it. */
char *base64url_encode(const void *bytes, size_t len);
MUST_USE bool base64url_decode(const char *text, size_t len, struct secret **ret);

#endif
