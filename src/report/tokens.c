#include "report/tokens.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

static void token_clear(struct token *t)
{
	free(t->what);
	free(t->source);
	free(t->fingerprint);
}

void tokens_clear(struct tokens *t)
{
	for (size_t i = 0; i < t->count; i++)
		token_clear(&t->at[i]);
	free(t->at);
	*t = (struct tokens){ 0 };
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

bool token_is_credential(const struct token *t)
{
	return same(t->what, "credential");
}

/* The latest of the same kind and source. */
static struct token *latest_like(const struct tokens *t, const struct event_token *e)
{
	for (size_t i = t->count; i-- > 0;) {
		if (same(t->at[i].what, e->what) && same(t->at[i].source, e->source))
			return &t->at[i];
	}
	return NULL;
}

static struct token *find(const struct tokens *t, const char *fingerprint)
{
	for (size_t i = t->count; fingerprint && i-- > 0;) {
		if (same(t->at[i].fingerprint, fingerprint))
			return &t->at[i];
	}
	return NULL;
}

/* Whether somebody who still had T would have fetched another one by NOW. */
static bool is_spent(const struct token *t, int64_t now_ms)
{
	int64_t life_ms;

	if (t->refused_ms != NEVER_MS || token_is_credential(t))
		return true;
	if (t->expires_ms == NEVER_MS)
		return false;
	life_ms = t->expires_ms - t->obtained_ms;
	return t->expires_ms - now_ms < life_ms / 4;
}

static void drop_second_oldest(struct tokens *t)
{
	token_clear(&t->at[1]);
	memmove(&t->at[1], &t->at[2], (t->count - 2) * sizeof(*t->at));
	t->count--;
}

enum token_news tokens_note(struct tokens *t, const struct event *e,
			    const struct token **ret_before)
{
	const struct token *before;
	enum token_news news = TOKEN_FIRST;
	size_t before_index = 0;

	*ret_before = NULL;
	if (find(t, e->token.fingerprint))
		return TOKEN_SAME;
	if (t->count == TOKENS_MAX)
		drop_second_oldest(t);
	before = latest_like(t, &e->token);
	if (before) {
		before_index = (size_t)(before - t->at);
		news = is_spent(before, e->at_ms) ? TOKEN_RENEWED : TOKEN_ANOTHER;
	}
	t->at = mem_realloc(t->at, t->count + 1, sizeof(*t->at));
	t->at[t->count++] = (struct token){
		.what = mem_strdup_or_null(e->token.what),
		.source = mem_strdup_or_null(e->token.source),
		.fingerprint = mem_strdup_or_null(e->token.fingerprint),
		.obtained_ms = e->at_ms,
		.expires_ms = e->token.expiry_known ? e->token.expires_ms : NEVER_MS,
		.refused_ms = NEVER_MS,
	};
	if (news == TOKEN_RENEWED)
		*ret_before = &t->at[before_index];
	return news;
}

void tokens_refused(struct tokens *t, const struct event *e)
{
	struct token *refused = find(t, e->token.fingerprint);

	if (refused && refused->refused_ms == NEVER_MS)
		refused->refused_ms = e->at_ms;
}

const struct token *tokens_leading(const struct tokens *t)
{
	for (size_t i = t->count; i-- > 0;) {
		if (token_is_credential(&t->at[i]))
			return &t->at[i];
	}
	return t->count ? &t->at[t->count - 1] : NULL;
}
