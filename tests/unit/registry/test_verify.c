/* The proof: each thing that can be missing or wrong is put there once, and must be found. */
#include "registry/fixture.h"

#include "base/mem.h"
#include "registry/verify.h"

#include <string.h>

#define TAG "v1"

struct proving {
	struct fixture f;
	struct image *image; /* an index over two platforms */
	struct proof proof;
};

static struct sim_repo *repo(struct proving *p)
{
	return sim_store_repo(&p->f.sim.registry.store, SIM_REPO);
}

static void start(struct proving *p, bool has_elsewhere)
{
	struct sim_rng rng = { 5 };
	const struct sim_image_options options = {
		.platforms = 2,
		.layers = 2,
		.layer_bytes_max = 3000,
		.layers_are_shared = true,
		.has_elsewhere = has_elsewhere,
	};

	*p = (struct proving){ 0 };
	fixture_init(&p->f, 5, 10);
	p->image = sim_image_new(&rng, &options);
	sim_image_store(p->image, &p->f.sim.registry, SIM_REPO, TAG);
}

static void end(struct proving *p)
{
	proof_clear(&p->proof);
	image_free(p->image);
	fixture_clear(&p->f);
}

static bool prove(struct proving *p, const char *tag, const struct digest *digest,
		  enum verify_depth depth)
{
	struct reference ref = sim_reference(tag);
	bool proven;

	if (digest)
		ref.digest = *digest;
	proven = image_verify(&p->f.sim.world, p->f.s, &ref, &image_root(p->image)->digest, depth,
			      4, &p->proof, &p->f.err);
	reference_clear(&ref);
	return proven;
}

static void test_all_that_was_read_is_counted(void **state)
{
	struct proving p;

	(void)state;
	start(&p, true);
	assert_that(prove(&p, TAG, NULL, VERIFY_TREE), "%s", p.f.err.message);
	assert_true(digest_same(&p.proof.digest, &image_root(p.image)->digest));
	assert_int_equal(p.proof.manifest_count, 3);
	assert_int_equal(p.proof.blob_count, 5); /* two configs, a shared layer, two of their own */
	assert_int_equal(p.proof.elsewhere_count, 2);
	assert_int_equal(p.proof.missing.count, 0);
	assert_int_equal(p.proof.present.count, 5);
	end(&p);
}

/* Damages. Each leaves in RET what is to be found missing, if anything. */

static void nothing(struct proving *p, struct digest *ret)
{
	(void)p;
	(void)ret;
}

static void no_tag(struct proving *p, struct digest *ret)
{
	(void)ret;
	free(repo(p)->tags->name);
	repo(p)->tags->name = mem_strdup("other");
}

static void other_image(struct proving *p, struct digest *ret)
{
	(void)ret;
	sim_image_store(p->f.image, &p->f.sim.registry, SIM_REPO, TAG);
}

static void no_child(struct proving *p, struct digest *ret)
{
	*ret = p->image->manifests[0]->digest;
	sim_manifest_drop(repo(p), ret->text);
}

static void other_child(struct proving *p, struct digest *ret)
{
	const struct manifest *m = p->image->manifests[1];

	no_child(p, ret);
	sim_manifest_put(repo(p), ret, m->media_type, m->bytes, m->size_bytes, 0);
}

static void no_blob(struct proving *p, struct digest *ret)
{
	*ret = p->image->blobs[1].descriptor.digest;
	sim_blob_drop(repo(p), ret->text);
}

static void no_config(struct proving *p, struct digest *ret)
{
	*ret = p->image->blobs[0].descriptor.digest;
	sim_blob_drop(repo(p), ret->text);
}

static void short_blob(struct proving *p, struct digest *ret)
{
	*ret = p->image->blobs[1].descriptor.digest;
	sim_thing_find(repo(p)->blobs, ret->text)->len--;
}

static void flipped_blob(struct proving *p, struct digest *ret)
{
	*ret = p->image->blobs[1].descriptor.digest;
	sim_thing_find(repo(p)->blobs, ret->text)->bytes[0] ^= 1;
}

static void flipped_and_unseen(struct proving *p, struct digest *ret)
{
	flipped_blob(p, ret);
	*ret = (struct digest){ "" };
}

static void flipped_root(struct proving *p, struct digest *ret)
{
	struct sim_thing *t = sim_thing_find(repo(p)->manifests, image_root(p->image)->digest.text);

	(void)ret;
	*strstr(t->bytes, "\"a0\"") = ' '; /* no JSON any more */
}

