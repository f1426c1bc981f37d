#include "image/fixture.h"

#include "base/pool.h"
#include "image/tree.h"

/* Every case is tried on the same files as a directory and as an archive. */
static const char *const words[] = { "oci", "oci-archive" };

static void refused(struct fixture *f, const char *ref, enum err_code code, const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		fixture_refuses(f, words[i], ref, NULL, code, message);
}

static void start_again(struct fixture *f)
{
	CLEANUP(mem_freep) char *path = fixture_path(f, "layout");

	nftw(path, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	files_clear(&f->files);
}

/* A layout of one image; the digest of its manifest. */
static struct digest add_simple(struct fixture *f)
{
	CLEANUP(mem_freep)
	char *json = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "layer", "");

	files_add_layout(&f->files, json);
	return json_digest(json);
}

static void replace(struct fixture *f, const char *name, const char *text)
{
	files_drop(&f->files, name);
	files_add_text(&f->files, name, text);
}

static void test_bad_marker(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *message;
	} table[] = {
		{ "", "not valid JSON" },
		{ "{}", "'imageLayoutVersion' is missing" },
		{ "{\"imageLayoutVersion\":1}", "is not a string" },
		{ "{\"imageLayoutVersion\":\"2.0.0\"}", "'2.0.0' is not known" },
	};

	add_simple(f);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		replace(f, "oci-layout", table[i].text);
		refused(f, "", ERR_CORRUPT, table[i].message);
	}
}

static void test_no_layout(void **state)
{
	struct fixture *f = *state;

	files_add_text(&f->files, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	refused(f, "", ERR_NO_SOURCE, "no OCI image layout");
	start_again(f);
	files_add_text(&f->files, "index.json", "{}");
	refused(f, "", ERR_NO_SOURCE, "no OCI image layout");
}

static void test_bad_index(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text;
		enum err_code code;
		const char *message;
	} table[] = {
		{ "{", ERR_CORRUPT, "index.json: bad manifest: not valid JSON" },
		{ "{\"schemaVersion\":2}", ERR_CORRUPT, "'manifests' is missing" },
		{ "{\"schemaVersion\":2,\"manifests\":[7]}", ERR_CORRUPT, "manifests[0]" },
		{ "{\"schemaVersion\":2,\"manifests\":[]}", ERR_NO_SOURCE, "no image in it" },
		{ "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":"
		  "\"sha256:../../../../../etc/passwd\"}]}",
		  ERR_CORRUPT, "is not a sha256" },
	};

	add_simple(f);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		replace(f, "index.json", table[i].text);
		refused(f, "", table[i].code, table[i].message);
	}
}

static void test_damaged_manifest(void **state)
{
	struct fixture *f = *state;
	struct digest d = add_simple(f);
	CLEANUP(mem_freep) char *name = blob_path(&d);
	struct file *file = files_find(&f->files, name);

	file->bytes[file->len - 2] ^= 1;
	refused(f, "", ERR_CORRUPT, "is damaged");
	file->len--;
	refused(f, "", ERR_CORRUPT, d.text);
	files_drop(&f->files, name);
	start_again(f);
}

static void test_missing_manifest(void **state)
{
	struct fixture *f = *state;
	struct digest d = add_simple(f);
	CLEANUP(mem_freep) char *name = blob_path(&d);

	files_drop(&f->files, name);
	refused(f, "", ERR_CORRUPT, "is missing");
}

static void test_missing_layer(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(mem_freep) char *name = blob_path(&layer);

	add_simple(f);
	files_drop(&f->files, name);
	refused(f, "", ERR_CORRUPT, "of 5 bytes is missing");
	refused(f, "", ERR_CORRUPT, layer.text);
}

static void test_layer_of_other_size(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(mem_freep) char *name = blob_path(&layer);

	add_simple(f);
	replace(f, name, "lay");
	refused(f, "", ERR_CORRUPT, "has 3 bytes, its descriptor says 5");
	refused(f, "", ERR_CORRUPT, layer.text);
}

static void test_blob_through_link_to_the_outside(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(mem_freep) char *name = blob_path(&layer), *outside = fixture_path(f, "outside");

	add_simple(f);
	write_file(outside, "layer", 5);
	files_drop(&f->files, name);
	files_add_link(&f->files, name, outside, '2');
	fixture_refuses(f, "oci", "", NULL, ERR_CORRUPT, "leads outside");
	fixture_refuses(f, "oci-archive", "", NULL, ERR_CORRUPT, "is missing");
}

static void check_simple(struct image *i, const struct digest *d)
{
	assert_int_equal(i->manifest_count, 1);
	assert_int_equal(i->blob_count, 2);
	assert_string_equal(image_root(i)->digest.text, d->text);
	assert_string_equal(i->blobs[0].descriptor.media_type, MEDIA_OCI_CONFIG);
	assert_string_equal(i->blobs[1].descriptor.media_type, LAYER_GZIP);
	assert_true(i->blobs[1].in_source);
	assert_false(i->blobs[1].nondistributable);
	assert_blobs_good(i);
}

