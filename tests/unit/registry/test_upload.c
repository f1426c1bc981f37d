/* Sending a blob: the three forms, their fallbacks, and what may go wrong with each. */
#include "registry/fixture.h"

#include "registry/blob.h"

#include <string.h>

static size_t puts_with_body(const struct fixture *f)
{
	return sim_registry_count(&f->sim.registry, SIM_UPLOAD_PUT);
}

static bool upload(struct fixture *f)
{
	return blob_upload(&f->sim.world, f->s, f->image, layer_of(f), false, &f->err);
}

static void expect_stored(struct fixture *f, const char *name)
{
	const struct sim_thing *t = stored(f, layer_of(f)->digest.text);

	assert_that(t && (int64_t)t->len == layer_of(f)->size_bytes, "%s: it is not there", name);
	assert_that(!f->sim.registry.foreign_tokens, "%s: a token left", name);
}

/* Forms */

static const struct {
	const char *name;
	struct sim_options options; /* auth and life are set apart */
	size_t bytes;
	size_t posts;
	size_t patches;
	size_t puts;
} forms[] = {
	{ "as docker push does it", { 0 }, 1000, 1, 1, 1 },
	{ "empty", { 0 }, 0, 1, 1, 1 },
	{ "PATCH not known", { .refuses_patch = true }, 1000, 2, 1, 1 },
	{ "too large as one", { .body_max = 5 * MIB }, 9 * MIB, 2, 4, 1 },
	{ "chunks of at least 6 MiB",
	  { .body_max = 7 * MIB, .chunk_min = 6 * MIB },
	  13 * MIB,
	  2,
	  4,
	  1 },
	{ "too large as a chunk", { .body_max = 300 * KIB }, 2 * MIB, 4, 11, 1 },
	{ "only with a range", { .wants_ranges = true }, 1000, 2, 2, 1 },
	{ "no chunks, too large at first",
	  { .early_status = 413, .refuses_ranges = true },
	  1000,
	  3,
	  2,
	  1 },
	{ "Location absolute", { .location = SIM_ABSOLUTE }, 1000, 1, 1, 1 },
	{ "Location without a query", { .location = SIM_BARE }, 1000, 1, 1, 1 },
	{ "Location on another host", { .location = SIM_OTHER_HOST }, 1000, 1, 1, 1 },
	{ "another host, one PUT",
	  { .location = SIM_OTHER_HOST, .refuses_patch = true },
	  1000,
	  2,
	  1,
	  1 },
	{ "PATCH says 200", { .patch_status = 200 }, 1000, 1, 1, 1 },
	{ "PATCH says 201", { .patch_status = 201 }, 1000, 1, 1, 1 },
	{ "PATCH says 204", { .patch_status = 204 }, 1000, 1, 1, 1 },
	{ "PUT says 200", { .put_status = 200 }, 1000, 1, 1, 1 },
	{ "PUT says 202", { .put_status = 202 }, 1000, 1, 1, 1 },
	{ "PUT says 204", { .put_status = 204 }, 1000, 1, 1, 1 },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *name = forms[i].name;
		struct fixture f;

		fixture_init(&f, 1, forms[i].bytes);
		f.sim.registry.options = forms[i].options;
		f.sim.registry.options.auth = SIM_AUTH_BEARER;
		f.sim.registry.options.token_life_ms = 300000;
		assert_that(upload(&f), "%s: %s", name, f.err.message);
		expect_stored(&f, name);
		assert_that(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST) == forms[i].posts,
			    "%s: %zu POSTs", name,
			    sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST));
		assert_that(sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH) ==
				    forms[i].patches,
			    "%s: %zu PATCHes", name,
			    sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH));
		assert_that(puts_with_body(&f) == forms[i].puts, "%s: %zu PUTs", name,
			    puts_with_body(&f));
		fixture_clear(&f);
	}
}