static void spaced_root(struct proving *p, struct digest *ret)
{
	struct sim_thing *t = sim_thing_find(repo(p)->manifests, image_root(p->image)->digest.text);

	(void)ret;
	t->bytes[t->len++] = ' '; /* the same document in other bytes */
}

static const struct {
	const char *name;
	void (*damage)(struct proving *p, struct digest *ret);
	enum verify_depth depth;
	enum err_code code;
} damages[] = {
	{ "whole", nothing, VERIFY_TREE, ERR_NONE },
	{ "whole, by bytes", nothing, VERIFY_BYTES, ERR_NONE },
	{ "whole, the name alone", nothing, VERIFY_MANIFEST, ERR_NONE },
	{ "no such tag", no_tag, VERIFY_TREE, ERR_ABSENT },
	{ "another image under the tag", other_image, VERIFY_TREE, ERR_OTHER_DIGEST },
	{ "another image, the name alone", other_image, VERIFY_MANIFEST, ERR_OTHER_DIGEST },
	{ "the root is no JSON", flipped_root, VERIFY_TREE, ERR_NO_REGISTRY },
	{ "the root has other bytes", spaced_root, VERIFY_TREE, ERR_OTHER_DIGEST },
	{ "a child is missing", no_child, VERIFY_TREE, ERR_INCOMPLETE },
	{ "a child has other bytes", other_child, VERIFY_TREE, ERR_INCOMPLETE },
	{ "a layer is missing", no_blob, VERIFY_TREE, ERR_INCOMPLETE },
	{ "a layer is missing, by bytes", no_blob, VERIFY_BYTES, ERR_INCOMPLETE },
	{ "a config is missing", no_config, VERIFY_TREE, ERR_INCOMPLETE },
	{ "a layer is missing, the name alone", no_blob, VERIFY_MANIFEST, ERR_NONE },
	{ "a layer is short", short_blob, VERIFY_TREE, ERR_INCOMPLETE },
	{ "a layer is short, by bytes", short_blob, VERIFY_BYTES, ERR_INCOMPLETE },
	{ "a layer has other bytes", flipped_blob, VERIFY_BYTES, ERR_INCOMPLETE },
	{ "a layer has other bytes, unseen", flipped_and_unseen, VERIFY_TREE, ERR_NONE },
};

static void test_damages_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct digest missing = { "" };
		const char *name = damages[i].name;
		struct proving p;
		bool proven;

		start(&p, false);
		damages[i].damage(&p, &missing);
		proven = prove(&p, TAG, NULL, damages[i].depth);
		assert_that(proven == (damages[i].code == ERR_NONE), "%s: %s", name,
			    proven ? "proven" : p.f.err.message);
		assert_that(p.f.err.code == damages[i].code, "%s: %d %s", name, (int)p.f.err.code,
			    p.f.err.message);
		if (damages[i].code == ERR_INCOMPLETE) {
			assert_that(p.proof.missing.count == 1, "%s: %zu missing", name,
				    p.proof.missing.count);
			assert_string_equal(p.proof.missing.at[0], missing.text);
			assert_non_null(strstr(p.f.err.evidence, missing.text));
		}
		end(&p);
	}
}

static void test_a_digest_that_answers_with_other_bytes_is_found(void **state)
{
	struct digest ignored;
	struct proving p;

	(void)state;
	start(&p, false);
	spaced_root(&p, &ignored);
	assert_false(prove(&p, NULL, &image_root(p.image)->digest, VERIFY_TREE));
	assert_int_equal(p.f.err.code, ERR_INCOMPLETE);
	end(&p);
}

/* Each request of a proof goes wrong once. */
static void test_one_fault_does_not_change_the_verdict(void **state)
{
	static const enum sim_fault faults[] = { FAULT_CONNECT,	 FAULT_RESET_BEFORE,
						 FAULT_401_BARE, FAULT_403_DENIED,
						 FAULT_500,	 FAULT_429,
						 FAULT_TRUNCATED };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(faults); k++)
		for (size_t nth = 1; nth <= 8; nth++)
			for (int whole = 0; whole < 2; whole++) {
				struct digest missing;
				struct proving p;
				bool proven;

				start(&p, false);
				if (!whole)
					no_blob(&p, &missing);
				plan_fault(&p.f, nth, faults[k]);
				proven = prove(&p, TAG, NULL, VERIFY_TREE);
				assert_that(proven == whole &&
						    (whole || p.f.err.code == ERR_INCOMPLETE),
					    "%s at %zu: %s", sim_fault_looks[faults[k]].name, nth,
					    proven ? "proven" : p.f.err.message);
				end(&p);
			}
}

