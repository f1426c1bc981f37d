/*
 * The end of a push: the proof, what is done about what it misses, and the verdict when the work was cut short.
 */
#include "registry/push_private.h"

#include "base/mem.h"

/* After a signal or the deadline, once the manifest was sent: this long for a verdict. */
#define VERDICT_MS 5000

/* How long a first proof that misses something is given before it is sent again. */
#define LATE_MS 2000

#define SETTLE_FIRST_MS 250
#define SETTLE_LONGEST_MS 4000

static bool prove_tags(const struct world *w, struct push *p, struct session *s, struct err *err)
{
	const struct manifest *root = image_root(p->image);
	const struct strings *more = p->options->additional_tags;

	for (size_t i = 0; more && i < more->count; i++) {
		struct reference ref = *p->ref;
		struct proof proof = { 0 };
		bool proven;

		ref.tag = more->at[i];
		ref.digest = (struct digest){ "" };
		proven = image_verify(w, s, &ref, &root->digest, VERIFY_MANIFEST, 1, &proof, err);
		proof_clear(&proof);
		if (!proven)
			return false;
	}
	return true;
}

/* On a session of its own, so that nothing the push has used vouches for it. */
bool push_prove_once(const struct world *w, struct push *p, struct err *err)
{
	CLEANUP(session_freep) struct session *s = NULL;
	const struct manifest *root = image_root(p->image);

	proof_clear(&p->result->proof);
	return session_make(p->sessions, w, p->ref, SESSION_PULL, &s, err) &&
	       image_verify(w, s, p->ref, &root->digest, p->options->depth, p->options->jobs,
			    &p->result->proof, err) &&
	       prove_tags(w, p, s, err);
}

/*
 * A doubt of the proof: what was missing, and whether other bytes stood there; without a manifest it is the name
 * itself. The caller frees.
 */
static char *doubt(const struct push *p, size_t i)
{
	const struct proof *proof = &p->result->proof;

	if (!proof->missing.count)
		return mem_strdup("the name");
	return mem_printf("%s%s", proof->missing.at[i],
			  proof->has_wrong_bytes ? ", its bytes" : "");
}

static size_t doubt_count(const struct push *p)
{
	return p->result->proof.missing.count ? p->result->proof.missing.count : 1;
}

static bool is_doubted_already(const struct push *p)
{
	for (size_t i = 0; i < doubt_count(p); i++) {
		CLEANUP(mem_freep) char *text = doubt(p, i);

		if (!strings_have(&p->doubted, text))
			return false;
	}
	return true;
}

/* What another look, or another try, may change. */
static bool may_still_appear(const struct push *p, const struct err *err)
{
	const struct digest *there = &p->result->proof.digest, *before = push_before(p);

	if (err->code == ERR_INCOMPLETE && p->result->proof.has_wrong_bytes &&
	    is_doubted_already(p))
		return false; /* no lateness makes other bytes of it */
	if (err->code == ERR_ABSENT || err->code == ERR_INCOMPLETE)
		return true;
	if (err->code != ERR_OTHER_DIGEST)
		return false;
	return !before || digest_same(there, before) ||
	       digest_same(there, &image_root(p->image)->digest);
}

static void note_doubts(struct push *p)
{
	for (size_t i = 0; i < doubt_count(p); i++) {
		CLEANUP(mem_freep) char *text = doubt(p, i);

		if (!strings_have(&p->doubted, text))
			strings_add(&p->doubted, text);
	}
}

/* The blobs that the proof missed, then the manifests. */
static bool send_again(struct push *p, struct err *err)
{
	struct strings missing = p->result->proof.missing;
	bool sent;

	world_note(p->w, EVENT_NOTE, "the proof is not complete: sending again what is missing");
	note_doubts(p);
	p->result->sent_again = true;
	p->times_sent_again++;
	p->result->proof.missing = (struct strings){ 0 };
	/* behind a manifest that was missed there may be blobs that nobody has asked for yet */
	sent = (missing.count == 0 || push_send_blobs(p, TRUST_NOTHING, &missing, err)) &&
	       push_send_blobs(p, TRUST_EXISTENCE, NULL, err);
	strings_clear(&missing);
	return sent && push_put_manifests(p, err) == MANIFEST_TAKEN;
}

