/* Diff IDs out of blobs: what does not unpack, and what does, in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "image/packing.h"
#include "image/unpack.h"

#include <string.h>

#define LEN ((size_t)300000)

static const size_t pieces[] = { 1, 3, 4, 5, 4096, LEN };

static bool unpack_in_pieces(struct unpack *u, const struct buf *blob, size_t piece,
			     struct digest *ret, struct err *err)
{
	for (size_t at = 0; at < blob->len; at += piece)
		unpack_add(u, blob->data + at, blob->len - at < piece ? blob->len - at : piece);
	return unpack_end(u, ret, err);
}

static void pack_all(struct fake_world *f, const char *how, struct buf *out, struct digest *ret)
{
	CLEANUP(mem_freep) char *bytes = mem_alloc(LEN);
	struct compressor *c;

	fill(bytes, LEN);
	*ret = digest_of(bytes, LEN);
	if (!how) {
		assert_true(buf_add(out, bytes, LEN));
		return;
	}
	c = compressor_of(f, how, 1);
	pack_with(f, c, bytes, LEN, LEN, out);
	compressor_free(c);
}

static void test_what_is_no_gzip_or_zstd_inside(void **state)
{
	static const struct {
		const char *how;
		size_t cut;
		size_t flip;
	} table[] = {
		{ "gzip", 1, 0 },   { "gzip", 9, 0 }, { "gzip", 0, 3 },
		{ "gzip", 0, 500 }, { "zstd", 1, 0 }, { "zstd", 0, 500 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table) * ARRAY_SIZE(pieces); i++) {
		size_t k = i / ARRAY_SIZE(pieces);
		struct buf blob = BUF_INIT(4 * MIB);
		struct digest is, found;
		struct fake_world f;
		struct unpack *u;

		fake_world_init(&f);
		u = unpack_new(&f.world, NULL);
		pack_all(&f, table[k].how, &blob, &is);
		blob.len -= table[k].cut;
		if (table[k].flip)
			blob.data[table[k].flip] ^= 0x55;
		if (unpack_in_pieces(u, &blob, pieces[i % ARRAY_SIZE(pieces)], &found, &f.err) &&
		    digest_same(&found, &is))
			fail_msg("%s, cut by %zu, changed at %zu", table[k].how, table[k].cut,
				 table[k].flip);
		assert_false(unpack_is_too_wide(u));
		unpack_free(u);
		fake_world_clear(&f);
		buf_clear(&blob);
	}
}

static void test_a_window_that_is_too_wide(void **state)
{
	/* a frame of a window of 2 GiB (RFC 8878 §3.1.1.1) */
	static const char frame[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
	struct fake_world f;
	struct digest found;
	struct unpack *u;

	(void)state;
	fake_world_init(&f);
	u = unpack_new(&f.world, NULL);
	unpack_add(u, frame, sizeof(frame) - 1);
	assert_false(unpack_end(u, &found, &f.err));
	assert_int_equal(f.err.code, ERR_CORRUPT);
	assert_true(unpack_is_too_wide(u));
	unpack_free(u);
	fake_world_clear(&f);
}

static void test_diff_ids(void **state)
{
	static const char *const ways[] = { NULL, "gzip", "zstd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways) * ARRAY_SIZE(pieces); i++) {
		struct buf blob = BUF_INIT(4 * MIB);
		struct digest is, found;
		struct fake_world f;
		struct unpack *u;

		fake_world_init(&f);
		u = unpack_new(&f.world, NULL);
		pack_all(&f, ways[i / ARRAY_SIZE(pieces)], &blob, &is);
		unpack_add(u, "\x1f\x8b\x08\x00 of a download that broke off", 30);
		unpack_reset(u);
		assert_true(
			unpack_in_pieces(u, &blob, pieces[i % ARRAY_SIZE(pieces)], &found, &f.err));
		assert_string_equal(found.text, is.text);
		unpack_free(u);
		fake_world_clear(&f);
		buf_clear(&blob);
	}
}

static void test_short_blobs(void **state)
{
	static const char *const blobs[] = { "", "a", "\x1f\x8b", "tar" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++) {
		struct digest is = digest_of(blobs[i], strlen(blobs[i])), found;
		struct fake_world f;
		struct unpack *u;

		fake_world_init(&f);
		u = unpack_new(&f.world, &is);
		unpack_add(u, blobs[i], strlen(blobs[i]));
		assert_true(unpack_end(u, &found, &f.err));
		assert_string_equal(found.text, is.text);
		unpack_free(u);
		fake_world_clear(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_gzip_or_zstd_inside),
		cmocka_unit_test(test_a_window_that_is_too_wide),
		cmocka_unit_test(test_diff_ids),
		cmocka_unit_test(test_short_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