/* Bounds */

static struct digest put_index(struct proving *p, const char *children)
{
	CLEANUP(mem_freep)
	char *json = mem_printf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
				"\",\"manifests\":[%s]}",
				children);
	struct digest d = digest_of(json, strlen(json));

	sim_manifest_put(repo(p), &d, MEDIA_OCI_INDEX, json, strlen(json), 0);
	return d;
}

static bool prove_index(struct proving *p, const struct digest *root)
{
	struct reference ref = sim_reference("tree");
	bool proven;

	sim_tag_put(repo(p), "tree", root, 0, 0);
	proven = image_verify(&p->f.sim.world, p->f.s, &ref, NULL, VERIFY_TREE, 4, &p->proof,
			      &p->f.err);
	reference_clear(&ref);
	return proven;
}

static size_t size_of(struct proving *p, const struct digest *d)
{
	return sim_thing_find(repo(p)->manifests, d->text)->len;
}

static void test_a_deep_index_is_bounded(void **state)
{
	struct proving p;
	struct digest d;

	(void)state;
	start(&p, false);
	d = image_root(p.image)->digest;
	for (int level = 0; level < 8; level++) {
		CLEANUP(mem_freep)
		char *child = mem_printf("{\"mediaType\":\"" MEDIA_OCI_INDEX
					 "\",\"digest\":\"%s\",\"size\":%zu}",
					 d.text, size_of(&p, &d));

		d = put_index(&p, child);
	}
	assert_false(prove_index(&p, &d));
	assert_int_equal(p.f.err.code, ERR_INCOMPLETE);
	assert_non_null(strstr(p.f.err.message, "deeper"));
	assert_true(sim_registry_count(&p.f.sim.registry, SIM_MANIFEST_GET) < 10);
	end(&p);
}

static void test_a_wide_index_is_bounded(void **state)
{
	struct buf children = BUF_INIT(4 * MIB);
	struct proving p;
	struct digest d;

	(void)state;
	start(&p, false);
	for (int i = 0; i < 1200; i++)
		buf_printf(&children,
			   "%s{\"mediaType\":\"" MEDIA_OCI_MANIFEST
			   "\",\"digest\":\"sha256:%064x\",\"size\":2}",
			   i ? "," : "", i);
	d = put_index(&p, buf_str(&children));
	assert_false(prove_index(&p, &d));
	assert_int_equal(p.f.err.code, ERR_INCOMPLETE);
	assert_int_equal(sim_registry_count(&p.f.sim.registry, SIM_MANIFEST_GET), 1);
	buf_clear(&children);
	end(&p);
}

/* A registry that answers to a child's digest with the root again: no circle, it is not the child. */
static void test_a_circle_is_no_circle(void **state)
{
	const struct manifest *root;
	struct proving p;

	(void)state;
	start(&p, false);
	root = image_root(p.image);
	for (size_t i = 0; i + 1 < p.image->manifest_count; i++) {
		sim_manifest_drop(repo(&p), p.image->manifests[i]->digest.text);
		sim_manifest_put(repo(&p), &p.image->manifests[i]->digest, root->media_type,
				 root->bytes, root->size_bytes, 0);
	}
	assert_false(prove(&p, TAG, NULL, VERIFY_TREE));
	assert_int_equal(p.f.err.code, ERR_INCOMPLETE);
	assert_int_equal(p.proof.missing.count, 2);
	assert_int_equal(sim_registry_count(&p.f.sim.registry, SIM_MANIFEST_GET), 3);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_was_read_is_counted),
		cmocka_unit_test(test_damages_are_found),
		cmocka_unit_test(test_a_digest_that_answers_with_other_bytes_is_found),
		cmocka_unit_test(test_one_fault_does_not_change_the_verdict),
		cmocka_unit_test(test_a_deep_index_is_bounded),
		cmocka_unit_test(test_a_wide_index_is_bounded),
		cmocka_unit_test(test_a_circle_is_no_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
