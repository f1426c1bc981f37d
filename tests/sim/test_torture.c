/*
 * Request torture: a push of N requests is run again for each of them and each passing fault, with exactly that
 * request failing that way once. The fault is gone by the next request, so the push must land and the registry must
 * hold the whole image.
 */
#include "sim/fixture.h"

#include "base/mem.h"
#include "sim/sim_case.h"

#define PAIRS 300
#define SHOWN_MAX 40

struct ways {
	const char *name;
	uint64_t seed;
	void (*prepare)(struct sim_case *c);
};

static void by_default(struct sim_case *c)
{
	c->sim.plan.late_ms = 3000;
}

static void as_artifact_registry(struct sim_case *c)
{
	c->sim.registry.options.says_403 = true;
	c->sim.registry.options.redirects_blobs = true;
	c->sim.registry.options.location = SIM_ABSOLUTE;
	c->sim.registry.options.refuses_patch = true;
	c->options.depth = VERIFY_BYTES;
	by_default(c);
}

static void with_stored_password(struct sim_case *c)
{
	c->sim.registry.options.auth = SIM_AUTH_BASIC;
	c->sim.registry.options.blobs_unchecked = true;
	c->source.is_stored = true;
	c->source.life_ms = NEVER_MS;
	c->source.says_life = false;
	strings_add(&c->more_tags, "latest");
	by_default(c);
}

static const struct ways all_ways[] = {
	{ "bearer", 11, by_default },
	{ "artifact registry", 12, as_artifact_registry },
	{ "stored password", 13, with_stored_password },
};

/* One row of the table for each fault and kind of request. */
struct row {
	size_t tried;
	size_t failed;
	size_t first_request;
	enum sim_law law;
	char *why;
};

struct table {
	struct row rows[SIM_FAULTS][SIM_WHATS];
	size_t tried;
	size_t failed;
};

static size_t run_plain(const struct ways *ways)
{
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	struct sim_case c;
	size_t requests;

	sim_case_init(&c, ways->seed);
	ways->prepare(&c);
	sim_case_run(&c);
	assert_that(sim_case_judge(&c, true, &why) == LAW_KEPT, "%s: %s", ways->name,
		    buf_str(&why));
	requests = c.sim.net.requests;
	sim_case_clear(&c);
	buf_clear(&why);
	return requests;
}

static void note(struct table *t, const struct sim_case *c, const struct sim_planned *p,
		 enum sim_law law, const struct buf *why)
{
	struct row *row = &t->rows[p->fault][c->sim.registry.records[p->request - 1].what];

	t->tried++;
	row->tried++;
	if (law == LAW_KEPT)
		return;
	t->failed++;
	if (!row->failed++) {
		row->first_request = p->request;
		row->law = law;
		row->why = mem_strdup(buf_str(why));
	}
}

/* Records stand in the order of the answers: the one of a request is found by its fault. */
static size_t record_of(const struct sim_case *c, enum sim_fault fault)
{
	for (size_t i = 0; i < c->sim.registry.record_count; i++)
		if (c->sim.registry.records[i].fault == fault)
			return i;
	return 0;
}

static void run_with(const struct ways *ways, const struct sim_planned *planned, struct table *t)
{
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	struct sim_case c;
	enum sim_law law;

	sim_case_init(&c, ways->seed);
	ways->prepare(&c);
	c.sim.plan.planned[0] = *planned;
	c.sim.plan.planned_count = 1;
	sim_case_run(&c);
	if (c.sim.plan.fired[planned->fault]) {
		struct sim_planned at = { record_of(&c, planned->fault) + 1, planned->fault };

		law = sim_case_judge(&c, true, &why);
		note(t, &c, &at, law, &why);
		if (law != LAW_KEPT)
			fprintf(stderr, "torture: %s: request %zu, %s\n", ways->name,
				planned->request, sim_fault_looks[planned->fault].name);
	}
	sim_case_clear(&c);
	buf_clear(&why);
}

