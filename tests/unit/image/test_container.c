#include "image/fixture.h"

#include "image/container.h"

#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

static void test_paths(void **state)
{
	static const struct {
		const char *dir, *path, *clean;
	} table[] = {
		{ "", "", NULL },
		{ "", "/", NULL },
		{ "", "/etc/passwd", NULL },
		{ "", "..", NULL },
		{ "", "../a", NULL },
		{ "", "a/../../b", NULL },
		{ "", "a/..", NULL },
		{ "a", "../../b", NULL },
		{ "", ".", NULL },
		{ "", "./a", "a" },
		{ "", "././/a//b/", "a/b" },
		{ "", "a/./b/../c", "a/c" },
		{ "a/b", "../c", "a/c" },
		{ "a", "b", "a/b" },
		{ "a", "../b", "b" },
		{ "", "..a/b..", "..a/b.." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(mem_freep) char *clean = container_path(table[i].dir, table[i].path);

		if (!clean != !table[i].clean || (clean && strcmp(clean, table[i].clean) != 0))
			fail_msg("'%s' from '%s' is '%s'", table[i].path, table[i].dir,
				 clean ? clean : "nothing");
	}
}

static void test_long_path(void **state)
{
	CLEANUP(mem_freep) char *path = mem_alloc(5001);

	(void)state;
	memset(path, 'a', 5000);
	assert_null(container_path("", path));
}

/* --- a directory */

static struct container *open_directory(struct fixture *f)
{
	CLEANUP(mem_freep) char *path = fixture_path(f, "d");
	struct container *c = NULL;

	files_write_directory(&f->files, path);
	if (!directory_open(path, &c, &f->err))
		fail_msg("%s", f->err.message);
	return c;
}

static void assert_absent(struct fixture *f, struct container *c, const char *name)
{
	struct stream *s = NULL;
	int64_t size_bytes;

	if (!container_size(c, name, &size_bytes, &f->err))
		fail_msg("%s", f->err.message);
	assert_int_equal(size_bytes, CONTAINER_ABSENT);
	assert_false(container_open(c, name, &s, &f->err));
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_non_null(strstr(f->err.message, "is missing"));
}

static void assert_refused(struct fixture *f, struct container *c, const char *name,
			   const char *words)
{
	struct stream *s = NULL;
	int64_t size_bytes;

	assert_false(container_size(c, name, &size_bytes, &f->err));
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_non_null(strstr(f->err.message, words));
	assert_false(container_open(c, name, &s, &f->err));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

static void assert_holds(struct fixture *f, struct container *c, const char *name, const char *text)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MIB);
	int64_t size_bytes;

	if (!container_size(c, name, &size_bytes, &f->err) ||
	    !container_read(c, name, &bytes, &f->err))
		fail_msg("%s", f->err.message);
	assert_int_equal(size_bytes, strlen(text));
	assert_string_equal(buf_str(&bytes), text);
}

static void test_directory(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(mem_freep) char *outside = fixture_path(f, "out");
	CLEANUP(buf_clear) struct buf small = BUF_INIT(2);

	write_file(outside, "secret", 6);
	files_add_text(&f->files, "a", "one");
	files_add_text(&f->files, "b/c", "two");
	files_add_link(&f->files, "link", "b/c", '2');
	files_add_link(&f->files, "b/up", "../a", '2');
	files_add_link(&f->files, "out", "../out", '2');
	files_add_link(&f->files, "absolute", outside, '2');
	files_add_link(&f->files, "device", "/dev/zero", '2');
	files_add_link(&f->files, "circle", "circle", '2');
	files_add_link(&f->files, "dangling", "none", '2');
	c = open_directory(f);
	assert_absent(f, c, "none");
	assert_absent(f, c, "b/none");
	assert_absent(f, c, "a/b");
	assert_absent(f, c, "dangling");
	assert_refused(f, c, "b", "is not a regular file");
	assert_refused(f, c, "out", "leads outside");
	assert_refused(f, c, "absolute", "leads outside");
	assert_refused(f, c, "device", "leads outside");
	assert_refused(f, c, "circle", "symbolic links");
	assert_refused(f, c, "../out", "leads outside");
	assert_false(container_read(c, "a", &small, &f->err));
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_holds(f, c, "a", "one");
	assert_holds(f, c, "b/c", "two");
	assert_holds(f, c, "link", "two");
	assert_holds(f, c, "b/up", "one");
}

