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

/* What configs say of layers */

#define TAR "application/vnd.oci.image.layer.v1.tar"
#define LAYERS 2

static const char *const layers[LAYERS] = { "the lower", "the upper" };

static struct digest put_blob(struct proving *p, const char *bytes)
{
	struct digest d = digest_of(bytes, strlen(bytes));

	sim_blob_put(repo(p), &d, bytes, strlen(bytes), 0);
	return d;
}

/* An image of LAYERS, of TYPE, whose config of CONFIG_TYPE says DIFF_IDS of them. */
static void put_claiming(struct proving *p, const char *type, const char *config_type,
			 const char *diff_ids)
{
	CLEANUP(mem_freep)
	char *config = mem_printf("{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[%s]}}", diff_ids);
	struct digest d = put_blob(p, config);
	struct buf json = BUF_INIT(64 * KIB);

	buf_printf(
		&json,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		config_type, d.text, strlen(config));
	for (size_t i = 0; i < LAYERS; i++) {
		d = put_blob(p, layers[i]);
		buf_printf(&json, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
			   i ? "," : "", type, d.text, strlen(layers[i]));
	}
	buf_puts(&json, "]}");
	d = digest_of(buf_str(&json), json.len);
	sim_manifest_put(repo(p), &d, MEDIA_OCI_MANIFEST, buf_str(&json), json.len, 0);
	sim_tag_put(repo(p), "claims", &d, 0, 0);
	buf_clear(&json);
}

static bool prove_claims(struct proving *p)
{
	struct reference ref = sim_reference("claims");
	bool proven = image_verify(&p->f.sim.world, p->f.s, &ref, NULL, VERIFY_BYTES, 4, &p->proof,
				   &p->f.err);

	reference_clear(&ref);
	return proven;
}

/* In DIFF_IDS '0' and '1' are what the layers are, 'x' is nobody's. */
static void test_claims_of_configs(void **state)
{
	static const struct {
		const char *type;
		const char *config_type;
		const char *diff_ids;
		size_t false_at; /* LAYERS: none is */
		size_t counted;
	} table[] = {
		{ TAR, MEDIA_OCI_CONFIG, "0x", 1, 1 },
		{ TAR, MEDIA_OCI_CONFIG, "x1", 0, 0 },
		{ TAR, MEDIA_OCI_CONFIG, "10", 0, 0 },
		{ TAR, MEDIA_DOCKER_CONFIG, "00", 1, 1 },
		{ TAR "+gzip", MEDIA_OCI_CONFIG, "x1", 0, 0 },
		{ TAR, MEDIA_OCI_CONFIG, "xxx", LAYERS, 0 },
		{ TAR, MEDIA_OCI_CONFIG, "x", LAYERS, 0 },
		{ TAR, MEDIA_OCI_CONFIG, "", LAYERS, 0 },
		{ TAR, "application/vnd.other+json", "xx", LAYERS, 0 },
		{ "application/vnd.in-toto+json", MEDIA_OCI_CONFIG, "xx", LAYERS, 0 },
		{ TAR, MEDIA_OCI_CONFIG, "01", LAYERS, 2 },
		{ TAR "+zstd", MEDIA_DOCKER_CONFIG, "01", LAYERS, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct buf list = BUF_INIT(64 * KIB);
		struct proving p;
		bool proven;

		start(&p, false);
		for (const char *c = table[i].diff_ids; *c; c++) {
			const char *of = *c == 'x' ? "nobody's" : layers[*c - '0'];
			struct digest d = digest_of(of, strlen(of));

			buf_printf(&list, "%s\"%s\"", list.len ? "," : "", d.text);
		}
		put_claiming(&p, table[i].type, table[i].config_type, buf_str(&list));
		proven = prove_claims(&p);
		assert_that(proven == (table[i].false_at == LAYERS), "%zu: %s", i,
			    proven ? "proven" : p.f.err.message);
		assert_int_equal(p.proof.diff_id_count, table[i].counted);
		assert_true(p.proof.has_false_layer == !proven);
		if (!proven) {
			CLEANUP(mem_freep) char *at = mem_printf("layers[%zu]", table[i].false_at);

			assert_int_equal(p.f.err.code, ERR_CORRUPT);
			assert_non_null(strstr(p.f.err.message, at));
		}
		buf_clear(&list);
		end(&p);
	}
}

/* What is missing is said first: it can be sent again. */
static void test_a_missing_blob_comes_before_a_false_one(void **state)
{
	struct digest lie = digest_of("x", 1), upper = digest_of(layers[1], strlen(layers[1]));
	CLEANUP(mem_freep) char *list = mem_printf("\"%s\",\"%s\"", lie.text, lie.text);
	struct proving p;

	(void)state;
	start(&p, false);
	put_claiming(&p, TAR, MEDIA_OCI_CONFIG, list);
	sim_blob_drop(repo(&p), upper.text);
	assert_false(prove_claims(&p));
	assert_int_equal(p.f.err.code, ERR_INCOMPLETE);
	assert_string_equal(p.proof.missing.at[0], upper.text);
	end(&p);
}

/* Each request once, in ways that are no end: unpacked is what came whole. */
static void test_one_fault_does_not_change_what_is_unpacked(void **state)
{
	static const enum sim_fault faults[] = { FAULT_RESET_BEFORE, FAULT_TRUNCATED, FAULT_500,
						 FAULT_401_BARE };

	(void)state;
	for (size_t i = 0; i < 6 * ARRAY_SIZE(faults); i++) {
		struct digest one = digest_of(layers[0], strlen(layers[0]));
		struct digest other = digest_of(layers[1], strlen(layers[1]));
		CLEANUP(mem_freep) char *list = mem_printf("\"%s\",\"%s\"", one.text, other.text);
		struct proving p;

		start(&p, false);
		put_claiming(&p, TAR, MEDIA_OCI_CONFIG, list);
		plan_fault(&p.f, 1 + i / ARRAY_SIZE(faults), faults[i % ARRAY_SIZE(faults)]);
		assert_that(prove_claims(&p), "%zu: %s", i, p.f.err.message);
		assert_int_equal(p.proof.diff_id_count, LAYERS);
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
		cmocka_unit_test(test_claims_of_configs),
		cmocka_unit_test(test_a_missing_blob_comes_before_a_false_one),
		cmocka_unit_test(test_one_fault_does_not_change_what_is_unpacked),
		cmocka_unit_test(test_a_deep_index_is_bounded),
		cmocka_unit_test(test_a_wide_index_is_bounded),
		cmocka_unit_test(test_a_circle_is_no_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
