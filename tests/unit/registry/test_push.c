/* One image into one repository: what is sent, what is not, and when it is said to have landed. */
#include "registry/fixture.h"

#include "base/mem.h"
#include "registry/push.h"

#include <signal.h>
#include <string.h>

#define TAG "v1"

struct pushing {
	struct sim sim;
	struct image *image;
	struct push_options options;
	struct strings more;
	struct strings mount_from;
	struct push_result result;
	struct err err;
	int64_t took_ms;
	bool landed;
};

static void start_with(struct pushing *p, uint64_t seed, const struct sim_image_options *options)
{
	struct sim_rng rng = { seed };

	*p = (struct pushing){ .options = { .jobs = 4, .depth = VERIFY_TREE, .settle_ms = 30000 } };
	sim_init(&p->sim, seed);
	p->image = sim_image_new(&rng, options);
}

static void start(struct pushing *p)
{
	const struct sim_image_options options = { .platforms = 2,
						   .layers = 2,
						   .layer_bytes_max = 3000 };

	start_with(p, 21, &options);
}

static void run(struct pushing *p)
{
	struct reference ref = sim_reference(TAG);
	int64_t begun_ms = sim_now_ms(p->sim.sched);

	p->options.additional_tags = p->more.count ? &p->more : NULL;
	p->options.mount_from = p->mount_from.count ? &p->mount_from : NULL;
	sim_sched_limit(p->sim.sched, p->sim.world.deadline_ms + 60000);
	p->landed = image_push(&p->sim.world, &p->sim.maker, p->image, &ref, &p->options,
			       &p->result, &p->err);
	p->took_ms = sim_now_ms(p->sim.sched) - begun_ms;
	reference_clear(&ref);
}

static void end(struct pushing *p)
{
	push_result_clear(&p->result);
	err_clear(&p->err);
	strings_clear(&p->more);
	strings_clear(&p->mount_from);
	image_free(p->image);
	sim_clear(&p->sim);
}

static void expect_landed(struct pushing *p, const char *tag)
{
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);

	assert_that(p->landed, "not landed: %s", p->err.message);
	assert_that(sim_holds(&p->sim, p->image, tag, &why), "%s: %s", tag, buf_str(&why));
	assert_true(digest_same(&p->result.proof.digest, &image_root(p->image)->digest));
	buf_clear(&why);
}

static size_t count(const struct pushing *p, enum sim_what what)
{
	return sim_registry_count(&p->sim.registry, what);
}

/* A fault at the NTH request of a kind. */
struct fault_at {
	struct pushing *p;
	enum sim_what what;
	size_t nth;
	enum sim_fault fault;
	const char *name; /* of the blob or reference, NULL: any */
	size_t seen;
};

static void plan_when_seen(void *arg, size_t number, const struct sim_request *q)
{
	struct fault_at *at = arg;

	for (; at->p; at++) {
		struct sim_plan *plan = &at->p->sim.plan;

		if (q->what != at->what || (at->name && strcmp(q->name, at->name) != 0) ||
		    ++at->seen != at->nth)
			continue;
		plan->planned[plan->planned_count++] = (struct sim_planned){ number, at->fault };
	}
}

static void plan_faults(struct pushing *p, struct fault_at *list)
{
	p->sim.net.hook = plan_when_seen;
	p->sim.net.hook_arg = list;
}

/* What is sent */

static void test_a_new_image_is_sent_once(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	run(&p);
	expect_landed(&p, TAG);
	assert_true(p.result.manifest_sent);
	assert_false(p.result.sent_again);
	assert_false(p.result.landed_earlier);
	assert_int_equal(p.result.blobs_sent, p.image->blob_count);
	assert_int_equal(count(&p, SIM_UPLOAD_PUT), p.image->blob_count);
	assert_int_equal(count(&p, SIM_MANIFEST_PUT), p.image->manifest_count);
	assert_int_equal(p.sim.registry.unfounded, 0);
	assert_int_equal(p.sim.sessions, 2); /* the proof has one of its own */
	end(&p);
}

