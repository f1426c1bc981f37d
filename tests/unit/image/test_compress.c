/* The bytes of a layer depend on nothing but what it is and how it is to be compressed; and what stops the work. */
#include "image/packing.h"

#include "wire/digest.h"

#define BLOCK ((size_t)MIB)
#define MOST (3 * BLOCK + 1)

struct hall {
	struct fake_world fake;
	char *bytes;
	int spawned, spawn_at_most;
	size_t outs, fail_at_out, cancel_at_out;
};

static struct task *spawn_some(struct sched *s, void (*run)(void *arg), void *arg)
{
	struct hall *h = (struct hall *)((char *)s - offsetof(struct hall, fake.sched));

	if (h->spawned >= h->spawn_at_most)
		return NULL;
	h->spawned++;
	return sched_threads().ops->spawn(s, run, arg);
}

static int setup(void **state)
{
	struct hall *h = NEW(struct hall);

	fake_world_init(&h->fake);
	h->fake.sched_ops.spawn = spawn_some;
	h->spawn_at_most = 1000;
	h->bytes = mem_alloc(MOST);
	fill(h->bytes, MOST);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct hall *h = *state;

	fake_world_clear(&h->fake);
	free(h->bytes);
	free(h);
	return 0;
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"gz",
		"gzip:",
		"gzip:0",
		"gzip:13",
		"gzip:-1",
		"gzip: 5",
		"gzip:5 ",
		"gzip:+5",
		"gzip:005",
		"gzip:5:5",
		"GZIP",
		"gzip5",
		"zstd:0",
		"zstd:20",
		"zstd:x",
		"none",
		"zstd:99999999999999999999",
	};
	struct hall *h = *state;
	struct compression c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(compression_parse(bad[i], &c, &h->fake.err));
		assert_non_null(strstr(h->fake.err.hint, "gzip:1 to gzip:12"));
		assert_non_null(strstr(h->fake.err.hint, "zstd:1 to zstd:19"));
		assert_err(&h->fake.err, ERR_USAGE, "is no compression");
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		struct compression is;
		const char *name;
	} table[] = {
		{ "gzip", { COMPRESS_GZIP, 5 }, "gzip:5/1024k/1" },
		{ "gzip:1", { COMPRESS_GZIP, 1 }, "gzip:1/1024k/1" },
		{ "gzip:12", { COMPRESS_GZIP, 12 }, "gzip:12/1024k/1" },
		{ "zstd", { COMPRESS_ZSTD, 3 }, "zstd:3/1024k/1" },
		{ "zstd:19", { COMPRESS_ZSTD, 19 }, "zstd:19/1024k/1" },
	};
	struct hall *h = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep) char *name = NULL;
		struct compression c;

		assert_true(compression_parse(table[i].text, &c, &h->fake.err));
		assert_int_equal(c.algorithm, table[i].is.algorithm);
		assert_int_equal(c.level, table[i].is.level);
		name = compression_name(&c);
		assert_string_equal(name, table[i].name);
	}
}

static void test_zero_is_what_is_usual(void **state)
{
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = NULL;
	const struct compression zero = { 0 }, bad = { COMPRESS_ZSTD, 20 };
	CLEANUP(mem_freep) char *name = compression_name(&zero);

	assert_string_equal(name, "gzip:5/1024k/1");
	assert_false(compressor_new(&h->fake.world, &bad, 0, &c, &h->fake.err));
	assert_err(&h->fake.err, ERR_USAGE, "20 is not within 1 to 19");
	assert_true(compressor_new(&h->fake.world, &zero, 0, &c, &h->fake.err));
	assert_int_equal(compressor_compression(c)->level, 5);
}

typedef bool (*unpack_with)(const char *bytes, size_t len, size_t piece, struct buf *out,
			    struct err *err);

