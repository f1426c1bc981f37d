/* What an answer says in its headers, and an error out of one that is no success. */
#include "http/answer.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>

#define YEAR_10000_S 253402300800LL

static char *media_type_of(const char *value)
{
	size_t len = strcspn(value, "; \t");
	char *type = mem_strndup(value, len);

	for (char *c = type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return type;
}

static int64_t number_of(const char *digits, int64_t otherwise)
{
	char *end;
	long long number;

	if (!digits || !isdigit((unsigned char)*digits))
		return otherwise;
	number = strtoll(digits, &end, 10);
	return *end == '\0' ? (int64_t)number : otherwise;
}

static int64_t total_of_range(const char *content_range)
{
	const char *slash = content_range ? strchr(content_range, '/') : NULL;

	return slash ? number_of(slash + 1, -1) : -1;
}

void answer_read_headers(struct http_answer *ret, const struct http_exchange *x,
			 int64_t now_wall_ms)
{
	const char *type = http_header(x, "Content-Type", 0);
	const char *date = http_header(x, "Date", 0);
	const char *location = http_header(x, "Location", 0);
	time_t then = date ? curl_getdate(date, NULL) : -1;
	struct err ignored = ERR_INIT;

	ret->status = http_status(x);
	ret->content_type = type ? media_type_of(type) : NULL;
	ret->content_length = number_of(http_header(x, "Content-Length", 0), -1);
	ret->range_total = total_of_range(http_header(x, "Content-Range", 0));
	ret->chunk_min_bytes = number_of(http_header(x, "OCI-Chunk-Min-Length", 0), 0);
	ret->date_wall_ms = then < 0 || then > YEAR_10000_S ? -1 : (int64_t)then * 1000;
	ret->retry_after_ms =
		retry_after_parse(http_header(x, "Retry-After", 0), date, now_wall_ms);
	if (location && !url_resolve(ret->url, location, &ret->location, &ignored))
		err_clear(&ignored);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(ret->challenges); i++) {
		ret->challenges[i] = mem_strdup_or_null(http_header(x, "WWW-Authenticate", i));
		if (!ret->challenges[i])
			break;
	}
}

void http_answer_clear(struct http_answer *a)
{
	if (a->body)
		secret_wipe(a->body, a->body_len); /* it may have been a token */
	free(a->url);
	free(a->body);
	free(a->location);
	free(a->content_type);
	free(a->wanted_header);
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
