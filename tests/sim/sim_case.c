#include "sim/sim_case.h"

#include "base/mem.h"

#include <signal.h>

const char *const sim_law_names[SIM_LAWS] = {
	[LAW_KEPT] = "kept",
	[LAW_WRONG_SUCCESS] = "wrong success",
	[LAW_SURRENDER] = "surrender",
	[LAW_DISOWNED] = "disowned",
	[LAW_SECRET] = "secret leaked",
	[LAW_TOO_LONG] = "too long",
	[LAW_UNFOUNDED] = "unfounded",
	[LAW_SENT_TWICE] = "sent twice",
	[LAW_TOKEN_RUSH] = "token rush",
};

/* After the deadline: a verdict, the uploads that are deleted, and a little. */
#define OVERTIME_MS 10000

/* However the clocks were set. */
#define STUCK_MS (3 * 3600000)

void sim_case_init(struct sim_case *c, uint64_t seed)
{
	struct sim_rng rng = { seed };
	const struct sim_image_options image = { .platforms = 2,
						 .layers = 2,
						 .layer_bytes_max = 3000 };

	*c = (struct sim_case){ .timeout_ms = SIM_TIMEOUT_MS };
	sim_init(&c->sim, seed);
	sim_source_init(&c->source, &c->sim);
	c->options = (struct push_options){ .jobs = 4, .depth = VERIFY_TREE, .settle_ms = 30000 };
	sim_case_image(c, &rng, &image);
}

void sim_case_image(struct sim_case *c, struct sim_rng *rng,
		    const struct sim_image_options *options)
{
	image_free(c->push.image);
	c->push.image = sim_image_new(rng, options);
}

void sim_case_open(struct sim_case *c)
{
	struct sim_rng rng = { c->pending_seed };

	image_free(c->push.image);
	c->push.image = sim_pending_new(&c->sim.world, &rng, &c->pending);
}

static void push_once(struct sim_case *c, struct sim_push *p)
{
	struct reference ref = sim_reference(SIM_TAG);
	struct push_options options = c->options;

	options.additional_tags = p == &c->push && c->more_tags.count ? &c->more_tags : NULL;
	options.mount_from = c->mount_from.count ? &c->mount_from : NULL;
	options.cache_from = &c->cache_from;
	options.cache_from_count = c->cache_from.host ? 1 : 0;
	p->begun_ms = sim_now_ms(c->sim.sched);
	p->first_record = c->sim.registry.record_count;
	p->landed = image_push(&c->sim.world, &c->sim.maker, p->image, &ref, &options, &p->result,
			       &p->err);
	p->took_ms = sim_now_ms(c->sim.sched) - p->begun_ms;
	reference_clear(&ref);
}

/* Nothing of it leaves the machine any more; that it unwinds is for the memory alone. */
static void kill_it(void *arg)
{
	struct sim_case *c = arg;

	if (c->killed == c->kill_count)
		return;
	c->sim.net.dead = true;
	cancel_fire(c->sim.cancel, SIGKILL);
}

/* A process that has just been started. */
static void begin_anew(struct sim_case *c)
{
	push_result_clear(&c->push.result);
	err_clear(&c->push.err);
	sim_revive(&c->sim, c->timeout_ms);
	if (c->is_pending)
		sim_case_open(c);
}

static void rival_main(void *arg)
{
	struct sim_case *c = arg;
	struct err ignored = ERR_INIT;

	if (!world_sleep(&c->sim.world, c->rival_after_ms, &ignored))
		err_clear(&ignored);
	push_once(c, &c->rival);
}

static void push_until_it_lives(struct sim_case *c)
{
	push_once(c, &c->push);
	while (c->sim.net.dead) {
		c->killed++;
		begin_anew(c);
		push_once(c, &c->push);
	}
}

