#include "image/fixture.h"

#include "image/descriptor.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D "\"digest\":\"sha256:" HEX64 "\""
#define M "\"mediaType\":\"a/b\""

static const struct {
	const char *json, *words;
} bad[] = {
	{ "[]", "not a JSON object" },
	{ "{}", "'mediaType' is missing" },
	{ "{" M "}", "'digest' is missing" },
	{ "{" M "," D "}", "'size' is missing" },
	{ "{" D ",\"size\":1}", "'mediaType' is missing" },
	{ "{\"mediaType\":1," D ",\"size\":1}", "'mediaType' is not a string" },
	{ "{\"mediaType\":\"\"," D ",\"size\":1}", "mediaType is empty" },
	{ "{\"mediaType\":\"a/b\\r\\nX: y\"," D ",\"size\":1}", "not plain text" },
	{ "{" M "," D ",\"size\":-1}", "negative" },
	{ "{" M "," D ",\"size\":1.5}", "'size' is not an integer" },
	{ "{" M "," D ",\"size\":\"1\"}", "'size' is not an integer" },
	{ "{" M ",\"digest\":\"sha256:../../../../etc/passwd\",\"size\":1}", "is not a sha256" },
	{ "{" M ",\"digest\":\"sha256:" HEX64 "0\",\"size\":1}", "is not a sha256" },
	{ "{" M ",\"digest\":\"sha1:" HEX64 "\",\"size\":1}", "is not a sha256" },
	{ "{" M ",\"digest\":7,\"size\":1}", "'digest' is not a string" },
	{ "{" M "," D ",\"size\":1,\"urls\":\"x\"}", "'urls' is not an array" },
	{ "{" M "," D ",\"size\":1,\"annotations\":[]}", "'annotations' is not an object" },
	{ "{" M "," D ",\"size\":1,\"annotations\":{\"io.containerd.image.name\":1}}",
	  "is not a string" },
	{ "{" M "," D ",\"size\":1,\"platform\":\"linux\"}", "'platform' is not an object" },
	{ "{" M "," D ",\"size\":1,\"platform\":{\"os\":1}}", "'os' is not a string" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(js_freep) struct js *j = NULL;
		struct descriptor d;
		struct err err = ERR_INIT;

		assert_true(js_parse(bad[i].json, strlen(bad[i].json), KIB, ERR_CORRUPT, &j, &err));
		if (descriptor_parse(j, ERR_CORRUPT, &d, &err))
			fail_msg("%s was taken", bad[i].json);
		assert_int_equal(err.code, ERR_CORRUPT);
		if (!strstr(err.message, bad[i].words))
			fail_msg("%s: %s", bad[i].json, err.message);
		descriptor_clear(&d);
		err_clear(&err);
	}
}

static void test_null_is_no_descriptor(void **state)
{
	struct descriptor d;
	struct err err = ERR_INIT;

	(void)state;
	assert_false(descriptor_parse(NULL, ERR_CORRUPT, &d, &err));
	descriptor_clear(&d);
	err_clear(&err);
}

static void test_good(void **state)
{
	static const char json[] =
		"{" M "," D
		",\"size\":9223372036854775807,\"urls\":[\"http://x\"],\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"v1\",\"io.containerd.image.name\":\"docker.io/a/b:v1\","
		"\"x\":\"y\"},\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}}";
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(descriptor_clear) struct descriptor d, copy;
	CLEANUP(mem_freep) char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(js_parse(json, strlen(json), KIB, ERR_CORRUPT, &j, &err));
	assert_true(descriptor_parse(j, ERR_CORRUPT, &d, &err));
	descriptor_copy(&copy, &d);
	assert_string_equal(copy.media_type, "a/b");
	assert_string_equal(copy.digest.text, "sha256:" HEX64);
	assert_int_equal(copy.size_bytes, INT64_MAX);
	assert_true(copy.has_urls);
	assert_string_equal(copy.ref_name, "v1");
	assert_string_equal(copy.image_name, "docker.io/a/b:v1");
	text = platform_text(&copy.platform);
	assert_string_equal(text, "linux/arm/v7");
}

static void test_nondistributable(void **state)
{
	static const struct {
		const char *media_type;
		bool nondistributable;
	} table[] = {
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar", true },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar", true },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true },
		{ MEDIA_DOCKER_LAYER, false },
		{ LAYER_GZIP, false },
		{ "x", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct descriptor d = { .media_type = (char *)table[i].media_type };

		assert_int_equal(descriptor_is_nondistributable(&d), table[i].nondistributable);
	}
}

static void test_bad_platforms(void **state)
{
	static const char *const table[] = {
		"",	     "linux",	     "linux/", "/amd64",   "linux//v8", "a/b/c/d",
		"linux/a b", "linux/amd64/", "all",    "linux/\n", "//",	"linux/\xc3\xa4"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct platform p;
		struct err err = ERR_INIT;

		if (platform_parse(table[i], &p, &err))
			fail_msg("'%s' was taken", table[i]);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(err.hint);
		platform_clear(&p);
		err_clear(&err);
	}
}

static void test_platforms(void **state)
{
	static const struct {
		const char *offered, *wanted;
		bool serves;
	} table[] = {
		{ "linux/amd64", "linux/amd64", true },
		{ "linux/amd64", "linux/arm64", false },
		{ "linux/amd64", "windows/amd64", false },
		{ "linux/arm/v6", "linux/arm", true },
		{ "linux/arm/v6", "linux/arm/v7", false },
		{ "linux/arm", "linux/arm/v7", true },
		{ "linux/arm64", "linux/arm64/v8", true },
		{ "linux/arm64/v8", "linux/aarch64", true },
		{ "linux/amd64", "Linux/X86_64", true },
		{ "linux/arm/v7", "linux/armhf", true },
		{ "linux/arm/v7", "linux/armel", false },
		{ "linux/amd64/v3", "linux/amd64/v1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct platform offered, wanted;
		struct err err = ERR_INIT;

		assert_true(platform_parse(table[i].offered, &offered, &err));
		assert_true(platform_parse(table[i].wanted, &wanted, &err));
		if (platform_serves(&offered, &wanted) != table[i].serves)
			fail_msg("%s for %s", table[i].offered, table[i].wanted);
		platform_clear(&offered);
		platform_clear(&wanted);
	}
}

static void test_unknown_platform_serves_nobody(void **state)
{
	const struct platform nothing = { .os = NULL };
	CLEANUP(platform_clear) struct platform wanted;
	CLEANUP(mem_freep) char *text = platform_text(&nothing);
	struct err err = ERR_INIT;

	(void)state;
	assert_true(platform_parse("linux/amd64", &wanted, &err));
	assert_false(platform_serves(&nothing, &wanted));
	assert_string_equal(text, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_null_is_no_descriptor),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_nondistributable),
		cmocka_unit_test(test_bad_platforms),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_unknown_platform_serves_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
