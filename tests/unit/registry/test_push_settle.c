/* Images with pending layers: what is looked up, what is believed of it, and what is packed in the end. */
#include "registry/fixture.h"

#include "base/mem.h"
#include "registry/push.h"
#include "sim/sim_pending.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAG "v1"
#define LAYERS 4

struct settling {
	struct sim sim;
	struct sim_pending_options image_options;
	struct image *image;
	struct image *twin; /* the same, settled: what is in the registry from an earlier push */
	struct push_options options;
	struct reference cache_from;
	struct push_result result;
	struct err err;
	bool landed;
};

static struct image *image_of(struct settling *s, uint64_t seed)
{
	struct sim_rng rng = { seed };

	return sim_pending_new(&s->sim.world, &rng, &s->image_options);
}

static void settle(struct settling *s, struct image *i)
{
	bool end = false;
	size_t layer;

	while (!end)
		assert_true(pending_pack_next(&s->sim.world, i, &layer, &end, &s->err));
	assert_true(pending_settle(&s->sim.world, i, &s->err));
}

static void start(struct settling *s)
{
	*s = (struct settling){
		.options = { .jobs = 3, .adopts = true, .depth = VERIFY_TREE, .settle_ms = 30000 },
		.image_options = { .layers = LAYERS, .layer_bytes_max = 3000, .pack_ms = 20 },
	};
	sim_init(&s->sim, 33);
	s->image = image_of(s, 7);
	s->twin = image_of(s, 7);
	settle(s, s->twin);
}

static void run(struct settling *s)
{
	struct reference ref = sim_reference(TAG);

	if (s->cache_from.host) {
		s->options.cache_from = &s->cache_from;
		s->options.cache_from_count = 1;
	}
	sim_sched_limit(s->sim.sched, s->sim.world.deadline_ms + 60000);
	s->landed = image_push(&s->sim.world, &s->sim.maker, s->image, &ref, &s->options,
			       &s->result, &s->err);
	reference_clear(&ref);
}

static void end(struct settling *s)
{
	push_result_clear(&s->result);
	err_clear(&s->err);
	reference_clear(&s->cache_from);
	image_free(s->image);
	image_free(s->twin);
	sim_clear(&s->sim);
}

static size_t count(const struct settling *s, enum sim_what what)
{
	return sim_registry_count(&s->sim.registry, what);
}

/* PACKED layers were compressed here; of the blobs none is counted twice. */
static void expect_landed(struct settling *s, size_t packed)
{
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	const struct push_result *r = &s->result;

	assert_that(s->landed, "not landed: %s", s->err.message);
	assert_that(sim_holds(&s->sim, s->image, TAG, &why), "%s", buf_str(&why));
	assert_string_equal(image_root(s->image)->digest.text, image_root(s->twin)->digest.text);
	assert_int_equal(sim_pending_packed(s->image), packed);
	assert_int_equal(r->layers_adopted, LAYERS - packed);
	assert_int_equal(r->blobs_sent + r->blobs_existing + r->blobs_mounted, LAYERS + 1);
	assert_int_equal(s->err.code, ERR_NONE);
	buf_clear(&why);
}

static void store_twin(struct settling *s, const char *repo, const char *tag)
{
	sim_pending_store(s->twin, &s->sim.registry, repo, tag);
}

/* The twin's layer K. */
static const char *blob_of(const struct settling *s, size_t k)
{
	return image_root(s->twin)->entries[k + 1].digest.text;
}

static void drop_blob(struct settling *s, const char *repo, const char *digest)
{
	sim_blob_drop(sim_store_repo(&s->sim.registry.store, repo), digest);
}

/* Another image under TAG that has the twin's layers with INSTEAD for the last one's digest. */
static void store_relative(struct settling *s, const char *repo, const char *tag, size_t diff_ids)
{
	struct sim_repo *into = sim_store_repo(&s->sim.registry.store, repo);
	const struct manifest *m = image_root(s->twin);
	struct buf config = BUF_INIT(64 * KIB), json = BUF_INIT(64 * KIB);
	struct digest d;

	buf_puts(&config, "{\"os\":\"linux\",\"another\":1,\"rootfs\":{\"diff_ids\":[");
	for (size_t k = 0; k < diff_ids; k++)
		buf_printf(&config, "%s\"%s\"", k ? "," : "",
			   s->twin->pending->layers[k % LAYERS].diff_id.text);
	buf_puts(&config, "]}}");
	d = digest_of(buf_str(&config), config.len);
	sim_blob_put(into, &d, buf_str(&config), config.len, 0);
	buf_printf(&json,
		   "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
		   "\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		   MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, d.text, config.len);
	for (size_t k = 1; k < m->entry_count; k++)
		buf_printf(&json, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%lld}",
			   k > 1 ? "," : "", m->entries[k].media_type, m->entries[k].digest.text,
			   (long long)m->entries[k].size_bytes);
	buf_puts(&json, "]}");
	d = digest_of(buf_str(&json), json.len);
	sim_manifest_put(into, &d, MEDIA_OCI_MANIFEST, buf_str(&json), json.len, 0);
	sim_tag_put(into, tag, &d, 0, 0);
	buf_clear(&config);
	buf_clear(&json);
}

