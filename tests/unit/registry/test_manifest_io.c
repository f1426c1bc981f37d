/* Manifests by tag and digest: what is read is hashed, what is sent is settled. */
#include "registry/fixture.h"

#include "base/mem.h"
#include "registry/manifest_io.h"

#include <string.h>

#define TAG "v1"

static const struct manifest *root(const struct fixture *f)
{
	return image_root(f->image);
}

static struct sim_repo *repo(struct fixture *f)
{
	return sim_store_repo(&f->sim.registry.store, SIM_REPO);
}

static void start(struct fixture *f)
{
	fixture_init(f, 3, 10);
}

/* As if it had been pushed by somebody. */
static struct digest put_text(struct fixture *f, const char *tag, const char *type,
			      const char *text)
{
	struct digest d = digest_of(text, strlen(text));

	sim_manifest_put(repo(f), &d, type, text, strlen(text), 0);
	sim_tag_put(repo(f), tag, &d, 0, 0);
	return d;
}

#define OTHER_IMAGE                                                                                \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":" \
	"\"" MEDIA_OCI_CONFIG "\",\"digest\":\"sha256:"                                            \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"size\":2},"          \
	"\"layers\":[]}"

#define SCHEMA_1 "{\"schemaVersion\":1,\"name\":\"team/app\",\"tag\":\"v1\",\"fsLayers\":[]}"

/* Reading */

static const struct {
	const char *name;
	const char *type;
	const char *text; /* NULL: nothing under the tag */
	enum sim_fault fault;
	bool ok;
	bool found;
	enum err_code code;
} reads[] = {
	{ "there", MEDIA_OCI_MANIFEST, OTHER_IMAGE, FAULT_NONE, true, true, ERR_NONE },
	{ "not there", NULL, NULL, FAULT_NONE, true, false, ERR_NONE },
	{ "no type said", "application/octet-stream", OTHER_IMAGE, FAULT_NONE, true, true,
	  ERR_NONE },
	{ "a page for ever", "text/html", "<html>", FAULT_NONE, false, false, ERR_NO_REGISTRY },
	{ "JSON of another kind", "application/json", "{\"a\":1}", FAULT_NONE, false, false,
	  ERR_NO_REGISTRY },
	{ "another type than the header says", MEDIA_OCI_INDEX, OTHER_IMAGE, FAULT_NONE, false,
	  false, ERR_NO_REGISTRY },
	{ "schema 1", "application/vnd.docker.distribution.manifest.v1+json", SCHEMA_1, FAULT_NONE,
	  false, false, ERR_NO_REGISTRY },
	{ "cut once", MEDIA_OCI_MANIFEST, OTHER_IMAGE, FAULT_TRUNCATED, true, true, ERR_NONE },
	{ "500 once", MEDIA_OCI_MANIFEST, OTHER_IMAGE, FAULT_500, true, true, ERR_NONE },
	{ "403 once", MEDIA_OCI_MANIFEST, OTHER_IMAGE, FAULT_403_DENIED, true, true, ERR_NONE },
	{ "a page once", MEDIA_OCI_MANIFEST, OTHER_IMAGE, FAULT_PAGE, true, true, ERR_NONE },
};

static void test_reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		CLEANUP(manifest_freep) struct manifest *m = NULL;
		struct digest d = { "" };
		struct fixture f;
		bool ok;

		start(&f);
		if (reads[i].text)
			d = put_text(&f, TAG, reads[i].type, reads[i].text);
		plan_fault(&f, 1, reads[i].fault);
		ok = manifest_get(&f.sim.world, f.s, TAG, NULL, &m, &f.err);
		assert_that(ok == reads[i].ok, "%s: %s", reads[i].name,
			    ok ? "read" : f.err.message);
		assert_that(f.err.code == reads[i].code, "%s: %d", reads[i].name, (int)f.err.code);
		assert_that((m != NULL) == reads[i].found, "%s: found %d", reads[i].name,
			    m != NULL);
		assert_that(!m || digest_same(&m->digest, &d), "%s: another digest", reads[i].name);
		fixture_clear(&f);
	}
}