static void test_what_has_landed_is_not_sent_again(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	sim_image_store(p.image, &p.sim.registry, SIM_REPO, TAG);
	run(&p);
	expect_landed(&p, TAG);
	assert_true(p.result.landed_earlier);
	assert_false(p.result.manifest_sent);
	assert_int_equal(count(&p, SIM_UPLOAD_POST) + count(&p, SIM_MANIFEST_PUT), 0);
	end(&p);
}

static void test_only_what_is_missing_is_sent(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	sim_image_store(p.image, &p.sim.registry, SIM_REPO, TAG);
	sim_blob_drop(sim_store_repo(&p.sim.registry.store, SIM_REPO),
		      p.image->blobs[2].descriptor.digest.text);
	run(&p);
	expect_landed(&p, TAG);
	assert_int_equal(p.result.blobs_sent, 1);
	assert_int_equal(p.result.blobs_existing, p.image->blob_count - 1);
	assert_int_equal(count(&p, SIM_UPLOAD_PUT), 1);
	end(&p);
}

static void test_a_neighbours_blobs_are_mounted(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	sim_image_store(p.image, &p.sim.registry, "team/base", "x");
	strings_add(&p.mount_from, "team/none");
	strings_add(&p.mount_from, "team/base");
	run(&p);
	expect_landed(&p, TAG);
	assert_int_equal(p.result.blobs_mounted, p.image->blob_count);
	assert_int_equal(count(&p, SIM_UPLOAD_PATCH), 0);
	end(&p);
}

static void test_additional_tags_are_put_and_proven(void **state)
{
	struct fault_at faults[] = {
		{ .what = SIM_MANIFEST_PUT, .nth = 1, .fault = FAULT_DROPPED, .name = "latest" },
		{ 0 },
	};
	struct pushing p;

	(void)state;
	start(&p);
	faults[0].p = &p;
	strings_add(&p.more, "latest");
	strings_add(&p.more, "stable");
	plan_faults(&p, faults);
	run(&p);
	expect_landed(&p, TAG);
	expect_landed(&p, "latest");
	expect_landed(&p, "stable");
	assert_int_equal(p.sim.plan.fired[FAULT_DROPPED], 1);
	end(&p);
}

static void test_what_lives_elsewhere_is_not_sent(void **state)
{
	const struct sim_image_options options = {
		.layers = 1,
		.layer_bytes_max = 10,
		.has_elsewhere = true,
	};
	struct pushing p;

	(void)state;
	start_with(&p, 4, &options);
	run(&p);
	expect_landed(&p, TAG);
	assert_int_equal(p.result.blobs_elsewhere, 1);
	assert_int_equal(p.result.blobs_sent, 2);
	end(&p);
}

static void test_a_corrupt_blob_never_moves_the_tag(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	p.options.jobs =
		1; /* who is cancelled while an upload is being opened cannot know its place */
	sim_image_damage(p.image, &p.image->blobs[1].descriptor.digest, SIM_FLIPPED);
	run(&p);
	assert_false(p.landed);
	assert_int_equal(p.err.code, ERR_CORRUPT);
	assert_false(p.result.manifest_sent);
	assert_int_equal(count(&p, SIM_MANIFEST_PUT), 0);
	assert_null(p.sim.registry.uploads);
	end(&p);
}

/* What was under the tag before cannot stop a push. */
static const struct {
	const char *name;
	const char *type;
	const char *text;
} tenants[] = {
	{ "nothing that can be read", "application/json", "[]" },
	{ "a page", "text/html", "<html></html>" },
	{ "schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws",
	  "{\"schemaVersion\":1,\"name\":\"team/app\",\"tag\":\"v1\"}" },
};

