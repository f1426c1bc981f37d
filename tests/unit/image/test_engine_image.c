/* What engines say of their images: bad answers first, then those of the real ones, shortened. */
#include "base/fake_world.h"

#include "image/engine_image.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64
#define ID "\"Id\":\"" SHA "\""
#define ROOT "\"RootFS\":{\"Type\":\"layers\",\"Layers\":[\"" SHA "\"]}"

static const struct {
	const char *json;
	const char *words;
} bad[] = {
	{ "", "not valid JSON" },
	{ "<html>", "not valid JSON" },
	{ "[]", "not a JSON object" },
	{ "{}", "'Id' is missing" },
	{ "{" ID "}", "'RootFS' is missing" },
	{ "{" ID "," ROOT "}x", "not valid JSON" },
	{ "{" ID "," ID "," ROOT "}", "duplicate" },
	{ "{\"Id\":7," ROOT "}", "'Id' is not a string" },
	{ "{\"Id\":\"\"," ROOT "}", "Id: " },
	{ "{\"Id\":\"sha256:../x\"," ROOT "}", "Id: " },
	{ "{\"Id\":\"md5:" HEX64 "\"," ROOT "}", "Id: " },
	{ "{" ID ",\"RootFS\":[]}", "'RootFS' is not an object" },
	{ "{" ID ",\"RootFS\":{\"Type\":\"base\"}}", "its type is 'base'" },
	{ "{" ID ",\"RootFS\":{\"Layers\":{}}}", "'Layers' is not an array" },
	{ "{" ID ",\"RootFS\":{\"Layers\":[\"" SHA "\",7]}}", "layer 1" },
	{ "{" ID ",\"RootFS\":{\"Layers\":[\"sha256:x\"]}}", "layer 0" },
	{ "{" ID "," ROOT ",\"RepoTags\":\"a\"}", "'RepoTags' is not an array" },
	{ "{" ID "," ROOT ",\"RepoTags\":[\"a:1\",7]}", "RepoTags[1] is not a string" },
	{ "{" ID "," ROOT ",\"RepoDigests\":[null]}", "RepoDigests[0] is not a string" },
	{ "{" ID "," ROOT ",\"Os\":7}", "'Os' is not a string" },
	{ "{" ID "," ROOT ",\"Size\":\"7\"}", "'Size' is not an integer" },
	{ "{" ID "," ROOT ",\"Descriptor\":[]}", "'Descriptor' is not an object" },
	{ "{" ID "," ROOT ",\"Descriptor\":{\"mediaType\":\"a/b\",\"size\":1}}",
	  "Descriptor: field 'digest' is missing" },
	{ "{" ID "," ROOT ",\"Descriptor\":{\"mediaType\":\"a/b\",\"size\":-1,\"digest\":\"" SHA
	  "\"}}",
	  "is negative" },
};

static void test_bad_images(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(engine_image_clear) struct engine_image image = { 0 };
		struct err err = ERR_INIT;

		if (engine_image_parse(bad[i].json, strlen(bad[i].json), &image, &err))
			fail_msg("%s was taken", bad[i].json);
		assert_err(&err, ERR_CORRUPT, bad[i].words);
	}
}

static struct engine_image parse(const char *json)
{
	struct engine_image image;
	struct err err = ERR_INIT;

	if (!engine_image_parse(json, strlen(json), &image, &err))
		fail_msg("%s: %s", json, err.message);
	return image;
}

static void test_docker_20(void **state)
{
	struct engine_image i = parse(
		"{" ID ",\"RepoTags\":[\"acme/app:1\",\"<none>:<none>\"],\"RepoDigests\":[],"
		"\"Parent\":\"\",\"Architecture\":\"arm64\",\"Variant\":\"v8\",\"Os\":\"linux\","
		"\"Size\":200000,\"VirtualSize\":200000,\"RootFS\":{\"Type\":\"layers\","
		"\"Layers\":[\"" SHA "\",\"" SHA "\"]}}");

	(void)state;
	assert_string_equal(i.id.text, SHA);
	assert_int_equal(i.repo_tags.count, 1);
	assert_string_equal(i.repo_tags.at[0], "acme/app:1");
	assert_int_equal(i.repo_digests.count, 0);
	assert_int_equal(i.diff_id_count, 2);
	assert_string_equal(i.diff_ids[1].text, SHA);
	assert_string_equal(i.platform.os, "linux");
	assert_string_equal(i.platform.architecture, "arm64");
	assert_string_equal(i.platform.variant, "v8");
	assert_int_equal(i.size_bytes, 200000);
	assert_null(i.descriptor.media_type);
	engine_image_clear(&i);
}