static void test_what_was_refused_once_is_not_tried_with_the_next(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 1000);
	f.sim.registry.options.refuses_patch = true;
	assert_true(upload(&f));
	assert_true(blob_upload(&f.sim.world, f.s, f.image, &f.image->blobs[0].descriptor, false,
				&f.err));
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH), 1);
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST), 3);
	fixture_clear(&f);
}

static void test_a_chunk_that_was_too_large_once_is_not_tried_with_the_next(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 2 * MIB);
	f.sim.registry.options.body_max = 300 * KIB;
	assert_true(upload(&f));
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST), 4);
	sim_thing_find(sim_store_repo(&f.sim.registry.store, SIM_REPO)->blobs,
		       layer_of(&f)->digest.text)
		->visible_ms = NEVER_MS;
	assert_true(upload(&f));
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST), 5);
	fixture_clear(&f);
}

/* A registry whose own floor is above a proxy's limit takes nothing: that ends, and says so. */
static void test_chunks_are_not_made_smaller_than_the_registry_asks(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 2 * MIB);
	f.sim.registry.options.body_max = 256 * KIB;
	f.sim.registry.options.chunk_min = 512 * KIB;
	assert_false(upload(&f));
	assert_int_equal(f.err.code, ERR_NET);
	assert_non_null(strstr(f.err.evidence, "413"));
	assert_true(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST) <= 4);
	fixture_clear(&f);
}

static void test_a_registry_that_takes_no_form_is_given_up(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 1000);
	f.sim.registry.options.refuses_patch = true;
	f.sim.registry.options.refuses_put = true;
	assert_false(upload(&f));
	assert_int_equal(f.err.code, ERR_NET);
	assert_non_null(strstr(f.err.evidence, "405"));
	assert_true(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST) <= 4);
	assert_null(stored(&f, layer_of(&f)->digest.text));
	fixture_clear(&f);
}

/* A 2xx before the body was read is no success: the body never left. */
static void test_an_early_success_is_not_believed(void **state)
{
	static const int statuses[] = { 200, 201, 202, 204 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct fixture f;

		fixture_init(&f, 1, 100000);
		f.sim.registry.options.early_status = statuses[i];
		assert_false(upload(&f));
		assert_int_equal(f.err.code, ERR_NET);
		assert_non_null(strstr(f.err.message, "answered before the blob was sent"));
		assert_null(stored(&f, layer_of(&f)->digest.text));
		assert_true(sim_registry_count(&f.sim.registry, SIM_UPLOAD_POST) <= 6);
		fixture_clear(&f);
	}
}

static void test_an_early_refusal_is_read(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 100000);
	f.sim.registry.options.early_status = 413;
	assert_true(upload(&f));
	expect_stored(&f, "413 before the body");
	assert_int_equal(puts_with_body(&f), 1);
	fixture_clear(&f);
}

/* Places outside /v2/ */

static const struct {
	const char *name;
	enum sim_capability capability;
	enum sim_fault fault; /* at the first PATCH */
	size_t patches;
	size_t refused;
} capabilities[] = {
	{ "everybody", SIM_LETS_ALL_IN, FAULT_NONE, 1, 0 },
	{ "a living token", SIM_LETS_TOKENS_IN, FAULT_NONE, 1, 0 },
	{ "only a living token, this one dies", SIM_LETS_TOKENS_IN, FAULT_TOKEN_DIES, 4, 3 },
	{ "no dead token", SIM_LETS_BARE_IN, FAULT_TOKEN_DIES, 2, 1 },
	{ "no token at all", SIM_LETS_ONLY_BARE_IN, FAULT_NONE, 2, 1 },
};

static void test_a_capability_that_refuses_a_token_is_tried_without(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		const char *name = capabilities[i].name;
		struct fixture f;

		fixture_init(&f, 1, 1000);
		f.sim.registry.options.location = SIM_CAPABILITY;
		f.sim.registry.options.capability = capabilities[i].capability;
		plan_fault(&f, 2, capabilities[i].fault);
		assert_that(upload(&f), "%s: %s", name, f.err.message);
		expect_stored(&f, name);
		assert_that(sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH) ==
				    capabilities[i].patches,
			    "%s: %zu PATCHes", name,
			    sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH));
		assert_that(f.sim.registry.refused_at_capability == capabilities[i].refused,
			    "%s: %zu refusals", name, f.sim.registry.refused_at_capability);
		fixture_clear(&f);
	}
}

