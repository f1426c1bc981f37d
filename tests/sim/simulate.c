/*
 * Whole pushes in worlds drawn by a seed: the image, the registry's ways, how long tokens and passwords live, what
 * goes wrong and when, and which worker runs next. Each is judged by the laws of sim_case.h. A seed is the whole
 * world: `landed-simulate --seed S -v` shows it again.
 */
#include "sim/sim_case.h"

#include "base/mem.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A seed that computes this long does not wait for anything: it is stuck. */
#define STUCK_S 60

#define FAILURES_SHOWN 20

static uint64_t current_seed; /* for the signal handler */

struct drawn {
	struct sim_case c;
	struct sim_rng rng;
	bool must_land;
	bool wild; /* the world need not become good */
	struct image *older;
};

struct tally {
	size_t runs;
	size_t landed;
	size_t must;
	size_t must_landed;
	size_t broken[SIM_LAWS];
	size_t fired[SIM_FAULTS];
	size_t requests;
	size_t stored_again;
	int64_t virtual_ms;
};

/* Drawing a world */

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
	o->token_life_ms = ONE_OF(d, 1500, 5000, 30000, 120000, 300000, 3600000);
	o->token_uses = (unsigned int)ONE_OF(d, 0, 0, 0, 1, 2, 3, 10);
	o->keeps_life_to_itself = chance(d, 20);
	o->says_403 = chance(d, 50);
	o->location = (enum sim_location)below(d, SIM_LOCATIONS);
	o->refuses_patch = chance(d, 10);
	o->refuses_put = !o->refuses_patch && chance(d, 20);
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
	s->life_ms = s->is_stored ? NEVER_MS : ONE_OF(d, 20000, 60000, 300000, 3600000);
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
		sim_image_store(d->c.image, r, "team/base", "x");
		strings_add(&d->c.mount_from, "team/base");
	}
	if (chance(d, 10))
		sim_image_store(d->c.image, r, SIM_REPO, chance(d, 50) ? SIM_TAG : "other");
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
		p->until_ms = now_ms + 3600000;
}

static void suspend_an_hour(void *arg)
{
	sim_jump(((struct drawn *)arg)->c.sim.sched, 3600000);
}

static void draw_suspend(struct drawn *d, int64_t now_ms)
{
	if (!chance(d, 8))
		return;
	d->c.timeout_ms = 24 * 3600000;
	sim_at(d->c.sim.sched, now_ms + (int64_t)below(d, 20000), suspend_an_hour, d);
}

static void draw(struct drawn *d, uint64_t seed)
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
	draw_suspend(d, now_ms);
}

static void drawn_clear(struct drawn *d)
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

/* A registry that never answered may be a wrong name. */
static bool was_heard(const struct sim_case *c)
{
	for (size_t i = 0; i < c->sim.registry.record_count; i++)
		if (c->sim.registry.records[i].status)
			return true;
	return false;
}

/*
 * A fresh token that is turned away by mistake, after one that had rightly been, is by law a final refusal: there the
 * push may give up.
 */
static bool must_land(const struct drawn *d)
{
	return !d->wild && was_heard(&d->c) &&
	       !(has_auth_faults(&d->c) && d->c.sim.registry.refused);
}

/* Telling */

static void tell(struct observer *o, const struct event *e)
{
	(void)o;
	if (e->kind == EVENT_WAIT)
		printf("%10.3f s  wait %lld ms: %s\n", (double)(e->at_ms - 3600000) / 1000,
		       (long long)e->wait.ms, e->text ? e->text : "");
	else if (e->kind != EVENT_REQUEST && e->kind != EVENT_BLOB && e->text)
		printf("%10.3f s  %s\n", (double)(e->at_ms - 3600000) / 1000, e->text);
}