static void test_a_digest_is_hashed_and_not_believed(void **state)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct fixture f;

	(void)state;
	start(&f);
	sim_manifest_put(repo(&f), &root(&f)->digest, MEDIA_OCI_MANIFEST, OTHER_IMAGE,
			 strlen(OTHER_IMAGE), 0);
	assert_true(manifest_get(&f.sim.world, f.s, root(&f)->digest.text, NULL, &m, &f.err));
	assert_false(digest_same(&m->digest, &root(&f)->digest));
	fixture_clear(&f);
}

/* Sending */

static void store_blobs(struct fixture *f)
{
	sim_image_store(f->image, &f->sim.registry, SIM_REPO, "other");
	sim_manifest_drop(repo(f), root(f)->digest.text);
}

static bool tag_is_on(struct fixture *f, const struct digest *d)
{
	const struct sim_tag *t = sim_tag_find(repo(f), TAG);

	return t && digest_same(&t->digest, d);
}

static const struct {
	const char *name;
	enum sim_fault fault;
	int status; /* that a success has */
	size_t puts;
	size_t gets;
} sends[] = {
	{ "201", FAULT_NONE, 201, 1, 0 },
	{ "200", FAULT_NONE, 200, 1, 0 },
	{ "202", FAULT_NONE, 202, 1, 0 },
	{ "204", FAULT_NONE, 204, 1, 0 },
	{ "no connection", FAULT_CONNECT, 201, 2, 1 },
	{ "reset before", FAULT_RESET_BEFORE, 201, 2, 1 },
	{ "the answer is lost", FAULT_RESET_AFTER, 201, 1, 1 },
	{ "the answer never comes", FAULT_STALL_AFTER, 201, 1, 1 },
	{ "500 although it was taken", FAULT_500_AFTER, 201, 1, 1 },
	{ "503", FAULT_503, 201, 2, 1 },
	{ "429", FAULT_429, 201, 2, 1 },
	{ "401", FAULT_401_CHALLENGE, 201, 2, 0 },
	{ "403 unauthenticated", FAULT_403_UNAUTHENTICATED, 201, 2, 0 },
	{ "403 denied", FAULT_403_DENIED, 201, 2, 0 },
	{ "404 once", FAULT_404, 201, 2, 0 },
	{ "the token dies", FAULT_TOKEN_DIES, 201, 2, 0 },
};

static void test_sending(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		const char *name = sends[i].name;
		struct fixture f;
		enum manifest_outcome outcome;

		start(&f);
		store_blobs(&f);
		f.sim.registry.options.manifest_status = sends[i].status;
		plan_fault(&f, 1, sends[i].fault);
		outcome = manifest_put(&f.sim.world, f.s, root(&f), TAG, NULL, &f.err);
		assert_that(outcome == MANIFEST_TAKEN, "%s: %d %s", name, (int)outcome,
			    f.err.message);
		assert_that(f.err.code == ERR_NONE, "%s: an error is left", name);
		assert_that(tag_is_on(&f, &root(&f)->digest), "%s: the tag is elsewhere", name);
		assert_that(sim_registry_count(&f.sim.registry, SIM_MANIFEST_PUT) == sends[i].puts,
			    "%s: %zu PUTs", name,
			    sim_registry_count(&f.sim.registry, SIM_MANIFEST_PUT));
		assert_that(sim_registry_count(&f.sim.registry, SIM_MANIFEST_GET) == sends[i].gets,
			    "%s: %zu GETs", name,
			    sim_registry_count(&f.sim.registry, SIM_MANIFEST_GET));
		fixture_clear(&f);
	}
}

static void test_missing_blobs_are_told(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	assert_int_equal(manifest_put(&f.sim.world, f.s, root(&f), TAG, NULL, &f.err),
			 MANIFEST_BLOBS_MISSING);
	assert_non_null(strstr(f.err.evidence, "MANIFEST_BLOB_UNKNOWN"));
	fixture_clear(&f);
}

/* Somebody else's push arrives while ours is lost. */
static void push_by_another(void *arg, size_t number, const struct sim_request *q)
{
	(void)number;
	if (q->what == SIM_MANIFEST_GET)
		put_text(arg, TAG, MEDIA_OCI_MANIFEST, OTHER_IMAGE);
}

