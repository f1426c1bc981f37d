#include "image/fixture.h"

#include "image/saved.h"
#include "image/temp.h"

#define WORD "docker-archive"
#define LAYER_A "the first layer, not really a tar"
#define LAYER_B "the second layer"

/* --- manifest.json and config */

static void test_bad_manifest_json(void **state)
{
	static const struct {
		const char *json, *words;
	} table[] = {
		{ "", "not valid JSON" },
		{ "{}", "not an array" },
		{ "[7]", "image 0: not a JSON object" },
		{ "[{}]", "'Config' is missing" },
		{ "[{\"Config\":1}]", "'Config' is not a string" },
		{ "[{\"Config\":\"c\",\"Layers\":{}}]", "'Layers' is not an array" },
		{ "[{\"Config\":\"c\",\"Layers\":[1]}]", "Layers[0] is not a text" },
		{ "[{\"Config\":\"c\",\"Layers\":[\"\"]}]", "Layers[0] is not a text" },
		{ "[{\"Config\":\"c\",\"RepoTags\":[null]}]", "RepoTags[0] is not a text" },
		{ "[{\"Config\":\"c\"},{\"Config\":\"c\",\"Config\":\"d\"}]", "duplicate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(saved_clear) struct saved s;
		struct err err = ERR_INIT;

		if (saved_parse(table[i].json, strlen(table[i].json), &s, &err))
			fail_msg("%s was taken", table[i].json);
		assert_int_equal(err.code, ERR_CORRUPT);
		if (!strstr(err.message, table[i].words))
			fail_msg("%s: %s", table[i].json, err.message);
		err_clear(&err);
	}
}

static void test_bad_config(void **state)
{
	static const struct {
		const char *json, *words;
	} table[] = {
		{ "", "not valid JSON" },
		{ "[]", "not a JSON object" },
		{ "{}", "'rootfs' is missing" },
		{ "{\"rootfs\":[]}", "not an object" },
		{ "{\"rootfs\":{\"diff_ids\":\"x\"}}", "not an array" },
		{ "{\"rootfs\":{\"diff_ids\":[1]}}", "diff_ids[0] is not a text" },
		{ "{\"rootfs\":{\"diff_ids\":[\"sha256:00\"]}}", "diff_ids[0]: 'sha256:00'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(saved_config_clear) struct saved_config c;
		struct err err = ERR_INIT;

		if (saved_config_parse(table[i].json, strlen(table[i].json), &c, &err))
			fail_msg("%s was taken", table[i].json);
		assert_int_equal(err.code, ERR_CORRUPT);
		if (!strstr(err.message, table[i].words))
			fail_msg("%s: %s", table[i].json, err.message);
		err_clear(&err);
	}
}

/* --- the classic form */

struct classic {
	const char *layers[4]; /* contents */
	const char *names[4];
	const char *tags; /* inside of the brackets */
	const char *os;
};

static char *config_json(const struct classic *c)
{
	struct buf json = BUF_INIT(MIB);

	buf_printf(&json, "{\"os\":\"%s\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[",
		   c->os ? c->os : "linux");
	for (size_t i = 0; i < 4 && c->layers[i]; i++) {
		struct digest d = digest_of(c->layers[i], strlen(c->layers[i]));

		buf_printf(&json, "%s\"%s\"", i ? "," : "", d.text);
	}
	buf_puts(&json, "]}}");
	return buf_take(&json);
}

static char *item_json(const struct classic *c, const char *config_name)
{
	struct buf json = BUF_INIT(MIB);

	buf_printf(&json, "{\"Config\":\"%s\",\"RepoTags\":[%s],\"Layers\":[", config_name,
		   c->tags);
	for (size_t i = 0; i < 4 && c->names[i]; i++)
		buf_printf(&json, "%s\"%s\"", i ? "," : "", c->names[i]);
	buf_puts(&json, "]}");
	return buf_take(&json);
}

/* Adds config and layers; returns the entry for manifest.json. The caller frees. */
static char *add_classic(struct files *files, const struct classic *c)
{
	CLEANUP(mem_freep) char *config = config_json(c);
	struct digest d = digest_of(config, strlen(config));
	CLEANUP(mem_freep) char *name = mem_printf("%s.json", digest_hex(&d));

	files_add_text(files, name, config);
	for (size_t i = 0; i < 4 && c->layers[i]; i++)
		files_add_text(files, c->names[i], c->layers[i]);
	return item_json(c, name);
}

static void add_manifest_json(struct files *files, const char *items)
{
	CLEANUP(mem_freep) char *json = mem_printf("[%s]", items);

	files_add_text(files, "manifest.json", json);
}

static const struct classic simple = {
	.layers = { LAYER_A, LAYER_B },
	.names = { "1/layer.tar", "2/layer.tar" },
	.tags = "\"app:1\"",
};

static void add_simple(struct fixture *f)
{
	CLEANUP(mem_freep) char *item = add_classic(&f->files, &simple);

	add_manifest_json(&f->files, item);
}

static void test_not_of_docker(void **state)
{
	struct fixture *f = *state;

	files_add_text(&f->files, "readme", "hello");
	fixture_refuses(f, WORD, "", NULL, ERR_NO_SOURCE, "not written by `docker save`");
}

static void test_bad_files(void **state)
{
	struct fixture *f = *state;

	add_simple(f);
	files_find(&f->files, "1/layer.tar")->bytes[3] ^= 1;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT,
			"layer '1/layer.tar': its diff ID is sha256:");
	files_drop(&f->files, "1/layer.tar");
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "layer '1/layer.tar'");
	files_drop(&f->files, "manifest.json");
	files_add_text(&f->files, "manifest.json",
		       "[{\"Config\":\"../../etc/passwd\",\"Layers\":[]}]");
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "'../../etc/passwd' is missing");
	files_drop(&f->files, "manifest.json");
	files_add_text(&f->files, "manifest.json", "[]");
	fixture_refuses(f, WORD, "", NULL, ERR_NO_SOURCE, "no image in it");
}

