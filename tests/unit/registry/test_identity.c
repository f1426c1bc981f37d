/* What an image is called and where it runs: what cannot be read first, then images and indexes of all kinds. */
#include "registry/fixture.h"

#include "base/mem.h"
#include "registry/identity.h"

#include <string.h>

#define NOBODY "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINUX "{\"os\":\"linux\",\"architecture\":\"amd64\"}"

/* Things of a registry, put there from the leaves up. */

static struct sim_repo *repo(struct fixture *f)
{
	return sim_store_repo(&f->sim.registry.store, SIM_REPO);
}

static struct digest put_config(struct fixture *f, const char *text)
{
	struct digest d = digest_of(text, strlen(text));

	sim_blob_put(repo(f), &d, text, strlen(text), 0);
	return d;
}

static struct digest put_manifest(struct fixture *f, const char *type, char *text)
{
	CLEANUP(mem_freep) char *owned = text;
	struct digest d = digest_of(owned, strlen(owned));

	sim_manifest_put(repo(f), &d, type, owned, strlen(owned), 0);
	return d;
}

static struct digest put_image_of(struct fixture *f, const char *config_type, const char *config)
{
	return put_manifest(
		f, MEDIA_OCI_MANIFEST,
		mem_printf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
			   "\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":9},"
			   "\"layers\":[]}",
			   config_type, config));
}

static struct digest put_image(struct fixture *f, const char *config)
{
	struct digest d = put_config(f, config);

	return put_image_of(f, MEDIA_OCI_CONFIG, d.text);
}

static struct digest put_index(struct fixture *f, char *entries)
{
	CLEANUP(mem_freep) char *owned = entries;

	return put_manifest(f, MEDIA_OCI_INDEX,
			    mem_printf("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
				       "\",\"manifests\":[%s]}",
				       owned));
}

static char *entry(const char *type, const char *digest, const char *platform)
{
	return mem_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":9%s%s}", type, digest,
			  platform ? ",\"platform\":" : "", platform ? platform : "");
}

static char *image_entry(const struct digest *d, const char *platform)
{
	return entry(MEDIA_OCI_MANIFEST, d->text, platform);
}

/* Makes an image and says its root. */
typedef struct digest (*maker)(struct fixture *f);

/* What cannot be read */

static struct digest nothing(struct fixture *f)
{
	struct digest d = digest_of("nothing", 7);

	(void)f;
	return d;
}

static struct digest without_its_config(struct fixture *f)
{
	return put_image_of(f, MEDIA_OCI_CONFIG, NOBODY);
}

static struct digest without_a_child(struct fixture *f)
{
	return put_index(f, entry(MEDIA_OCI_MANIFEST, NOBODY, LINUX));
}

static struct digest config_that_is_none(struct fixture *f)
{
	return put_image(f, "{\"os\":");
}

static struct digest deeper_than_anybody_makes(struct fixture *f)
{
	struct digest d = put_image(f, LINUX);

	for (int level = 0; level < 6; level++)
		d = put_index(f, entry(level ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST, d.text, NULL));
	return d;
}

static const struct {
	maker make;
	enum err_code code;
	const char *words;
} bad[] = {
	{ nothing, ERR_ABSENT, "is missing" },
	{ without_its_config, ERR_INCOMPLETE, "the config '" NOBODY "' is missing" },
	{ without_a_child, ERR_INCOMPLETE, "the manifest '" NOBODY "' is missing" },
	{ config_that_is_none, ERR_CORRUPT, "" },
	{ deeper_than_anybody_makes, ERR_INCOMPLETE, "deeper than can be looked at" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(identity_clear) struct identity id = { 0 };
		struct digest root;
		struct fixture f;

		fixture_init(&f, 5, 10);
		root = bad[i].make(&f);
		if (identity_read(&f.sim.world, f.s, &root, &id, &f.err))
			fail_msg("case %zu was read", i);
		assert_int_equal(f.err.code, bad[i].code);
		if (!strstr(f.err.message, bad[i].words))
			fail_msg("case %zu: %s", i, f.err.message);
		fixture_clear(&f);
	}
}

/* What can be */

static struct digest image(struct fixture *f)
{
	return put_image(f, LINUX);
}

static struct digest image_with_a_variant(struct fixture *f)
{
	return put_image(f, "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}");
}

