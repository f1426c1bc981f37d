/*
 * The token clock: how long a token lives is taken from the answer that brought it, kept as an absolute moment
 * on boot time, counted from when the request for it was sent (law 3). Pure functions.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "base/secret.h"
#include "base/world.h"
#include "wire/js.h"

/* The specification's default, and what stands for a life that makes no sense. */
#define TOKEN_DEFAULT_LIFE_MS 60000

/* Longer than any registry token; a number beyond it is taken for a mistake. */
#define TOKEN_LONGEST_LIFE_MS (int64_t)(30 * 24 * 3600 * 1000LL)

struct token_life {
	int64_t minted_ms;  /* boot clock */
	int64_t expires_ms; /* boot clock, NEVER_MS when it does not expire */
};

/*
 * Whether a token should be used for a request sent NOW that may take NEED_MS. A token is never used in the last
 * tenth of its life (10 s at most); one that is no longer young is renewed before a request that might outlive it.
 */
bool token_is_fresh(const struct token_life *life, int64_t now_ms, int64_t need_ms);

/* What a token endpoint answers (Docker token authentication, "Token Response Fields"; OAuth2 the same). */
struct token_answer {
	struct secret *token;
	int64_t life_ms;	      /* since the answer's issued_at, or since it was asked for */
	bool life_said;		      /* else it is the default */
	struct secret *refresh_token; /* NULL when there is none */
};

/*
 * EXPIRES_IN may be a number or the text of one; absent, not positive or absurd ones mean the default. With
 * issued_at and the answer's own Date, the time between them is taken off. Fails with ERR_NO_CREDENTIAL.
 */
MUST_USE bool token_answer_parse(const char *body, size_t len, int64_t date_wall_ms,
				 struct token_answer *ret, struct err *err);
void token_answer_clear(struct token_answer *a);

/* A token out of JSON: it becomes a part of a header, so there is no space or control character in it. Else NULL. */
struct secret *token_of_json(const struct js *j);

/* "expires_in": seconds as a number or as its text. False when it is neither, or absurd. */
MUST_USE bool token_seconds_of_json(const struct js *expires_in, double *ret_seconds);

#endif