static void test_containerd_store(void **state)
{
	struct engine_image i = parse(
		"{" ID "," ROOT ",\"RepoTags\":null,\"RepoDigests\":[\"acme/app@" SHA "\"],"
		"\"Os\":\"linux\",\"Architecture\":\"amd64\",\"Variant\":\"\",\"Descriptor\":{"
		"\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"" SHA "\","
		"\"size\":856,\"annotations\":{}}}");

	(void)state;
	assert_string_equal(i.repo_digests.at[0], "acme/app@" SHA);
	assert_null(i.platform.variant);
	assert_int_equal(i.size_bytes, -1);
	assert_string_equal(i.descriptor.media_type, MEDIA_OCI_INDEX);
	assert_string_equal(i.descriptor.digest.text, SHA);
	assert_int_equal(i.descriptor.size_bytes, 856);
	engine_image_clear(&i);
}

static void test_podman_without_algorithm_and_layers(void **state)
{
	struct engine_image i = parse("{\"Id\":\"" HEX64 "\",\"RootFS\":{\"Type\":\"\"},"
				      "\"Descriptor\":null,\"Size\":-5}");

	(void)state;
	assert_string_equal(i.id.text, SHA);
	assert_int_equal(i.diff_id_count, 0);
	assert_int_equal(i.size_bytes, -1);
	engine_image_clear(&i);
}

static void test_ceilings(void **state)
{
	CLEANUP(buf_clear) struct buf json = BUF_INIT(8 * MIB);
	CLEANUP(engine_image_clear) struct engine_image image = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	buf_puts(&json, "{" ID ",\"RootFS\":{\"Layers\":[\"" SHA "\"");
	for (size_t i = 0; i < ENGINE_LAYERS_MAX; i++)
		buf_puts(&json, ",\"" SHA "\"");
	buf_puts(&json, "]}}");
	assert_false(engine_image_parse(buf_str(&json), json.len, &image, &err));
	assert_err(&err, ERR_CORRUPT, "more than 1000 layers");
	while (json.len <= ENGINE_IMAGE_CEILING)
		assert_true(buf_add(&json, "                ", 16));
	assert_false(engine_image_parse(buf_str(&json), json.len, &image, &err));
	assert_err(&err, ERR_CORRUPT, "is longer than");
}

static const struct {
	const char *json;
	const char *words;
} bad_lists[] = {
	{ "", "not valid JSON" },
	{ "{}", "not a JSON array" },
	{ "[7]", "image 0: not a JSON object" },
	{ "[{" ID "},{}]", "image 1: field 'Id' is missing" },
	{ "[{" ID ",\"RepoTags\":[\"a\"]},{" ID ",\"RepoTags\":[\"b\",7]}]",
	  "image 1: RepoTags[1]" },
};

static void test_lists(void **state)
{
	static const char good[] =
		"[{" ID ",\"Labels\":null,\"RepoDigests\":[\"<none>@<none>\"],\"RepoTags\":"
		"[\"a:1\"]},{" ID ",\"RepoDigests\":[\"a@" SHA "\"],\"RepoTags\":null}]";
	struct err err = ERR_INIT;
	struct engine_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_lists); i++) {
		const char *json = bad_lists[i].json;

		if (engine_list_parse(json, strlen(json), &list, &err))
			fail_msg("%s was taken", json);
		assert_err(&err, ERR_CORRUPT, bad_lists[i].words);
		engine_list_clear(&list);
	}
	assert_true(engine_list_parse("[]", 2, &list, &err));
	assert_int_equal(list.count, 0);
	engine_list_clear(&list);
	assert_true(engine_list_parse(good, strlen(good), &list, &err));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.at[0].repo_tags.at[0], "a:1");
	assert_int_equal(list.at[0].repo_digests.count, 0);
	assert_string_equal(list.at[1].repo_digests.at[0], "a@" SHA);
	engine_list_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_images),
		cmocka_unit_test(test_docker_20),
		cmocka_unit_test(test_containerd_store),
		cmocka_unit_test(test_podman_without_algorithm_and_layers),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
