/* What is kept, or what is minted: one decision for all that hand tokens out. */
#include "auth/google_cache.h"

#include "base/mem.h"

#include <unistd.h>

/* A mint takes seconds; whoever is stuck does not stop the others. */
#define LOCK_MS 30000

/* Of a kept token, when Google cannot be reached: less is of no use to anybody. */
#define RESORT_MS (5 * 60 * 1000LL)

struct keeping {
	struct google_cache cache;
	struct digest key;
	int64_t wanted_ms;
	int lock;
};

static void keeping_clear(struct keeping *k)
{
	if (k->lock >= 0)
		close(k->lock);
	google_cache_close(&k->cache);
}

static void note(const struct world *w, struct err *why)
{
	if (why->code != ERR_NO_SOURCE)
		world_note(w, EVENT_NOTE, "%s", why->message);
	err_clear(why);
}

static bool open_keeping(struct google_minter *m, const struct world *w,
			 const struct google_want *want, struct keeping *k)
{
	const struct google_options *o = m->options;
	struct err why = ERR_INIT;

	if (!o->cache_dir || !m->identity)
		return false;
	if (!google_cache_open(o->cache_dir, &k->cache, &why)) {
		note(w, &why);
		return false;
	}
	k->key = google_cache_key(m, want);
	k->wanted_ms = o->wanted_life_ms ? o->wanted_life_ms : GOOGLE_USUAL_LIFE_MS;
	return true;
}

/* Leaves in RET what is kept, whatever its life; true when that will do. */
static bool recall(const struct keeping *k, const struct world *w, struct google_token *ret)
{
	const struct google_now now = google_now(w);
	struct err why = ERR_INIT;

	google_token_clear(ret);
	if (!google_cache_read(&k->cache, &k->key, &now, ret, &why)) {
		note(w, &why);
		return false;
	}
	return ret->life.expires_ms - now.boot_ms >= k->wanted_ms;
}

/* Waits for whoever mints. What has come meanwhile is as fresh as it can be had, and does. */
static bool await(struct keeping *k, const struct world *w, struct google_token *kept,
		  bool *ret_does, struct err *err)
{
	CLEANUP(google_token_clear) struct google_token before = *kept;

	*kept = (struct google_token){ 0 };
	if (!google_cache_lock(&k->cache, &k->key, w, LOCK_MS, &k->lock, err))
		return false;
	*ret_does =
		recall(k, w, kept) || (kept->secret && !secret_same(kept->secret, before.secret));
	return true;
}

static void remember(const struct keeping *k, const struct world *w, const struct google_token *t)
{
	const struct google_now now = google_now(w);
	struct err why = ERR_INIT;

	if (!google_cache_write(&k->cache, &k->key, &now, t, &why))
		note(w, &why);
}

static bool is_passing(const struct err *err)
{
	return err->code == ERR_NET || err->code == ERR_RATE_LIMITED || err->code == ERR_TIMEOUT;
}

/* KEPT is what there was before. */
static bool mint(const struct keeping *k, struct google_minter *m, const struct world *w,
		 const struct google_want *want, struct google_token *kept,
		 struct google_token *ret, struct err *err)
{
	int64_t left_ms = kept->secret ? kept->life.expires_ms - world_now_ms(w) : 0;

	if (google_freshest(m, w, want, ret, err)) {
		remember(k, w, ret);
		return true;
	}
	if (m->options->wanted_life_ms || !is_passing(err) || left_ms < RESORT_MS)
		return false;
	world_note(w, EVENT_NOTE, "the token that was kept must do: %s", err->message);
	err_clear(err);
	*ret = *kept;
	*kept = (struct google_token){ 0 };
	return true;
}

bool google_kept(struct google_minter *m, const struct world *w, const struct google_want *want,
		 struct google_token *ret, struct err *err)
{
	CLEANUP(keeping_clear) struct keeping k = { .cache.fd = -1, .lock = -1 };
	CLEANUP(google_token_clear) struct google_token kept = { 0 };
	bool does;

	if (!open_keeping(m, w, want, &k))
		return google_freshest(m, w, want, ret, err);
	does = recall(&k, w, &kept);
	if (!does && !await(&k, w, &kept, &does, err))
		return false;
	if (!does)
		return mint(&k, m, w, want, &kept, ret, err);
	*ret = kept;
	kept = (struct google_token){ 0 };
	return true;
}