void sim_case_run(struct sim_case *c)
{
	struct sched *sched = c->sim.world.sched;
	int64_t begun_ms = sim_now_ms(c->sim.sched);
	struct task *rival = NULL;

	c->sim.world.deadline_ms = begun_ms + c->timeout_ms;
	/* what another push damages after our proof is no lie of ours */
	c->sim.plan.bytes_are_read = c->options.depth == VERIFY_BYTES && !c->rival.image;
	sim_sched_limit(c->sim.sched,
			begun_ms + c->timeout_ms * (1 + (int64_t)c->kill_count) + STUCK_MS);
	for (size_t i = 0; i < c->kill_count; i++)
		sim_at(c->sim.sched, begun_ms + c->kills_ms[i], kill_it, c);
	if (c->rival.image)
		rival = sched_spawn(sched, rival_main, c);
	push_until_it_lives(c);
	c->kill_count = c->killed; /* what was planned for later finds nobody */
	if (rival)
		sched_join(sched, rival);
}

static void push_clear(struct sim_push *p)
{
	push_result_clear(&p->result);
	err_clear(&p->err);
}

void sim_case_clear(struct sim_case *c)
{
	push_clear(&c->push);
	push_clear(&c->rival);
	if (!c->rival_is_same)
		image_free(c->rival.image);
	image_free(c->push.image);
	strings_clear(&c->more_tags);
	strings_clear(&c->mount_from);
	sim_source_clear(&c->source);
	sim_clear(&c->sim);
	reference_clear(&c->cache_from);
}

size_t sim_case_faults(const struct sim_case *c)
{
	size_t count = 0;

	for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++)
		count += c->sim.plan.fired[f];
	return count;
}

static bool others_may_move_the_tag(const struct sim_case *c)
{
	return c->rival.image && !c->rival_is_same;
}

/* Where somebody else moves the tag, it has to have been ours at a moment of the push; else it is ours now. */
static bool holds(struct sim_case *c, const struct sim_push *p, struct buf *why)
{
	const struct digest *root = &image_root(p->image)->digest;

	if (!others_may_move_the_tag(c))
		return sim_holds(&c->sim, p->image, SIM_TAG, why);
	if (!sim_tag_was_on(sim_store_repo(&c->sim.registry.store, SIM_REPO), SIM_TAG, root,
			    p->begun_ms, p->begun_ms + p->took_ms)) {
		buf_printf(why, "the tag never was on %s", root->text);
		return false;
	}
	return sim_holds(&c->sim, p->image, NULL, why);
}

static bool holds_all(struct sim_case *c, const struct sim_push *p, struct buf *why)
{
	if (!image_is_settled(p->image) || !holds(c, p, why))
		return false;
	for (size_t i = 0; p == &c->push && i < c->more_tags.count; i++)
		if (!sim_holds(&c->sim, p->image, c->more_tags.at[i], why))
			return false;
	return true;
}

/* What was sent but could not be proven is called that, unless the registry itself said that it is not so. */
static bool is_disowned(const struct sim_push *p, bool whole)
{
	if (p->landed || !whole || !p->result.manifest_sent)
		return false;
	return p->err.code != ERR_UNPROVEN && p->err.code != ERR_ABSENT &&
	       p->err.code != ERR_OTHER_DIGEST && p->err.code != ERR_INCOMPLETE;
}

#define STRANGER_MS 60000 /* longer than a server is tried that never answered */

/* A registry that never answered may be a wrong name. Of two pushes it is not recorded whom it answered. */
static bool was_heard(const struct sim_case *c, const struct sim_push *p)
{
	if (c->rival.image && p->took_ms - c->suspended_ms < STRANGER_MS &&
	    (p->err.code == ERR_NET || p->err.code == ERR_NO_REGISTRY))
		return false;
	for (size_t i = p->first_record; i < c->sim.registry.record_count; i++)
		if (c->sim.registry.records[i].status)
			return true;
	return false;
}

