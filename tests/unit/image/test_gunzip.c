/* gzip and zstd as they come: cut anywhere, damaged anywhere, several members, windows without measure. */
#include "image/packing.h"

static struct fake_world fake;

static void pack_as(const char *how, const char *text, struct buf *out)
{
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&fake, how, 1);

	pack_with(&fake, c, text, strlen(text), 1000, out);
}

static const struct {
	const char *how;
	bool (*unpack)(const char *bytes, size_t len, size_t piece, struct buf *out,
		       struct err *err);
} forms[] = {
	{ "gzip", gunzip_with },
	{ "zstd", unzstd_with },
};

static void test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB), back = BUF_INIT(MIB);

		pack_as(forms[i].how, "one", &packed);
		pack_as(forms[i].how, "", &packed);
		pack_as(forms[i].how, "two", &packed);
		for (size_t piece = 1; piece < 60; piece++) {
			back.len = 0;
			assert_true(
				forms[i].unpack(packed.data, packed.len, piece, &back, &fake.err));
			assert_string_equal(buf_str(&back), "onetwo");
		}
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB), back = BUF_INIT(MIB);

		pack_as(forms[i].how, "hello, hello, hello", &packed);
		for (size_t cut = 1; cut < packed.len; cut++) {
			assert_false(forms[i].unpack(packed.data, cut, 7, &back, &fake.err));
			assert_err(&fake.err, ERR_CORRUPT, "cut short");
		}
		packed.data[packed.len - (i ? 2 : 6)] ^= 1; /* its check sum */
		assert_false(forms[i].unpack(packed.data, packed.len, 1000, &back, &fake.err));
		assert_err(&fake.err, ERR_CORRUPT, "bad ");
		packed.data[packed.len - (i ? 2 : 6)] ^= 1;
		assert_true(buf_add(&packed, "garbage", 7));
		assert_false(forms[i].unpack(packed.data, packed.len, 1000, &back, &fake.err));
		assert_err(&fake.err, ERR_CORRUPT, "bad ");
	}
}

/* RFC 8878 §3.1.1.1.2: a window descriptor's upper five bits are its logarithm less ten. */
static void test_window(void **state)
{
	static const struct {
		int log;
		bool taken;
	} table[] = { { 41, false }, { 31, false }, { 24, false }, { 23, true }, { 10, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		/* no content size, no check sum; one last block, raw, of one byte */
		const char frame[] = { 0x28,	   (char)0xb5, 0x2f,
				       (char)0xfd, 0,	       (char)((table[i].log - 10) << 3),
				       9,	   0,	       0,
				       'x' };
		CLEANUP(buf_clear) struct buf back = BUF_INIT(MIB);
		bool taken = unzstd_with(frame, sizeof(frame), 3, &back, &fake.err);

		assert_int_equal(taken, table[i].taken);
		if (taken)
			assert_string_equal(buf_str(&back), "x");
		else
			assert_err(&fake.err, ERR_CORRUPT, "too much memory");
	}
}

static void test_full_sink(void **state)
{
	CLEANUP(mem_freep) char *text = mem_alloc(300001);

	(void)state;
	memset(text, 'a', 300000);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB), small = BUF_INIT(10);

		pack_as(forms[i].how, text, &packed);
		assert_false(forms[i].unpack(packed.data, packed.len, 1000, &small, &fake.err));
		assert_err(&fake.err, ERR_LOCAL, "full");
	}
}

static int setup(void **state)
{
	(void)state;
	fake_world_init(&fake);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_world_clear(&fake);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_full_sink),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