#define HIDDEN "hidden"

static void store_layers(struct settling *s, const char *repo)
{
	sim_pending_store(s->twin, &s->sim.registry, repo, "x");
	free(sim_store_repo(&s->sim.registry.store, repo)->tags->name);
	sim_store_repo(&s->sim.registry.store, repo)->tags->name = mem_strdup(HIDDEN);
}

/* Nothing in REPO is the image itself. */
static void move_hidden_to(struct settling *s, const char *repo, const char *tag)
{
	struct sim_repo *into = sim_store_repo(&s->sim.registry.store, repo);
	struct digest d = sim_tag_find(into, tag)->digest;

	sim_tag_put(into, HIDDEN, &d, 0, 0);
}

/* Failures and lies */

struct lost {
	struct sim_plan *plan;
	enum sim_what what;
	enum sim_fault fault;
	size_t seen;
};

static void lose(void *arg, size_t number, const struct sim_request *q)
{
	struct lost *lost = arg;

	if (q->for_proof || q->what != lost->what || strcmp(q->name, TAG) == 0)
		return;
	lost->seen++;
	lost->plan->planned[0] = (struct sim_planned){ number, lost->fault };
	lost->plan->planned_count = 1;
}

/* What cannot be looked up is packed: lists of tags, manifests below them, configs. */
static void test_look_ups_that_fail(void **state)
{
	static const enum sim_fault faults[] = { FAULT_404,	   FAULT_PAGE, FAULT_TRUNCATED,
						 FAULT_403_DENIED, FAULT_500,  FAULT_STALL_AFTER };
	static const enum sim_what whats[] = { SIM_OTHER, SIM_MANIFEST_GET, SIM_BLOB_GET };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults) * ARRAY_SIZE(whats); i++) {
		struct settling s;
		struct lost lost = { .what = whats[i / ARRAY_SIZE(faults)],
				     .fault = faults[i % ARRAY_SIZE(faults)] };
		int64_t begun_ms;

		start(&s);
		lost.plan = &s.sim.plan;
		s.sim.net.hook = lose;
		s.sim.net.hook_arg = &lost;
		store_layers(&s, SIM_REPO);
		store_relative(&s, SIM_REPO, "older", LAYERS);
		move_hidden_to(&s, SIM_REPO, "older");
		begun_ms = sim_now_ms(s.sim.sched);
		run(&s);
		assert_that(s.landed, "%s of %s: %s", sim_fault_looks[lost.fault].name,
			    sim_what_names[lost.what], s.err.message);
		assert_true(lost.seen > 0);
		assert_in_range(sim_now_ms(s.sim.sched) - begun_ms, 0, 30000);
		end(&s);
	}
}

static void test_nothing_anywhere(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	run(&s);
	expect_landed(&s, LAYERS);
	assert_int_equal(s.result.blobs_sent, LAYERS + 1);
	assert_int_equal(s.sim.registry.stored_again, 0);
	end(&s);
}

static void test_unequal_numbers_are_not_believed(void **state)
{
	static const size_t diff_ids[] = { 0, LAYERS - 1, LAYERS + 1, 2 * LAYERS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(diff_ids); i++) {
		struct settling s;

		start(&s);
		store_relative(&s, SIM_REPO, TAG, diff_ids[i]);
		run(&s);
		expect_landed(&s, LAYERS);
		end(&s);
	}
}

/* It says that it has what it has not: the manifest is refused or the proof fails, and all is packed. */
static void test_heads_that_lie(void **state)
{
	(void)state;
	for (int unchecked = 0; unchecked < 2; unchecked++) {
		struct settling s;
		struct buf why = BUF_INIT(BUF_TEXT_CEILING);

		start(&s);
		s.sim.registry.options.blobs_unchecked = unchecked;
		store_relative(&s, SIM_REPO, TAG, LAYERS);
		s.sim.plan.per_mille[FAULT_HEAD_PRESENT] = 1000;
		s.sim.plan.until_ms = NEVER_MS;
		run(&s);
		assert_that(s.landed, "not landed: %s", s.err.message);
		assert_that(sim_holds(&s.sim, s.image, TAG, &why), "%s", buf_str(&why));
		assert_int_equal(sim_pending_packed(s.image), LAYERS);
		assert_int_equal(s.result.layers_adopted, 0);
		assert_true(s.sim.plan.fired[FAULT_HEAD_PRESENT] > 0);
		buf_clear(&why);
		end(&s);
	}
}