static void there_and_back(struct hall *h, const char *how, unpack_with unpack)
{
	static const size_t lens[] = { 0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, MOST };
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, how, 2);

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		CLEANUP(buf_clear) struct buf packed = BUF_INIT(2 * MOST), back = BUF_INIT(MOST);

		pack_with(&h->fake, c, h->bytes, lens[i], 100000, &packed);
		assert_true(packed.len > 0);
		assert_true(unpack(packed.data, packed.len, 777777, &back, &h->fake.err));
		assert_int_equal(back.len, lens[i]);
		assert_memory_equal(buf_str(&back), h->bytes, lens[i]);
		assert_false(unpack(packed.data, packed.len - 1, 777777, &back, &h->fake.err));
		err_clear(&h->fake.err);
	}
}

static void test_there_and_back(void **state)
{
	struct hall *h = *state;

	there_and_back(h, "gzip", gunzip_with);
	there_and_back(h, "gzip:1", gunzip_with);
	there_and_back(h, "zstd", unzstd_with);
	there_and_back(h, "zstd:1", unzstd_with);
}

static void test_incompressible(void **state)
{
	struct hall *h = *state;
	static const char *const ways[] = { "gzip:1", "gzip:5", "zstd:1", "zstd:3" };
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < MOST; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		h->bytes[i] = (char)(x >> 32);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		there_and_back(h, ways[i], *ways[i] == 'g' ? gunzip_with : unzstd_with);
}

/* deflate, no flags, no time, no extra flags, system unknown (RFC 1952 §2.3) */
static void test_header_tells_nothing(void **state)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "gzip", 1);
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MIB);

	pack_with(&h->fake, c, "hello", 5, 5, &packed);
	assert_memory_equal(packed.data, header, sizeof(header));
}

static struct digest digest_by(struct hall *h, const char *how, size_t workers, size_t piece)
{
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, how, workers);
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(2 * MOST);

	pack_with(&h->fake, c, h->bytes, MOST, piece, &packed);
	return digest_of(packed.data, packed.len);
}

/*
 * The very digests, so that a change is seen: it means that every layer is sent again, and that
 * compression_name must say another form.
 */
static void test_same_bytes_everywhere(void **state)
{
	static const struct {
		const char *how;
		const char *digest;
	} table[] = {
		{ "gzip",
		  "sha256:2c312d46679df0716abaf8ab906a2b7ff28956009347bfb7930213fa8c0f1212" },
		{ "zstd",
		  "sha256:98053b60c34d14383186654ead3873230e4dc499a1fcdf3b8659d5d78d184fbc" },
	};
	static const size_t workers[] = { 0, 1, 2, 3, 8 }, pieces[] = { 4097, 65536, BLOCK, MOST };
	struct hall *h = *state;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(workers); j++) {
			struct digest d = digest_by(h, table[i].how, workers[j],
						    pieces[j % ARRAY_SIZE(pieces)]);

			assert_string_equal(d.text, table[i].digest);
		}
		for (int tasks = 0; tasks < 2; tasks++) {
			struct digest d;

			h->spawn_at_most = h->spawned + tasks;
			d = digest_by(h, table[i].how, 3, 99999);
			assert_string_equal(d.text, table[i].digest);
		}
		h->spawn_at_most = 1000;
	}
}

/* Side by side, each through another number of adds: what comes out must not be mixed up. */
struct layer_task {
	struct hall *h;
	struct compressor *c;
	size_t len;
	struct buf packed;
	struct task *task;
};

static void pack_layer(void *arg)
{
	struct layer_task *l = arg;

	pack_with(&l->h->fake, l->c, l->h->bytes, l->len, 50021, &l->packed);
}