static void test_fifo_in_directory(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *fifo = fixture_path(f, "d/fifo");
	CLEANUP(container_freep) struct container *c = open_directory(f);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused(f, c, "fifo", "is not a regular file");
}

/* --- an archive */

static bool open_bytes(struct fixture *f, const void *bytes, size_t len, struct container **ret)
{
	CLEANUP(mem_freep) char *path = fixture_path(f, "a.tar");

	err_clear(&f->err);
	write_file(path, bytes, len);
	return archive_open(&f->world, path, f->dir, ret, &f->err);
}

static struct container *open_tar(struct fixture *f, const struct buf *tar)
{
	struct container *c = NULL;

	if (!open_bytes(f, tar->data, tar->len, &c))
		fail_msg("%s", f->err.message);
	return c;
}

static void test_no_archive(void **state)
{
	struct fixture *f = *state;
	char garbage[2000];
	struct container *c = NULL;

	memset(garbage, 'x', sizeof(garbage));
	assert_false(open_bytes(f, garbage, sizeof(garbage), &c));
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_non_null(strstr(f->err.message, "not a whole tar archive"));
	assert_false(open_bytes(f, "\x1f\x8b\x08\0garbage", 11, &c));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

static void test_empty_archive(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;

	if (open_bytes(f, "", 0, &c))
		assert_absent(f, c, "a");
	else
		assert_int_equal(f->err.code, ERR_CORRUPT);
}

static void test_archive_names(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB);

	files_add_text(&f->files, "./a", "one");
	files_add_text(&f->files, "b//c", "two");
	files_add_text(&f->files, "../evil", "x");
	files_add_text(&f->files, "/abs", "x");
	files_add_text(&f->files, "b/../../evil2", "x");
	files_add_text(&f->files, "twice", "old");
	files_add_text(&f->files, "twice", "newer");
	files_tar(&f->files, &tar);
	c = open_tar(f, &tar);
	assert_holds(f, c, "a", "one");
	assert_holds(f, c, "./a", "one");
	assert_holds(f, c, "b/c", "two");
	assert_holds(f, c, "twice", "newer");
	assert_absent(f, c, "evil");
	assert_absent(f, c, "../evil");
	assert_absent(f, c, "abs");
	assert_absent(f, c, "/abs");
	assert_absent(f, c, "evil2");
	assert_absent(f, c, "b");
	assert_absent(f, c, "");
}

static void test_archive_links(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB);
	char name[16] = "l0", target[16] = "x/real";

	files_add_text(&f->files, "x/real", "it");
	files_add_link(&f->files, "y/soft", "../x/real", '2');
	files_add_link(&f->files, "hard", "./x/real", '1');
	files_add_link(&f->files, "y/softer", "soft", '2');
	files_add_link(&f->files, "out", "../../etc/passwd", '2');
	files_add_link(&f->files, "abs", "/etc/passwd", '2');
	files_add_link(&f->files, "circle", "circle2", '2');
	files_add_link(&f->files, "circle2", "circle", '2');
	files_add_link(&f->files, "dangling", "none", '1');
	for (int i = 0; i < 12; i++) {
		files_add_link(&f->files, name, target, '2');
		strcpy(target, name);
		snprintf(name, sizeof(name), "l%d", i + 1);
	}
	files_tar(&f->files, &tar);
	c = open_tar(f, &tar);
	assert_holds(f, c, "y/soft", "it");
	assert_holds(f, c, "hard", "it");
	assert_holds(f, c, "y/softer", "it");
	assert_holds(f, c, "l3", "it");
	assert_absent(f, c, "l11");
	assert_absent(f, c, "out");
	assert_absent(f, c, "abs");
	assert_absent(f, c, "circle");
	assert_absent(f, c, "dangling");
}

static void add_pax(struct buf *tar, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
	CLEANUP(mem_freep) char *record = NULL;

	while ((size_t)snprintf(NULL, 0, "%zu", len) + rest != len)
		len = (size_t)snprintf(NULL, 0, "%zu", len) + rest;
	record = mem_printf("%zu %s=%s\n", len, key, value);
	tar_add_header(tar, "PaxHeaders/x", len, 'x', "");
	tar_add_body(tar, record, len);
}