static void test_damaged_config(void **state)
{
	struct fixture *f = *state;

	add_simple(f);
	files_drop(&f->files, "1/layer.tar");
	for (size_t i = 0; i < f->files.count; i++)
		if (strlen(f->files.at[i].name) == 64 + 5)
			f->files.at[i].bytes[8] = 'L';
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "is damaged");
}

static void test_layer_count(void **state)
{
	struct fixture *f = *state;
	struct classic c = simple;
	CLEANUP(mem_freep) char *item = NULL;

	c.names[2] = "1/layer.tar";
	item = add_classic(&f->files, &c);
	add_manifest_json(&f->files, item);
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "3 layers, but the image's config says 2");
}

static void unpack_blob(struct fixture *f, struct image *i, const struct descriptor *d,
			const char *text)
{
	CLEANUP(mem_freep) char *path = fixture_path(f, "blob.gz"), *out = fixture_path(f, "blob");
	CLEANUP(mem_freep)
	char *command = mem_printf("gzip -t %s && gzip -dc %s > %s", path, path, out);
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MIB), plain = BUF_INIT(MIB);
	CLEANUP(stream_freep) struct stream *s = NULL;

	assert_true(image_open_blob(i, d, &s, &f->err));
	assert_true(stream_read_all(s, &bytes, ERR_CORRUPT, &f->err));
	write_file(path, bytes.data, bytes.len);
	assert_int_equal(system(command), 0);
	assert_true(file_read_all(out, &plain, &f->err));
	assert_string_equal(buf_str(&plain), text);
}