static struct digest image_that_says_nothing(struct fixture *f)
{
	return put_image(f, "{}");
}

/* Its config is no image's, and is not asked for. */
static struct digest artifact(struct fixture *f)
{
	return put_image_of(f, "application/vnd.example+json", NOBODY);
}

static struct digest index_of_two(struct fixture *f)
{
	struct digest a = put_image(f, "{\"os\":\"linux\",\"architecture\":\"amd64\",\"a\":1}");
	struct digest b = put_image(f, "{\"os\":\"linux\",\"architecture\":\"arm64\",\"b\":1}");
	CLEANUP(mem_freep) char *first = image_entry(&a, LINUX);
	CLEANUP(mem_freep)
	char *second = image_entry(&b, "{\"os\":\"linux\",\"architecture\":\"arm64\"}");

	return put_index(f, mem_printf("%s,%s", first, second));
}

/* Where the index does not say it, the config does. */
static struct digest index_without_platforms(struct fixture *f)
{
	struct digest d = put_image(f, LINUX);

	return put_index(f, image_entry(&d, NULL));
}

/* Attestations, as buildkit makes them: for nobody. */
static struct digest index_with_something_for_nobody(struct fixture *f)
{
	struct digest d = put_image(f, LINUX);
	CLEANUP(mem_freep) char *first = image_entry(&d, LINUX);
	CLEANUP(mem_freep)
	char *second = entry(MEDIA_OCI_MANIFEST, NOBODY,
			     "{\"os\":\"unknown\",\"architecture\":\"unknown\"}");

	return put_index(f, mem_printf("%s,%s", first, second));
}

static struct digest index_in_an_index(struct fixture *f)
{
	struct digest inner = index_of_two(f);

	return put_index(f, entry(MEDIA_OCI_INDEX, inner.text, NULL));
}

static struct digest one_image_twice(struct fixture *f)
{
	struct digest d = put_image(f, LINUX);
	CLEANUP(mem_freep) char *first = image_entry(&d, LINUX);
	CLEANUP(mem_freep) char *second = image_entry(&d, LINUX);

	return put_index(f, mem_printf("%s,%s", first, second));
}

static const struct {
	maker make;
	const char *platforms;
	size_t digests; /* the root's, the manifests' and the configs' */
	const char *served;
	const char *not_served; /* NULL: all are */
} good[] = {
	{ image, "linux/amd64", 2, "linux/amd64", "linux/arm64" },
	{ image_with_a_variant, "linux/arm/v7", 2, "linux/arm/v7", "linux/amd64" },
	{ image_that_says_nothing, "", 2, "linux/s390x", NULL },
	{ artifact, "", 1, "linux/amd64", NULL },
	{ index_of_two, "linux/amd64, linux/arm64", 5, "linux/arm64", "linux/s390x" },
	{ index_without_platforms, "linux/amd64", 3, "linux/amd64", "linux/arm64" },
	{ index_with_something_for_nobody, "linux/amd64", 3, "linux/amd64", "linux/arm64" },
	{ index_in_an_index, "linux/amd64, linux/arm64", 6, "linux/amd64", "windows/amd64" },
	{ one_image_twice, "linux/amd64", 3, "linux/amd64", "linux/arm64" },
};

static bool serves(const struct identity *id, const char *text)
{
	CLEANUP(platform_clear) struct platform p = { 0 };
	struct err err = ERR_INIT;

	assert_true(platform_parse(text, &p, &err));
	return identity_serves(id, &p);
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(identity_clear) struct identity id = { 0 };
		CLEANUP(mem_freep) char *platforms = NULL;
		struct digest root;
		struct fixture f;

		fixture_init(&f, 6, 10);
		root = good[i].make(&f);
		if (!identity_read(&f.sim.world, f.s, &root, &id, &f.err))
			fail_msg("case %zu: %s", i, f.err.message);
		platforms = identity_platforms(&id);
		assert_string_equal(platforms ? platforms : "", good[i].platforms);
		assert_int_equal(id.digest_count, good[i].digests);
		assert_string_equal(id.digests[0].text, root.text);
		assert_true(serves(&id, good[i].served));
		assert_true(!good[i].not_served || !serves(&id, good[i].not_served));
		fixture_clear(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