static void fire_at_first_blob(void *arg, size_t number, const struct sim_request *q)
{
	struct settling *s = arg;

	(void)number;
	if (q->what == SIM_OTHER || q->what == SIM_BLOB_GET)
		cancel_fire(s->sim.cancel, SIGINT);
}

static void test_a_cancel_ends_the_looking(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_relative(&s, SIM_REPO, TAG, LAYERS);
	s.sim.net.hook = fire_at_first_blob;
	s.sim.net.hook_arg = &s;
	run(&s);
	assert_false(s.landed);
	assert_int_equal(s.err.code, ERR_CANCELLED);
	assert_false(s.result.manifest_sent);
	assert_int_equal(sim_pending_packed(s.image), 0);
	end(&s);
}

static void test_a_source_that_breaks(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	image_free(s.image);
	s.image_options.fails_at = 2;
	s.image = image_of(&s, 7);
	run(&s);
	assert_false(s.landed);
	assert_int_equal(s.err.code, ERR_CORRUPT);
	assert_false(s.result.manifest_sent);
	assert_int_equal(count(&s, SIM_MANIFEST_PUT), 0);
	end(&s);
}

static void test_lost_origins(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	image_free(s.image);
	s.image_options.origins_are_lost = true;
	s.image = image_of(&s, 7);
	run(&s);
	expect_landed(&s, LAYERS);
	end(&s);
}

/* Where layers are found */

static void test_the_whole_image_under_the_tag(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_twin(&s, SIM_REPO, TAG);
	run(&s);
	expect_landed(&s, 0);
	assert_true(s.result.landed_earlier);
	assert_int_equal(count(&s, SIM_UPLOAD_POST) + count(&s, SIM_MANIFEST_PUT), 0);
	end(&s);
}

/* Nothing is counted twice where nothing is adopted either. */
static void test_the_whole_image_without_adopting(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	s.options.adopts = false;
	store_twin(&s, SIM_REPO, TAG);
	run(&s);
	expect_landed(&s, LAYERS);
	assert_true(s.result.landed_earlier);
	assert_int_equal(s.result.blobs_existing, LAYERS + 1);
	end(&s);
}

static void test_a_relative_under_the_tag(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_layers(&s, SIM_REPO);
	store_relative(&s, SIM_REPO, TAG, LAYERS);
	drop_blob(&s, SIM_REPO, blob_of(&s, 2));
	run(&s);
	expect_landed(&s, 1);
	assert_int_equal(count(&s, SIM_UPLOAD_POST), 1);
	end(&s);
}

static void test_a_relative_under_another_tag(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_layers(&s, SIM_REPO);
	store_relative(&s, SIM_REPO, "latest", LAYERS);
	run(&s);
	expect_landed(&s, 0);
	assert_int_equal(count(&s, SIM_UPLOAD_POST), 0);
	end(&s);
}

static void test_cache_from_a_neighbour(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_layers(&s, "team/base");
	store_relative(&s, "team/base", "x1", LAYERS);
	s.cache_from = sim_reference("x1");
	free(s.cache_from.repository);
	s.cache_from.repository = mem_strdup("team/base");
	run(&s);
	expect_landed(&s, 0);
	assert_int_equal(s.result.blobs_mounted, LAYERS);
	end(&s);
}

static void test_an_origin_in_the_same_registry(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	image_free(s.image);
	s.image_options.origin = SIM_HOST "/team/base:x1";
	s.image = image_of(&s, 7);
	store_layers(&s, "team/base");
	store_relative(&s, "team/base", "x1", LAYERS);
	run(&s);
	expect_landed(&s, 0);
	assert_int_equal(s.result.blobs_mounted, LAYERS);
	end(&s);
}

/* What another registry has is of no use, and it is not told what is pushed here. */
static void test_foreign_registries_are_not_asked(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	image_free(s.image);
	s.image_options.origin = "other.test/" SIM_REPO ":older";
	s.image = image_of(&s, 7);
	store_layers(&s, SIM_REPO);
	s.cache_from = sim_reference("older");
	free(s.cache_from.host);
	s.cache_from.host = mem_strdup("other.test");
	run(&s);
	assert_true(s.landed);
	assert_int_equal(s.sim.sessions, 2);
	assert_int_equal(s.result.layers_adopted, LAYERS * (sim_pending_packed(s.image) == 0));
	end(&s);
}

/* The record */

