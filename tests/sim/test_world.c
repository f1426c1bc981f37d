/*
 * Is the injected world large enough? Whole pushes with the program's own authenticator and four workers, in virtual
 * time, on one thread.
 */
#include "sim/fixture.h"

#include "registry/blob.h"
#include "sim/sim_case.h"

#include <signal.h>

static void assert_kept(struct sim_case *c)
{
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	enum sim_law law = sim_case_judge(c, true, &why);

	assert_that(law == LAW_KEPT, "%s: %s", sim_law_names[law], buf_str(&why));
	buf_clear(&why);
}

static void use_image(struct sim_case *c, size_t platforms, size_t layers, size_t bytes)
{
	struct sim_rng rng = { 99 };
	const struct sim_image_options options = {
		.platforms = platforms,
		.layers = layers,
		.layer_bytes_max = bytes,
		.layers_are_full = true,
	};

	sim_case_image(c, &rng, &options);
}

static void test_four_workers_push_an_index(void **state)
{
	struct sim_case c;

	(void)state;
	sim_case_init(&c, 1);
	use_image(&c, 4, 3, 200000);
	sim_case_run(&c);
	assert_kept(&c);
	assert_int_equal(c.push.result.blobs_sent, c.push.image->blob_count);
	assert_int_equal(c.sim.net.most_under_way, 4);
	assert_int_equal(c.sim.registry.stored_again, 0);
	assert_null(c.sim.registry.uploads);
	sim_case_clear(&c);
}

static int64_t time_of(size_t jobs)
{
	struct sim_case c;
	int64_t took_ms;

	sim_case_init(&c, 2);
	use_image(&c, 0, 8, 400000);
	c.sim.net.bytes_per_ms = 100;
	c.options.jobs = jobs;
	sim_case_run(&c);
	assert_kept(&c);
	took_ms = c.push.took_ms;
	sim_case_clear(&c);
	return took_ms;
}

static void test_uploads_run_side_by_side(void **state)
{
	(void)state;
	assert_true(time_of(4) * 3 < time_of(1));
}

/* FNV over what was asked for, in order. */
static uint64_t story(uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325u;
	struct sim_case c;

	sim_case_init(&c, seed);
	use_image(&c, 2, 3, 5000);
	c.sim.plan.per_mille[FAULT_503] = 100;
	c.sim.plan.until_ms = NEVER_MS;
	sim_case_run(&c);
	assert_kept(&c);
	for (size_t i = 0; i < c.sim.registry.record_count; i++) {
		const struct sim_record *r = &c.sim.registry.records[i];

		for (const char *s = r->target; *s; s++)
			hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
		hash = (hash ^ (uint64_t)r->status) * 0x100000001b3u;
	}
	sim_case_clear(&c);
	return hash;
}

static void test_a_seed_is_the_whole_world(void **state)
{
	(void)state;
	assert_true(story(5) == story(5));
	assert_false(story(5) == story(6));
}

/* A cancel at a moment of virtual time. */
static void fire_cancel(void *arg)
{
	cancel_fire(arg, SIGINT);
}

static void test_a_streamed_read_is_cancelled_midway(void **state)
{
	struct reference ref = sim_reference(SIM_TAG);
	enum blob_state blob_state;
	struct session *s = NULL;
	struct sim_case c;
	int64_t begun_ms;

	(void)state;
	sim_case_init(&c, 3);
	use_image(&c, 0, 1, 1000000);
	c.sim.net.bytes_per_ms = 10; /* 100 s of reading */
	sim_image_store(c.push.image, &c.sim.registry, SIM_REPO, SIM_TAG);
	assert_true(session_make(&c.sim.maker, &c.sim.world, &ref, SESSION_PULL, &s, &c.push.err));
	begun_ms = sim_now_ms(c.sim.sched);
	sim_at(c.sim.sched, begun_ms + 40000, fire_cancel, c.sim.cancel);
	assert_false(blob_check_bytes(&c.sim.world, s, sim_image_largest(c.push.image), NULL,
				      &blob_state, &c.push.err));
	assert_int_equal(c.push.err.code, ERR_CANCELLED);
	assert_int_equal(sim_now_ms(c.sim.sched) - begun_ms, 40000);
	session_free(s);
	reference_clear(&ref);
	sim_case_clear(&c);
}

static void test_a_cancel_deletes_all_open_uploads(void **state)
{
	struct sim_case c;

	(void)state;
	sim_case_init(&c, 4);
	use_image(&c, 0, 4, 1000000);
	c.sim.net.bytes_per_ms = 10;
	sim_at(c.sim.sched, sim_now_ms(c.sim.sched) + 50000, fire_cancel, c.sim.cancel);
	sim_case_run(&c);
	assert_false(c.push.landed);
	assert_int_equal(c.push.err.code, ERR_CANCELLED);
	assert_false(c.push.result.manifest_sent);
	assert_true(c.push.took_ms < 53000);
	assert_int_equal(sim_registry_count(&c.sim.registry, SIM_UPLOAD_DELETE), 4);
	assert_null(c.sim.registry.uploads);
	sim_case_clear(&c);
}

