/* Pairs of layers and blobs, and which of them are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "registry/known.h"

#include <string.h>

#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define ELSEWHERE "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"

static struct digest digest(const char *text)
{
	return digest_of(text, strlen(text));
}

static struct descriptor blob(const char *text)
{
	return (struct descriptor){ .media_type = (char *)GZIP,
				    .digest = digest(text),
				    .size_bytes = 7 };
}

/* Of layers "a", "b"...; TYPE is the second one's. */
static struct manifest *manifest_of(size_t layers, const char *type)
{
	struct buf json = BUF_INIT(64 * KIB);
	struct err err = ERR_INIT;
	struct manifest *m = NULL;

	buf_printf(&json,
		   "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
		   "\"digest\":\"%s\",\"size\":2},\"layers\":[",
		   MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, digest("{}").text);
	for (size_t i = 0; i < layers; i++) {
		const char name[] = { (char)('a' + i), '\0' };

		buf_printf(&json, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":7}",
			   i ? "," : "", i == 1 ? type : GZIP, digest(name).text);
	}
	buf_puts(&json, "]}");
	assert_true(manifest_parse(buf_str(&json), json.len, NULL, NULL, ERR_CORRUPT, &m, &err));
	buf_clear(&json);
	return m;
}

/* What is not equal in number says nothing about any of them. */
static void test_unequal_numbers_are_not_believed(void **state)
{
	struct digest diff_ids[] = { digest("A"), digest("B"), digest("C") };

	(void)state;
	for (size_t layers = 0; layers < 4; layers++) {
		for (size_t count = 0; count < 4; count++) {
			CLEANUP(known_clear) struct known k = { .at = NULL };
			CLEANUP(manifest_freep) struct manifest *m = manifest_of(layers, GZIP);
			struct saved_config config = { diff_ids, count };

			assert_int_equal(known_add_image(&k, m, &config, NULL), layers == count);
			assert_int_equal(k.count, layers == count ? count : 0);
		}
	}
}

static void test_an_index_has_no_layers(void **state)
{
	static const char json[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[]}";
	struct saved_config none = { .diff_ids = NULL };
	CLEANUP(known_clear) struct known k = { .at = NULL };
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(manifest_parse(json, strlen(json), NULL, NULL, ERR_CORRUPT, &m, &err));
	assert_false(known_add_image(&k, m, &none, NULL));
}

/* It is in no registry, so it cannot be adopted from one. The places of the others stay theirs. */
static void test_layers_from_elsewhere_are_passed_over(void **state)
{
	struct digest diff_ids[] = { digest("A"), digest("B"), digest("C") };
	struct saved_config config = { diff_ids, 3 };
	CLEANUP(known_clear) struct known k = { .at = NULL };
	CLEANUP(manifest_freep) struct manifest *m = manifest_of(3, ELSEWHERE);
	struct digest c = digest("c");

	(void)state;
	assert_true(known_add_image(&k, m, &config, "team/base"));
	assert_int_equal(k.count, 2);
	assert_null(known_next(&k, &diff_ids[1], NULL));
	assert_true(digest_same(&known_next(&k, &diff_ids[2], NULL)->blob.digest, &c));
	assert_string_equal(known_next(&k, &diff_ids[2], NULL)->repository, "team/base");
}

static void test_candidates_come_in_the_order_of_arrival_each_once(void **state)
{
	struct digest a = digest("A"), b = digest("B");
	struct descriptor blobs[] = { blob("1"), blob("2") };
	CLEANUP(known_clear) struct known k = { .at = NULL };
	const struct known_blob *at = NULL;
	static const struct {
		size_t blob;
		const char *repository;
	} wanted[] = { { 1, NULL }, { 0, "x" }, { 0, "y" }, { 0, NULL } };

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
			known_add(&k, &a, &blobs[wanted[i].blob], wanted[i].repository);
			known_add(&k, &b, &blobs[0], NULL);
		}
	}
	assert_int_equal(k.count, 5);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		at = known_next(&k, &a, at);
		assert_non_null(at);
		assert_true(digest_same(&at->blob.digest, &blobs[wanted[i].blob].digest));
		assert_int_equal(!at->repository, !wanted[i].repository);
	}
	assert_null(known_next(&k, &a, at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unequal_numbers_are_not_believed),
		cmocka_unit_test(test_an_index_has_no_layers),
		cmocka_unit_test(test_layers_from_elsewhere_are_passed_over),
		cmocka_unit_test(test_candidates_come_in_the_order_of_arrival_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
