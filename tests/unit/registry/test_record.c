/* The file of what pushes have learnt: anything may stand in it, and anybody may write beside us. */
#include "base/fake_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/stream.h"
#include "registry/record.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define PACKING "gzip:5/1024k/1"
#define PLACE "registry.test/team/app"

struct fixture {
	struct fake_dir dir;
	char *path;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	fake_dir_init(&f->dir);
	f->path = fake_dir_path(&f->dir, "cache/landed/record");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->path);
	err_clear(&f->err);
	fake_dir_clear(&f->dir);
	free(f);
	return 0;
}

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

static void note_layer(struct record *r, const char *layer, const char *packed)
{
	struct digest d = digest(layer);
	struct descriptor b = blob(packed);

	record_note_layer(r, PACKING, &d, &b);
}

static void note_image(struct record *r, const char *id, const char *manifest)
{
	struct digest i = digest(id), m = digest(manifest);

	record_note_image(r, &i, PLACE, &m);
}

static void save(struct fixture *f, struct record *r)
{
	if (!record_save(r, &f->err))
		fail_msg("%s", f->err.message);
}

/* PACKED NULL: nothing is known of the layer. */
static void expect_layer(const char *path, const char *layer, const char *packed)
{
	CLEANUP(record_freep) struct record *r = record_open(path);
	CLEANUP(known_clear) struct known k = { .at = NULL };
	struct digest d = digest(layer), wanted = digest(packed ? packed : "");

	record_find_layer(r, PACKING, &d, &k);
	if (k.count != (packed ? 1 : 0))
		fail_msg("%s: %zu blobs known", layer, k.count);
	if (!packed)
		return;
	assert_string_equal(k.at[0].blob.digest.text, wanted.text);
	assert_string_equal(k.at[0].blob.media_type, GZIP);
	assert_int_equal(k.at[0].blob.size_bytes, 7);
	assert_null(k.at[0].repository);
}

static void expect_image(const char *path, const char *id, const char *manifest)
{
	CLEANUP(record_freep) struct record *r = record_open(path);
	struct digest i = digest(id), wanted = digest(manifest ? manifest : ""), found;

	assert_int_equal(record_find_image(r, &i, PLACE, &found), manifest != NULL);
	if (manifest)
		assert_string_equal(found.text, wanted.text);
	assert_false(record_find_image(r, &i, "other.test/team/app", &found));
}

static void write_file(struct fixture *f, const char *bytes, size_t len)
{
	CLEANUP(record_freep) struct record *r = record_open(f->path);

	note_image(r, "x", "y"); /* makes the directories */
	save(f, r);
	assert_true(file_write_all(f->path, bytes, len, 0600, &f->err));
}

static int64_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Bad files */

static void test_lines_that_are_none(void **state)
{
	struct digest d = digest("layer"), b = digest("blob"), i = digest("image");
	const struct {
		const char *start; /* before the layer's digest, or the image's */
		const char *rest;
	} table[] = {
		{ "layer " PACKING " ", "" },
		{ "layer " PACKING " ", " " },
		{ "layer " PACKING " ", " sha256:00 7 " GZIP },
		{ "layer " PACKING " ", " BLOB" },
		{ "layer " PACKING " ", " BLOB 7" },
		{ "layer " PACKING " ", " BLOB 7 " },
		{ "layer " PACKING " ", " BLOB seven " GZIP },
		{ "layer " PACKING " ", " BLOB 7x " GZIP },
		{ "layer " PACKING " ", " BLOB 0 " GZIP },
		{ "layer " PACKING " ", " BLOB -7 " GZIP },
		{ "layer " PACKING " ", " BLOB  7 " GZIP },
		{ "layer gzip:1/1024k/1 ", " BLOB 7 " GZIP },
		{ " layer " PACKING " ", " BLOB 7 " GZIP },
		{ "image ", " " PLACE },
		{ "image ", " " PLACE " " },
		{ "image ", " " PLACE " sha256:" },
		{ "image ", " " PLACE " BLOB more" },
		{ "image ", "  BLOB" },
	};
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(table); k++) {
		bool is_image = strncmp(table[k].start, "image", 5) == 0;
		const char *at = strstr(table[k].rest, "BLOB");
		size_t before = at ? (size_t)(at - table[k].rest) : strlen(table[k].rest);
		CLEANUP(mem_freep)
		char *line =
			mem_printf("%s%s%.*s%s%s\n", table[k].start, is_image ? i.text : d.text,
				   (int)before, table[k].rest, at ? b.text : "", at ? at + 4 : "");

		write_file(f, line, strlen(line));
		expect_layer(f->path, "layer", NULL);
		expect_image(f->path, "image", NULL);
	}
}

