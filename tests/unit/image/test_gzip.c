#include "image/fixture.h"

#include "image/gzip.h"

static bool collect(void *arg, const void *bytes, size_t len, struct err *err)
{
	return buf_add(arg, bytes, len) || err_set(err, ERR_LOCAL, "full");
}

static void pack(const void *bytes, size_t len, struct buf *out)
{
	CLEANUP(gzip_freep) struct gzip *g = gzip_packer(collect, out);
	struct err err = ERR_INIT;

	assert_true(gzip_add(g, bytes, len, &err));
	assert_true(gzip_end(g, &err));
}

static bool unpack(const char *bytes, size_t len, size_t piece, struct buf *out, struct err *err)
{
	CLEANUP(gzip_freep) struct gzip *g = gzip_unpacker(collect, out);

	for (size_t done = 0; done < len; done += piece)
		if (!gzip_add(g, bytes + done, len - done < piece ? len - done : piece, err))
			return false;
	return gzip_end(g, err);
}

static void test_header_tells_nothing(void **state)
{
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB);
	/* deflate, no flags, no time, no extra flags, system unknown (RFC 1952 §2.3) */
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

	(void)state;
	pack("hello", 5, &packed);
	assert_memory_equal(packed.data, header, sizeof(header));
}

static void fill(char *bytes, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 29);
	}
}

static void test_there_and_back(void **state)
{
	static const size_t lens[] = { 0, 1, 100, 65535, 65536, 65537, 1000000 };
	CLEANUP(mem_freep) char *bytes = mem_alloc(1000000);

	(void)state;
	fill(bytes, 1000000);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		CLEANUP(buf_clear) struct buf packed = BUF_INIT(2 * MIB), again = BUF_INIT(2 * MIB);
		CLEANUP(buf_clear) struct buf back = BUF_INIT(2 * MIB);
		struct err err = ERR_INIT;

		pack(bytes, lens[i], &packed);
		pack(bytes, lens[i], &again);
		assert_int_equal(packed.len, again.len);
		assert_memory_equal(packed.data, again.data, packed.len);
		assert_true(unpack(packed.data, packed.len, 1000, &back, &err));
		assert_int_equal(back.len, lens[i]);
		assert_memory_equal(buf_str(&back), bytes, lens[i]);
		back.len = 0;
		assert_true(unpack(packed.data, packed.len, packed.len, &back, &err));
		assert_int_equal(back.len, lens[i]);
	}
}

static void test_members(void **state)
{
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB), back = BUF_INIT(MIB);
	struct err err = ERR_INIT;

	(void)state;
	pack("one", 3, &packed);
	pack("", 0, &packed);
	pack("two", 3, &packed);
	for (size_t piece = 1; piece < 60; piece++) {
		back.len = 0;
		assert_true(unpack(packed.data, packed.len, piece, &back, &err));
		assert_string_equal(buf_str(&back), "onetwo");
	}
}

static void test_bad(void **state)
{
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB), back = BUF_INIT(MIB);
	struct err err = ERR_INIT;

	(void)state;
	pack("hello, hello, hello", 19, &packed);
	for (size_t cut = 1; cut < packed.len; cut++)
		assert_false(unpack(packed.data, cut, 7, &back, &err));
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_non_null(strstr(err.message, "cut short"));
	packed.data[packed.len - 6] ^= 1; /* its check sum */
	assert_false(unpack(packed.data, packed.len, 1000, &back, &err));
	assert_int_equal(err.code, ERR_CORRUPT);
	packed.data[packed.len - 6] ^= 1;
	assert_true(buf_add(&packed, "garbage", 7));
	assert_false(unpack(packed.data, packed.len, 1000, &back, &err));
	assert_int_equal(err.code, ERR_CORRUPT);
	err_clear(&err);
}

static void test_full_sink(void **state)
{
	CLEANUP(mem_freep) char *bytes = mem_alloc(1000000);
	CLEANUP(buf_clear) struct buf small = BUF_INIT(10);
	CLEANUP(gzip_freep) struct gzip *g = gzip_packer(collect, &small);
	struct err err = ERR_INIT;

	(void)state;
	fill(bytes, 1000000);
	assert_false(gzip_add(g, bytes, 1000000, &err));
	assert_int_equal(err.code, ERR_LOCAL);
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_tells_nothing),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_full_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
