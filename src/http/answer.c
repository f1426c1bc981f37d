/* What an answer says in its headers, and an error out of one that is no success. */
#include "http/client.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <string.h>

void http_answer_clear(struct http_answer *a)
{
	if (a->body)
		secret_wipe(a->body, a->body_len); /* it may have been a token */
	free(a->url);
	free(a->body);
	free(a->location);
	free(a->content_type);
	for (size_t i = 0; i < ARRAY_SIZE(a->challenges) && a->challenges[i]; i++)
		free(a->challenges[i]);
	*a = (struct http_answer){ 0 };
}

char *http_answer_words(const struct http_answer *a)
{
	CLEANUP(mem_freep) char *words = refusal_words(a->body, a->body_len);

	return *words ? mem_printf("%d: %s", a->status, words) : mem_printf("%d", a->status);
}

/* What has no code of its own is the other side's trouble: its words are the best there is. */
static enum err_code code_of_status(int status)
{
	switch (status) {
	case 401:
		return ERR_REFUSED;
	case 403:
		return ERR_DENIED;
	case 429:
		return ERR_RATE_LIMITED;
	default:
		return ERR_NET;
	}
}

bool http_answer_err(const struct http_call *call, const struct http_answer *answer,
		     struct err *err)
{
	CLEANUP(mem_freep) char *shown = url_shown(call->url);
	CLEANUP(mem_freep) char *words = http_answer_words(answer);

	err_set(err, code_of_status(answer->status), "%s of the %s was answered with %d",
		call->method, call->what, answer->status);
	err_evidence(err, "%s %s: %s", call->method, shown, words);
	return false;
}