static void test_simple(void **state)
{
	struct fixture *f = *state;
	CLEANUP(image_freep) struct image *i = NULL, *again = NULL;

	add_simple(f);
	i = fixture_opens(f, WORD, "", NULL);
	assert_int_equal(i->manifest_count, 1);
	assert_int_equal(i->blob_count, 3);
	assert_string_equal(image_root(i)->media_type, MEDIA_DOCKER_MANIFEST);
	assert_string_equal(i->blobs[0].descriptor.media_type, MEDIA_DOCKER_CONFIG);
	assert_string_equal(i->blobs[1].descriptor.media_type, MEDIA_DOCKER_LAYER);
	assert_blobs_good(i);
	unpack_blob(f, i, &i->blobs[1].descriptor, LAYER_A);
	unpack_blob(f, i, &i->blobs[2].descriptor, LAYER_B);
	assert_true(f->packing_told >= 2);
	again = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(i)->digest.text, image_root(again)->digest.text);
}

/*
 * The very bytes, so that a change of ours is seen: it would mean that every image is sent again.
 */
static void test_digest_stays(void **state)
{
	struct fixture *f = *state;
	CLEANUP(image_freep) struct image *i = NULL;

	add_simple(f);
	i = fixture_opens(f, WORD, "", NULL);
	assert_memory_equal(
		image_root(i)->bytes,
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution."
		"manifest.v2+json\",\"config\":{\"mediaType\":\"application/vnd.docker.container."
		"image.v1+json\",\"size\":",
		155);
}

static void test_shared_layers(void **state)
{
	struct fixture *f = *state;
	struct classic c = {
		.layers = { LAYER_A, LAYER_B, LAYER_A },
		.names = { "1/layer.tar", "2/layer.tar", "3/layer.tar" },
		.tags = "",
	};
	CLEANUP(mem_freep) char *item = add_classic(&f->files, &c);
	CLEANUP(image_freep) struct image *i = NULL;

	add_manifest_json(&f->files, item);
	files_drop(&f->files, "3/layer.tar");
	files_add_link(&f->files, "3/layer.tar", "../1/layer.tar", '2');
	i = fixture_opens(f, WORD, "", NULL);
	assert_int_equal(image_root(i)->entry_count, 4);
	assert_int_equal(i->blob_count, 3);
	assert_blobs_good(i);
}

static void test_no_layers(void **state)
{
	struct fixture *f = *state;
	const struct classic c = { .tags = "" };
	CLEANUP(mem_freep) char *item = add_classic(&f->files, &c);
	CLEANUP(image_freep) struct image *i = NULL;

	add_manifest_json(&f->files, item);
	i = fixture_opens(f, WORD, "", NULL);
	assert_int_equal(i->blob_count, 1);
	assert_blobs_good(i);
}

static void test_choice(void **state)
{
	struct fixture *f = *state;
	struct classic one = { .layers = { "1" },
			       .names = { "1/layer.tar" },
			       .tags = "\"app:1\",\"app:latest\"" };
	struct classic two = { .layers = { "2" },
			       .names = { "2/layer.tar" },
			       .tags = "\"gcr.io/p/app:2\"" };
	CLEANUP(mem_freep) char *a = add_classic(&f->files, &one);
	CLEANUP(mem_freep) char *b = add_classic(&f->files, &two);
	CLEANUP(mem_freep) char *items = mem_printf("%s,%s", a, b);
	static const struct {
		const char *ref;
		const char *layer;
	} table[] = {
		{ ":app:1", "1" },
		{ ":app", "1" },
		{ ":docker.io/library/app:1", "1" },
		{ ":gcr.io/p/app:2", "2" },
	};

	add_manifest_json(&f->files, items);
	fixture_refuses(f, WORD, "", NULL, ERR_NO_SOURCE,
			"more than one image: app:1, app:latest, gcr.io/p/app:2");
	fixture_refuses(f, WORD, ":app:2", NULL, ERR_NO_SOURCE, "no image 'app:2', only: app:1");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(image_freep)
		struct image *image = fixture_opens(f, WORD, table[i].ref, NULL);

		unpack_blob(f, image, &image->blobs[1].descriptor, table[i].layer);
	}
}