/* A word of any length ends nothing but its own line. */
static void test_huge_words(void **state)
{
	struct fixture *f = *state;
	struct digest d = digest("layer");
	struct buf text = BUF_INIT(2 * MIB);

	buf_printf(&text, "layer " PACKING " %s ", d.text);
	for (size_t i = 0; i < MIB; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, " 7 " GZIP "\n");
	write_file(f, text.data, text.len);
	expect_layer(f->path, "layer", NULL);
	buf_clear(&text);
}

/* What was known before and behind the damage is known still, also after the next save. */
static void test_damage_in_the_middle(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} table[] = {
		{ "\n\n\n", 3 },	{ "\0\n", 2 },		 { "\0\0\0\0\n", 5 },
		{ "layer \0 x\n", 10 }, { "\xff\xfe\x80\n", 4 },
	};
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(table); k++) {
		struct record *r = record_open(f->path);
		int fd;

		note_layer(r, "first", "1");
		save(f, r);
		record_free(r);
		fd = open(f->path, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, table[k].bytes, table[k].len), table[k].len);
		close(fd);
		r = record_open(f->path);
		note_layer(r, "last", "2");
		note_image(r, "image", "manifest");
		save(f, r);
		record_free(r);
		expect_layer(f->path, "first", "1");
		expect_layer(f->path, "last", "2");
		expect_image(f->path, "image", "manifest");
		unlink(f->path);
	}
}

/* Half a line, wherever it was cut, is lost alone. */
static void test_torn_ends(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_open(f->path);
	CLEANUP(buf_clear) struct buf whole = BUF_INIT(64 * KIB);
	size_t first;

	note_layer(r, "first", "1");
	save(f, r);
	first = (size_t)file_size(f->path);
	note_layer(r, "torn", "2");
	save(f, r);
	record_free(r);
	assert_true(file_read_all(f->path, &whole, &f->err));
	for (size_t cut = first; cut < whole.len; cut += 7) {
		assert_true(file_write_all(f->path, whole.data, cut, 0600, &f->err));
		expect_layer(f->path, "torn", NULL);
		r = record_open(f->path);
		note_layer(r, "next", "3");
		save(f, r);
		record_free(r);
		expect_layer(f->path, "first", "1");
		expect_layer(f->path, "torn", NULL);
		expect_layer(f->path, "next", "3");
	}
}

/* A registry's words for a type of blob are written down as one word, or not. */
static void test_words_of_a_registry(void **state)
{
	static const char *const types[] = {
		"a b.tar+gzip",
		"x\nimage sha256:00 " PLACE " sha256:00\ny.tar+gzip",
		"\t.tar+gzip",
		"\x7f.tar+gzip",
	};
	struct fixture *f = *state;
	struct digest d = digest("layer");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		CLEANUP(record_freep) struct record *r = record_open(f->path);
		struct descriptor b = blob("1");

		b.media_type = (char *)types[i];
		record_note_layer(r, PACKING, &d, &b);
		save(f, r);
		assert_int_equal(access(f->path, F_OK), -1);
	}
}

/* Places that cannot be written to */

