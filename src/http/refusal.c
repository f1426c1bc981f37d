#include "http/refusal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "wire/js.h"

#include <string.h>

#define WORDS_MAX 400

static const char *const unauthenticated[] = {
	"unauthenticated",     "invalid_token", "expired",	  "authentication required",
	"no valid credential", "unauthorized",	"not logged in",  "invalid username",
	"incorrect username",  "no basic auth", "bad credential", "invalid credential",
	"authorization token",
};

static const char *const denied[] = {
	"insufficient_scope", "denied", "permission", "forbidden", "not authorized", "access",
};

static bool says_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(text, list[i]))
			return true;
	return false;
}

static bool challenge_says(const char *const *challenges, const char *what)
{
	for (; challenges && *challenges; challenges++)
		if (strcasestr(*challenges, what))
			return true;
	return false;
}

bool refusal_read(int status, const char *words, const char *const *challenges,
		  struct http_refusal *ret)
{
	*ret = (struct http_refusal){ .status = status, .words = words, .challenges = challenges };
	if (challenge_says(challenges, "insufficient_scope"))
		ret->says_denied = true;
	else if (says_one_of(words, unauthenticated, ARRAY_SIZE(unauthenticated)))
		ret->says_unauthenticated = true;
	else if (says_one_of(words, denied, ARRAY_SIZE(denied)))
		ret->says_denied = true;
	return status == 401 || status == 403 || (status == 400 && ret->says_unauthenticated);
}

/* On one line; what stands between < and > is markup where TAGS says so. */
static void put_printable(struct buf *out, const char *text, size_t len, bool tags)
{
	bool in_tag = false;

	for (size_t i = 0; i < len && out->len < WORDS_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (tags && c == '<')
			in_tag = true;
		if (!in_tag && c >= 0x20 && c < 0x7f)
			buf_putc(out, (char)c);
		else if (out->len && out->data[out->len - 1] != ' ')
			buf_putc(out, ' ');
		if (c == '>')
			in_tag = false;
	}
	while (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

/*
 * OCI distribution 1.1, "Error Codes". Token endpoints write {"error", "error_description"} or {"details"}, Google's
 * services {"error": {"status", "message"}}.
 */
static void put_json_error(struct buf *out, const struct js *j)
{
	const struct js *first = js_at(js_get(j, "errors"), 0);
	const struct js *error = js_get(j, "error");
	const char *parts[] = {
		js_string(js_get(first, "code")),
		js_string(js_get(first, "message")),
		js_string(error),
		js_string(js_get(j, "error_description")),
		js_string(js_get(error, "status")),
		js_string(js_get(error, "message")),
		js_string(js_get(j, "details")),
		js_string(js_get(j, "message")),
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i])
			continue;
		if (out->len)
			buf_puts(out, ": ");
		put_printable(out, parts[i], strlen(parts[i]), false);
	}
}

char *refusal_words(const char *body, size_t len)
{
	struct buf out = BUF_INIT(2 * WORDS_MAX);
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;

	if (js_parse(body, len, 64 * KIB, ERR_NET, &j, &ignored))
		put_json_error(&out, j);
	err_clear(&ignored);
	if (!out.len)
		put_printable(&out, body, len, true);
	return buf_take(&out);
}

void refusal_name_role(const char *words, struct err *err)
{
	static const struct {
		const char *permission;
		const char *role;
	} roles[] = {
		{ "artifactregistry.repositories.uploadArtifacts",
		  "roles/artifactregistry.writer" },
		{ "artifactregistry.repositories.downloadArtifacts",
		  "roles/artifactregistry.reader" },
		{ "artifactregistry.repositories.createOnPush",
		  "roles/artifactregistry.createOnPushWriter" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strstr(words, roles[i].permission))
			err_hint(err, "grant '%s' on the repository to this identity",
				 roles[i].role);
}