static void test_platform(void **state)
{
	struct fixture *f = *state;
	CLEANUP(platform_clear) struct platform wanted, right;
	struct image_options options = { .tmp_dir = f->dir,
					 .platforms = &wanted,
					 .platform_count = 1 };

	assert_true(platform_parse("linux/arm64", &wanted, &f->err));
	assert_true(platform_parse("linux/amd64", &right, &f->err));
	add_simple(f);
	fixture_refuses(f, WORD, "", &options, ERR_NO_SOURCE, "only for: linux/amd64");
	assert_int_equal(f->packing_told, 0); /* seen before the work is done */
	options.platforms = &right;
	image_free(fixture_opens(f, WORD, "", &options));
}

static void gzip_text(const char *text, const char *path)
{
	CLEANUP(mem_freep) char *command = mem_printf("printf %%s '%s' | gzip -9 > %s", text, path);

	assert_int_equal(system(command), 0);
}

static void test_compressed_layer_travels_as_it_is(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB);
	CLEANUP(mem_freep) char *path = fixture_path(f, "l.gz");
	CLEANUP(image_freep) struct image *i = NULL;
	struct digest d;

	gzip_text(LAYER_A, path);
	assert_true(file_read_all(path, &packed, &f->err));
	d = digest_of(packed.data, packed.len);
	add_simple(f);
	files_drop(&f->files, "1/layer.tar");
	files_add(&f->files, "1/layer.tar", packed.data, packed.len);
	i = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(i->blobs[1].descriptor.digest.text, d.text);
	assert_string_equal(i->blobs[1].descriptor.media_type, MEDIA_DOCKER_LAYER);
	assert_blobs_good(i);
	files_find(&f->files, "1/layer.tar")->len -= 4;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "cut short");
}

static void test_compressed_layer_of_other_content(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB);
	CLEANUP(mem_freep) char *path = fixture_path(f, "l.gz");

	gzip_text("something else", path);
	assert_true(file_read_all(path, &packed, &f->err));
	add_simple(f);
	files_drop(&f->files, "1/layer.tar");
	files_add(&f->files, "1/layer.tar", packed.data, packed.len);
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "its diff ID is");
}

/* One raw block in a frame: RFC 8878 §3.1.1; TEXT is short. */
static void add_zstd_layer(struct fixture *f, const char *text)
{
	size_t len = strlen(text);
	CLEANUP(buf_clear) struct buf frame = BUF_INIT(MIB);
	const char head[] = { 0x28,
			      (char)0xb5,
			      0x2f,
			      (char)0xfd,
			      0x20,
			      (char)len,
			      (char)(len << 3 | 1),
			      (char)(len >> 5),
			      0 };

	assert_true(len < 256);
	assert_true(buf_add(&frame, head, sizeof(head)));
	assert_true(buf_add(&frame, text, len));
	files_drop(&f->files, "1/layer.tar");
	files_add(&f->files, "1/layer.tar", frame.data, frame.len);
}

static void test_zstd_layer_travels_as_it_is(void **state)
{
	struct fixture *f = *state;
	CLEANUP(image_freep) struct image *i = NULL;

	add_simple(f);
	add_zstd_layer(f, LAYER_A);
	i = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(i)->media_type, MEDIA_OCI_MANIFEST);
	assert_string_equal(i->blobs[0].descriptor.media_type, MEDIA_OCI_CONFIG);
	assert_string_equal(i->blobs[1].descriptor.media_type, MEDIA_OCI_LAYER_ZSTD);
	assert_string_equal(i->blobs[2].descriptor.media_type, MEDIA_OCI_LAYER_GZIP);
	assert_blobs_good(i);
	files_find(&f->files, "1/layer.tar")->len -= 1;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "cut short");
	add_zstd_layer(f, "something else");
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "its diff ID is");
}

