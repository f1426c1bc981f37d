/*
 * Google's access tokens as passwords for registries. Where they come from is looked for when one is first wanted, and
 * again after it has failed: a key may have been put in the place of another. One worker looks and asks at a time,
 * because metadata servers cope badly with several.
 */
#include "auth/google.h"

#include "base/mem.h"

#include <string.h>

/* How long it is believed that nobody is logged in: looking may mean waiting for a metadata server. */
#define NOBODY_MS 60000

struct google_source {
	struct source source;
	enum google_place place;
	char *where;
	char *user;
	const struct google_options *options;
	struct sched *sched;

	struct monitor *monitor;
	bool busy;
	/* By whoever is busy. */
	struct google_minter *minter;
	int64_t nobody_until_ms;
};

static const char *const words[] = {
	[GOOGLE_ADC] = "adc",	    [GOOGLE_FILE] = "adc", [GOOGLE_METADATA] = "metadata",
	[GOOGLE_GCLOUD] = "gcloud", [GOOGLE_ANY] = "adc",
};

static bool ends_with(const char *host, const char *end)
{
	size_t len = strlen(host), end_len = strlen(end);

	return len > end_len && strcasecmp(host + len - end_len, end) == 0;
}

bool google_is_registry(const char *host)
{
	return ends_with(host, ".pkg.dev") || ends_with(host, ".gcr.io") ||
	       strcasecmp(host, "gcr.io") == 0;
}

/* Looking */

static bool find_any(struct google_source *s, const struct world *w, struct google_minter **ret,
		     struct err *err)
{
	if (!google_default_new(s->options, w, ret, err))
		return false;
	return *ret || google_gcloud_new(s->options, NULL, ret, err);
}

static bool find(struct google_source *s, const struct world *w, struct google_minter **ret,
		 struct err *err)
{
	switch (s->place) {
	case GOOGLE_ADC:
		return google_default_new(s->options, w, ret, err);
	case GOOGLE_FILE:
		return google_minter_from_file(s->where, NULL, s->options, ret, err);
	case GOOGLE_METADATA:
		*ret = google_metadata_new(s->options);
		return true;
	case GOOGLE_GCLOUD:
		return google_gcloud_new(s->options, s->where, ret, err);
	case GOOGLE_ANY:
		return find_any(s, w, ret, err);
	}
	return false;
}

/* Leaves a minter, or none where nobody is logged in. */
static bool look(struct google_source *s, const struct world *w, struct err *err)
{
	CLEANUP(google_minter_freep) struct google_minter *found = NULL;

	if (s->minter || world_now_ms(w) < s->nobody_until_ms)
		return true;
	if (!find(s, w, &found, err))
		return false;
	if (!found)
		s->nobody_until_ms = clock_after(world_now_ms(w), NOBODY_MS);
	else if (s->options->impersonate &&
		 !google_impersonate_chain(found, s->options->impersonate, &found, err))
		return false;
	s->minter = TAKE(found);
	return true;
}

/* Asking */

/* The caller frees. */
static char *name_of(const struct google_source *s, const struct google_minter *m)
{
	if (m->principal && m->origin)
		return mem_printf("%s (%s, %s)", words[s->place], m->principal, m->origin);
	return mem_printf("%s (%s)", words[s->place],
			  m->principal ? m->principal
			  : m->origin  ? m->origin
				       : m->kind);
}

static struct credential *new_credential(const struct google_source *s, struct google_token *t)
{
	struct credential *c = NEW(struct credential);

	c->user = mem_strdup(s->user);
	c->secret = TAKE(t->secret);
	c->life = t->life;
	c->expiry_known = t->expiry_known;
	c->renewable = s->minter->renewable;
	c->source = name_of(s, s->minter);
	c->principal = mem_strdup_or_null(s->minter->principal);
	return c;
}

static bool ask(struct google_source *s, const struct world *w, struct credential **ret,
		struct err *err)
{
	const struct google_want want = { .scopes = google_scopes_default };
	CLEANUP(google_token_clear) struct google_token token = { 0 };
	CLEANUP(mem_freep) char *name = NULL;

	if (!look(s, w, err))
		return err_wrap(err, "credential '%s'", words[s->place]);
	if (!s->minter)
		return true;
	if (google_kept(s->minter, w, &want, &token, err)) {
		*ret = new_credential(s, &token);
		return true;
	}
	name = name_of(s, s->minter);
	if (err->code == ERR_NO_CREDENTIAL && !s->minter->has_grown)
		google_minter_free(TAKE(s->minter));
	return err_wrap(err, "credential %s", name);
}

static bool google_obtain(struct source *source, const struct world *w,
			  const struct credential_target *target, struct credential **ret,
			  struct err *err)
{
	struct google_source *s = (struct google_source *)source;
	bool ok = true;

	*ret = NULL;
	if (s->place == GOOGLE_ANY && !s->options->any_host && !google_is_registry(target->host))
		return true;
	monitor_enter(s->sched, s->monitor);
	while (s->busy && (ok = world_check(w, err)))
		monitor_wait(s->sched, s->monitor, 100);
	if (ok)
		s->busy = true;
	monitor_leave(s->sched, s->monitor);
	if (!ok)
		return false;
	ok = ask(s, w, ret, err);
	monitor_enter(s->sched, s->monitor);
	s->busy = false;
	monitor_wake_all(s->sched, s->monitor);
	monitor_leave(s->sched, s->monitor);
	return ok;
}

static void google_free(struct source *source)
{
	struct google_source *s = (struct google_source *)source;

	google_minter_free(s->minter);
	monitor_free(s->sched, s->monitor);
	free(s->where);
	free(s->user);
	free(s);
}

static const struct source_ops google_ops = { .obtain = google_obtain, .free = google_free };

struct source *source_google_new(enum google_place place, const char *where, const char *user,
				 const struct google_options *options, struct sched *sched)
{
	struct google_source *s = NEW(struct google_source);

	s->source.ops = &google_ops;
	s->place = place;
	s->where = mem_strdup_or_null(where);
	s->user = mem_strdup(user ? user : CREDENTIAL_USER_DEFAULT);
	s->options = options;
	s->sched = sched;
	s->monitor = monitor_new(sched);
	return &s->source;
}