static void test_what_a_capability_wants_is_kept_for_the_next_blob(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 1000);
	f.sim.registry.options.location = SIM_CAPABILITY;
	f.sim.registry.options.capability = SIM_LETS_ONLY_BARE_IN;
	assert_true(upload(&f));
	assert_true(blob_upload(&f.sim.world, f.s, f.image, &f.image->blobs[0].descriptor, false,
				&f.err));
	assert_int_equal(f.sim.registry.refused_at_capability, 1);
	fixture_clear(&f);
}

/* The source */

static const struct {
	const char *name;
	enum sim_damage damage;
	const char *words;
} damages[] = {
	{ "a flipped bit", SIM_FLIPPED, "hashes to" },
	{ "a byte less", SIM_SHORT, "ends after" },
	{ "a byte more", SIM_LONG, "longer than" },
	{ "not there", SIM_MISSING, "is missing" },
};

static const struct sim_options damaged_ways[] = {
	{ 0 },
	{ .refuses_patch = true },
	{ .body_max = 5 * MIB, .refuses_put = true },
};

static void test_a_corrupt_source_never_becomes_a_blob(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++)
		for (size_t k = 0; k < ARRAY_SIZE(damaged_ways); k++) {
			struct fixture f;

			fixture_init(&f, 1, 6 * MIB);
			f.sim.registry.options = damaged_ways[k];
			f.sim.registry.options.auth = SIM_AUTH_BEARER;
			f.sim.registry.options.token_life_ms = 300000;
			sim_image_damage(f.image, &layer_of(&f)->digest, damages[i].damage);
			assert_that(!upload(&f), "%s, %zu: taken", damages[i].name, k);
			assert_that(f.err.code == ERR_CORRUPT, "%s, %zu: %d %s", damages[i].name, k,
				    (int)f.err.code, f.err.message);
			assert_non_null(strstr(f.err.message, damages[i].words));
			assert_null(stored(&f, layer_of(&f)->digest.text));
			assert_int_equal(sim_registry_count(&f.sim.registry, SIM_UPLOAD_DELETE), 1);
			fixture_clear(&f);
		}
}

/* Faults: none of them costs more than it must */

static const struct {
	const char *name;
	size_t nth; /* request of POST, PATCH, PUT */
	enum sim_fault fault;
	size_t patches;
	size_t puts;
} faults[] = {
	{ "POST: 404 once", 1, FAULT_404, 1, 1 },
	{ "POST: a page", 1, FAULT_PAGE, 1, 1 },
	{ "POST: 503", 1, FAULT_503, 1, 1 },
	{ "POST: the answer is lost", 1, FAULT_RESET_AFTER, 1, 1 },
	{ "PATCH: cut", 2, FAULT_RESET_MIDWAY, 2, 1 },
	{ "PATCH: the answer is lost", 2, FAULT_RESET_AFTER, 2, 1 },
	{ "PATCH: 401", 2, FAULT_401_CHALLENGE, 2, 1 },
	{ "PATCH: 404", 2, FAULT_404, 2, 1 },
	{ "PATCH: 500 although it was taken", 2, FAULT_500_AFTER, 2, 1 },
	{ "PATCH: the token dies", 2, FAULT_TOKEN_DIES, 2, 1 },
	{ "PUT: 503", 3, FAULT_503, 1, 2 },
	{ "PUT: reset before", 3, FAULT_RESET_BEFORE, 1, 2 },
	{ "PUT: the answer is lost", 3, FAULT_RESET_AFTER, 1, 1 },
	{ "PUT: the answer never comes", 3, FAULT_STALL_AFTER, 1, 1 },
	{ "PUT: 500 although it was taken", 3, FAULT_500_AFTER, 1, 1 },
	{ "PUT: the token dies", 3, FAULT_TOKEN_DIES, 1, 2 },
	{ "PUT: 404", 3, FAULT_404, 2, 2 },
};