static void test_the_record(void **state)
{
	char path[] = "/tmp/landed-record-XXXXXX";
	struct settling s;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);

	/* the first push writes down what it has learnt */
	start(&s);
	s.options.record = record_open(path);
	run(&s);
	expect_landed(&s, LAYERS);
	record_free(s.options.record);
	end(&s);

	/* the image under another tag: found by what was written down alone */
	start(&s);
	s.options.record = record_open(path);
	store_twin(&s, SIM_REPO, "hidden");
	run(&s);
	expect_landed(&s, 0);
	assert_int_equal(count(&s, SIM_UPLOAD_POST) + count(&s, SIM_OTHER), 0);
	record_free(s.options.record);
	end(&s);

	/* only the blobs are there, the manifest was deleted */
	start(&s);
	s.options.record = record_open(path);
	store_twin(&s, SIM_REPO, "hidden");
	sim_manifest_drop(sim_store_repo(&s.sim.registry.store, SIM_REPO),
			  image_root(s.twin)->digest.text);
	run(&s);
	expect_landed(&s, 0);
	record_free(s.options.record);
	end(&s);

	/* nothing of it is true any more */
	start(&s);
	s.options.record = record_open(path);
	run(&s);
	expect_landed(&s, LAYERS);
	record_free(s.options.record);
	end(&s);
	unlink(path);
}

/* Indexes */

static void store_index(struct settling *s, const char *tag, const char *architecture)
{
	struct sim_repo *into = sim_store_repo(&s->sim.registry.store, SIM_REPO);
	const struct manifest *m = image_root(s->twin);
	struct buf json = BUF_INIT(64 * KIB);
	struct digest d;

	buf_printf(&json,
		   "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[{\"mediaType\":\"%s\","
		   "\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
		   "\"architecture\":\"%s\"}}]}",
		   MEDIA_OCI_INDEX, m->media_type, m->digest.text, m->size_bytes, architecture);
	d = digest_of(buf_str(&json), json.len);
	sim_manifest_put(into, &d, MEDIA_OCI_INDEX, buf_str(&json), json.len, 0);
	sim_tag_put(into, tag, &d, 0, 0);
	buf_clear(&json);
}

static void test_an_index(void **state)
{
	static const struct {
		const char *architecture;
		size_t packed;
	} table[] = { { "amd64", 0 }, { "s390x", LAYERS } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct settling s;

		start(&s);
		store_twin(&s, SIM_REPO, TAG);
		store_index(&s, TAG, table[i].architecture);
		run(&s);
		expect_landed(&s, table[i].packed);
		end(&s);
	}
}

/* An index is the image's own; what is below it has gone at the registry, and is packed here. */
static void test_a_taken_index_that_is_not_whole(void **state)
{
	struct settling s;

	(void)state;
	start(&s);
	store_twin(&s, SIM_REPO, "x");
	store_index(&s, TAG, "amd64");
	s.image->pending->id =
		sim_tag_find(sim_store_repo(&s.sim.registry.store, SIM_REPO), TAG)->digest;
	drop_blob(&s, SIM_REPO, blob_of(&s, 1));
	run(&s);
	expect_landed(&s, LAYERS);
	end(&s);
}

/* A second push of what the first one has packed sends, and packs nothing again. */
static void test_the_same_image_to_another_repository(void **state)
{
	struct settling s;
	struct reference other = sim_reference(TAG);
	struct push_result result = { 0 };

	(void)state;
	start(&s);
	store_layers(&s, SIM_REPO);
	store_relative(&s, SIM_REPO, TAG, LAYERS);
	run(&s);
	expect_landed(&s, 0);
	free(other.repository);
	other.repository = mem_strdup("team/other");
	assert_that(image_push(&s.sim.world, &s.sim.maker, s.image, &other, &s.options, &result,
			       &s.err),
		    "%s", s.err.message);
	assert_int_equal(sim_pending_packed(s.image), LAYERS);
	assert_int_equal(result.blobs_sent, LAYERS + 1);
	push_result_clear(&result);
	reference_clear(&other);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_ups_that_fail),
		cmocka_unit_test(test_nothing_anywhere),
		cmocka_unit_test(test_unequal_numbers_are_not_believed),
		cmocka_unit_test(test_heads_that_lie),
		cmocka_unit_test(test_a_cancel_ends_the_looking),
		cmocka_unit_test(test_a_source_that_breaks),
		cmocka_unit_test(test_lost_origins),
		cmocka_unit_test(test_the_whole_image_under_the_tag),
		cmocka_unit_test(test_the_whole_image_without_adopting),
		cmocka_unit_test(test_a_relative_under_the_tag),
		cmocka_unit_test(test_a_relative_under_another_tag),
		cmocka_unit_test(test_cache_from_a_neighbour),
		cmocka_unit_test(test_an_origin_in_the_same_registry),
		cmocka_unit_test(test_foreign_registries_are_not_asked),
		cmocka_unit_test(test_the_record),
		cmocka_unit_test(test_an_index),
		cmocka_unit_test(test_a_taken_index_that_is_not_whole),
		cmocka_unit_test(test_the_same_image_to_another_repository),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