static void side_by_side(struct hall *h, size_t workers, int spawn_at_most)
{
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "gzip:1", workers);
	struct layer_task layers[6] = { 0 };

	h->spawned = 0;
	h->spawn_at_most = spawn_at_most;
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		layers[i] = (struct layer_task){ h, c, MOST / (i + 1), BUF_INIT(MOST), NULL };
		layers[i].task = sched_threads().ops->spawn(&h->fake.sched, pack_layer, &layers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		CLEANUP(buf_clear) struct buf back = BUF_INIT(MOST);

		sched_join(&h->fake.sched, layers[i].task);
		assert_true(gunzip_with(layers[i].packed.data, layers[i].packed.len, 65536, &back,
					&h->fake.err));
		assert_int_equal(back.len, layers[i].len);
		assert_memory_equal(back.data, h->bytes, back.len);
		buf_clear(&layers[i].packed);
	}
}

static void test_side_by_side(void **state)
{
	side_by_side(*state, 1, 1000);
	side_by_side(*state, 3, 1000);
	side_by_side(*state, 3, 1);
	side_by_side(*state, 3, 0);
}

static bool odd_out(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct hall *h = arg;

	(void)bytes;
	(void)len;
	h->outs++;
	if (h->outs == h->cancel_at_out)
		cancel_fire(h->fake.cancel, 15);
	return h->outs != h->fail_at_out || err_set(err, ERR_LOCAL, "the disk is full");
}

static bool pack_much(struct hall *h, struct packing *p, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++)
		if (!packing_add(p, h->bytes, BLOCK, &h->fake.err))
			return false;
	return packing_end(p, &h->fake.err);
}

static void test_out_fails(void **state)
{
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "gzip:1", 2);

	for (h->fail_at_out = 1; h->fail_at_out <= 3; h->fail_at_out++) {
		CLEANUP(packing_freep)
		struct packing *p = packing_begin(c, &h->fake.world, odd_out, h);

		h->outs = 0;
		assert_false(pack_much(h, p, 3));
		assert_int_equal(h->outs, h->fail_at_out);
		assert_err(&h->fake.err, ERR_LOCAL, "the disk is full");
	}
	assert_true(h->fail_at_out == 4);
}

static void test_cancel_in_the_middle(void **state)
{
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "gzip:1", 2);
	CLEANUP(packing_freep)
	struct packing *p = packing_begin(c, &h->fake.world, odd_out, h);

	h->cancel_at_out = 2;
	assert_false(pack_much(h, p, 100));
	assert_int_equal(h->outs, 2);
	assert_err(&h->fake.err, ERR_CANCELLED, "");
}

static void test_deadline(void **state)
{
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "gzip:1", 2);
	CLEANUP(packing_freep)
	struct packing *p = packing_begin(c, &h->fake.world, odd_out, h);

	h->fake.world.deadline_ms = BOOT_START_MS;
	assert_false(pack_much(h, p, 100));
	assert_err(&h->fake.err, ERR_TIMEOUT, "");
	assert_int_equal(h->outs, 0);
}

/* A layer that is given up leaves the workers to the others. */
static void test_given_up(void **state)
{
	struct hall *h = *state;
	CLEANUP(compressor_freep) struct compressor *c = compressor_of(&h->fake, "zstd:1", 2);
	CLEANUP(buf_clear) struct buf packed = BUF_INIT(MOST), back = BUF_INIT(MOST);

	for (size_t i = 0; i < 5; i++) {
		struct packing *p = packing_begin(c, &h->fake.world, odd_out, h);

		assert_true(packing_add(p, h->bytes, i * BLOCK / 2, &h->fake.err));
		packing_free(p);
	}
	pack_with(&h->fake, c, h->bytes, MOST, MOST, &packed);
	assert_true(unzstd_with(packed.data, packed.len, packed.len, &back, &h->fake.err));
	assert_int_equal(back.len, MOST);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_parse_refuses),
		T(test_parse),
		T(test_zero_is_what_is_usual),
		T(test_there_and_back),
		T(test_incompressible),
		T(test_header_tells_nothing),
		T(test_same_bytes_everywhere),
		T(test_side_by_side),
		T(test_out_fails),
		T(test_cancel_in_the_middle),
		T(test_deadline),
		T(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
