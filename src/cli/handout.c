#include "cli/handout.h"

#include "auth/google.h"
#include "auth/google_cache.h"
#include "base/mem.h"

#include <string.h>
#include <strings.h>

/* Whoever asks for a token waits for it, and asks again. */
#define STRANGER_MS 10000
#define FAULT_MS 20000

static bool matches(const char *pattern, const char *host)
{
	size_t len = strlen(host), tail;

	if (strncmp(pattern, "*.", 2) != 0)
		return strcasecmp(pattern, host) == 0;
	tail = strlen(pattern + 1);
	return len > tail && strcasecmp(host + len - tail, pattern + 1) == 0;
}

bool handout_is_for(const struct common_settings *s, const char *host)
{
	if (google_is_registry(host))
		return true;
	for (size_t i = 0; i < s->credential_hosts.count; i++)
		if (matches(s->credential_hosts.at[i], host))
			return true;
	return false;
}

static bool check_life(const struct common_settings *s, const struct world *w,
		       const struct credential *c, struct err *err)
{
	int64_t least_ms = s->connect.min_token_life_ms;
	int64_t left_ms = c->life.expires_ms - world_now_ms(w);

	if (!c->expiry_known || left_ms >= (least_ms ? least_ms : 1))
		return true;
	err_set(err, ERR_NO_CREDENTIAL, "the token of %s ends in %lld s", c->source,
		(long long)(left_ms > 0 ? left_ms : 0) / 1000);
	if (least_ms)
		err_cause(err, "--min-token-life (LANDED_MIN_TOKEN_LIFE) asks for %lld s",
			  (long long)least_ms / 1000);
	return false;
}

static void tell(const struct world *w, const struct credential *c)
{
	char fingerprint[FINGERPRINT_SIZE];

	secret_fingerprint(c->secret, fingerprint);
	world_tell(w, &(struct event){ .kind = EVENT_TOKEN,
				       .token = { .what = "credential",
						  .source = c->source,
						  .fingerprint = fingerprint,
						  .expires_ms = c->life.expires_ms,
						  .expiry_known = c->expiry_known } });
}

static bool no_login(const char *host, struct err *err)
{
	err_set(err, ERR_NO_CREDENTIAL, "no login for '%s' was found", host);
	err_hint(err, "gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS, "
		      "or LANDED_CRED");
	return false;
}

static bool obtain(const struct sources *sources, const struct common_settings *s,
		   const struct world *w, const char *host, struct credential **ret,
		   struct err *err)
{
	const struct credential_target target = { .host = host, .repository = "" };
	CLEANUP(credential_freep) struct credential *c = NULL;

	if (!sources_obtain(sources, w, &target, &c, err))
		return false;
	if (!c)
		return no_login(host, err);
	if (!check_life(s, w, c, err))
		return false;
	tell(w, c);
	*ret = TAKE(c);
	return true;
}

bool handout_obtain(const struct common_settings *s, const struct world *w, const char *host,
		    struct credential **ret, struct err *err)
{
	CLEANUP(mem_freep) char *cache_dir = google_cache_dir();
	CLEANUP(sources_freep) struct sources *sources = NULL;
	struct sources_options options = connect_sources(&s->connect);
	struct retry_policy policy = RETRY_POLICY_DEFAULT;
	struct world near = *w;

	policy.retries = s->connect.retries;
	policy.stranger_ms = STRANGER_MS;
	policy.fault_ms = FAULT_MS;
	options.hands_out = true;
	options.cache_dir = cache_dir;
	options.wanted_life_ms = s->connect.min_token_life_ms;
	near.deadline_ms = clock_after(world_now_ms(w), HANDOUT_MS);
	if (near.deadline_ms > w->deadline_ms)
		near.deadline_ms = w->deadline_ms;
	return sources_new(&options, &policy, w, &sources, err) &&
	       obtain(sources, s, &near, host, ret, err);
}

void handout_forget(void)
{
	CLEANUP(mem_freep) char *dir = google_cache_dir();
	struct google_cache cache = { .fd = -1 };
	struct err ignored = ERR_INIT;

	if (dir && google_cache_open(dir, &cache, &ignored)) {
		google_cache_erase(&cache);
		google_cache_close(&cache);
	}
	err_clear(&ignored);
}