static bool never_appeared(const struct push *p, int64_t waited_ms, struct err *err)
{
	if (err->code == ERR_OTHER_DIGEST && !may_still_appear(p, err))
		err_cause(err, "somebody else pushed to that tag meanwhile");
	else
		err_cause(
			err,
			"the registry accepted it and does not show it after %lld s%s: it may yet appear",
			(long long)waited_ms / 1000,
			p->result->sent_again ? ", although it was sent again" : "");
	return false;
}

/* Could the registry be asked at all? If not, nobody knows, and that is what is said. */
bool push_not_proven(struct push *p, struct err *err)
{
	CLEANUP(mem_freep) char *name = reference_text(p->ref);

	switch (err->code) {
	case ERR_ABSENT:
	case ERR_OTHER_DIGEST:
	case ERR_INCOMPLETE:
	case ERR_CORRUPT:
		return false;
	default:
		break;
	}
	if (!p->result->manifest_sent)
		return false;
	err->code = ERR_UNPROVEN;
	err_wrap(err, "the manifest was sent, but the registry has not shown it");
	err_hint(err, "landed verify --expect %s %s", image_root(p->image)->digest.text, name);
	return false;
}

/* The work was cut short after the manifest had gone out: a few seconds for the truth. */
bool push_verdict(struct push *p, struct err *err)
{
	struct world grace = *p->w;
	struct err failed = ERR_INIT;

	grace.cancel = NULL;
	grace.deadline_ms = clock_after(world_now_ms(p->w), VERDICT_MS);
	if (push_prove_once(&grace, p, &failed)) {
		err_clear(err);
		return true;
	}
	if (failed.code == ERR_ABSENT || failed.code == ERR_OTHER_DIGEST ||
	    failed.code == ERR_INCOMPLETE)
		err_evidence(err, "%s", failed.message);
	err_clear(&failed);
	return push_not_proven(p, err);
}

bool push_was_cut_short(const struct err *err)
{
	return err->code == ERR_CANCELLED || err->code == ERR_TIMEOUT;
}

/* The time of one proof that fails again and again. */
struct patience {
	int64_t begun_ms;
	int64_t wait_ms; /* before the next look */
};

/* Soon, since most registries show at once what they have; and, where there was time, once more at the very end. */
static bool is_due_again(const struct push *p, int64_t waited_ms, int64_t wait_ms)
{
	int64_t settle_ms = p->options->settle_ms;

	if (p->times_sent_again == 0)
		return waited_ms >= LATE_MS || waited_ms + wait_ms >= settle_ms;
	return p->times_sent_again == 1 && settle_ms > 2 * LATE_MS && waited_ms >= settle_ms;
}

/* Something else is missing than what was sent again: that is another trouble, with a patience of its own. */
static bool begins_anew(const struct push *p, int64_t waited_ms)
{
	bool is_over = waited_ms >= p->options->settle_ms || p->result->proof.has_wrong_bytes;

	return p->times_sent_again && is_over && !is_doubted_already(p);
}

/* ERR is the failed proof; true when another one is due. */
static bool settle(struct push *p, struct patience *patience, struct err *err)
{
	int64_t waited_ms = world_now_ms(p->w) - patience->begun_ms;
	bool anew = begins_anew(p, waited_ms);

	if (!may_still_appear(p, err))
		return err->code == ERR_OTHER_DIGEST && never_appeared(p, waited_ms, err);
	if (anew)
		patience->begun_ms = world_now_ms(p->w);
	if (anew || is_due_again(p, waited_ms, patience->wait_ms)) {
		struct err failed = ERR_INIT;

		if (!send_again(p, &failed)) {
			err_move(err, &failed);
			return false;
		}
		patience->wait_ms = 0;
	} else if (waited_ms >= p->options->settle_ms) {
		return never_appeared(p, waited_ms, err);
	}
	err_clear(err);
	if (!world_sleep(p->w, patience->wait_ms, err))
		return false;
	patience->wait_ms = patience->wait_ms ? patience->wait_ms * 2 : SETTLE_FIRST_MS;
	if (patience->wait_ms > SETTLE_LONGEST_MS)
		patience->wait_ms = SETTLE_LONGEST_MS;
	return true;
}

bool push_prove(struct push *p, struct err *err)
{
	struct patience patience = { world_now_ms(p->w), SETTLE_FIRST_MS };

	world_note(p->w, EVENT_PHASE, "proof");
	for (;;) {
		if (push_prove_once(p->w, p, err))
			return true;
		if (settle(p, &patience, err))
			continue;
		return push_was_cut_short(err) ? push_verdict(p, err) : push_not_proven(p, err);
	}
}
