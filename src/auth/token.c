#include "auth/token.h"

#include "wire/time.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_CEILING (1 * MIB)
#define MARGIN_LONGEST_MS 10000

bool token_is_fresh(const struct token_life *life, int64_t now_ms, int64_t need_ms)
{
	int64_t whole_ms, left_ms, margin_ms, age_ms = now_ms - life->minted_ms;

	if (life->expires_ms == NEVER_MS)
		return true;
	whole_ms = life->expires_ms - life->minted_ms;
	left_ms = life->expires_ms - now_ms;
	margin_ms = whole_ms / 10 < MARGIN_LONGEST_MS ? whole_ms / 10 : MARGIN_LONGEST_MS;
	if (left_ms <= margin_ms)
		return false;
	return need_ms <= left_ms || age_ms <= whole_ms / 10;
}

bool token_seconds_of_json(const struct js *expires_in, double *ret_seconds)
{
	const char *text = js_string(expires_in);
	char *end;

	if (text) {
		*ret_seconds = strtod(text, &end);
		if (end == text || *end)
			return false;
	} else if (!js_number(expires_in, ret_seconds)) {
		return false;
	}
	return *ret_seconds * 1000 <= (double)TOKEN_LONGEST_LIFE_MS &&
	       *ret_seconds * 1000 >= -(double)TOKEN_LONGEST_LIFE_MS;
}

static int64_t life_of(const struct js *expires_in, bool *ret_said)
{
	double seconds;

	*ret_said = token_seconds_of_json(expires_in, &seconds) && seconds > 0;
	return *ret_said ? (int64_t)(seconds * 1000) : TOKEN_DEFAULT_LIFE_MS;
}

/* How old the token was when it was handed out: caches answer with yesterday's. */
static int64_t age_of(const struct js *issued_at, int64_t date_wall_ms)
{
	const char *text = js_string(issued_at);
	int64_t issued_wall_ms;

	if (!text || date_wall_ms < 0 || !time_parse_rfc3339(text, &issued_wall_ms))
		return 0;
	/* Date has whole seconds only, cut off */
	return date_wall_ms > issued_wall_ms ? date_wall_ms - issued_wall_ms : 0;
}

/* RFC 6750 §2.1 */
struct secret *token_of_json(const struct js *j)
{
	const char *text = js_string(j);

	if (!text || !*text)
		return NULL;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return NULL;
	return secret_new(text, strlen(text));
}

bool token_answer_parse(const char *body, size_t len, int64_t date_wall_ms,
			struct token_answer *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	int64_t age_ms;

	*ret = (struct token_answer){ 0 };
	if (!js_parse(body, len, ANSWER_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return err_wrap(err, "the token endpoint's answer");
	ret->token = token_of_json(js_get(j, "token"));
	if (!ret->token)
		ret->token = token_of_json(js_get(j, "access_token"));
	if (!ret->token)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the token endpoint's answer has no token in it");
	ret->refresh_token = token_of_json(js_get(j, "refresh_token"));
	ret->life_ms = life_of(js_get(j, "expires_in"), &ret->life_said);
	age_ms = age_of(js_get(j, "issued_at"), date_wall_ms);
	if (age_ms > 0 && age_ms < ret->life_ms)
		ret->life_ms -= age_ms;
	return true;
}

void token_answer_clear(struct token_answer *a)
{
	secret_free(a->token);
	secret_free(a->refresh_token);
	*a = (struct token_answer){ 0 };
}