static void test_packed_as_zstd(void **state)
{
	struct fixture *f = *state;
	const struct image_options options = { .tmp_dir = f->dir,
					       .compression = { COMPRESS_ZSTD, 1 } };
	CLEANUP(image_freep) struct image *i = NULL;

	add_simple(f);
	i = fixture_opens(f, WORD, "", &options);
	assert_string_equal(image_root(i)->media_type, MEDIA_OCI_MANIFEST);
	assert_string_equal(i->blobs[0].descriptor.media_type, MEDIA_OCI_CONFIG);
	assert_string_equal(i->blobs[1].descriptor.media_type, MEDIA_OCI_LAYER_ZSTD);
	assert_blobs_good(i);
}

/* --- since Docker 25: an OCI layout beside manifest.json */

#define NAMED                                                                         \
	",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/app:1\"," \
	"\"org.opencontainers.image.ref.name\":\"1\"}"

/* manifest.json for the layout's image with LAYER. */
static void add_saved_json(struct files *files, const char *architecture, const char *layer)
{
	struct digest l = digest_of(layer, strlen(layer));
	CLEANUP(mem_freep)
	char *config = mem_printf(
		"{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		architecture, l.text);
	struct digest c = digest_of(config, strlen(config));
	CLEANUP(mem_freep)
	char *item = mem_printf("{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"app:1\"],"
				"\"Layers\":[\"blobs/sha256/%s\"]}",
				digest_hex(&c), digest_hex(&l));

	add_manifest_json(files, item);
}

static void test_graph_driver_of_docker_25(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_PLAIN, LAYER_A, NAMED);
	CLEANUP(image_freep) struct image *i = NULL, *named = NULL;

	files_add_layout(&f->files, a);
	add_saved_json(&f->files, "amd64", LAYER_A);
	i = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(i)->media_type, MEDIA_DOCKER_MANIFEST);
	assert_blobs_good(i);
	unpack_blob(f, i, &i->blobs[1].descriptor, LAYER_A);
	named = fixture_opens(f, WORD, ":app:1", NULL);
	assert_string_equal(image_root(named)->digest.text, image_root(i)->digest.text);
	fixture_refuses(f, WORD, ":app:2", NULL, ERR_NO_SOURCE, "no image 'app:2', only: app:1");
}

static void test_damage_in_docker_25(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_PLAIN, LAYER_A, NAMED);
	struct digest d = digest_of(LAYER_A, strlen(LAYER_A));
	CLEANUP(mem_freep) char *name = blob_path(&d);

	files_add_layout(&f->files, a);
	add_saved_json(&f->files, "amd64", LAYER_A);
	files_find(&f->files, name)->bytes[0] ^= 1;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "its diff ID is");
}

static void test_compressed_layout_travels_as_it_is(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, LAYER_A, NAMED);
	CLEANUP(image_freep) struct image *i = NULL;
	struct digest d = json_digest(a);

	files_add_layout(&f->files, a);
	add_saved_json(&f->files, "amd64", LAYER_A);
	i = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(i)->digest.text, d.text);
	assert_int_equal(f->packing_told, 0);
}

#define AMD64 ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}"
#define ARM64 ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}"

/* An index of two images as containerd's store saves it; plain layers stay what they are there. */
static char *add_containerd(struct fixture *f, struct digest ret[3])
{
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_PLAIN, "1", AMD64);
	CLEANUP(mem_freep)
	char *b = files_add_image(&f->files, "linux", "arm64", LAYER_GZIP, "2", ARM64);
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s", a, b);
	char *index = files_add_index(&f->files, list, NAMED);

	ret[0] = json_digest(a);
	ret[1] = json_digest(b);
	ret[2] = json_digest(index);
	files_add_layout(&f->files, index);
	return index;
}

