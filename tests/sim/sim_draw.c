#include "sim/sim_draw.h"

#include "base/mem.h"

#include <stdlib.h>

#define HOUR_MS ((int64_t)3600000)

static uint64_t below(struct drawn *d, uint64_t n)
{
	return sim_rng_below(&d->rng, n);
}

static bool chance(struct drawn *d, unsigned int percent)
{
	return below(d, 100) < percent;
}

static int64_t one_of(struct drawn *d, const int64_t *list, size_t count)
{
	return list[below(d, count)];
}

#define ONE_OF(d, ...)                              \
	one_of(d, (const int64_t[]){ __VA_ARGS__ }, \
	       sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void draw_image(struct drawn *d)
{
	const struct sim_image_options options = {
		.platforms = (size_t)below(d, 4),
		.layers = (size_t)below(d, 6),
		.layer_bytes_max = (size_t)ONE_OF(d, 8, 500, 4000, 6000, 20000),
		.layers_are_shared = chance(d, 50),
		.has_elsewhere = chance(d, 10),
		.docker_types = chance(d, 30),
	};

	sim_case_image(&d->c, &d->rng, &options);
	d->c.options.jobs = 1 + (size_t)below(d, 8);
	d->c.options.depth = chance(d, 20) ? VERIFY_BYTES : VERIFY_TREE;
	for (uint64_t i = chance(d, 25) ? 1 + below(d, 2) : 0; i > 0; i--)
		strings_add(&d->c.more_tags, i == 1 ? "latest" : "stable");
}

static void draw_registry(struct drawn *d)
{
	struct sim_options *o = &d->c.sim.registry.options;

	o->auth = chance(d, 85) ? SIM_AUTH_BEARER : SIM_AUTH_BASIC;
	o->token_life_ms = ONE_OF(d, 1500, 5000, 30000, 120000, 300000, HOUR_MS);
	o->token_uses = (unsigned int)ONE_OF(d, 0, 0, 0, 1, 2, 3, 10);
	o->keeps_life_to_itself = chance(d, 20);
	o->says_403 = chance(d, 50);
	o->location = (enum sim_location)below(d, SIM_LOCATIONS);
	o->capability = (enum sim_capability)ONE_OF(d, SIM_LETS_ALL_IN, SIM_LETS_TOKENS_IN,
						    SIM_LETS_BARE_IN, SIM_LETS_ONLY_BARE_IN);
	o->refuses_patch = chance(d, 10);
	o->refuses_put = !o->refuses_patch && chance(d, 20);
	o->keeps_what_came = chance(d, 30);
	o->blobs_unchecked = chance(d, 30);
	o->head_is_unknown = chance(d, 5);
	o->head_without_length = chance(d, 5);
	o->redirects_blobs = chance(d, 30);
	o->patch_status = (int)ONE_OF(d, 0, 0, 0, 200, 201, 204);
	o->put_status = (int)ONE_OF(d, 0, 0, 0, 200, 202, 204);
	o->manifest_status = (int)ONE_OF(d, 0, 0, 0, 200, 202);
	d->c.sim.net.latency_ms = ONE_OF(d, 1, 5, 20, 150);
	d->c.sim.net.bytes_per_ms = ONE_OF(d, 5, 50, 1000, 100000);
}

static void draw_source(struct drawn *d)
{
	struct sim_source *s = &d->c.source;

	s->is_stored = chance(d, 20);
	s->life_ms = s->is_stored ? NEVER_MS : ONE_OF(d, 20000, 60000, 300000, HOUR_MS);
	s->says_life = !s->is_stored && chance(d, 60);
	s->repeat_ms =
		chance(d, 40) ? s->life_ms / 2 + (int64_t)below(d, (uint64_t)s->life_ms / 2) : 0;
	if (chance(d, 15) && !s->is_stored) /* goes on handing out a dead one for a while */
		s->repeat_ms = s->life_ms + (int64_t)below(d, 15000);
}

/* What was in the registry before. */
static void draw_past(struct drawn *d)
{
	struct sim_rng other = { sim_rng_next(&d->rng) };
	const struct sim_image_options options = { .layers = 1, .layer_bytes_max = 100 };
	struct sim_registry *r = &d->c.sim.registry;

	if (chance(d, 30)) {
		d->older = sim_image_new(&other, &options);
		sim_image_store(d->older, r, SIM_REPO, SIM_TAG);
	}
	if (chance(d, 20)) {
		sim_image_store(d->c.push.image, r, "team/base", "x");
		strings_add(&d->c.mount_from, "team/base");
	}
	if (chance(d, 10))
		sim_image_store(d->c.push.image, r, SIM_REPO, chance(d, 50) ? SIM_TAG : "other");
}

static const enum sim_fault passing_outages[] = {
	FAULT_CONNECT, FAULT_RESET_BEFORE, FAULT_STALL_BEFORE, FAULT_500, FAULT_502,
	FAULT_503,     FAULT_504,	   FAULT_429,	       FAULT_408
};

static void draw_outages(struct drawn *d, int64_t now_ms)
{
	struct sim_plan *p = &d->c.sim.plan;

	for (uint64_t i = below(d, 3); i > 0; i--) {
		struct sim_outage *o = &p->outages[p->outage_count++];

		o->from_ms =
			now_ms + (int64_t)below(d, (uint64_t)ONE_OF(d, 100, 1000, 10000, 60000));
		o->to_ms = o->from_ms + (int64_t)below(d, (uint64_t)ONE_OF(d, 1000, 10000, 40000));
		o->fault = passing_outages[below(d, ARRAY_SIZE(passing_outages))];
	}
}

static void draw_chances(struct drawn *d, int64_t now_ms)
{
	struct sim_plan *p = &d->c.sim.plan;
	uint64_t kinds = below(d, 7);

	for (uint64_t i = 0; i < kinds; i++)
		p->per_mille[1 + below(d, SIM_FAULTS - 1)] =
			(unsigned int)ONE_OF(d, 5, 20, 60, 150);
	p->until_ms = now_ms + ONE_OF(d, 2000, 10000, 60000);
	p->late_ms = ONE_OF(d, 300, 1500, 5000, 20000);
	p->verdicts_once = !d->wild;
	if (d->wild)
		p->until_ms = now_ms + HOUR_MS;
}

static void suspend_an_hour(void *arg)
{
	struct sim_case *c = &((struct drawn *)arg)->c;

	sim_jump(c->sim.sched, HOUR_MS);
	c->suspended_ms += HOUR_MS;
}

static void set_the_clock_back(void *arg)
{
	sim_set_wall(((struct drawn *)arg)->c.sim.sched, -24 * HOUR_MS);
}

static void set_the_clock_on(void *arg)
{
	sim_set_wall(((struct drawn *)arg)->c.sim.sched, 24 * HOUR_MS);
}

static void draw_clocks(struct drawn *d, int64_t now_ms)
{
	if (chance(d, 8)) {
		d->c.timeout_ms = 24 * HOUR_MS;
		sim_at(d->c.sim.sched, now_ms + (int64_t)below(d, 20000), suspend_an_hour, d);
	}
	if (chance(d, 8))
		sim_at(d->c.sim.sched, now_ms + (int64_t)below(d, 20000),
		       chance(d, 50) ? set_the_clock_back : set_the_clock_on, d);
}

/* Too little time for what goes wrong: then it is the verdict that counts. */
static void draw_hurry(struct drawn *d)
{
	d->hurried = chance(d, 6);
	if (d->hurried)
		d->c.timeout_ms = ONE_OF(d, 1000, 3000, 10000, 30000);
}

/* SIGKILL at any point and the same command again; or somebody else who pushes at the same time. */
static void draw_company(struct drawn *d)
{
	const struct sim_image_options options = { .layers = 2, .layer_bytes_max = 500 };
	struct sim_rng other = { sim_rng_next(&d->rng) };
	struct sim_case *c = &d->c;

	if (chance(d, 10)) {
		c->kill_count = 1 + (size_t)below(d, SIM_KILLS_MAX);
		for (size_t i = 0; i < c->kill_count; i++)
			c->kills_ms[i] = (int64_t)below(d, (uint64_t)ONE_OF(d, 200, 2000, 20000));
	} else if (chance(d, 12)) {
		c->rival_is_same = chance(d, 50);
		c->rival.image = c->rival_is_same ? c->push.image : sim_image_new(&other, &options);
		c->rival_after_ms = (int64_t)below(d, (uint64_t)ONE_OF(d, 10, 1000, 10000));
	}
}

static void settle(struct sim_case *c, struct image *i)
{
	struct err err = ERR_INIT;
	bool end = false;
	size_t layer;

	while (!end)
		if (!pending_pack_next(&c->sim.world, i, &layer, &end, &err))
			abort();
	if (!pending_settle(&c->sim.world, i, &err))
		abort();
}

/* From an earlier push, some of whose blobs may have gone. */
static void leave_traces(struct drawn *d, const char *repo, const char *tag)
{
	struct sim_case *c = &d->c;
	struct sim_rng rng = { c->pending_seed };
	struct sim_pending_options at_once = c->pending;
	struct image *earlier;

	at_once.pack_ms = 0;
	earlier = sim_pending_new(&c->sim.world, &rng, &at_once);
	settle(c, earlier);
	sim_pending_store(earlier, &c->sim.registry, repo, tag);
	for (size_t i = 0; i < earlier->blob_count; i++)
		if (chance(d, 10))
			sim_blob_drop(sim_store_repo(&c->sim.registry.store, repo),
				      earlier->blobs[i].descriptor.digest.text);
	image_free(earlier);
}

/* As an engine has it: what its layers become is looked up in the registry, or packed. */
static void draw_pending(struct drawn *d)
{
	struct sim_case *c = &d->c;

	if (!chance(d, 25) || c->rival_is_same)
		return;
	c->is_pending = true;
	c->options.adopts = chance(d, 85);
	c->pending_seed = sim_rng_next(&d->rng);
	c->pending = (struct sim_pending_options){
		.layers = (size_t)below(d, 6),
		.layer_bytes_max = (size_t)ONE_OF(d, 500, 4000, 20000),
		.knows_config = chance(d, 50),
		.pack_ms = ONE_OF(d, 0, 1, 30, 1000),
		.origins_are_lost = chance(d, 10),
	};
	if (chance(d, 20))
		leave_traces(d, SIM_REPO, SIM_TAG);
	if (chance(d, 40))
		leave_traces(d, SIM_REPO, "latest");
	if (chance(d, 30)) {
		leave_traces(d, "team/cache", SIM_TAG);
		c->cache_from = sim_reference(SIM_TAG);
		free(c->cache_from.repository);
		c->cache_from.repository = mem_strdup("team/cache");
	}
	sim_case_open(c);
}

void draw(struct drawn *d, uint64_t seed)
{
	int64_t now_ms;

	*d = (struct drawn){ .rng = { ~seed } };
	sim_case_init(&d->c, seed);
	now_ms = sim_now_ms(d->c.sim.sched);
	d->wild = chance(d, 20);
	draw_image(d);
	draw_registry(d);
	draw_source(d);
	draw_past(d);
	draw_outages(d, now_ms);
	draw_chances(d, now_ms);
	draw_clocks(d, now_ms);
	draw_company(d);
	draw_pending(d);
	draw_hurry(d);
}

void drawn_clear(struct drawn *d)
{
	image_free(d->older);
	sim_case_clear(&d->c);
}

static bool has_auth_faults(const struct sim_case *c)
{
	const size_t *fired = c->sim.plan.fired;

	return fired[FAULT_401_BARE] || fired[FAULT_401_CHALLENGE] || fired[FAULT_403_DENIED] ||
	       fired[FAULT_403_UNAUTHENTICATED] || fired[FAULT_400_UNAUTHORIZED] ||
	       fired[FAULT_TOKEN_DIES];
}

bool drawn_must_land(const struct drawn *d)
{
	const struct sim_registry *r = &d->c.sim.registry;
	bool rightly_refused = r->refused || r->refused_at_capability;

	return !d->wild && !d->hurried && !(has_auth_faults(&d->c) && rightly_refused);
}
