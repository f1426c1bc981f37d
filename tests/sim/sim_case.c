#include "sim/sim_case.h"

#include "base/mem.h"

const char *const sim_law_names[SIM_LAWS] = {
	[LAW_KEPT] = "kept",
	[LAW_WRONG_SUCCESS] = "wrong success",
	[LAW_SURRENDER] = "surrender",
	[LAW_DISOWNED] = "disowned",
	[LAW_SECRET] = "secret leaked",
	[LAW_TOO_LONG] = "too long",
	[LAW_UNFOUNDED] = "unfounded",
	[LAW_SENT_TWICE] = "sent twice",
};

/* After the deadline: a verdict, the uploads that are deleted, and a little. */
#define OVERTIME_MS 10000

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
	image_free(c->image);
	c->image = sim_image_new(rng, options);
}

void sim_case_run(struct sim_case *c)
{
	struct reference ref = sim_reference(SIM_TAG);
	int64_t begun_ms = sim_now_ms(c->sim.sched);

	c->sim.world.deadline_ms = begun_ms + c->timeout_ms;
	c->options.additional_tags = c->more_tags.count ? &c->more_tags : NULL;
	c->options.mount_from = c->mount_from.count ? &c->mount_from : NULL;
	sim_sched_limit(c->sim.sched, c->sim.world.deadline_ms + 600000);
	c->landed = image_push(&c->sim.world, &c->sim.maker, c->image, &ref, &c->options,
			       &c->result, &c->err);
	c->took_ms = sim_now_ms(c->sim.sched) - begun_ms;
	reference_clear(&ref);
}

void sim_case_clear(struct sim_case *c)
{
	push_result_clear(&c->result);
	err_clear(&c->err);
	image_free(c->image);
	strings_clear(&c->more_tags);
	strings_clear(&c->mount_from);
	sim_source_clear(&c->source);
	sim_clear(&c->sim);
}

size_t sim_case_faults(const struct sim_case *c)
{
	size_t count = 0;

	for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++)
		count += c->sim.plan.fired[f];
	return count;
}

static bool holds_all(struct sim_case *c, struct buf *why)
{
	if (!sim_holds(&c->sim, c->image, SIM_TAG, why))
		return false;
	for (size_t i = 0; i < c->more_tags.count; i++)
		if (!sim_holds(&c->sim, c->image, c->more_tags.at[i], why))
			return false;
	return true;
}

/* What was sent but could not be proven is called that, unless the registry itself said that it is not so. */
static bool is_disowned(const struct sim_case *c, bool whole)
{
	if (c->landed || !whole || !c->result.manifest_sent)
		return false;
	return c->err.code != ERR_UNPROVEN && c->err.code != ERR_ABSENT &&
	       c->err.code != ERR_OTHER_DIGEST && c->err.code != ERR_INCOMPLETE;
}

static bool blob_faults_fired(const struct sim_case *c)
{
	const size_t *fired = c->sim.plan.fired;

	return fired[FAULT_DROPPED] || fired[FAULT_HEAD_PRESENT] || fired[FAULT_PAGE];
}

/* The registry has said of something that it is not there, or has shown it late. */
static bool denials_fired(const struct sim_case *c)
{
	const size_t *fired = c->sim.plan.fired;

	return fired[FAULT_404] || fired[FAULT_HEAD_ABSENT] || fired[FAULT_LATE] ||
	       blob_faults_fired(c);
}

static void say_error(const struct sim_case *c, struct buf *why)
{
	buf_printf(why, "error %d after %lld ms: %s", (int)c->err.code, (long long)c->took_ms,
		   c->err.message ? c->err.message : "-");
	if (c->err.evidence)
		buf_printf(why, " | %s", c->err.evidence);
	if (c->err.cause)
		buf_printf(why, " | %s", c->err.cause);
}

enum sim_law sim_case_judge(struct sim_case *c, bool must_land, struct buf *why)
{
	struct buf lacks = BUF_INIT(BUF_TEXT_CEILING);
	bool whole = holds_all(c, &lacks);
	enum sim_law law = LAW_KEPT;

	if (c->landed && !whole)
		law = LAW_WRONG_SUCCESS;
	else if (c->sim.registry.foreign_tokens)
		law = LAW_SECRET;
	else if (c->took_ms > c->timeout_ms + OVERTIME_MS)
		law = LAW_TOO_LONG;
	else if (!c->landed && must_land)
		law = LAW_SURRENDER;
	else if (is_disowned(c, whole))
		law = LAW_DISOWNED;
	else if (c->sim.registry.unfounded && !blob_faults_fired(c))
		law = LAW_UNFOUNDED;
	else if (c->sim.registry.stored_again && !denials_fired(c))
		law = LAW_SENT_TWICE;
	if (law == LAW_WRONG_SUCCESS)
		buf_printf(why, "%s", buf_str(&lacks));
	else if (law != LAW_KEPT)
		say_error(c, why);
	buf_clear(&lacks);
	return law;
}