/* Suspend */

struct suspend {
	struct sim_case *c;
	int64_t ms;
	size_t refused; /* so far */
};

static void suspend(void *arg)
{
	struct suspend *s = arg;

	s->refused = s->c->sim.registry.refused;
	sim_jump(s->c->sim.sched, s->ms);
}

static void push_through_suspend(struct sim_case *c, struct suspend *s)
{
	*s = (struct suspend){ .c = c, .ms = 5 * 3600000 };
	use_image(c, 0, 2, 1000000);
	c->timeout_ms = 24 * 3600000;
	c->sim.net.bytes_per_ms = 20;
	sim_at(c->sim.sched, sim_now_ms(c->sim.sched) + 20000, suspend, s);
	sim_case_run(c);
}

static void test_a_token_that_died_in_suspend_is_renewed_unasked(void **state)
{
	struct suspend s;
	struct sim_case c;

	(void)state;
	sim_case_init(&c, 7);
	push_through_suspend(&c, &s);
	assert_kept(&c);
	assert_true(c.push.took_ms > s.ms);
	assert_int_equal(c.sim.registry.refused, s.refused);
	sim_case_clear(&c);
}

/* The second PATCH, the layer's when one worker sends config and layer, breaks in the middle. */
static void reset_second_patch(void *arg, size_t number, const struct sim_request *q)
{
	struct sim_case *c = arg;

	if (q->what != SIM_UPLOAD_PATCH ||
	    sim_registry_count(&c->sim.registry, SIM_UPLOAD_PATCH) != 1)
		return;
	c->sim.plan.planned[0] = (struct sim_planned){ number, FAULT_RESET_MIDWAY };
	c->sim.plan.planned_count = 1;
}

static void expect_one_reset(struct sim_case *c)
{
	c->options.jobs = 1;
	c->sim.net.hook = reset_second_patch;
	c->sim.net.hook_arg = c;
}

/* What a resumed machine finds: a connection that is gone, and a token that is too. */
static void test_a_connection_that_died_in_suspend_is_made_anew(void **state)
{
	struct suspend s;
	struct sim_case c;

	(void)state;
	sim_case_init(&c, 7);
	expect_one_reset(&c);
	push_through_suspend(&c, &s);
	assert_int_equal(c.sim.plan.fired[FAULT_RESET_MIDWAY], 1);
	assert_kept(&c);
	assert_true(c.push.took_ms > s.ms);
	sim_case_clear(&c);
}

static void test_one_reset_in_a_long_upload_is_survived(void **state)
{
	struct sim_case c;

	(void)state;
	sim_case_init(&c, 8);
	use_image(&c, 0, 1, 2000000);
	c.sim.net.bytes_per_ms = 10; /* 200 s for the layer, the reset comes after 100 */
	expect_one_reset(&c);
	sim_case_run(&c);
	assert_int_equal(c.sim.plan.fired[FAULT_RESET_MIDWAY], 1);
	assert_kept(&c);
	sim_case_clear(&c);
}

/* Outages of a registry that was heard, longer than a stranger is waited for. */

struct outage_at {
	struct sim_case *c;
	enum sim_fault fault;
	enum sim_what what; /* begins with the first of these */
	int64_t ms;
	bool for_proof;
	bool begun;
};

static void begin_outage(void *arg, size_t number, const struct sim_request *q)
{
	struct outage_at *o = arg;
	int64_t now_ms = sim_now_ms(o->c->sim.sched);

	(void)number;
	if (o->begun || q->what != o->what || q->for_proof != o->for_proof)
		return;
	o->begun = true;
	o->c->sim.plan.outages[0] = (struct sim_outage){ now_ms, now_ms + o->ms, o->fault };
	o->c->sim.plan.outage_count = 1;
}

static const struct outage_at outages[] = {
	{ .fault = FAULT_503, .what = SIM_TOKEN, .ms = 60000 },
	{ .fault = FAULT_CONNECT, .what = SIM_TOKEN, .ms = 60000 },
	{ .fault = FAULT_RESET_BEFORE, .what = SIM_TOKEN, .ms = 60000 },
	{ .fault = FAULT_STALL_BEFORE, .what = SIM_TOKEN, .ms = 40000 },
	{ .fault = FAULT_CONNECT, .what = SIM_UPLOAD_PATCH, .ms = 300000 },
	{ .fault = FAULT_503, .what = SIM_UPLOAD_PUT, .ms = 300000 },
	{ .fault = FAULT_500, .what = SIM_MANIFEST_PUT, .ms = 60000 },
	{ .fault = FAULT_503, .what = SIM_PING, .ms = 300000, .for_proof = true },
	{ .fault = FAULT_CONNECT, .what = SIM_PING, .ms = 300000, .for_proof = true },
	{ .fault = FAULT_RESET_BEFORE, .what = SIM_PING, .ms = 60000, .for_proof = true },
	{ .fault = FAULT_STALL_BEFORE, .what = SIM_PING, .ms = 40000, .for_proof = true },
	{ .fault = FAULT_CONNECT, .what = SIM_TOKEN, .ms = 300000, .for_proof = true },
	{ .fault = FAULT_503, .what = SIM_BLOB_HEAD, .ms = 300000, .for_proof = true },
};

