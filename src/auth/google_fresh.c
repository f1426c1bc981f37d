/*
 * Metadata servers keep a token until four or five minutes before its end (GCE), or hand out the old one while they
 * fetch another behind it (GKE): asking again a little later pays. Asking sooner, or for ever, does not.
 */
#include "auth/google.h"

#define SHORT_MS (300 * 1000LL)
#define NEARLY_OVER_MS (240 * 1000LL)
#define AGAIN_MS 2000
#define ASKED_MOST 4

bool google_is_worth_asking_again(const struct google_token *best, size_t asked, int64_t now_ms)
{
	int64_t left_ms = best->life.expires_ms - now_ms;

	if (!best->expiry_known || left_ms >= SHORT_MS || asked >= ASKED_MOST)
		return false;
	return left_ms < NEARLY_OVER_MS || asked < 2;
}

static void keep_longer(struct google_token *best, struct google_token *other)
{
	if (best->expiry_known && other->life.expires_ms > best->life.expires_ms) {
		struct google_token shorter = *best;

		*best = *other;
		*other = shorter;
	}
}

/* False when it came to nothing, and what is at hand must do. */
static bool ask_again(struct google_minter *m, const struct world *w,
		      const struct google_want *want, struct google_token *best, struct err *err)
{
	CLEANUP(google_token_clear) struct google_token other = { 0 };
	bool changed;

	if (!world_sleep(w, AGAIN_MS, err) || !google_mint(m, w, want, &other, err))
		return false;
	changed = !secret_same(best->secret, other.secret);
	keep_longer(best, &other);
	return !changed; /* another one, and as short: that is how long they live here */
}

bool google_freshest(struct google_minter *m, const struct world *w, const struct google_want *want,
		     struct google_token *ret, struct err *err)
{
	if (!google_mint(m, w, want, ret, err))
		return false;
	for (size_t asked = 1;
	     m->repeats && google_is_worth_asking_again(ret, asked, world_now_ms(w)); asked++)
		if (!ask_again(m, w, want, ret, err))
			break;
	if (err->code != ERR_CANCELLED && err->code != ERR_TIMEOUT) {
		err_clear(err);
		return true;
	}
	google_token_clear(ret);
	return false;
}