static void test_simple(void **state)
{
	struct fixture *f = *state;
	struct digest d = add_simple(f);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		CLEANUP(image_freep) struct image *image = fixture_opens(f, words[i], "", NULL);

		check_simple(image, &d);
	}
}

static void test_unknown_blob_cannot_be_opened(void **state)
{
	struct fixture *f = *state;
	struct descriptor other = { .digest = digest_of("other", 5), .size_bytes = 5 };

	add_simple(f);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		CLEANUP(image_freep) struct image *image = fixture_opens(f, words[i], "", NULL);
		struct stream *s = NULL;

		assert_false(image_open_blob(image, &other, &s, &f->err));
		assert_int_equal(f->err.code, ERR_CORRUPT);
	}
}

/* Two images with names and one without. */
static void add_named(struct fixture *f)
{
	CLEANUP(mem_freep)
	char *a =
		files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "a",
				",\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}");
	CLEANUP(mem_freep)
	char *b = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "b",
				  ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"v2\","
				  "\"io.containerd.image.name\":\"docker.io/library/app:v2\"}");
	CLEANUP(mem_freep)
	char *c = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "c", "");
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s,%s", a, b, c);

	files_add_layout(&f->files, list);
}

static void test_choice_by_name(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *ref, *layer;
	} table[] = {
		{ ":v1", "a" },
		{ ":v2", "b" },
		{ ":app:v2", "b" },
		{ ":docker.io/library/app:v2", "b" },
		{ ":index.docker.io/app:v2", "b" },
	};

	add_named(f);
	refused(f, "", ERR_NO_SOURCE, "more than one image: v1, docker.io/library/app:v2, sha256:");
	refused(f, ":v3", ERR_NO_SOURCE, "no image 'v3', only: v1, docker.io/library/app:v2");
	refused(f, ":other:v2", ERR_NO_SOURCE, "no image 'other:v2'");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(image_freep)
		struct image *image = fixture_opens(f, "oci", table[i].ref, NULL);
		struct digest layer = digest_of(table[i].layer, 1);

		assert_string_equal(image->blobs[1].descriptor.digest.text, layer.text);
	}
}

static void test_one_name_for_two_images(void **state)
{
	struct fixture *f = *state;
	static const char v1[] = ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}";
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "a", v1);
	CLEANUP(mem_freep)
	char *b = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "b", v1);
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s", a, b);

	files_add_layout(&f->files, list);
	refused(f, ":v1", ERR_NO_SOURCE, "more than one image 'v1'");
}

static void test_two_names_for_one_image(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "a", "");
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s", a, a);
	struct image *image;

	files_add_layout(&f->files, list);
	image = fixture_opens(f, "oci", "", NULL);
	image_free(image);
}

/* An index, an index in it, and an image that stands in both: each once, children first. */
static void test_tree(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "same", "");
	CLEANUP(mem_freep)
	char *b = files_add_image(&f->files, "linux", "arm64", LAYER_GZIP, "same", "");
	CLEANUP(mem_freep) char *inner = files_add_index(&f->files, a, "");
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s,%s", a, b, inner);
	CLEANUP(mem_freep) char *outer = files_add_index(&f->files, list, "");
	CLEANUP(image_freep) struct image *image = NULL;
	struct digest first = json_digest(a), third = json_digest(inner), last = json_digest(outer);

	files_add_layout(&f->files, outer);
	image = fixture_opens(f, "oci-archive", "", NULL);
	assert_int_equal(image->manifest_count, 4);
	assert_string_equal(image->manifests[0]->digest.text, first.text);
	assert_string_equal(image->manifests[2]->digest.text, third.text);
	assert_string_equal(image_root(image)->digest.text, last.text);
	assert_int_equal(image->blob_count, 3); /* two configs, one layer */
	assert_blobs_good(image);
}

static void test_too_deep(void **state)
{
	struct fixture *f = *state;
	char *json = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "a", "");

	for (int i = 1; i < TREE_DEPTH_MAX; i++) {
		CLEANUP(mem_freep) char *inner = json;

		json = files_add_index(&f->files, inner, "");
	}
	files_add_layout(&f->files, json);
	image_free(fixture_opens(f, "oci", "", NULL));
	files_drop(&f->files, "oci-layout");
	files_drop(&f->files, "index.json");
	{
		CLEANUP(mem_freep) char *inner = json;

		json = files_add_index(&f->files, inner, "");
	}
	files_add_layout(&f->files, json);
	refused(f, "", ERR_CORRUPT, "more than 4 deep");
	free(json);
}

static void test_child_that_is_not_what_it_says(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "a", "");
	struct digest d = json_digest(a);
	CLEANUP(mem_freep) char *name = blob_path(&d);
	CLEANUP(mem_freep)
	char *lie = descriptor_json(MEDIA_OCI_INDEX, &d, files_find(&f->files, name)->len, "");
	CLEANUP(mem_freep) char *index = files_add_index(&f->files, lie, "");

	files_add_layout(&f->files, index);
	refused(f, "", ERR_CORRUPT, "but it was given as");
}