static void test_an_outage_is_waited_for(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outages); i++) {
		struct buf why = BUF_INIT(BUF_TEXT_CEILING);
		struct outage_at o = outages[i];
		struct sim_case c;

		sim_case_init(&c, 20 + i);
		o.c = &c;
		c.sim.net.hook = begin_outage;
		c.sim.net.hook_arg = &o;
		sim_case_run(&c);
		assert_true(o.begun);
		if (sim_case_judge(&c, true, &why) != LAW_KEPT && ++failed)
			fprintf(stderr, "%s at %s%s for %lld ms: %s\n",
				sim_fault_looks[o.fault].name, o.for_proof ? "the proof's " : "",
				sim_what_names[o.what], (long long)o.ms, buf_str(&why));
		sim_case_clear(&c);
		buf_clear(&why);
	}
	assert_int_equal(failed, 0);
}

/* Tokens and passwords */

struct lives {
	const char *name;
	int64_t token_life_ms;
	unsigned int token_uses;
	int64_t password_life_ms;
	int64_t repeat_ms;
	bool says_life;
	bool keeps_to_itself;
	enum sim_auth auth;
	bool says_403;
};

static const struct lives all_lives[] = {
	{ "a token a request", 300000, 1, 3600000, 0, true, false, SIM_AUTH_BEARER, false },
	{ "a token a request, 403", 300000, 1, 3600000, 0, true, false, SIM_AUTH_BEARER, true },
	{ "tokens of 2 s", 2000, 0, 3600000, 0, true, false, SIM_AUTH_BEARER, true },
	{ "tokens of 2 s that say nothing", 2000, 0, 3600000, 0, true, true, SIM_AUTH_BEARER,
	  true },
	{ "passwords of 20 s", 300000, 0, 20000, 10000, true, false, SIM_AUTH_BEARER, false },
	{ "passwords of 20 s, unsaid", 2000, 0, 20000, 19000, false, false, SIM_AUTH_BEARER, true },
	{ "a source that repeats a dead one", 2000, 0, 20000, 40000, false, false, SIM_AUTH_BEARER,
	  true },
	{ "basic, 20 s", 0, 0, 20000, 10000, true, false, SIM_AUTH_BASIC, false },
	{ "basic, unsaid, 403", 0, 0, 20000, 19000, false, false, SIM_AUTH_BASIC, true },
	{ "basic, repeats a dead one", 0, 0, 20000, 30000, true, false, SIM_AUTH_BASIC, false },
	{ "basic, repeats a dead one, unsaid", 0, 0, 20000, 30000, false, false, SIM_AUTH_BASIC,
	  true },
};

static void prepare_lives(struct sim_case *c, const struct lives *l)
{
	c->sim.registry.options.auth = l->auth;
	c->sim.registry.options.token_life_ms = l->token_life_ms;
	c->sim.registry.options.token_uses = l->token_uses;
	c->sim.registry.options.keeps_life_to_itself = l->keeps_to_itself;
	c->sim.registry.options.says_403 = l->says_403;
	c->source.life_ms = l->password_life_ms;
	c->source.repeat_ms = l->repeat_ms;
	c->source.says_life = l->says_life;
	use_image(c, 2, 3, 300000);
	c->sim.net.bytes_per_ms = 30; /* 10 s a blob */
}

static void test_what_expires_is_never_the_reason(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all_lives); i++)
		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct buf why = BUF_INIT(BUF_TEXT_CEILING);
			struct sim_case c;

			sim_case_init(&c, seed);
			prepare_lives(&c, &all_lives[i]);
			sim_case_run(&c);
			if (sim_case_judge(&c, true, &why) != LAW_KEPT && ++failed)
				fprintf(stderr, "%s: %s\n", all_lives[i].name, buf_str(&why));
			sim_case_clear(&c);
			buf_clear(&why);
		}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_four_workers_push_an_index),
		cmocka_unit_test(test_uploads_run_side_by_side),
		cmocka_unit_test(test_a_seed_is_the_whole_world),
		cmocka_unit_test(test_a_streamed_read_is_cancelled_midway),
		cmocka_unit_test(test_a_cancel_deletes_all_open_uploads),
		cmocka_unit_test(test_a_token_that_died_in_suspend_is_renewed_unasked),
		cmocka_unit_test(test_a_connection_that_died_in_suspend_is_made_anew),
		cmocka_unit_test(test_one_reset_in_a_long_upload_is_survived),
		cmocka_unit_test(test_an_outage_is_waited_for),
		cmocka_unit_test(test_what_expires_is_never_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
