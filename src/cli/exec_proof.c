#include "cli/exec_proof.h"

#include "base/mem.h"
#include "cli/exec_local.h"

#define SETTLE_FIRST_MS 250
#define SETTLE_LONGEST_MS 4000

static const struct digest *expected(const struct claim_proof *p, const struct claim *claim)
{
	if (p->expect)
		return p->expect;
	return *claim->digest.text ? &claim->digest : NULL;
}

static bool have_common(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (strings_have(b, a->at[i]))
			return true;
	return false;
}

/* What the registry has just shown must be what lies here. */
static bool tie(const struct claim_proof *p, struct session *s, const struct claim *claim,
		const struct proof *proof, struct err *err)
{
	CLEANUP(strings_clear) struct strings here = { 0 }, there = { 0 };

	if (!local_image_ids(p->world, p->sessions, claim, &here, err) ||
	    !remote_image_ids(p->world, s, proof->digest.text, &there, err))
		return false;
	if (have_common(&here, &there))
		return true;
	err_set(err, ERR_OTHER_DIGEST, "there is another image under that name: %s",
		proof->digest.text);
	err_evidence(err, "here it is %s", here.at[0]);
	return false;
}

static bool prove_once(const struct claim_proof *p, const struct claim *claim, struct proof *ret,
		       struct err *err)
{
	const struct digest *expect = expected(p, claim);
	CLEANUP(session_freep) struct session *s = NULL;

	return world_check(p->world, err) &&
	       session_make(p->sessions, p->world, &claim->ref, SESSION_PULL, &s, err) &&
	       image_verify(p->world, s, &claim->ref, expect, p->depth, p->jobs, ret, err) &&
	       (expect || tie(p, s, claim, ret, err));
}

static bool may_still_appear(enum err_code code)
{
	return code == ERR_ABSENT || code == ERR_OTHER_DIGEST || code == ERR_INCOMPLETE;
}

static bool prove_settled(const struct claim_proof *p, const struct claim *claim, struct proof *ret,
			  struct err *err)
{
	int64_t until_ms = clock_after(world_now_ms(p->world), p->settle_ms);
	int64_t wait_ms = SETTLE_FIRST_MS;

	while (!prove_once(p, claim, ret, err)) {
		struct err cut = ERR_INIT;

		if (!may_still_appear(err->code) || world_now_ms(p->world) + wait_ms > until_ms)
			return false;
		if (!world_sleep(p->world, wait_ms, &cut)) {
			err_clear(&cut); /* what was seen last is the answer */
			return false;
		}
		wait_ms = wait_ms * 2 < SETTLE_LONGEST_MS ? wait_ms * 2 : SETTLE_LONGEST_MS;
		proof_clear(ret);
		*ret = (struct proof){ 0 };
		err_clear(err);
	}
	return true;
}

/* The registry's no, or nobody's answer. */
static enum err_code verdict(enum err_code why)
{
	switch (why) {
	case ERR_CANCELLED:
		return ERR_CANCELLED;
	case ERR_NET:
	case ERR_NO_REGISTRY:
	case ERR_TIMEOUT:
	case ERR_RATE_LIMITED:
		return ERR_UNPROVEN;
	default:
		return ERR_DISPROVEN;
	}
}

bool claim_prove(const struct claim_proof *p, const struct claim *claim, struct proof *ret,
		 struct err *err)
{
	const struct digest *expect = expected(p, claim);

	if (prove_settled(p, claim, ret, err))
		return true;
	err->code = verdict(err->code);
	if (expect)
		err_cause(err, "what was %s is %s", p->expect ? "expected" : "claimed",
			  expect->text);
	return false;
}
