#include "image/fixture.h"

#include "image/manifest.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC(media) "{\"mediaType\":\"" media "\",\"digest\":\"sha256:" HEX64 "\",\"size\":7}"
#define CONFIG "\"config\":" DESC(MEDIA_OCI_CONFIG)
#define LAYERS "\"layers\":[" DESC(LAYER_GZIP) "]"
#define MANIFESTS "\"manifests\":[" DESC(MEDIA_OCI_MANIFEST) "]"
#define V2 "\"schemaVersion\":2"
#define TYPE(media) "\"mediaType\":\"" media "\""

static const struct {
	const char *json;
	const char *said;
	const char *words;
} bad[] = {
	{ "", NULL, "not valid JSON" },
	{ "<html>", NULL, "not valid JSON" },
	{ "[]", NULL, "not a JSON object" },
	{ "{}", NULL, "'schemaVersion' is missing" },
	{ "{" V2 "}", NULL, "neither an image manifest nor an index" },
	{ "{" V2 "," LAYERS "}", NULL, "neither an image manifest nor an index" },
	{ "{" V2 "}", MEDIA_OCI_MANIFEST, "'config' is missing" },
	{ "{" V2 "}", MEDIA_OCI_INDEX, "'manifests' is missing" },
	{ "{" V2 "," CONFIG "}x", NULL, "not valid JSON" },
	{ "{" V2 "," CONFIG "," CONFIG "}", NULL, "duplicate" },
	{ "{\"schemaVersion\":\"2\"," CONFIG "}", NULL, "not an integer" },
	{ "{\"schemaVersion\":3," CONFIG "}", NULL, "schemaVersion is 3" },
	/* CVE-2021-41190 */
	{ "{" V2 "," CONFIG "," LAYERS "," MANIFESTS "}", NULL, "ambiguous" },
	{ "{" V2 "," CONFIG "," MANIFESTS "}", MEDIA_OCI_MANIFEST, "ambiguous" },
	{ "{" V2 "," LAYERS "," MANIFESTS "}", MEDIA_OCI_INDEX, "ambiguous" },
	{ "{" V2 "," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, "ambiguous" },
	{ "{" V2 "," CONFIG "," LAYERS ",\"Manifests\":[]}", NULL,
	  "'manifests' is also there in other case" },
	{ "{" V2 "," MANIFESTS ",\"LAYERS\":[]}", NULL, "'layers' is also there in other case" },
	{ "{" V2 "," TYPE(MEDIA_OCI_INDEX) "," CONFIG "," LAYERS "}", NULL,
	  "'manifests' is missing" },
	{ "{" V2 "," TYPE(MEDIA_OCI_MANIFEST) "," MANIFESTS "}", NULL, "'config' is missing" },
	{ "{" V2 "," TYPE(MEDIA_OCI_MANIFEST) "," CONFIG "}", MEDIA_DOCKER_MANIFEST,
	  "but it was given as" },
	{ "{" V2 "," TYPE(MEDIA_OCI_INDEX) "," MANIFESTS "}", MEDIA_OCI_MANIFEST,
	  "but it was given as" },
	{ "{" V2 "," CONFIG "}", "text/html", "'text/html' is not the media type" },
	{ "{" V2 "," TYPE("x/y") "," CONFIG "}", NULL, "'x/y' is not the media type" },
	{ "{" V2 ",\"mediaType\":1," CONFIG "}", NULL, "'mediaType' is not a string" },
	{ "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "schema 1" },
	{ "{\"schemaVersion\":1}", NULL, "schema 1" },
	{ "{" V2 "," CONFIG "}", "application/vnd.docker.distribution.manifest.v1+prettyjws",
	  "schema 1" },
	{ "{" V2 "," TYPE("application/vnd.docker.distribution.manifest.v1+json") "}", NULL,
	  "schema 1" },
	{ "{" V2 ",\"config\":{}}", NULL, "config: field 'mediaType' is missing" },
	{ "{" V2 ",\"config\":[]}", NULL, "'config' is not an object" },
	{ "{" V2 "," CONFIG ",\"layers\":{}}", NULL, "'layers' is not an array" },
	{ "{" V2 "," CONFIG ",\"layers\":[" DESC("a/b") ",7]}", NULL,
	  "layers[1]: not a JSON object" },
	{ "{" V2 ",\"manifests\":[" DESC("a/b") ",null]}", NULL,
	  "manifests[1]: not a JSON object" },
	{ "{" V2 ",\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX64
	  "\",\"size\":9223372036854775808}}",
	  NULL, "not valid JSON" },
	{ "{" V2 ",\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:../x\",\"size\":1}}", NULL,
	  "config: 'sha256:../x'" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct manifest *m = NULL;
		struct err err = ERR_INIT;

		if (manifest_parse(bad[i].json, strlen(bad[i].json), bad[i].said, NULL, ERR_CORRUPT,
				   &m, &err))
			fail_msg("%s was taken", bad[i].json);
		assert_null(m);
		assert_int_equal(err.code, ERR_CORRUPT);
		if (!strstr(err.message, bad[i].words))
			fail_msg("%s: %s", bad[i].json, err.message);
		err_clear(&err);
	}
}

static const struct {
	const char *json;
	const char *said;
	const char *media_type;
	size_t entries;
} good[] = {
	{ "{" V2 "," CONFIG "," LAYERS "}", NULL, MEDIA_OCI_MANIFEST, 2 },
	{ "{" V2 "," CONFIG ",\"layers\":null}", NULL, MEDIA_OCI_MANIFEST, 1 },
	{ "{" V2 "," CONFIG "," LAYERS ",\"manifests\":null}", NULL, MEDIA_OCI_MANIFEST, 2 },
	{ "{" V2 ",\"config\":" DESC(MEDIA_DOCKER_CONFIG) "," LAYERS "}", NULL,
	  MEDIA_DOCKER_MANIFEST, 2 },
	{ "{" V2 "," CONFIG "," LAYERS "}", MEDIA_DOCKER_MANIFEST, MEDIA_DOCKER_MANIFEST, 2 },
	{ "{" V2 "," MANIFESTS "}", NULL, MEDIA_OCI_INDEX, 1 },
	{ "{" V2 ",\"manifests\":[]}", NULL, MEDIA_OCI_INDEX, 0 },
	{ "{" V2 "," MANIFESTS "}", MEDIA_DOCKER_LIST, MEDIA_DOCKER_LIST, 1 },
	{ "{" V2 "," TYPE(MEDIA_DOCKER_LIST) "," MANIFESTS "}", "application/json",
	  MEDIA_DOCKER_LIST, 1 },
	{ "{" V2 "," TYPE(MEDIA_OCI_MANIFEST) "," CONFIG "}", MEDIA_OCI_MANIFEST "; charset=utf-8",
	  MEDIA_OCI_MANIFEST, 1 },
	{ "{" V2 "," CONFIG "}", "text/plain; charset=utf-8", MEDIA_OCI_MANIFEST, 1 },
	{ "{" V2 "," CONFIG "}", "", MEDIA_OCI_MANIFEST, 1 },
	{ "{" V2 "," CONFIG ",\"subject\":" DESC(MEDIA_OCI_MANIFEST) ",\"artifactType\":\"a/b\"}",
	  NULL, MEDIA_OCI_MANIFEST, 1 },
	{ " {" V2 "," CONFIG "}\n", NULL, MEDIA_OCI_MANIFEST, 1 },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CLEANUP(manifest_freep) struct manifest *m = NULL;
		struct err err = ERR_INIT;
		size_t len = strlen(good[i].json);
		struct digest d = digest_of(good[i].json, len);

		if (!manifest_parse(good[i].json, len, good[i].said, NULL, ERR_CORRUPT, &m, &err))
			fail_msg("%s: %s", good[i].json, err.message);
		assert_string_equal(m->media_type, good[i].media_type);
		assert_int_equal(m->kind == MANIFEST_INDEX, media_type_is_index(m->media_type));
		assert_int_equal(m->entry_count, good[i].entries);
		assert_int_equal(m->size_bytes, len);
		assert_memory_equal(m->bytes, good[i].json, len);
		assert_string_equal(m->digest.text, d.text);
	}
}

