/*
 * The tokens that were seen, and which of them took the place of another. Not locked: its owner is an observer
 * with a monitor of its own.
 */
#ifndef REPORT_TOKENS_H
#define REPORT_TOKENS_H

#include "base/observer.h"

/* More are not kept: the second oldest makes room, the first stays. */
#define TOKENS_MAX 256

struct token {
	char *what;
	char *source;
	char *fingerprint;
	int64_t obtained_ms; /* boot clock, as all of these */
	int64_t expires_ms;  /* NEVER_MS: not known */
	int64_t refused_ms;  /* NEVER_MS: it was not */
};

struct tokens {
	struct token *at;
	size_t count;
};

enum token_news {
	TOKEN_FIRST,   /* of its kind and source */
	TOKEN_RENEWED, /* in the place of *ret_before, which was refused or near its end */
	TOKEN_ANOTHER, /* beside one that is still good: another conversation's */
	TOKEN_SAME,    /* seen before */
};

/* Takes note of an EVENT_TOKEN. */
enum token_news tokens_note(struct tokens *t, const struct event *e,
			    const struct token **ret_before);

/* Takes note of an EVENT_REFUSED. */
void tokens_refused(struct tokens *t, const struct event *e);

/* The one that the work stands and falls with: the latest credential, or the latest token when there is none. */
const struct token *tokens_leading(const struct tokens *t);

bool token_is_credential(const struct token *t);
void tokens_clear(struct tokens *t);

#endif