static void test_an_unreadable_tenant_is_replaced(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tenants); i++) {
		struct digest d = digest_of(tenants[i].text, strlen(tenants[i].text));
		struct sim_repo *repo;
		struct pushing p;

		start(&p);
		repo = sim_store_repo(&p.sim.registry.store, SIM_REPO);
		sim_manifest_put(repo, &d, tenants[i].type, tenants[i].text,
				 strlen(tenants[i].text), 0);
		sim_tag_put(repo, TAG, &d, 0, 0);
		run(&p);
		if (!p.landed && ++failed)
			fprintf(stderr, "%s: %s\n", tenants[i].name, p.err.message);
		end(&p);
	}
	assert_int_equal(failed, 0);
}

/* A success that was not kept */

struct dropping {
	const char *name;
	bool unchecked; /* the registry takes manifests whatever they name */
	size_t blob_at; /* a blob's PUT, 0: none */
	size_t manifest_at;
};

static const struct dropping droppings[] = {
	{ "a blob", false, 2, 0 },
	{ "a blob, unchecked", true, 2, 0 },
	{ "a child", false, 0, 1 },
	{ "a child, unchecked", true, 0, 1 },
	{ "the root", false, 0, 3 },
	{ "the root, unchecked", true, 0, 3 },
	{ "a blob and the root", false, 2, 3 },
	{ "a blob and the root, unchecked", true, 2, 3 },
	{ "a blob and a child", false, 2, 1 },
	{ "a blob and a child, unchecked", true, 2, 1 },
};

static void test_a_dropped_success_is_sent_again(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(droppings); i++) {
		struct pushing p;
		struct fault_at faults[] = {
			{ &p, SIM_UPLOAD_PUT, droppings[i].blob_at, FAULT_DROPPED, NULL, 0 },
			{ &p, SIM_MANIFEST_PUT, droppings[i].manifest_at, FAULT_DROPPED, NULL, 0 },
			{ 0 },
		};

		start(&p);
		p.sim.registry.options.blobs_unchecked = droppings[i].unchecked;
		plan_faults(&p, faults);
		run(&p);
		if (!p.landed && ++failed)
			fprintf(stderr, "%s: %s after %lld ms\n", droppings[i].name, p.err.message,
				(long long)p.took_ms);
		assert_true(p.sim.plan.fired[FAULT_DROPPED] > 0);
		end(&p);
	}
	assert_int_equal(failed, 0);
}

static void test_what_is_dropped_for_ever_is_no_success(void **state)
{
	struct pushing p;

	(void)state;
	start(&p);
	p.sim.plan.outages[0] = (struct sim_outage){ 0, NEVER_MS, FAULT_DROPPED };
	p.sim.plan.outage_count = 1;
	run(&p);
	assert_false(p.landed);
	assert_true(p.took_ms < 60000);
	end(&p);
}

/* Late visibility */

static const struct {
	const char *name;
	int64_t late_ms;
	bool has_older; /* an older image is shown meanwhile */
	bool landed;
	enum err_code code;
} latenesses[] = {
	{ "a second", 1000, false, true, ERR_NONE },
	{ "a second, over an older image", 1000, true, true, ERR_NONE },
	{ "ten seconds", 10000, false, true, ERR_NONE },
	{ "ten seconds, over an older image", 10000, true, true, ERR_NONE },
	{ "25 s", 25000, true, true, ERR_NONE },
	{ "too long", 3600000, false, false, ERR_ABSENT },
	{ "too long, over an older image", 3600000, true, false, ERR_OTHER_DIGEST },
};

static void store_older(struct pushing *p)
{
	const struct sim_image_options options = { .layers = 1, .layer_bytes_max = 10 };
	struct sim_rng rng = { 77 };
	struct image *older = sim_image_new(&rng, &options);

	sim_image_store(older, &p->sim.registry, SIM_REPO, TAG);
	image_free(older);
}

