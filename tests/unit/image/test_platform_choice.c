#include "image/fixture.h"

#define PLATFORM(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define PLATFORM3(os, arch, variant)                                                            \
	",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\",\"variant\":\"" variant \
	"\"}"

#define WANTED_MAX 4

/* Opens the layout for the platforms in LIST, separated by spaces. */
struct choice {
	struct platform platforms[WANTED_MAX];
	struct image_options options;
};

static void choice_init(struct choice *c, const struct fixture *f, const char *list)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(list);
	struct err err = ERR_INIT;
	char *rest = copy;

	*c = (struct choice){ .options = { .tmp_dir = f->dir, .platforms = c->platforms } };
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
		assert_true(platform_parse(word, &c->platforms[c->options.platform_count++], &err));
}

static void choice_clear(struct choice *c)
{
	for (size_t i = 0; i < WANTED_MAX; i++)
		platform_clear(&c->platforms[i]);
}

struct digests {
	struct digest amd64, arm64, armv6, armv7, attestation, index;
};

/* As buildkit makes it: images and an attestation about each. */
static struct digests add_index(struct fixture *f)
{
	struct files *files = &f->files;
	CLEANUP(mem_freep)
	char *a = files_add_image(files, "linux", "amd64", LAYER_GZIP, "1",
				  PLATFORM("linux", "amd64"));
	CLEANUP(mem_freep)
	char *b = files_add_image(files, "linux", "arm64", LAYER_GZIP, "2",
				  PLATFORM("linux", "arm64"));
	CLEANUP(mem_freep)
	char *c = files_add_image(files, "linux", "arm", LAYER_GZIP, "3",
				  PLATFORM3("linux", "arm", "v6"));
	CLEANUP(mem_freep)
	char *d = files_add_image(files, "linux", "arm", LAYER_GZIP, "4",
				  PLATFORM3("linux", "arm", "v7"));
	struct digests ret = { json_digest(a), json_digest(b), json_digest(c),
			       json_digest(d), { "" },	       { "" } };
	CLEANUP(mem_freep)
	char *about = mem_printf(",\"annotations\":{\"vnd.docker.reference.digest\":\"%s\","
				 "\"vnd.docker.reference.type\":\"attestation-manifest\"}" PLATFORM(
					 "unknown", "unknown"),
				 ret.amd64.text);
	CLEANUP(mem_freep)
	char *e = files_add_image(files, "unknown", "unknown", "application/vnd.in-toto+json", "{}",
				  about);
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s,%s,%s,%s", a, b, c, d, e);
	CLEANUP(mem_freep) char *index = files_add_index(files, list, "");

	ret.attestation = json_digest(e);
	ret.index = json_digest(index);
	files_add_layout(files, index);
	return ret;
}

static void test_not_served(void **state)
{
	struct fixture *f = *state;
	static const char *const table[] = { "linux/s390x", "windows/amd64", "linux/arm/v5",
					     "unknown/unknown", "linux/amd64 linux/s390x" };

	add_index(f);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct choice c;

		choice_init(&c, f, table[i]);
		fixture_refuses(f, "oci", "", &c.options, ERR_NO_SOURCE,
				"only for: linux/amd64, linux/arm64, linux/arm/v6, linux/arm/v7");
		choice_clear(&c);
	}
}

static void assert_root(struct fixture *f, const char *list, const struct digest *d)
{
	struct choice c;
	CLEANUP(image_freep) struct image *i = NULL;

	choice_init(&c, f, list);
	i = fixture_opens(f, "oci", "", &c.options);
	choice_clear(&c);
	assert_int_equal(i->manifest_count, 1);
	assert_string_equal(image_root(i)->digest.text, d->text);
	assert_blobs_good(i);
}

static void test_one(void **state)
{
	struct fixture *f = *state;
	struct digests d = add_index(f);

	assert_root(f, "linux/amd64", &d.amd64);
	assert_root(f, "linux/arm64/v8", &d.arm64);
	assert_root(f, "linux/arm/v6", &d.armv6);
	assert_root(f, "linux/arm", &d.armv7); /* the usual one, although v6 comes first */
	assert_root(f, "linux/amd64 linux/x86_64", &d.amd64);
}

static void test_none_is_the_whole_index(void **state)
{
	struct fixture *f = *state;
	struct digests d = add_index(f);
	CLEANUP(image_freep) struct image *i = fixture_opens(f, "oci", "", NULL);

	assert_int_equal(i->manifest_count, 6);
	assert_string_equal(image_root(i)->digest.text, d.index.text);
	assert_string_equal(i->manifests[4]->digest.text, d.attestation.text);
	assert_blobs_good(i);
}

