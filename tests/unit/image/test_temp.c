/* Bytes in memory, in a file, in both; read side by side; a budget that comes back. */
#include "image/fixture.h"

#include "image/temp.h"

#define MOST 300000

static void fill_temp(struct fixture *f, struct temp *t, const char *bytes, size_t len,
		      size_t piece)
{
	for (size_t at = 0; at < len; at += piece)
		assert_true(temp_add(t, bytes + at, len - at < piece ? len - at : piece, &f->err));
	assert_int_equal(t->size_bytes, len);
}

static void assert_reads(struct fixture *f, const struct temp *t, const char *bytes, size_t len)
{
	CLEANUP(stream_freep) struct stream *a = temp_stream(t, "it"), *b = temp_stream(t, "it");
	CLEANUP(buf_clear) struct buf whole = BUF_INIT(MIB);
	char some[777];
	size_t got, at = 0;

	do {
		assert_true(stream_read(a, some, sizeof(some), &got, &f->err));
		assert_memory_equal(some, bytes + at, got);
		at += got;
		if (at > len / 2 && !whole.len) /* the other does not disturb it */
			assert_true(stream_read_all(b, &whole, ERR_CORRUPT, &f->err));
	} while (got);
	assert_int_equal(at, len);
	assert_int_equal(whole.len, len);
	assert_memory_equal(buf_str(&whole), bytes, len);
}

static void test_any_budget(void **state)
{
	static const int64_t budgets[] = { 0, 1, 4096, 70000, 150000, 1000000 };
	static const size_t lens[] = { 0, 1, 4096, 65536, 65537, MOST },
			    pieces[] = { 5, 4096, MOST };
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *bytes = mem_alloc(MOST);

	for (size_t i = 0; i < MOST; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < ARRAY_SIZE(budgets) * ARRAY_SIZE(lens) * ARRAY_SIZE(pieces); i++) {
		struct temp_budget budget = { budgets[i % ARRAY_SIZE(budgets)] };
		size_t len = lens[i / ARRAY_SIZE(budgets) % ARRAY_SIZE(lens)];
		size_t piece = pieces[i / (ARRAY_SIZE(budgets) * ARRAY_SIZE(lens))];
		CLEANUP(temp_clear) struct temp t = TEMP_INIT, moved = TEMP_INIT;

		temp_init(&t, &budget, f->dir);
		fill_temp(f, &t, bytes, len, piece);
		assert_true(t.memory_bytes <= budgets[i % ARRAY_SIZE(budgets)]);
		assert_int_equal(t.fd >= 0, t.memory_bytes < t.size_bytes);
		assert_reads(f, &t, bytes, len);
		temp_move(&moved, &t);
		temp_clear(&t);
		assert_reads(f, &moved, bytes, len);
		temp_clear(&moved);
		assert_int_equal(budget.left_bytes, budgets[i % ARRAY_SIZE(budgets)]);
	}
}

static void test_shared_budget(void **state)
{
	struct fixture *f = *state;
	struct temp_budget budget = { 100000 };
	CLEANUP(mem_freep) char *bytes = mem_alloc(MOST);
	CLEANUP(temp_clear) struct temp a = TEMP_INIT, b = TEMP_INIT;

	temp_init(&a, &budget, f->dir);
	temp_init(&b, &budget, f->dir);
	fill_temp(f, &a, bytes, MOST, MOST);
	fill_temp(f, &b, bytes, MOST, MOST);
	assert_true(a.memory_bytes + b.memory_bytes <= 100000);
	assert_true(a.memory_bytes > 0);
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	struct temp_budget budget = { 5000 };
	CLEANUP(mem_freep) char *bytes = mem_alloc(MOST);
	CLEANUP(temp_clear) struct temp t = TEMP_INIT, file = TEMP_INIT;

	temp_init(&t, &budget, "/nonexistent");
	assert_true(temp_add(&t, bytes, 4096, &f->err));
	assert_false(temp_add(&t, bytes, 4096, &f->err));
	assert_int_equal(f->err.code, ERR_LOCAL);
	assert_non_null(strstr(f->err.hint, "TMPDIR"));
	err_clear(&f->err);
	assert_false(temp_open(&file, "/nonexistent", &f->err));
	assert_int_equal(f->err.code, ERR_LOCAL);
	err_clear(&f->err);
}

static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	CLEANUP(temp_clear) struct temp t = TEMP_INIT;
	char bytes[4096] = "";

	temp_init(&t, NULL, f->dir);
	t.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(t.fd >= 0);
	assert_false(temp_add(&t, bytes, sizeof(bytes), &f->err));
	assert_int_equal(f->err.code, ERR_LOCAL);
	assert_non_null(strstr(f->err.message, "no room for a temporary file"));
	assert_non_null(strstr(f->err.hint, "TMPDIR"));
	err_clear(&f->err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_any_budget),
		TEST(test_shared_budget),
		TEST(test_no_directory),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