static void expect_others_push_to_stay(bool tag_is_new)
{
	struct digest before = { "" }, other = digest_of(OTHER_IMAGE, strlen(OTHER_IMAGE));
	struct fixture f;

	start(&f);
	store_blobs(&f);
	if (!tag_is_new)
		before = put_text(&f, TAG, MEDIA_OCI_MANIFEST, OTHER_IMAGE "\n");
	f.sim.net.hook = push_by_another;
	f.sim.net.hook_arg = &f;
	plan_fault(&f, 1, FAULT_RESET_BEFORE);
	assert_int_equal(manifest_put(&f.sim.world, f.s, root(&f), TAG, &before, &f.err),
			 MANIFEST_REFUSED);
	assert_int_equal(f.err.code, ERR_OTHER_DIGEST);
	assert_non_null(strstr(f.err.message, other.text));
	assert_true(tag_is_on(&f, &other));
	fixture_clear(&f);
}

static void test_somebody_elses_push_is_not_overwritten(void **state)
{
	(void)state;
	expect_others_push_to_stay(false);
	expect_others_push_to_stay(true);
}

static void test_an_immutable_tag_that_is_ours_is_a_success(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	sim_image_store(f.image, &f.sim.registry, SIM_REPO, TAG);
	f.sim.registry.options.immutable_even_same = true;
	assert_int_equal(manifest_put(&f.sim.world, f.s, root(&f), TAG, NULL, &f.err),
			 MANIFEST_TAKEN);
	assert_int_equal(f.err.code, ERR_NONE);
	fixture_clear(&f);
}

static void test_an_immutable_tag_that_is_not_ours_names_both(void **state)
{
	struct fixture f;
	struct digest other;

	(void)state;
	start(&f);
	store_blobs(&f);
	other = put_text(&f, TAG, MEDIA_OCI_MANIFEST, OTHER_IMAGE);
	f.sim.registry.options.immutable = true;
	assert_int_equal(manifest_put(&f.sim.world, f.s, root(&f), TAG, NULL, &f.err),
			 MANIFEST_REFUSED);
	assert_int_equal(f.err.code, ERR_OTHER_DIGEST);
	assert_non_null(strstr(f.err.message, other.text));
	assert_non_null(strstr(f.err.message, root(&f)->digest.text));
	assert_int_equal(sim_registry_count(&f.sim.registry, SIM_MANIFEST_PUT), 1);
	fixture_clear(&f);
}

/* For ever: how does it end, and may the manifest be there? */
static const struct {
	enum sim_fault fault;
	enum manifest_outcome outcome;
	enum err_code code;
} ends[] = {
	{ FAULT_RESET_AFTER, MANIFEST_TAKEN, ERR_NONE },
	{ FAULT_RESET_BEFORE, MANIFEST_UNKNOWN, ERR_NET },
	{ FAULT_503, MANIFEST_UNKNOWN, ERR_TIMEOUT },
	{ FAULT_403_DENIED, MANIFEST_REFUSED, ERR_DENIED },
	{ FAULT_401_BARE, MANIFEST_REFUSED, ERR_REFUSED },
	{ FAULT_404, MANIFEST_REFUSED, ERR_NET },
};

static void test_what_never_passes_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *name = sim_fault_looks[ends[i].fault].name;
		enum manifest_outcome outcome;
		struct fixture f;

		start(&f);
		store_blobs(&f);
		f.sim.plan.outages[0] = (struct sim_outage){ 0, NEVER_MS, ends[i].fault };
		f.sim.plan.outage_count = 1;
		sim_sched_limit(f.sim.sched, f.sim.world.deadline_ms + 60000);
		outcome = manifest_put(&f.sim.world, f.s, root(&f), TAG, NULL, &f.err);
		assert_that(outcome == ends[i].outcome, "%s: %d", name, (int)outcome);
		assert_that(f.err.code == ends[i].code, "%s: %d %s", name, (int)f.err.code,
			    f.err.message);
		fixture_clear(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_a_digest_is_hashed_and_not_believed),
		cmocka_unit_test(test_sending),
		cmocka_unit_test(test_missing_blobs_are_told),
		cmocka_unit_test(test_somebody_elses_push_is_not_overwritten),
		cmocka_unit_test(test_an_immutable_tag_that_is_ours_is_a_success),
		cmocka_unit_test(test_an_immutable_tag_that_is_not_ours_names_both),
		cmocka_unit_test(test_what_never_passes_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