static void test_lateness_is_waited_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(latenesses); i++) {
		const char *name = latenesses[i].name;
		struct pushing p;
		struct fault_at faults[] = {
			{ &p, SIM_MANIFEST_PUT, 1, FAULT_LATE, TAG, 0 },
			{ &p, SIM_MANIFEST_PUT, 2, FAULT_LATE, TAG, 0 },
			{ &p, SIM_MANIFEST_PUT, 3, FAULT_LATE, TAG, 0 },
			{ 0 },
		};

		start(&p);
		p.sim.plan.late_ms = latenesses[i].late_ms;
		if (latenesses[i].has_older)
			store_older(&p);
		plan_faults(&p, faults);
		run(&p);
		assert_that(p.landed == latenesses[i].landed, "%s: %s", name,
			    p.landed ? "landed" : p.err.message);
		assert_that(p.err.code == latenesses[i].code, "%s: %d %s", name, (int)p.err.code,
			    p.err.message);
		assert_that(p.took_ms < 40000, "%s: %lld ms", name, (long long)p.took_ms);
		assert_that(p.landed || strstr(p.err.cause, "may yet appear"), "%s: %s", name,
			    p.err.cause);
		assert_int_equal(count(&p, SIM_UPLOAD_PATCH), p.image->blob_count);
		end(&p);
	}
}

/* What a replica that is behind says once is not believed. */

static void test_a_tag_is_new_when_that_was_said_twice(void **state)
{
	struct pushing p;
	struct fault_at faults[] = {
		{ &p, SIM_MANIFEST_GET, 1, FAULT_404, TAG, 0 },
		{ &p, SIM_MANIFEST_PUT, 1, FAULT_LATE, TAG, 0 },
		{ 0 },
	};

	(void)state;
	start(&p);
	store_older(&p);
	p.sim.plan.late_ms = 1000;
	plan_faults(&p, faults);
	run(&p);
	expect_landed(&p, TAG); /* the older image that is shown meanwhile is not somebody's push */
	assert_int_equal(p.sim.plan.fired[FAULT_404], 1);
	end(&p);
}

static void test_a_blob_is_missing_when_that_was_said_twice(void **state)
{
	struct pushing p;
	struct fault_at faults[] = { { &p, SIM_BLOB_HEAD, 0, FAULT_HEAD_ABSENT, NULL, 0 }, { 0 } };

	(void)state;
	start(&p);
	faults[0].nth = p.image->blob_count + 1; /* the first of the proof */
	plan_faults(&p, faults);
	run(&p);
	expect_landed(&p, TAG);
	assert_int_equal(p.sim.plan.fired[FAULT_HEAD_ABSENT], 1);
	assert_false(p.result.sent_again);
	end(&p);
}

/*
 * One blob is shown 20 s late. A look that began before is held up by stalls at another blob until the time to settle
 * is over: what it saw is old by then, and is looked for again.
 */
struct held_up {
	struct pushing *p;
	int64_t until_ms; /* the first blob is not shown before */
	size_t heads;	  /* of the second one, in proofs */
};

static void hold_up(void *arg, size_t number, const struct sim_request *q)
{
	struct held_up *h = arg;
	struct sim_plan *plan = &h->p->sim.plan;
	struct sim_thing *blobs = sim_store_repo(&h->p->sim.registry.store, SIM_REPO)->blobs;

	if (!q->for_proof)
		return;
	if (!h->until_ms)
		h->until_ms = sim_now_ms(h->p->sim.sched) + 20000;
	sim_thing_find(blobs, h->p->image->blobs[0].descriptor.digest.text)->visible_ms =
		h->until_ms;
	if (q->what != SIM_BLOB_HEAD ||
	    strcmp(q->name, h->p->image->blobs[1].descriptor.digest.text) != 0)
		return;
	h->heads++;
	if (h->heads >= 7 && h->heads < 10)
		plan->planned[plan->planned_count++] =
			(struct sim_planned){ number, FAULT_STALL_BEFORE };
}