static void show_world(const struct drawn *d)
{
	const struct sim_case *c = &d->c;
	const struct sim_options *o = &c->sim.registry.options;

	printf("%s world: %zu manifests, %zu blobs, largest %lld bytes, %zu workers\n",
	       d->wild ? "wild" : "mild", c->image->manifest_count, c->image->blob_count,
	       (long long)sim_image_largest(c->image)->size_bytes, c->options.jobs);
	printf("tokens %lld ms, %u uses; passwords %lld ms, repeated for %lld ms; %lld bytes/ms\n",
	       (long long)o->token_life_ms, o->token_uses, (long long)c->source.life_ms,
	       (long long)c->source.repeat_ms, (long long)c->sim.net.bytes_per_ms);
	for (int f = 0; f < SIM_FAULTS; f++)
		if (c->sim.plan.per_mille[f])
			printf("%u per mille %s\n", c->sim.plan.per_mille[f],
			       sim_fault_looks[f].name);
	for (size_t i = 0; i < c->sim.plan.outage_count; i++)
		printf("outage %s from %.3f s to %.3f s\n",
		       sim_fault_looks[c->sim.plan.outages[i].fault].name,
		       (double)(c->sim.plan.outages[i].from_ms - 3600000) / 1000,
		       (double)(c->sim.plan.outages[i].to_ms - 3600000) / 1000);
}

static void add_to(struct tally *t, const struct drawn *d, enum sim_law law)
{
	t->runs++;
	t->landed += d->c.landed;
	t->must += d->must_land;
	t->must_landed += d->must_land && d->c.landed;
	t->broken[law]++;
	t->requests += d->c.sim.net.requests;
	t->stored_again += d->c.sim.registry.stored_again;
	t->virtual_ms += d->c.took_ms;
	for (int f = 0; f < SIM_FAULTS; f++)
		t->fired[f] += d->c.sim.plan.fired[f];
}

/* Whether all laws were kept. */
static bool run_seed(uint64_t seed, bool verbose, struct tally *t)
{
	struct observer teller = { .tell = tell };
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	struct drawn d;
	enum sim_law law;

	current_seed = seed;
	alarm(STUCK_S);
	draw(&d, seed);
	if (verbose) {
		show_world(&d);
		d.c.sim.net.trace = stdout;
		d.c.sim.world.observer = &teller;
	}
	sim_case_run(&d.c);
	d.must_land = must_land(&d);
	law = sim_case_judge(&d.c, d.must_land, &why);
	if (verbose)
		printf("%s after %lld ms%s%s\n", d.c.landed ? "landed" : "not landed",
		       (long long)d.c.took_ms, d.c.landed ? "" : ": ",
		       d.c.landed ? "" : d.c.err.message);
	if (law != LAW_KEPT && t->runs - t->broken[LAW_KEPT] < FAILURES_SHOWN)
		printf("seed %llu: %s: %s\n", (unsigned long long)seed, sim_law_names[law],
		       buf_str(&why));
	add_to(t, &d, law);
	drawn_clear(&d);
	buf_clear(&why);
	return law == LAW_KEPT;
}

static void show_tally(const struct tally *t, double seconds)
{
	printf("%zu pushes, %.0f a second; %zu requests, %.0f virtual hours\n", t->runs,
	       (double)t->runs / seconds, t->requests, (double)t->virtual_ms / 3600000);
	printf("landed %.2f %%; of the %zu whose world became good %.2f %%\n",
	       100.0 * (double)t->landed / (double)t->runs, t->must,
	       t->must ? 100.0 * (double)t->must_landed / (double)t->must : 100);
	printf("blobs that came although they were there: %zu\n", t->stored_again);
	for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++)
		printf("  %-20s %zu\n", sim_fault_looks[f].name, t->fired[f]);
	for (int l = LAW_KEPT + 1; l < SIM_LAWS; l++)
		if (t->broken[l])
			printf("BROKEN %s: %zu\n", sim_law_names[l], t->broken[l]);
}

/* Seeds */

static void on_end(int signal_number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "landed-simulate: seed %llu\n",
			   (unsigned long long)current_seed);

	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		_exit(2);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int usage(void)
{
	fputs("usage: landed-simulate [--seeds N] [--first S] [--seed S] [-v]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct tally tally = { 0 };
	uint64_t first = 1, count = 1000;
	bool verbose = false, kept = true;
	double begun_s = now_s();
	int word;

	while ((word = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (word == 'n')
			count = strtoull(optarg, NULL, 10);
		else if (word == 'f' || word == 's')
			first = strtoull(optarg, NULL, 10);
		else if (word == 'v')
			verbose = true;
		else
			return usage();
		if (word == 's')
			count = 1;
	}
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 16 << 20);
	signal(SIGABRT, on_end);
	signal(SIGALRM, on_end);
	for (uint64_t i = 0; i < count; i++)
		kept &= run_seed(first + i, verbose, &tally);
	if (count)
		show_tally(&tally, now_s() - begun_s);
	return kept ? 0 : 1;
}
