/*
 * A secret is a type of its own: it is never printed, wiped when freed, and seen in the clear only through
 * secret_reveal, so that `git grep secret_reveal` lists every place that does.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/macros.h"

#include <stdbool.h>

struct secret;

struct secret *secret_new(const char *bytes, size_t len);
struct secret *secret_dup(const struct secret *s); /* NULL stays NULL */
void secret_free(struct secret *s);
DEFINE_FREEP(struct secret, secret_free)

/* NUL terminated, lives as long as S. */
const char *secret_reveal(const struct secret *s);
size_t secret_len(const struct secret *s);

/* In constant time for equal lengths; two NULLs are the same. */
bool secret_same(const struct secret *a, const struct secret *b);

/* Wipes bytes that held a secret on their way in or out. */
void secret_wipe(void *bytes, size_t len);

#endif