static void show(const struct table *t)
{
	for (int f = 0; f < SIM_FAULTS; f++)
		for (int w = 0; w < SIM_WHATS; w++) {
			const struct row *row = &t->rows[f][w];

			if (row->failed)
				fprintf(stderr, "%-20s %-13s %zu of %zu: %s: %s\n",
					sim_fault_looks[f].name, sim_what_names[w], row->failed,
					row->tried, sim_law_names[row->law], row->why);
		}
	fprintf(stderr, "%zu of %zu runs failed\n", t->failed, t->tried);
}

static void table_clear(struct table *t)
{
	for (int f = 0; f < SIM_FAULTS; f++)
		for (int w = 0; w < SIM_WHATS; w++)
			free(t->rows[f][w].why);
}

static void test_any_one_fault_is_survived(void **state)
{
	const struct ways *ways = *state;
	struct table *t = NEW(struct table);
	size_t requests = run_plain(ways), failed;

	for (size_t i = 1; i <= requests; i++)
		for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++)
			run_with(ways, &(struct sim_planned){ i, (enum sim_fault)f }, t);
	show(t);
	assert_true(t->tried > requests * 8);
	failed = t->failed;
	table_clear(t);
	free(t);
	assert_int_equal(failed, 0);
}

/* Pairs */

static bool is_known(enum sim_fault f)
{
	return sim_fault_looks[f].is_verdict;
}

/* Two faults of which at most one could be taken for the truth. */
static void draw_pair(struct sim_rng *rng, size_t requests, struct sim_planned pair[2])
{
	do {
		for (int k = 0; k < 2; k++)
			pair[k] = (struct sim_planned){
				1 + (size_t)sim_rng_below(rng, requests),
				(enum sim_fault)(1 + sim_rng_below(rng, SIM_FAULTS - 1)),
			};
	} while (pair[0].request == pair[1].request ||
		 (is_known(pair[0].fault) && is_known(pair[1].fault)));
}

static bool pair_is_survived(const struct ways *ways, const struct sim_planned pair[2],
			     struct buf *why)
{
	struct sim_case c;
	enum sim_law law;

	sim_case_init(&c, ways->seed);
	ways->prepare(&c);
	memcpy(c.sim.plan.planned, pair, 2 * sizeof(*pair));
	c.sim.plan.planned_count = 2;
	sim_case_run(&c);
	law = sim_case_judge(&c, true, why);
	sim_case_clear(&c);
	return law == LAW_KEPT;
}

static void test_pairs_of_faults_are_survived(void **state)
{
	const struct ways *ways = *state;
	struct sim_rng rng = { ways->seed };
	size_t requests = run_plain(ways), failed = 0;

	for (size_t i = 0; i < PAIRS; i++) {
		struct buf why = BUF_INIT(BUF_TEXT_CEILING);
		struct sim_planned pair[2];

		draw_pair(&rng, requests, pair);
		if (!pair_is_survived(ways, pair, &why) && failed++ < SHOWN_MAX)
			fprintf(stderr, "%s: %zu %s and %zu %s: %s\n", ways->name, pair[0].request,
				sim_fault_looks[pair[0].fault].name, pair[1].request,
				sim_fault_looks[pair[1].fault].name, buf_str(&why));
		buf_clear(&why);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_any_one_fault_is_survived, (void *)&all_ways[0]),
		cmocka_unit_test_prestate(test_any_one_fault_is_survived, (void *)&all_ways[1]),
		cmocka_unit_test_prestate(test_any_one_fault_is_survived, (void *)&all_ways[2]),
		cmocka_unit_test_prestate(test_pairs_of_faults_are_survived, (void *)&all_ways[0]),
		cmocka_unit_test_prestate(test_pairs_of_faults_are_survived, (void *)&all_ways[1]),
		cmocka_unit_test_prestate(test_pairs_of_faults_are_survived, (void *)&all_ways[2]),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
