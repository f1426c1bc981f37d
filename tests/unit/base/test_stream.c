/* Streams end where they should, files are read up to a ceiling and replaced as a whole or not at all. */
#include "base/fake_dir.h"

#include "base/stream.h"

#include <dirent.h>

static int setup(void **state)
{
	struct fake_dir *d = NEW(struct fake_dir);

	fake_dir_init(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	fake_dir_clear(*state);
	free(*state);
	return 0;
}

/* In pieces of SIZE; the caller frees. */
static char *read_in_pieces(struct stream *s, size_t size)
{
	struct buf all = BUF_INIT(1 * MIB);
	struct err err = ERR_INIT;
	char piece[64];
	size_t len;

	assert_true(size <= sizeof(piece));
	do {
		assert_true(stream_read(s, piece, size, &len, &err));
		assert_true(len <= size);
		assert_true(buf_add(&all, piece, len));
	} while (len);
	return buf_take(&all);
}

static size_t entries_in(const struct fake_dir *d)
{
	DIR *dir = opendir(d->path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void test_bytes_come_in_order_whatever_the_size(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 8; size++) {
		CLEANUP(stream_freep) struct stream *s = stream_of_bytes("abcdefg", 7);
		CLEANUP(mem_freep) char *text = read_in_pieces(s, size);

		assert_string_equal(text, "abcdefg");
	}
}

static void test_no_bytes_are_an_end_at_once(void **state)
{
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes(NULL, 0);
	struct err err = ERR_INIT;
	size_t len = 99;
	char byte;

	(void)state;
	assert_true(stream_read(s, &byte, 1, &len, &err));
	assert_int_equal(len, 0);
}

static void test_fd_ends_at_its_limit(void **state)
{
	static const struct {
		int64_t limit;
		const char *text;
	} cases[] = { { 0, "" },	{ 1, "a" },	  { 6, "abcdef" },
		      { 7, "abcdefg" }, { 8, "abcdefg" }, { INT64_MAX, "abcdefg" },
		      { -1, "abcdefg" } };
	CLEANUP(mem_freep) char *path = fake_dir_write(*state, "f", "abcdefg", 0600);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t size = 1; size <= 8; size++) {
			CLEANUP(stream_freep)
			struct stream *s = stream_of_fd(open(path, O_RDONLY), cases[i].limit, path);
			CLEANUP(mem_freep) char *text = read_in_pieces(s, size);

			assert_string_equal(text, cases[i].text);
		}
}

static void test_fd_begins_at_its_position_and_is_closed(void **state)
{
	CLEANUP(mem_freep) char *path = fake_dir_write(*state, "f", "abcdefg", 0600);
	int fd = open(path, O_RDONLY);
	struct stream *s;
	char *text;

	lseek(fd, 3, SEEK_SET);
	s = stream_of_fd(fd, 2, path);
	text = read_in_pieces(s, 1);
	assert_string_equal(text, "de");
	free(text);
	stream_free(s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_fd_that_cannot_be_read_is_named(void **state)
{
	struct fake_dir *d = *state;
	CLEANUP(stream_freep)
	struct stream *s = stream_of_fd(open(d->path, O_RDONLY | O_DIRECTORY), -1, "the name");
	struct err err = ERR_INIT;
	size_t len;
	char byte;

	assert_false(stream_read(s, &byte, 1, &len, &err));
	assert_err(&err, ERR_LOCAL, "reading 'the name'");
}

static void test_read_all_takes_the_ceiling_and_no_byte_more(void **state)
{
	static const struct {
		size_t len, ceiling;
		bool fits;
	} cases[] = { { 1, 0, false }, { 8, 7, false }, { 40000, 39999, false },
		      { 0, 0, true },  { 7, 7, true },	{ 40000, 40000, true } };
	CLEANUP(mem_freep) char *bytes = mem_alloc(40000);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(stream_freep) struct stream *s = stream_of_bytes(bytes, cases[i].len);
		struct buf out = BUF_INIT(cases[i].ceiling);
		struct err err = ERR_INIT;

		assert_int_equal(stream_read_all(s, &out, ERR_CORRUPT, &err), cases[i].fits);
		if (cases[i].fits)
			assert_int_equal(out.len, cases[i].len);
		else
			assert_err(&err, ERR_CORRUPT, "longer than");
		buf_clear(&out);
	}
}

static void test_file_not_there_is_no_source(void **state)
{
	CLEANUP(mem_freep) char *path = fake_dir_path(*state, "absent");
	struct buf out = BUF_INIT(8);
	struct err err = ERR_INIT;

	assert_false(file_read_all(path, &out, &err));
	assert_err(&err, ERR_NO_SOURCE, "absent");
	buf_clear(&out);
}

static void test_file_too_long_or_a_directory_is_local_trouble(void **state)
{
	struct fake_dir *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_write(d, "f", "123456789", 0600);
	struct buf out = BUF_INIT(8);
	struct err err = ERR_INIT;

	assert_false(file_read_all(path, &out, &err));
	assert_err(&err, ERR_LOCAL, path);
	buf_clear(&out);
	assert_false(file_read_all(d->path, &out, &err));
	assert_err(&err, ERR_LOCAL, d->path);
	buf_clear(&out);
}

static void assert_file_is(const char *path, const char *text, mode_t mode)
{
	struct buf out = BUF_INIT(1 * KIB);
	struct err err = ERR_INIT;
	struct stat st;

	assert_true(file_read_all(path, &out, &err));
	assert_string_equal(buf_str(&out), text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, mode);
	buf_clear(&out);
}

static void test_write_makes_and_replaces_with_its_mode(void **state)
{
	CLEANUP(mem_freep) char *path = fake_dir_path(*state, "f");
	struct err err = ERR_INIT;

	assert_true(file_write_all(path, "first", 5, 0600, &err));
	assert_file_is(path, "first", 0600);
	assert_true(file_write_all(path, "2", 1, 0644, &err));
	assert_file_is(path, "2", 0644);
	assert_int_equal(entries_in(*state), 1);
}

/* A reader that has the old file open keeps reading the old file. */
static void test_write_replaces_rather_than_overwrites(void **state)
{
	CLEANUP(mem_freep) char *path = fake_dir_write(*state, "f", "old", 0600);
	int fd = open(path, O_RDONLY);
	struct err err = ERR_INIT;
	char text[8] = "";

	assert_true(file_write_all(path, "newer", 5, 0600, &err));
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close(fd);
}

static void test_write_into_a_pipe_leaves_it_a_pipe(void **state)
{
	CLEANUP(mem_freep) char *path = fake_dir_path(*state, "fifo");
	struct err err = ERR_INIT;
	char text[8] = "";
	struct stat st;
	int fd;

	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_true(file_write_all(path, "text", 4, 0600, &err));
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_string_equal(text, "text");
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	close(fd);
}

static void test_write_that_fails_leaves_what_was_there(void **state)
{
	struct fake_dir *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(d, "no/such/f");
	CLEANUP(mem_freep) char *file = fake_dir_write(d, "f", "old", 0600);
	CLEANUP(mem_freep) char *under_file = mem_printf("%s/g", file);
	struct err err = ERR_INIT;

	assert_false(file_write_all(path, "x", 1, 0600, &err));
	assert_err(&err, ERR_LOCAL, path);
	assert_false(file_write_all(under_file, "x", 1, 0600, &err));
	assert_err(&err, ERR_LOCAL, under_file);
	assert_false(file_write_all(d->path, "x", 1, 0600, &err));
	assert_err(&err, ERR_LOCAL, d->path);
	assert_false(file_write_all("/dev/full", "x", 1, 0600, &err));
	assert_err(&err, ERR_LOCAL, "/dev/full");
	assert_file_is(file, "old", 0600);
	assert_int_equal(entries_in(d), 1);
}

static void test_write_to_a_directory_without_rights(void **state)
{
	struct fake_dir *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(d, "f");
	struct err err = ERR_INIT;

	if (geteuid() == 0) /* root may write anywhere: /proc is where it may not */
		assert_false(file_write_all("/proc/f", "x", 1, 0600, &err));
	else {
		assert_int_equal(chmod(d->path, 0500), 0);
		assert_false(file_write_all(path, "x", 1, 0600, &err));
		assert_int_equal(chmod(d->path, 0700), 0);
	}
	assert_err(&err, ERR_LOCAL, "writing '");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_bytes_come_in_order_whatever_the_size),
		CASE(test_no_bytes_are_an_end_at_once),
		CASE(test_fd_ends_at_its_limit),
		CASE(test_fd_begins_at_its_position_and_is_closed),
		CASE(test_fd_that_cannot_be_read_is_named),
		CASE(test_read_all_takes_the_ceiling_and_no_byte_more),
		CASE(test_file_not_there_is_no_source),
		CASE(test_file_too_long_or_a_directory_is_local_trouble),
		CASE(test_write_makes_and_replaces_with_its_mode),
		CASE(test_write_replaces_rather_than_overwrites),
		CASE(test_write_into_a_pipe_leaves_it_a_pipe),
		CASE(test_write_that_fails_leaves_what_was_there),
		CASE(test_write_to_a_directory_without_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
