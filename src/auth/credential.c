#include "auth/google.h"

#include "base/mem.h"
#include "base/strings.h"
#include "wire/js.h"
#include "wire/jwt.h"
#include "wire/time.h"

#include <stdlib.h>
#include <string.h>

#define CREDENTIAL_CEILING (64 * KIB)

void credential_free(struct credential *c)
{
	if (!c)
		return;
	free(c->user);
	secret_free(c->secret);
	free(c->source);
	free(c->principal);
	free(c);
}

/* One line; a token never has a space or a control character in it. A JWT says itself when it ends. */
static bool parse_bare(const char *text, size_t len, int64_t now_wall_ms, struct credential *c,
		       struct err *err)
{
	CLEANUP(jwt_claims_clear) struct jwt_claims claims = { .expires_wall_ms = -1 };

	len = text_trim(&text, len);
	if (!len)
		return err_set(err, ERR_NO_CREDENTIAL, "there is nothing in it");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f)
			return err_set(err, ERR_NO_CREDENTIAL, "it is not one token");
	c->secret = secret_new(text, len);
	c->expiry_known = jwt_read(text, len, &claims) && claims.expires_wall_ms >= 0;
	if (c->expiry_known)
		c->life.expires_ms =
			clock_after(c->life.minted_ms, claims.expires_wall_ms - now_wall_ms);
	return true;
}

static const char *first_string(const struct js *j, const char *const *names)
{
	for (; *names; names++) {
		const char *text = js_string(js_get(j, *names));

		if (text && *text)
			return text;
	}
	return NULL;
}

static void take_expiry(const struct js *j, int64_t asked_ms, int64_t now_wall_ms,
			struct credential *c)
{
	static const char *const moments[] = { "expiry",     "token_expiry", "expireTime",
					       "expires_at", "expiration",   NULL };
	const char *moment = first_string(j, moments);
	double seconds;
	int64_t wall_ms;

	c->expiry_known = true;
	if (moment && time_parse_rfc3339(moment, &wall_ms))
		c->life.expires_ms = clock_after(asked_ms, wall_ms - now_wall_ms);
	else if (js_number(js_get(j, "expires_in"), &seconds) && seconds > 0 && seconds < 1e9)
		c->life.expires_ms = clock_after(asked_ms, (int64_t)(seconds * 1000));
	else
		c->expiry_known = false;
}

static bool parse_object(const struct js *j, int64_t asked_ms, int64_t now_wall_ms,
			 struct credential *c, struct err *err)
{
	static const char *const secrets[] = { "Secret", "access_token", "accessToken", "token",
					       NULL };
	const char *secret = first_string(j, secrets);
	const char *user = js_string(js_get(j, "Username"));

	if (!secret)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "its JSON has no Secret, access_token or token");
	c->secret = secret_new(secret, strlen(secret));
	if (user && strcmp(user, "<token>") == 0)
		c->is_identity_token = true;
	if (user && *user)
		mem_replace(&c->user, user);
	if (c->is_identity_token)
		mem_replace(&c->user, NULL);
	take_expiry(j, asked_ms, now_wall_ms, c);
	return true;
}

bool credential_parse(const char *text, size_t len, const char *user, int64_t asked_ms,
		      int64_t now_wall_ms, struct credential **ret, struct err *err)
{
	CLEANUP(credential_freep) struct credential *c = NEW(struct credential);
	CLEANUP(js_freep) struct js *j = NULL;
	size_t space = 0;

	c->user = mem_strdup_or_null(user);
	c->life = (struct token_life){ .minted_ms = asked_ms, .expires_ms = NEVER_MS };
	c->renewable = true;
	while (space < len && memchr(" \t\r\n", text[space], 4))
		space++;
	if (space < len && text[space] == '{') {
		if (!js_parse(text, len, CREDENTIAL_CEILING, ERR_NO_CREDENTIAL, &j, err) ||
		    !parse_object(j, asked_ms, now_wall_ms, c, err))
			return false;
	} else if (!parse_bare(text, len, now_wall_ms, c, err)) {
		return false;
	}
	*ret = TAKE(c);
	return true;
}

/* Where a word has something behind it, it ends with a colon. */
static const struct {
	const char *word;
	enum value_place place;
} values[] = { { "file:", VALUE_FILE }, { "exec:", VALUE_EXEC }, { "env:", VALUE_ENV } };

static const struct google_word {
	const char *word;
	enum google_place place;
} google_words[] = {
	{ "adc", GOOGLE_ADC },	     { "adc:", GOOGLE_FILE },	   { "metadata", GOOGLE_METADATA },
	{ "gcloud", GOOGLE_GCLOUD }, { "gcloud:", GOOGLE_GCLOUD },
};

/* What stands behind WORD in TEXT: "" for a word that stands alone. NULL when it is not that word. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0)
		return NULL;
	return (word[len - 1] == ':') == (text[len] != '\0') ? text + len : NULL;
}

static const struct google_word *google_word_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(google_words); i++)
		if (behind(text, google_words[i].word))
			return &google_words[i];
	return NULL;
}

bool source_word_is_google(const char *text)
{
	return google_word_of(text) != NULL;
}

/* NULL when it is none of them. */
static struct source *named_source(const char *text, const struct source_options *o)
{
	const struct google_word *google = google_word_of(text);
	const char *where;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if ((where = behind(text, values[i].word)))
			return source_value_new(values[i].place, where,
						o->user ? o->user : CREDENTIAL_USER_DEFAULT);
	if (google) {
		where = behind(text, google->word);
		return source_google_new(google->place, *where ? where : NULL, o->user, o->google,
					 o->sched);
	}
	return strcmp(text, "docker-config") == 0 ? source_docker_config_new(o->authfile) : NULL;
}

bool source_parse(const char *text, const struct source_options *options, struct source **ret,
		  struct err *err)
{
	int word_len = (int)strspn(text, "abcdefghijklmnopqrstuvwxyz-");

	*ret = named_source(text, options);
	if (*ret || strcmp(text, "anon") == 0)
		return true;
	/* beyond a short first word it may be the secret itself that somebody put there by mistake */
	err_set(err, ERR_USAGE, "'%.*s...' is no credential source", word_len <= 16 ? word_len : 0,
		text);
	err_hint(err, "file:PATH, exec:COMMAND, env:VARIABLE, adc, adc:FILE, metadata, gcloud, "
		      "gcloud:ACCOUNT, docker-config or anon");
	return false;
}
