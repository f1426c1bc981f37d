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

#endif