static void test_long_names(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB);
	char pax[301], gnu[301];

	memset(pax, 'p', 300);
	memset(gnu, 'g', 300);
	pax[300] = gnu[300] = '\0';
	files_add_text(&f->files, "first", "1");
	tar_add(&tar, &f->files.at[0]);
	add_pax(&tar, "path", pax);
	tar_add_header(&tar, "short", 3, '0', "");
	tar_add_body(&tar, "pax", 3);
	tar_add_header(&tar, "././@LongLink", 301, 'L', "");
	tar_add_body(&tar, gnu, 301);
	tar_add_header(&tar, "short", 3, '0', "");
	tar_add_body(&tar, "gnu", 3);
	add_pax(&tar, "path",
		"gr\xc3\xbc\xc3\x9f"
		"e");
	tar_add_header(&tar, "short", 3, '0', "");
	tar_add_body(&tar, "utf", 3);
	tar_end(&tar);
	c = open_tar(f, &tar);
	assert_holds(f, c, "first", "1");
	assert_holds(f, c, pax, "pax");
	assert_holds(f, c, gnu, "gnu");
	assert_holds(f, c,
		     "gr\xc3\xbc\xc3\x9f"
		     "e",
		     "utf");
	assert_absent(f, c, "short");
}

/* PAX 1.0 of GNU tar: 3 bytes at 1 MiB, then a hole to 2 MiB. */
static void test_sparse(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB), out = BUF_INIT(4 * MIB);
	static const char records[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
				      "26 GNU.sparse.name=sparse\n31 GNU.sparse.realsize=2097152\n";
	char body[515] = "2\n1048576\n3\n2097152\n0\n";
	int64_t size_bytes;

	memcpy(body + 512, "abc", 3);
	tar_add_header(&tar, "PaxHeaders/x", strlen(records), 'x', "");
	tar_add_body(&tar, records, strlen(records));
	tar_add_header(&tar, "GNUSparseFile.0/sparse", sizeof(body), '0', "");
	tar_add_body(&tar, body, sizeof(body));
	tar_end(&tar);
	c = open_tar(f, &tar);
	assert_true(container_size(c, "sparse", &size_bytes, &f->err));
	assert_int_equal(size_bytes, 2 * MIB);
	assert_true(container_read(c, "sparse", &out, &f->err));
	assert_int_equal(out.len, 2 * MIB);
	assert_memory_equal(out.data + MIB, "abc", 4);
	assert_int_equal(out.data[0], 0);
}

/* Wherever a tar is cut inside of a member, that is seen when it is opened. */
static void test_truncated(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB);
	static const size_t cuts[] = { 1,	  100,	   511,	    512 + 1,
				       512 + 512, 3 * 512, 5 * 512, 512 + 200000 - 1 };
	CLEANUP(mem_freep) char *bytes = mem_alloc(200000);

	files_add(&f->files, "a", bytes, 200000);
	files_tar(&f->files, &tar);
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct container *c = NULL;

		if (open_bytes(f, tar.data, cuts[i], &c))
			fail_msg("cut at %zu was not seen", cuts[i]);
		assert_int_equal(f->err.code, ERR_CORRUPT);
	}
}

static void test_huge_member(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB);
	struct container *c = NULL;

	add_pax(&tar, "size", "9223372036854775807");
	tar_add_header(&tar, "a", 0, '0', "");
	tar_end(&tar);
	assert_false(open_bytes(f, tar.data, tar.len, &c));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

static void gzip_whole(const struct buf *in, struct buf *out)
{
	uLong size = compressBound(in->len) + 64;
	CLEANUP(mem_freep) unsigned char *bytes = mem_alloc(size);
	z_stream z = { .next_in = (unsigned char *)in->data, .avail_in = (unsigned int)in->len };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = bytes;
	z.avail_out = (unsigned int)size;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_true(buf_add(out, bytes, size - z.avail_out));
	deflateEnd(&z);
}

static void test_compressed(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *c = NULL;
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB), packed = BUF_INIT(MIB);
	struct container *cut = NULL;

	files_add_text(&f->files, "a", "one");
	files_add_text(&f->files, "b", "two");
	files_tar(&f->files, &tar);
	gzip_whole(&tar, &packed);
	c = open_tar(f, &packed);
	assert_holds(f, c, "b", "two");
	assert_holds(f, c, "a", "one");
	assert_false(open_bytes(f, packed.data, packed.len - 20, &cut));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

/* --- what comes through a pipe */

struct writer {
	int fd;
	const struct buf *bytes;
};

static void write_slowly(void *arg)
{
	const struct writer *w = arg;
	size_t done = 0;

	while (done < w->bytes->len) {
		size_t len = w->bytes->len - done < 700 ? w->bytes->len - done : 700;

		assert_int_equal(write(w->fd, w->bytes->data + done, len), (ssize_t)len);
		done += len;
	}
	close(w->fd);
}