static void test_containerd_whole(void **state)
{
	struct fixture *f = *state;
	struct digest d[3];
	CLEANUP(mem_freep) char *index = add_containerd(f, d);
	CLEANUP(image_freep) struct image *i = fixture_opens(f, WORD, ":app:1", NULL);

	assert_non_null(index);
	assert_int_equal(i->manifest_count, 3);
	assert_string_equal(image_root(i)->digest.text, d[2].text);
	assert_blobs_good(i);
	assert_int_equal(f->notes.len, 0);
}

static void test_containerd_with_one_child(void **state)
{
	struct fixture *f = *state;
	struct digest d[3], layer = digest_of("2", 1);
	CLEANUP(mem_freep) char *index = add_containerd(f, d);
	CLEANUP(mem_freep) char *manifest = blob_path(&d[1]), *blob = blob_path(&layer);
	CLEANUP(image_freep) struct image *without_blob = NULL, *without_manifest = NULL;

	assert_non_null(index);
	files_drop(&f->files, blob);
	without_blob = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(without_blob)->digest.text, d[0].text);
	assert_non_null(strstr(buf_str(&f->notes), "linux/amd64"));
	files_drop(&f->files, manifest);
	without_manifest = fixture_opens(f, WORD, "", NULL);
	assert_string_equal(image_root(without_manifest)->digest.text, d[0].text);
	assert_int_equal(without_manifest->manifest_count, 1);
	assert_blobs_good(without_manifest);
}

static void test_containerd_with_no_child(void **state)
{
	struct fixture *f = *state;
	struct digest d[3];
	CLEANUP(mem_freep) char *index = add_containerd(f, d);
	CLEANUP(mem_freep) char *a = blob_path(&d[0]), *b = blob_path(&d[1]);

	assert_non_null(index);
	files_drop(&f->files, a);
	files_drop(&f->files, b);
	fixture_refuses(f, WORD, "", NULL, ERR_NO_SOURCE,
			"only a part of the index is in the archive");
	assert_null(f->err.hint);
}

/* Two of three are whole: which one is meant has to be said. */
static void test_containerd_with_some_children(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep)
	char *a = files_add_image(&f->files, "linux", "amd64", LAYER_GZIP, "1", AMD64);
	CLEANUP(mem_freep)
	char *b = files_add_image(&f->files, "linux", "arm64", LAYER_GZIP, "2", ARM64);
	CLEANUP(mem_freep)
	char *c = files_add_image(&f->files, "linux", "s390x", LAYER_GZIP, "3", "");
	CLEANUP(mem_freep) char *list = mem_printf("%s,%s,%s", c, a, b);
	CLEANUP(mem_freep) char *index = files_add_index(&f->files, list, NAMED);
	CLEANUP(platform_clear) struct platform wanted;
	struct image_options options = { .tmp_dir = f->dir,
					 .platforms = &wanted,
					 .platform_count = 1 };
	struct digest d = json_digest(b), gone = json_digest(c);
	CLEANUP(mem_freep) char *path = blob_path(&gone);
	CLEANUP(image_freep) struct image *i = NULL;

	files_add_layout(&f->files, index);
	files_drop(&f->files, path);
	fixture_refuses(f, WORD, "", NULL, ERR_NO_SOURCE, "whole in it: linux/amd64, linux/arm64");
	assert_non_null(strstr(f->err.hint, "--platform"));
	assert_true(platform_parse("linux/arm64", &wanted, &f->err));
	i = fixture_opens(f, WORD, "", &options);
	assert_string_equal(image_root(i)->digest.text, d.text);
}

/* A damaged child is no absent one. */
static void test_containerd_damaged(void **state)
{
	struct fixture *f = *state;
	struct digest d[3];
	CLEANUP(mem_freep) char *index = add_containerd(f, d);
	CLEANUP(mem_freep) char *a = blob_path(&d[0]), *b = blob_path(&d[1]);

	assert_non_null(index);
	files_drop(&f->files, a);
	files_find(&f->files, b)->bytes[5] ^= 1;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "is damaged");
}

/* --- many layers, side by side, while something goes wrong */

#define MANY 40