static void test_the_code_is_the_callers(void **state)
{
	struct manifest *m = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_false(manifest_parse("{", 1, NULL, NULL, ERR_NO_REGISTRY, &m, &err));
	assert_int_equal(err.code, ERR_NO_REGISTRY);
	err_clear(&err);
}

static void test_sha512(void **state)
{
	static const char json[] = "{" V2 "," CONFIG "}";
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct digest like = { "sha512:" };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(manifest_parse(json, strlen(json), NULL, &like, ERR_CORRUPT, &m, &err));
	assert_memory_equal(m->digest.text, "sha512:", 7);
	assert_int_equal(strlen(m->digest.text), 7 + 128);
}

static bool parse_entries(size_t count, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	CLEANUP(buf_clear) struct buf json = BUF_INIT(MANIFEST_CEILING);

	buf_puts(&json, "{" V2 ",\"manifests\":[");
	for (size_t i = 0; i < count; i++)
		buf_printf(&json, "%s" DESC("a/b"), i ? "," : "");
	buf_puts(&json, "]}");
	return manifest_parse(json.data, json.len, NULL, NULL, ERR_CORRUPT, &m, err);
}

static void test_ceilings(void **state)
{
	CLEANUP(mem_freep) char *spaces = mem_alloc(MANIFEST_CEILING + 1);
	struct manifest *m = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(parse_entries(MANIFEST_ENTRIES_MAX, &err));
	assert_false(parse_entries(MANIFEST_ENTRIES_MAX + 1, &err));
	assert_non_null(strstr(err.message, "10001 entries in 'manifests'"));
	memset(spaces, ' ', MANIFEST_CEILING + 1);
	assert_false(
		manifest_parse(spaces, MANIFEST_CEILING + 1, NULL, NULL, ERR_CORRUPT, &m, &err));
	assert_non_null(strstr(err.message, "is longer than"));
	err_clear(&err);
}

static void test_media_types(void **state)
{
	(void)state;
	assert_true(media_type_is_index(MEDIA_OCI_INDEX));
	assert_true(media_type_is_index(MEDIA_DOCKER_LIST));
	assert_false(media_type_is_index(MEDIA_OCI_MANIFEST));
	assert_false(media_type_is_index(NULL));
	assert_true(media_type_is_manifest(MEDIA_DOCKER_MANIFEST));
	assert_false(media_type_is_manifest(MEDIA_OCI_CONFIG));
	assert_false(media_type_is_manifest(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_the_code_is_the_callers),
		cmocka_unit_test(test_sha512),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_media_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