static bool open_piped(struct fixture *f, const struct buf *bytes, struct container **ret)
{
	int fds[2], saved = dup(0);
	struct writer writer;
	struct task *task;
	bool opened;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[0], 0), 0);
	close(fds[0]);
	writer = (struct writer){ fds[1], bytes };
	task = sched_spawn(&f->sched, write_slowly, &writer);
	opened = archive_open(&f->world, "-", f->dir, ret, &f->err);
	sched_join(&f->sched, task);
	dup2(saved, 0);
	close(saved);
	return opened;
}

static void test_standard_input(void **state)
{
	struct fixture *f = *state;
	CLEANUP(container_freep) struct container *plain = NULL, *unpacked = NULL;
	CLEANUP(buf_clear)
	struct buf tar = BUF_INIT(MIB), packed = BUF_INIT(MIB), cut = BUF_INIT(MIB);
	struct container *c = NULL;

	files_add_text(&f->files, "a", "one");
	files_tar(&f->files, &tar);
	gzip_whole(&tar, &packed);
	assert_true(open_piped(f, &tar, &plain));
	assert_holds(f, plain, "a", "one");
	assert_true(open_piped(f, &packed, &unpacked));
	assert_holds(f, unpacked, "a", "one");
	assert_true(buf_add(&cut, packed.data, packed.len - 9));
	assert_false(open_piped(f, &cut, &c));
	assert_int_equal(f->err.code, ERR_CORRUPT);
}

/* Nobody writes, nobody closes: only the world can end it. */
static bool open_silent(struct fixture *f)
{
	CLEANUP(mem_freep) char *fifo = fixture_path(f, "fifo");
	struct container *c = NULL;

	mkfifo(fifo, 0600);
	return archive_open(&f->world, fifo, f->dir, &c, &f->err);
}

static void fire_soon(void *arg)
{
	usleep(50000);
	cancel_fire(arg, SIGINT);
}

static void test_cancel_while_reading(void **state)
{
	struct fixture *f = *state;
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	struct task *task;

	assert_true(cancel_new(NULL, &cancel, &f->err));
	f->world.cancel = cancel;
	task = sched_spawn(&f->sched, fire_soon, cancel);
	assert_false(open_silent(f));
	assert_int_equal(f->err.code, ERR_CANCELLED);
	sched_join(&f->sched, task);
}

static void test_deadline_while_reading(void **state)
{
	struct fixture *f = *state;

	f->world.deadline_ms = clock_boot_ms(&f->clock) + 50;
	assert_false(open_silent(f));
	assert_int_equal(f->err.code, ERR_TIMEOUT);
}

static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	const struct rlimit none = { 100000, RLIM_INFINITY };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	CLEANUP(buf_clear) struct buf tar = BUF_INIT(MIB), packed = BUF_INIT(MIB);
	CLEANUP(mem_freep) char *bytes = mem_alloc(500000);
	struct container *c = NULL;
	bool opened;

	files_add(&f->files, "a", bytes, 500000);
	files_tar(&f->files, &tar);
	gzip_whole(&tar, &packed);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	opened = open_bytes(f, packed.data, packed.len, &c);
	setrlimit(RLIMIT_FSIZE, &all);
	assert_false(opened);
	assert_int_equal(f->err.code, ERR_LOCAL);
	assert_non_null(strstr(f->err.message, "0.1 MiB"));
	assert_non_null(strstr(f->err.message, f->dir));
	assert_non_null(strstr(f->err.hint, "TMPDIR"));
}

static void test_no_temporary_directory(void **state)
{
	struct fixture *f = *state;
	CLEANUP(mem_freep) char *fifo = fixture_path(f, "fifo");
	struct container *c = NULL;

	mkfifo(fifo, 0600);
	assert_false(archive_open(&f->world, fifo, "/nonexistent", &c, &f->err));
	assert_int_equal(f->err.code, ERR_LOCAL);
	assert_non_null(strstr(f->err.message, "/nonexistent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_path),
		TEST(test_directory),
		TEST(test_fifo_in_directory),
		TEST(test_no_archive),
		TEST(test_empty_archive),
		TEST(test_archive_names),
		TEST(test_archive_links),
		TEST(test_long_names),
		TEST(test_sparse),
		TEST(test_truncated),
		TEST(test_huge_member),
		TEST(test_compressed),
		TEST(test_standard_input),
		TEST(test_cancel_while_reading),
		TEST(test_deadline_while_reading),
		TEST(test_disk_full),
		TEST(test_no_temporary_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