static void test_an_outage_in_the_proof_is_no_lateness(void **state)
{
	struct pushing p;
	struct held_up held_up = { .p = &p };

	(void)state;
	start(&p);
	p.sim.registry.options.blobs_unchecked = true;
	p.sim.net.hook = hold_up;
	p.sim.net.hook_arg = &held_up;
	run(&p);
	assert_int_equal(p.sim.plan.fired[FAULT_STALL_BEFORE], 3);
	expect_landed(&p, TAG);
	end(&p);
}

/* Somebody else */

static struct digest other_digest;

static void push_by_another(void *arg, size_t number, const struct sim_request *q)
{
	struct pushing *p = arg;
	const struct sim_image_options options = { .layers = 1, .layer_bytes_max = 10 };
	struct sim_rng rng = { 78 };
	struct image *other;

	(void)number;
	if (!q->for_proof || q->what != SIM_MANIFEST_GET || other_digest.text[0])
		return;
	other = sim_image_new(&rng, &options);
	other_digest = image_root(other)->digest;
	sim_image_store(other, &p->sim.registry, SIM_REPO, TAG);
	image_free(other);
}

static void expect_others_push_to_stay(bool tag_is_new)
{
	struct pushing p;

	start(&p);
	if (!tag_is_new)
		store_older(&p);
	other_digest = (struct digest){ "" };
	p.sim.net.hook = push_by_another;
	p.sim.net.hook_arg = &p;
	run(&p);
	assert_false(p.landed);
	assert_int_equal(p.err.code, ERR_OTHER_DIGEST);
	assert_non_null(strstr(p.err.message, other_digest.text));
	assert_non_null(strstr(p.err.message, image_root(p.image)->digest.text));
	assert_true(digest_same(
		&sim_tag_find(sim_store_repo(&p.sim.registry.store, SIM_REPO), TAG)->digest,
		&other_digest));
	end(&p);
}

static void test_somebody_elses_push_is_named_and_stays(void **state)
{
	(void)state;
	expect_others_push_to_stay(false);
	expect_others_push_to_stay(true);
}

/* Cut short */

struct cut {
	struct pushing *p;
	enum sim_what what; /* the first of these */
	bool for_proof;
	bool dead_from_then; /* nothing is answered any more */
	bool done;
};

static void cut_at(void *arg, size_t number, const struct sim_request *q)
{
	struct cut *c = arg;

	(void)number;
	if (c->done || q->what != c->what || q->for_proof != c->for_proof)
		return;
	c->done = true;
	cancel_fire(c->p->sim.cancel, SIGINT);
	if (!c->dead_from_then)
		return;
	c->p->sim.plan.outages[0] = (struct sim_outage){ 0, NEVER_MS, FAULT_STALL_BEFORE };
	c->p->sim.plan.outage_count = 1;
}

static const struct {
	const char *name;
	enum sim_what what;
	bool for_proof;
	bool dead_from_then;
	bool landed;
	enum err_code code;
	bool manifest_sent;
} cuts[] = {
	{ "before anything", SIM_MANIFEST_GET, false, false, false, ERR_CANCELLED, false },
	{ "at a blob", SIM_UPLOAD_PATCH, false, false, false, ERR_CANCELLED, false },
	{ "at a blob, dead", SIM_UPLOAD_PATCH, false, true, false, ERR_CANCELLED, false },
	{ "after the manifest", SIM_PING, true, false, true, ERR_NONE, true },
	{ "in the proof", SIM_BLOB_HEAD, true, false, true, ERR_NONE, true },
	{ "after the manifest, dead", SIM_PING, true, true, false, ERR_UNPROVEN, true },
	{ "in the proof, dead", SIM_BLOB_HEAD, true, true, false, ERR_UNPROVEN, true },
};