/* A blob said to be a manifest elsewhere, and two sizes for one digest. */
static void test_descriptors_that_disagree(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "layer", "");
	CLEANUP(mem_freep) char *as_manifest = descriptor_json(MEDIA_OCI_MANIFEST, &layer, 5, "");
	CLEANUP(mem_freep) char *longer = descriptor_json("a/b", &layer, 6, "");
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s", a, as_manifest);
	CLEANUP(mem_freep) char *list2 = mem_printf("%s,%s", a, longer);
	CLEANUP(mem_freep) char *index = files_add_index(&f->files, list, "");
	CLEANUP(mem_freep) char *index2 = files_add_index(&f->files, list2, "");

	files_add_layout(&f->files, index);
	refused(f, "", ERR_CORRUPT, "a manifest and a blob");
	files_drop(&f->files, "oci-layout");
	files_drop(&f->files, "index.json");
	files_add_layout(&f->files, index2);
	refused(f, "", ERR_CORRUPT, "is said to have 5 bytes and 6 bytes");
}

static void test_child_of_no_manifest_type_is_a_blob(void **state)
{
	struct fixture *f = *state;
	struct digest d = files_add_blob(&f->files, "cache", 5);
	CLEANUP(mem_freep) char *json = descriptor_json(LAYER_GZIP, &d, 5, "");
	CLEANUP(mem_freep) char *index = files_add_index(&f->files, json, "");
	CLEANUP(image_freep) struct image *image = NULL;

	files_add_layout(&f->files, index);
	image = fixture_opens(f, "oci", "", NULL);
	assert_int_equal(image->manifest_count, 1);
	assert_int_equal(image->blob_count, 1);
	assert_blobs_good(image);
}

static void test_nondistributable_may_be_absent(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(mem_freep) char *name = blob_path(&layer);
	CLEANUP(mem_freep)
	char *json = files_add_image(&f->files, "windows", "amd64",
				     "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
				     "layer", "");
	CLEANUP(image_freep) struct image *with = NULL, *without = NULL;

	files_add_layout(&f->files, json);
	with = fixture_opens(f, "oci-archive", "", NULL);
	assert_true(with->blobs[1].nondistributable);
	assert_true(with->blobs[1].in_source);
	files_drop(&f->files, name);
	without = fixture_opens(f, "oci-archive", "", NULL);
	assert_true(without->blobs[1].nondistributable);
	assert_false(without->blobs[1].in_source);
}

struct readers {
	struct image *image;
};

static bool read_all_blobs(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct readers *r = arg;

	(void)w;
	(void)index;
	(void)err;
	assert_blobs_good(r->image);
	return true;
}

static void test_many_readers(void **state)
{
	struct fixture *f = *state;

	add_simple(f);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		CLEANUP(image_freep) struct image *image = fixture_opens(f, words[i], "", NULL);
		struct readers r = { image };

		assert_true(pool_run(&f->world, 8, 64, read_all_blobs, &r, &f->err));
	}
}

static void test_cancelled(void **state)
{
	struct fixture *f = *state;
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;

	add_simple(f);
	assert_true(cancel_new(NULL, &cancel, &f->err));
	cancel_fire(cancel, 2);
	f->world.cancel = cancel;
	refused(f, "", ERR_CANCELLED, "interrupted by SIGINT");
}

static void test_source_that_changes(void **state)
{
	struct fixture *f = *state;
	struct digest layer = digest_of("layer", 5);
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(mem_freep) char *name = blob_path(&layer);
	CLEANUP(mem_freep) char *relative = mem_printf("layout/%s", name);
	CLEANUP(mem_freep) char *path = fixture_path(f, relative);
	struct stream *s = NULL;

	add_simple(f);
	image = fixture_opens(f, "oci", "", NULL);
	unlink(path);
	assert_false(image_open_blob(image, &image->blobs[1].descriptor, &s, &f->err));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_marker),
		TEST(test_no_layout),
		TEST(test_bad_index),
		TEST(test_damaged_manifest),
		TEST(test_missing_manifest),
		TEST(test_missing_layer),
		TEST(test_layer_of_other_size),
		TEST(test_blob_through_link_to_the_outside),
		TEST(test_simple),
		TEST(test_unknown_blob_cannot_be_opened),
		TEST(test_choice_by_name),
		TEST(test_one_name_for_two_images),
		TEST(test_two_names_for_one_image),
		TEST(test_tree),
		TEST(test_too_deep),
		TEST(test_child_that_is_not_what_it_says),
		TEST(test_descriptors_that_disagree),
		TEST(test_child_of_no_manifest_type_is_a_blob),
		TEST(test_nondistributable_may_be_absent),
		TEST(test_many_readers),
		TEST(test_cancelled),
		TEST(test_source_that_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