/* It has to land; or, where somebody else pushed another image, to say so. */
static bool has_surrendered(struct sim_case *c, const struct sim_push *p)
{
	const struct sim_push *other = p == &c->push ? &c->rival : &c->push;

	if (p->landed || !was_heard(c, p))
		return false;
	return !others_may_move_the_tag(c) || p->err.code != ERR_OTHER_DIGEST ||
	       !image_is_settled(other->image) ||
	       !sim_tag_was_on(sim_store_repo(&c->sim.registry.store, SIM_REPO), SIM_TAG,
			       &image_root(other->image)->digest, p->begun_ms,
			       p->begun_ms + p->took_ms);
}

static bool blob_faults_fired(const struct sim_case *c)
{
	const size_t *fired = c->sim.plan.fired;

	return fired[FAULT_DROPPED] || fired[FAULT_DAMAGED] || fired[FAULT_HEAD_PRESENT] ||
	       fired[FAULT_PAGE];
}

/* The registry has said of something that it is not there, has shown it late, or has refused to say by mistake. */
static bool denials_fired(const struct sim_case *c)
{
	static const enum sim_fault denials[] = {
		FAULT_404,	  FAULT_HEAD_ABSENT,	  FAULT_LATE,
		FAULT_401_BARE,	  FAULT_401_CHALLENGE,	  FAULT_403_UNAUTHENTICATED,
		FAULT_403_DENIED, FAULT_400_UNAUTHORIZED, FAULT_TOKEN_DIES,
	};

	for (size_t i = 0; i < ARRAY_SIZE(denials); i++)
		if (c->sim.plan.fired[denials[i]])
			return true;
	return blob_faults_fired(c);
}

static void say_error(const struct sim_push *p, struct buf *why)
{
	buf_printf(why, "error %d after %lld ms: %s", (int)p->err.code, (long long)p->took_ms,
		   p->err.message ? p->err.message : "-");
	if (p->err.evidence)
		buf_printf(why, " | %s", p->err.evidence);
	if (p->err.cause)
		buf_printf(why, " | %s", p->err.cause);
}

/* What one push did, and said of it. */
static enum sim_law judge_push(struct sim_case *c, const struct sim_push *p, bool must_land,
			       struct buf *why)
{
	struct buf lacks = BUF_INIT(BUF_TEXT_CEILING);
	bool whole = holds_all(c, p, &lacks);
	enum sim_law law = LAW_KEPT;

	if (p->landed && !whole)
		law = LAW_WRONG_SUCCESS;
	else if (p->took_ms > c->timeout_ms + c->suspended_ms + OVERTIME_MS)
		law = LAW_TOO_LONG;
	else if (must_land && has_surrendered(c, p))
		law = LAW_SURRENDER;
	else if (is_disowned(p, whole))
		law = LAW_DISOWNED;
	if (law == LAW_WRONG_SUCCESS)
		buf_printf(why, "%s", buf_str(&lacks));
	else if (law != LAW_KEPT)
		say_error(p, why);
	buf_clear(&lacks);
	return law;
}

/* What the registry saw. */
static enum sim_law judge_conduct(const struct sim_case *c)
{
	const struct sim_registry *r = &c->sim.registry;

	if (r->foreign_tokens)
		return LAW_SECRET;
	if (c->sim.net.token_rushes)
		return LAW_TOKEN_RUSH;
	if (r->unfounded && !blob_faults_fired(c))
		return LAW_UNFOUNDED;
	if (r->stored_again && !denials_fired(c) && !c->rival.image)
		return LAW_SENT_TWICE;
	return LAW_KEPT;
}

enum sim_law sim_case_judge(struct sim_case *c, bool must_land, struct buf *why)
{
	enum sim_law law = judge_push(c, &c->push, must_land, why);

	if (law == LAW_KEPT && c->rival.image)
		law = judge_push(c, &c->rival, must_land, why);
	return law == LAW_KEPT ? judge_conduct(c) : law;
}