static void test_one_fault_costs_no_more_than_it_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const char *name = faults[i].name;
		struct fixture f;

		fixture_init(&f, 1, 100000);
		plan_fault(&f, faults[i].nth, faults[i].fault);
		assert_that(upload(&f), "%s: %s", name, f.err.message);
		assert_that(f.sim.plan.fired[faults[i].fault] == 1, "%s: did not happen", name);
		expect_stored(&f, name);
		assert_that(sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH) ==
				    faults[i].patches,
			    "%s: %zu PATCHes", name,
			    sim_registry_count(&f.sim.registry, SIM_UPLOAD_PATCH));
		assert_that(puts_with_body(&f) == faults[i].puts, "%s: %zu PUTs", name,
			    puts_with_body(&f));
		assert_that(f.sim.registry.stored_again == 0, "%s: sent again", name);
		fixture_clear(&f);
	}
}

static void fire(void *arg)
{
	cancel_fire(arg, 15);
}

static void test_a_cancelled_upload_is_deleted(void **state)
{
	struct fixture f;
	int64_t begun_ms;

	(void)state;
	fixture_init(&f, 1, 1000000);
	f.sim.net.bytes_per_ms = 10;
	begun_ms = sim_now_ms(f.sim.sched);
	sim_at(f.sim.sched, begun_ms + 30000, fire, f.sim.cancel);
	assert_false(upload(&f));
	assert_int_equal(f.err.code, ERR_CANCELLED);
	assert_null(f.sim.registry.uploads);
	assert_true(sim_now_ms(f.sim.sched) - begun_ms < 33000);
	fixture_clear(&f);
}

/* The DELETE is answered by nobody: the grace is short. */
static void test_a_cancel_does_not_wait_for_a_dead_registry(void **state)
{
	struct fixture f;
	int64_t begun_ms;

	(void)state;
	fixture_init(&f, 1, 1000000);
	f.sim.net.bytes_per_ms = 10;
	begun_ms = sim_now_ms(f.sim.sched);
	f.sim.plan.outages[0] =
		(struct sim_outage){ begun_ms + 20000, NEVER_MS, FAULT_STALL_BEFORE };
	f.sim.plan.outage_count = 1;
	sim_at(f.sim.sched, begun_ms + 30000, fire, f.sim.cancel);
	assert_false(upload(&f));
	assert_int_equal(f.err.code, ERR_CANCELLED);
	assert_true(sim_now_ms(f.sim.sched) - begun_ms <= 32100);
	fixture_clear(&f);
}

static void test_one_reset_late_in_a_long_upload_is_survived(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 1, 2000000);
	f.sim.net.bytes_per_ms = 10;
	plan_fault(&f, 2, FAULT_RESET_MIDWAY);
	assert_that(upload(&f), "%s", f.err.message);
	expect_stored(&f, "after a reset at 100 s");
	fixture_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_what_was_refused_once_is_not_tried_with_the_next),
		cmocka_unit_test(test_a_chunk_that_was_too_large_once_is_not_tried_with_the_next),
		cmocka_unit_test(test_chunks_are_not_made_smaller_than_the_registry_asks),
		cmocka_unit_test(test_a_registry_that_takes_no_form_is_given_up),
		cmocka_unit_test(test_an_early_success_is_not_believed),
		cmocka_unit_test(test_an_early_refusal_is_read),
		cmocka_unit_test(test_a_capability_that_refuses_a_token_is_tried_without),
		cmocka_unit_test(test_what_a_capability_wants_is_kept_for_the_next_blob),
		cmocka_unit_test(test_a_corrupt_source_never_becomes_a_blob),
		cmocka_unit_test(test_one_fault_costs_no_more_than_it_must),
		cmocka_unit_test(test_a_cancelled_upload_is_deleted),
		cmocka_unit_test(test_a_cancel_does_not_wait_for_a_dead_registry),
		cmocka_unit_test(test_one_reset_late_in_a_long_upload_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