static void test_an_interrupted_push_tells_the_truth(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		const char *name = cuts[i].name;
		struct pushing p;
		struct cut cut = { &p, cuts[i].what, cuts[i].for_proof, cuts[i].dead_from_then,
				   false };

		start(&p);
		p.options.jobs = 1; /* as above: an upload that is being opened has no place yet */
		p.sim.net.hook = cut_at;
		p.sim.net.hook_arg = &cut;
		run(&p);
		assert_that(p.landed == cuts[i].landed, "%s: %s", name,
			    p.landed ? "landed" : p.err.message);
		assert_that(p.err.code == cuts[i].code, "%s: %d %s", name, (int)p.err.code,
			    p.err.message);
		assert_that(p.result.manifest_sent == cuts[i].manifest_sent, "%s", name);
		assert_that(p.took_ms < 8000, "%s: %lld ms", name, (long long)p.took_ms);
		assert_that(cuts[i].dead_from_then || !p.sim.registry.uploads,
			    "%s: an upload is left", name);
		end(&p);
	}
}

static void interrupt(void *arg)
{
	cancel_fire(((struct pushing *)arg)->sim.cancel, SIGINT);
}

/* The same with the clock: --timeout is over in the middle of the proof. */
static void test_a_timeout_after_the_manifest_is_followed_by_a_verdict(void **state)
{
	struct pushing p;
	struct fault_at faults[] = { { &p, SIM_PING, 2, FAULT_STALL_BEFORE, NULL, 0 }, { 0 } };

	(void)state;
	start(&p);
	p.sim.world.deadline_ms = sim_now_ms(p.sim.sched) + 10000;
	plan_faults(&p, faults);
	run(&p);
	expect_landed(&p, TAG);
	assert_true(p.took_ms >= 10000 && p.took_ms <= 15000);
	end(&p);
}

/* Half of it is sent, then a signal: the second run sends the other half. */
static void test_running_it_again_resumes(void **state)
{
	const struct sim_image_options options = { .layers = 7, .layer_bytes_max = 3000 };
	struct pushing p;
	size_t sent;

	(void)state;
	start_with(&p, 31, &options);
	p.options.jobs = 1;
	p.sim.net.bytes_per_ms = 1;
	sim_at(p.sim.sched, sim_now_ms(p.sim.sched) + 6000, interrupt, &p);
	run(&p);
	assert_false(p.landed);
	sent = p.result.blobs_sent;
	assert_in_range(sent, 2, 6);
	err_clear(&p.err);
	push_result_clear(&p.result);
	cancel_free(TAKE(p.sim.cancel));
	p.sim.world.cancel = NULL;
	run(&p);
	expect_landed(&p, TAG);
	assert_int_equal(p.result.blobs_existing, sent);
	assert_int_equal(p.result.blobs_sent, p.image->blob_count - sent);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_image_is_sent_once),
		cmocka_unit_test(test_what_has_landed_is_not_sent_again),
		cmocka_unit_test(test_only_what_is_missing_is_sent),
		cmocka_unit_test(test_a_neighbours_blobs_are_mounted),
		cmocka_unit_test(test_additional_tags_are_put_and_proven),
		cmocka_unit_test(test_what_lives_elsewhere_is_not_sent),
		cmocka_unit_test(test_a_corrupt_blob_never_moves_the_tag),
		cmocka_unit_test(test_an_unreadable_tenant_is_replaced),
		cmocka_unit_test(test_a_dropped_success_is_sent_again),
		cmocka_unit_test(test_what_is_dropped_for_ever_is_no_success),
		cmocka_unit_test(test_lateness_is_waited_for),
		cmocka_unit_test(test_a_tag_is_new_when_that_was_said_twice),
		cmocka_unit_test(test_a_blob_is_missing_when_that_was_said_twice),
		cmocka_unit_test(test_an_outage_in_the_proof_is_no_lateness),
		cmocka_unit_test(test_somebody_elses_push_is_named_and_stays),
		cmocka_unit_test(test_an_interrupted_push_tells_the_truth),
		cmocka_unit_test(test_a_timeout_after_the_manifest_is_followed_by_a_verdict),
		cmocka_unit_test(test_running_it_again_resumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