/* A new index with the descriptors as they were, and the attestation about one of them. */
static void test_several(void **state)
{
	struct fixture *f = *state;
	struct digests d = add_index(f);
	struct choice c;
	CLEANUP(image_freep) struct image *i = NULL, *again = NULL;
	const struct manifest *root;

	choice_init(&c, f, "linux/arm/v7 linux/amd64");
	i = fixture_opens(f, "oci", "", &c.options);
	again = fixture_opens(f, "oci", "", &c.options);
	choice_clear(&c);
	root = image_root(i);
	assert_int_equal(i->manifest_count, 4);
	assert_int_equal(root->entry_count, 3);
	assert_string_equal(root->media_type, MEDIA_OCI_INDEX);
	assert_string_equal(root->entries[0].digest.text, d.amd64.text);
	assert_string_equal(root->entries[1].digest.text, d.armv7.text);
	assert_string_equal(root->entries[1].platform.variant, "v7");
	assert_string_equal(root->entries[2].digest.text, d.attestation.text);
	assert_non_null(
		strstr(root->bytes, "\"vnd.docker.reference.type\":\"attestation-manifest\""));
	assert_string_equal(root->digest.text, image_root(again)->digest.text);
}

/* Neither the index nor the layout says a platform: the config does. */
static void test_config_says_it(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "riscv64", LAYER_GZIP, "1", "");
	struct digest d = json_digest(a);
	struct choice c;

	files_add_layout(&f->files, a);
	assert_root(f, "linux/riscv64", &d);
	choice_init(&c, f, "linux/amd64");
	fixture_refuses(f, "oci", "", &c.options, ERR_NO_SOURCE, "only for: linux/riscv64");
	choice_clear(&c);
}

static void test_config_of_something_else(void **state)
{
	struct fixture *f = *state;
	struct digest config = files_add_blob(&f->files, "{}", 2);
	CLEANUP(mem_freep)
	char *config_json = descriptor_json("application/vnd.oci.empty.v1+json", &config, 2, "");
	CLEANUP(mem_freep)
	char *manifest = mem_printf("{\"schemaVersion\":2,\"config\":%s}", config_json);
	struct digest d = files_add_blob(&f->files, manifest, strlen(manifest));
	CLEANUP(mem_freep)
	char *json = descriptor_json(MEDIA_OCI_MANIFEST, &d, strlen(manifest), "");
	struct choice c;

	files_add_layout(&f->files, json);
	choice_init(&c, f, "linux/amd64");
	fixture_refuses(f, "oci", "", &c.options, ERR_NO_SOURCE, "only for: unknown");
	choice_clear(&c);
	image_free(fixture_opens(f, "oci", "", NULL));
}

/* Only what is chosen has to be there. */
static void test_absent_others(void **state)
{
	struct fixture *f = *state;
	struct digests d = add_index(f);
	CLEANUP(mem_freep) char *arm64 = blob_path(&d.arm64);
	struct choice c;

	files_drop(&f->files, arm64);
	fixture_refuses(f, "oci", "", NULL, ERR_CORRUPT, "(platform linux/arm64) is missing");
	assert_root(f, "linux/amd64", &d.amd64);
	choice_init(&c, f, "linux/arm64");
	fixture_refuses(f, "oci", "", &c.options, ERR_CORRUPT, "is missing");
	choice_clear(&c);
}

static void test_index_in_index(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "1",
				  PLATFORM("linux", "amd64"));
	CLEANUP(mem_freep) char *inner = files_add_index(&f->files, a, "");
	CLEANUP(mem_freep) char *outer = files_add_index(&f->files, inner, "");
	struct digest d = json_digest(a);

	files_add_layout(&f->files, outer);
	assert_root(f, "linux/amd64", &d);
}

/* An index of the same empty index, many times, three deep: as much work as there is patience. */
static void test_wide_and_empty(void **state)
{
	struct fixture *f = *state;
	char *json = files_add_index(&f->files, "", "");
	struct choice c;

	for (int depth = 0; depth < 3; depth++) {
		CLEANUP(buf_clear) struct buf list = BUF_INIT(MIB);
		CLEANUP(mem_freep) char *inner = json;

		for (int i = 0; i < 100; i++)
			buf_printf(&list, "%s%s", i ? "," : "", inner);
		json = files_add_index(&f->files, buf_str(&list), "");
	}
	files_add_layout(&f->files, json);
	free(json);
	choice_init(&c, f, "linux/amd64");
	fixture_refuses(f, "oci", "", &c.options, ERR_CORRUPT, "more than 1000 indexes");
	choice_clear(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_served),
		TEST(test_one),
		TEST(test_none_is_the_whole_index),
		TEST(test_several),
		TEST(test_config_says_it),
		TEST(test_config_of_something_else),
		TEST(test_absent_others),
		TEST(test_index_in_index),
		TEST(test_wide_and_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