static void test_no_place_to_write(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *file = fake_dir_path(&f->dir, "file");
	CLEANUP(mem_freep) char *below = mem_printf("%s/record", file);
	CLEANUP(mem_freep) char *link = fake_dir_path(&f->dir, "link");
	CLEANUP(mem_freep) char *dir = fake_dir_path(&f->dir, "");
	const char *const table[] = { below, "/proc/landed/record", link, dir };

	assert_true(file_write_all(file, "", 0, 0600, &f->err));
	assert_int_equal(symlink(file, link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(record_freep) struct record *r = record_open(table[i]);

		note_layer(r, "layer", "1");
		assert_false(record_save(r, &f->err));
		assert_int_equal(f->err.code, ERR_LOCAL);
		err_clear(&f->err);
	}
	assert_int_equal(file_size(file), 0);
}

/* Sizes */

static void test_nothing_new_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_open(f->path);

	save(f, r);
	assert_int_equal(access(f->path, F_OK), -1);
	for (int times = 0; times < 3; times++) {
		for (int k = 0; k < 2; k++) {
			note_layer(r, "layer", "1");
			note_image(r, "image", "manifest");
			save(f, r);
		}
		record_free(r);
		r = record_open(f->path);
	}
	record_free(r);
	assert_true(file_size(f->path) < 500);
}

static void test_the_newest_counts(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_open(f->path);

	note_layer(r, "layer", "1");
	note_image(r, "image", "m1");
	save(f, r);
	note_layer(r, "layer", "2");
	note_image(r, "image", "m2");
	save(f, r);
	expect_layer(f->path, "layer", "2");
	expect_image(f->path, "image", "m2");
	note_image(r, "image", "m1"); /* back to the older one */
	save(f, r);
	expect_image(f->path, "image", "m1");
	record_free(r);
}

/* The older half goes, the newer stays, and it never grows beyond the ceiling. */
static void test_halving(void **state)
{
	struct fixture *f = *state;
	char filler[5000] = "";
	bool was_halved = false;
	int64_t before = 0;

	memset(filler, 'x', sizeof(filler) - 1);
	for (int k = 0; k < 14; k++) {
		struct record *r = record_open(f->path);
		CLEANUP(mem_freep) char *name = mem_printf("layer of %d", k);

		note_layer(r, name, name);
		for (int i = 0; i < 40; i++) {
			CLEANUP(mem_freep) char *other = mem_printf("filler %d of %d", i, k);
			struct digest d = digest(other);
			struct descriptor b = blob(other);

			record_note_layer(r, filler, &d, &b);
		}
		save(f, r);
		record_free(r);
		assert_true(file_size(f->path) <= (int64_t)RECORD_CEILING);
		was_halved |= file_size(f->path) < before;
		before = file_size(f->path);
	}
	assert_true(was_halved);
	expect_layer(f->path, "layer of 13", "layer of 13");
	expect_layer(f->path, "layer of 12", "layer of 12");
	expect_layer(f->path, "layer of 0", NULL);
}

/* Not ours any more: more than is ever written. It is replaced, not added to for ever. */
static void test_a_huge_file(void **state)
{
	struct fixture *f = *state;
	struct record *r;

	write_file(f, "", 0);
	assert_int_equal(truncate(f->path, 64 * MIB), 0);
	r = record_open(f->path);
	note_layer(r, "layer", "1");
	save(f, r);
	record_free(r);
	expect_layer(f->path, "layer", "1");
	assert_true(file_size(f->path) < 1000);
}

/* Side by side */

static void test_two_writers(void **state)
{
	struct fixture *f = *state;
	struct record *a = record_open(f->path), *b = record_open(f->path);

	for (int i = 0; i < 50; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("%d", i);
		CLEANUP(mem_freep) char *other = mem_printf("other %d", i);

		note_layer(a, name, name);
		note_layer(b, other, other);
		save(f, a);
		save(f, b);
	}
	record_free(a);
	record_free(b);
	for (int i = 0; i < 50; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("%d", i);
		CLEANUP(mem_freep) char *other = mem_printf("other %d", i);

		expect_layer(f->path, name, name);
		expect_layer(f->path, other, other);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_that_are_none),
		TEST(test_huge_words),
		TEST(test_damage_in_the_middle),
		TEST(test_torn_ends),
		TEST(test_words_of_a_registry),
		TEST(test_no_place_to_write),
		TEST(test_nothing_new_is_not_written),
		TEST(test_the_newest_counts),
		TEST(test_halving),
		TEST(test_a_huge_file),
		TEST(test_two_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
