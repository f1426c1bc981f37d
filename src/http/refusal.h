/*
 * Reading a refusal: does an answer turn the token away, and does it say that nobody was known, or that somebody
 * known may not? Registries say it in 401, 403 and 400, with and without words; Google's words for an anonymous
 * request name a permission too, so those are looked for first.
 */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include "http/authorizer.h"

/*
 * Whether an answer with STATUS and body text WORDS ("" when there is none) turns the token away. Fills what the
 * words say. RET borrows WORDS and CHALLENGES.
 */
bool refusal_read(int status, const char *words, const char *const *challenges,
		  struct http_refusal *ret);

/*
 * One printable line out of an error body: the code and message of {"errors": [...]} where there is one, else
 * the beginning of the text without tags. The caller frees.
 */
char *refusal_words(const char *body, size_t len);

/*
 * Of a denial: adds to ERR, as what to try, the Google role that holds the permission which WORDS name; nothing when
 * they name none that we know.
 */
void refusal_name_role(const char *words, struct err *err);

#endif
