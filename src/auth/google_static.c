/*
 * A token that somebody else has minted, as CLOUDSDK_AUTH_ACCESS_TOKEN or a file has it. When it ends stands in
 * itself if it is a JWT; of others Google's tokeninfo is asked. Where neither tells it is not known, and that is said
 * once.
 */
#include "auth/google.h"

#include "base/mem.h"
#include "base/stream.h"
#include "wire/jwt.h"

#include <stdatomic.h>
#include <string.h>

#define TOKENINFO "https://oauth2.googleapis.com/tokeninfo"
#define TOKENINFO_MS 5000

struct static_token {
	struct google_minter minter;
	struct secret *token; /* or what PATH has */
	char *path;
	atomic_bool has_told;
};

static bool read_token_file(const char *path, struct secret **ret, struct err *err)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(GOOGLE_FILE_CEILING);
	const char *from;
	size_t len;

	if (!file_read_all(path, &text, err)) {
		err->code = ERR_NO_CREDENTIAL;
		return false;
	}
	from = buf_str(&text) + strspn(buf_str(&text), " \t\r\n");
	len = strcspn(from, " \t\r\n");
	if (!len || from[len + strspn(from + len, " \t\r\n")] ||
	    from + len > buf_str(&text) + text.len)
		return err_set(err, ERR_NO_CREDENTIAL, "'%s' has not one token in it", path);
	*ret = secret_new(from, len);
	return true;
}

static bool life_in_itself(struct google_token *t, const struct world *w)
{
	CLEANUP(jwt_claims_clear) struct jwt_claims c = { .expires_wall_ms = -1 };

	if (!jwt_read(secret_reveal(t->secret), secret_len(t->secret), &c) || c.expires_wall_ms < 0)
		return false;
	t->life.expires_ms =
		clock_after(t->life.minted_ms, c.expires_wall_ms - clock_wall_ms(w->clock));
	return true;
}

static bool life_in_answer(struct google_token *t, const struct http_answer *answer)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;
	double seconds;

	if (!js_parse(answer->body, answer->body_len, HTTP_ANSWER_CEILING, ERR_NO_CREDENTIAL, &j,
		      &ignored)) {
		err_clear(&ignored);
		return false;
	}
	if (!token_seconds_of_json(js_get(j, "expires_in"), &seconds) || seconds < 0)
		return false;
	t->life.expires_ms = clock_after(answer->sent_ms, (int64_t)(seconds * 1000));
	return true;
}

/* One short question: it is not worth a wait, and Google knows its own universe's tokens only. */
static bool life_by_asking(const struct google_minter *m, struct google_token *t,
			   const struct world *w, struct err *err)
{
	struct retry_policy once = *m->options->policy;
	struct google_options options = *m->options;
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(buf_wipe) struct buf form = BUF_INIT(GOOGLE_FORM_CEILING);
	struct http_call call;

	if (strcmp(m->universe, GOOGLE_UNIVERSE_DEFAULT) != 0)
		return false;
	once.retries = 1;
	options.policy = &once;
	google_form_add(&form, "access_token", secret_reveal(t->secret));
	call = google_form_call("token's life", TOKENINFO, &form);
	call.answer_ms = TOKENINFO_MS;
	return google_ask(&options, w, &call, &answer, err) && life_in_answer(t, &answer);
}

static void tell_unknown(struct static_token *s, const struct world *w)
{
	if (!atomic_exchange(&s->has_told, true))
		world_note(w, EVENT_NOTE,
			   "how long the token of %s lives is not known, and it cannot be renewed",
			   s->minter.origin);
}

static bool static_mint(struct google_minter *m, const struct world *w,
			const struct google_want *want, struct google_token *ret, struct err *err)
{
	struct static_token *s = (struct static_token *)m;
	struct google_token t = { .life = { world_now_ms(w), NEVER_MS } };
	struct err failed = ERR_INIT;

	(void)want;
	if (s->path && !read_token_file(s->path, &t.secret, err))
		return false;
	if (!s->path)
		t.secret = secret_dup(s->token);
	t.expiry_known = life_in_itself(&t, w) || life_by_asking(m, &t, w, &failed);
	if (!t.expiry_known && (failed.code == ERR_CANCELLED || failed.code == ERR_TIMEOUT)) {
		google_token_clear(&t);
		err_move(err, &failed);
		return false;
	}
	err_clear(&failed);
	if (!t.expiry_known)
		tell_unknown(s, w);
	*ret = t;
	return true;
}

static void static_free(struct google_minter *m)
{
	struct static_token *s = (struct static_token *)m;

	secret_free(s->token);
	free(s->path);
	google_minter_clear(m);
	free(s);
}

static const struct google_minter_ops static_ops = { .mint = static_mint, .free = static_free };

static struct static_token *new_static(const struct google_options *options)
{
	struct static_token *s = NEW(struct static_token);

	s->minter = (struct google_minter){ .ops = &static_ops, .options = options };
	s->minter.kind = "access token";
	s->minter.universe = google_universe_of(NULL);
	return s;
}

struct google_minter *google_static_new(struct secret *token, const char *origin,
					const struct google_options *options)
{
	struct static_token *s = new_static(options);

	s->token = token;
	s->minter.origin = mem_strdup(origin);
	return &s->minter;
}

struct google_minter *google_token_file_new(const char *path, const char *how,
					    const struct google_options *options)
{
	struct static_token *s = new_static(options);

	s->path = mem_strdup(path);
	s->minter.origin = mem_printf("'%s', %s", path, how);
	s->minter.renewable = true;
	return &s->minter;
}