static void add_many(struct fixture *f)
{
	CLEANUP(buf_clear) struct buf diff_ids = BUF_INIT(MIB), names = BUF_INIT(MIB);
	CLEANUP(mem_freep) char *config = NULL, *item = NULL;

	for (int i = 0; i < MANY; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("%d/layer.tar", i);
		CLEANUP(mem_freep) char *bytes = mem_alloc(100000);
		struct digest d;

		memset(bytes, 'a' + i % 26, 99999);
		snprintf(bytes, 100000, "%d", i);
		d = digest_of(bytes, 100000);
		files_add(&f->files, name, bytes, 100000);
		buf_printf(&diff_ids, "%s\"%s\"", i ? "," : "", d.text);
		buf_printf(&names, "%s\"%s\"", i ? "," : "", name);
	}
	config = mem_printf("{\"rootfs\":{\"diff_ids\":[%s]}}", buf_str(&diff_ids));
	item = mem_printf("{\"Config\":\"config\",\"Layers\":[%s]}", buf_str(&names));
	files_add_text(&f->files, "config", config);
	add_manifest_json(&f->files, item);
}

static void test_many_layers(void **state)
{
	struct fixture *f = *state;
	CLEANUP(image_freep) struct image *a = NULL, *b = NULL;

	add_many(f);
	f->jobs = 1;
	a = fixture_opens(f, WORD, "", NULL);
	f->jobs = 8;
	b = fixture_opens(f, WORD, "", NULL);
	assert_int_equal(a->blob_count, MANY + 1);
	assert_string_equal(image_root(a)->digest.text, image_root(b)->digest.text);
	assert_blobs_good(b);
	files_find(&f->files, "20/layer.tar")->bytes[7] ^= 1;
	fixture_refuses(f, WORD, "", NULL, ERR_CORRUPT, "layer '20/layer.tar'");
}

static void test_small_layers_need_no_directory(void **state)
{
	struct fixture *f = *state;
	const struct image_options options = { .tmp_dir = "/nonexistent" };
	CLEANUP(image_freep) struct image *i = NULL;

	add_simple(f);
	i = fixture_opens(f, WORD, "", &options);
	assert_blobs_good(i);
}

/* What is left of the budget is too little for a layer that no level makes small. */
static void test_no_room_to_pack(void **state)
{
	struct fixture *f = *state;
	const struct image_options options = { .tmp_dir = "/nonexistent" };
	size_t len = (size_t)TEMP_BUDGET_BYTES + MIB;
	CLEANUP(mem_freep) char *bytes = mem_alloc(len);
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (char)(x >> 32);
	}
	add_simple(f);
	files_drop(&f->files, "1/layer.tar");
	files_add(&f->files, "1/layer.tar", bytes, len);
	fixture_refuses(f, WORD, "", &options, ERR_LOCAL, "/nonexistent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_manifest_json),
		cmocka_unit_test(test_bad_config),
		TEST(test_not_of_docker),
		TEST(test_bad_files),
		TEST(test_damaged_config),
		TEST(test_layer_count),
		TEST(test_simple),
		TEST(test_digest_stays),
		TEST(test_shared_layers),
		TEST(test_no_layers),
		TEST(test_choice),
		TEST(test_platform),
		TEST(test_compressed_layer_travels_as_it_is),
		TEST(test_compressed_layer_of_other_content),
		TEST(test_zstd_layer_travels_as_it_is),
		TEST(test_packed_as_zstd),
		TEST(test_graph_driver_of_docker_25),
		TEST(test_damage_in_docker_25),
		TEST(test_compressed_layout_travels_as_it_is),
		TEST(test_containerd_whole),
		TEST(test_containerd_with_one_child),
		TEST(test_containerd_with_no_child),
		TEST(test_containerd_with_some_children),
		TEST(test_containerd_damaged),
		TEST(test_many_layers),
		TEST(test_small_layers_need_no_directory),
		TEST(test_no_room_to_pack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
