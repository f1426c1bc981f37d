/* Who may do what: passwords for the token endpoint, tokens for the registry. */
#include "sim/sim_tokens.h"

#include "base/mem.h"
#include "wire/base64.h"

#include <stdio.h>
#include <string.h>

#define GOOGLE_WORDS                                                                    \
	"Unauthenticated request. Unauthenticated requests do not have permission "     \
	"\\\"artifactregistry.repositories.uploadArtifacts\\\" on resource (or it may " \
	"not exist)"

static void tokens_free(struct sim_token **list)
{
	while (*list) {
		struct sim_token *t = *list;

		*list = t->next;
		free(t->text);
		free(t->scope);
		free(t);
	}
}

static struct sim_token *token_add(struct sim_registry *r, struct sim_token **list,
				   const char *prefix, const char *scope, int64_t expires_ms)
{
	struct sim_token *t = NEW(struct sim_token);

	t->text = mem_printf("%s-%lld", prefix, (long long)++r->last_id);
	t->scope = mem_strdup(scope);
	t->expires_ms = expires_ms;
	t->uses_left = r->options.token_uses;
	t->next = *list;
	*list = t;
	return t;
}

const char *sim_registry_mint(struct sim_registry *r, const char *scope, int64_t now_ms)
{
	return token_add(r, &r->tokens, "token", scope, now_ms + r->options.token_life_ms)->text;
}

const char *sim_registry_password(struct sim_registry *r, int64_t expires_ms)
{
	return token_add(r, &r->passwords, "password", "", expires_ms)->text;
}

void sim_registry_kill_tokens(struct sim_registry *r)
{
	tokens_free(&r->tokens);
}

static struct sim_token *token_find(struct sim_token *list, const char *text, int64_t now_ms)
{
	for (; list; list = list->next)
		if (strcmp(list->text, text) == 0)
			return now_ms < list->expires_ms ? list : NULL;
	return NULL;
}

void sim_registry_challenge(const struct sim_registry *r, struct sim_answer *a)
{
	if (r->options.auth == SIM_AUTH_BASIC)
		sim_answer_header(a, "WWW-Authenticate", "Basic realm=\"sim\"");
	else if (r->options.auth == SIM_AUTH_BEARER)
		sim_answer_header(a, "WWW-Authenticate",
				  "Bearer realm=\"" SIM_BASE "/token\",service=\"sim\"");
}

static bool basic_is_known(struct sim_registry *r, const char *value, int64_t now_ms)
{
	CLEANUP(secret_freep) struct secret *pair = NULL;
	const char *colon;

	if (!value || strncmp(value, "Basic ", 6) != 0 || !base64_decode(value + 6, &pair))
		return false;
	colon = strchr(secret_reveal(pair), ':');
	return colon && token_find(r->passwords, colon + 1, now_ms);
}

/* "repository:NAME:pull,push" among the token's resources, separated by blanks. */
static bool scope_has(const char *scope, const char *repo, const char *action)
{
	CLEANUP(mem_freep) char *head = mem_printf("repository:%s:", repo);
	const char *at = strstr(scope, head);
	const char *actions;
	size_t len;

	if (!at)
		return false;
	actions = at + strlen(head);
	len = strcspn(actions, " ");
	at = strstr(actions, action);
	return at && (size_t)(at - actions) < len;
}

static bool is_reading(const struct sim_request *q)
{
	return q->what == SIM_BLOB_HEAD || q->what == SIM_BLOB_GET || q->what == SIM_MANIFEST_GET;
}

static bool token_suffices(struct sim_registry *r, const struct sim_request *q, int64_t now_ms)
{
	struct sim_token *t;

	if (!q->authorization || strncmp(q->authorization, "Bearer ", 7) != 0)
		return false;
	t = token_find(r->tokens, q->authorization + 7, now_ms);
	if (!t || !scope_has(t->scope, q->repo, is_reading(q) ? "pull" : "push"))
		return false;
	if (!r->options.token_uses)
		return true;
	if (!t->uses_left)
		return false;
	t->uses_left--;
	return true;
}

bool sim_tokens_let_in(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret)
{
	bool ok = r->options.auth == SIM_AUTH_NONE;

	if (r->options.auth == SIM_AUTH_BASIC)
		ok = basic_is_known(r, q->authorization, now_ms);
	else if (r->options.auth == SIM_AUTH_BEARER)
		ok = q->repo && token_suffices(r, q, now_ms);
	if (ok)
		return true;
	r->refused += q->what != SIM_PING;
	if (r->options.says_403 && q->authorization) {
		sim_answer_error(ret, 403, "DENIED", GOOGLE_WORDS);
		return false;
	}
	sim_answer_error(ret, 401, "UNAUTHORIZED", "authentication required");
	sim_registry_challenge(r, ret);
	return false;
}

/* %3A and %2F and %2C are all that an encoder makes of a scope. */
static char *decoded(const char *text, size_t len)
{
	char *out = mem_alloc(len + 1);
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned int c;

		if (text[i] == '%' && i + 2 < len && sscanf(text + i + 1, "%2x", &c) == 1) {
			out[at++] = (char)c;
			i += 2;
		} else {
			out[at++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

/* All scopes of a token request, joined. */
static char *scopes_of(const char *query)
{
	struct buf all = BUF_INIT(BUF_TEXT_CEILING);

	for (const char *at = strstr(query, "scope="); at; at = strstr(at, "scope=")) {
		CLEANUP(mem_freep) char *one = NULL;

		at += strlen("scope=");
		one = decoded(at, strcspn(at, "&"));
		buf_printf(&all, "%s%s", all.len ? " " : "", one);
	}
	buf_puts(&all, "");
	return all.data ? buf_take(&all) : mem_strdup("");
}

void sim_tokens_answer(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret)
{
	CLEANUP(mem_freep) char *scope = scopes_of(q->query);

	if (!basic_is_known(r, q->authorization, now_ms)) {
		sim_answer_error(ret, 401, "UNAUTHORIZED", "incorrect username or password");
		r->refused++;
		return;
	}
	ret->status = 200;
	sim_answer_header(ret, "Content-Type", "application/json");
	buf_printf(&ret->body, "{\"token\":\"%s\"", sim_registry_mint(r, scope, now_ms));
	if (!r->options.keeps_life_to_itself)
		buf_printf(&ret->body, ",\"expires_in\":%lld",
			   (long long)(r->options.token_life_ms / 1000
					       ? r->options.token_life_ms / 1000
					       : 1));
	buf_puts(&ret->body, "}");
}

void sim_tokens_clear(struct sim_registry *r)
{
	tokens_free(&r->tokens);
	tokens_free(&r->passwords);
}
