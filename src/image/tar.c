#include "image/tar.h"

#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (64 * KIB)

struct tar {
	struct archive *archive;
	int fd;
	int64_t at; /* the next byte for libarchive */
	int64_t size_bytes;
	int64_t base;	       /* where the pass began */
	struct stream *stream; /* instead of fd */
	struct err failed;     /* why the stream ended, for what libarchive cannot carry */
	char chunk[CHUNK];
};

static la_ssize_t give_bytes(struct archive *a, void *arg, const void **ret_bytes)
{
	struct tar *t = arg;
	ssize_t len;

	do
		len = pread(t->fd, t->chunk, sizeof(t->chunk), t->at);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	else
		t->at += len;
	*ret_bytes = t->chunk;
	return len;
}

/*
 * Never beyond the end: libarchive takes the rest for missing and says that the file is cut short.
 */
static la_int64_t step_over(struct archive *a, void *arg, la_int64_t len)
{
	struct tar *t = arg;
	int64_t left = t->size_bytes > t->at ? t->size_bytes - t->at : 0;

	(void)a;
	if (len > left)
		len = left;
	t->at += len;
	return len;
}

static la_ssize_t give_streamed(struct archive *a, void *arg, const void **ret_bytes)
{
	struct tar *t = arg;
	size_t len;

	*ret_bytes = t->chunk;
	if (stream_read(t->stream, t->chunk, sizeof(t->chunk), &len, &t->failed))
		return (la_ssize_t)len;
	archive_set_error(a, EIO, "unreadable");
	return -1;
}

void tar_add_filters(struct archive *a)
{
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
}

static bool refuse(struct tar *t, struct err *err)
{
	const char *why = archive_error_string(t->archive);

	if (t->failed.code != ERR_NONE) {
		err_move(err, &t->failed);
		return false;
	}
	return err_set(err, ERR_CORRUPT, "not a whole tar archive: %s", why ? why : "unreadable");
}

static bool open_archive(struct tar *t, archive_read_callback *give, archive_skip_callback *skip,
			 struct err *err)
{
	t->archive = archive_read_new();
	if (!t->archive)
		return err_set(err, ERR_LOCAL, "out of memory");
	archive_read_support_format_tar(t->archive);
	tar_add_filters(t->archive);
	return archive_read_open2(t->archive, t, NULL, give, skip, NULL) == ARCHIVE_OK ||
	       refuse(t, err);
}

bool tar_open(int fd, int64_t size_bytes, int64_t at, struct tar **ret, struct err *err)
{
	CLEANUP(tar_freep) struct tar *t = NEW(struct tar);

	t->fd = fd;
	t->at = t->base = at;
	t->size_bytes = size_bytes;
	if (!open_archive(t, give_bytes, step_over, err))
		return false;
	*ret = TAKE(t);
	return true;
}

bool tar_open_stream(struct stream *s, struct tar **ret, struct err *err)
{
	CLEANUP(tar_freep) struct tar *t = NEW(struct tar);

	t->fd = -1;
	t->stream = s;
	if (!open_archive(t, give_streamed, NULL, err))
		return false;
	*ret = TAKE(t);
	return true;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	archive_read_free(t->archive);
	err_clear(&t->failed);
	free(t);
}

static enum tar_kind kind_of(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return TAR_HARDLINK;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return TAR_FILE;
	case AE_IFLNK:
		return TAR_SYMLINK;
	default:
		return TAR_OTHER;
	}
}

/* Names that are not ASCII have no form in the C locale, but they do have one. */
static const char *name_of(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name ? name : archive_entry_pathname_utf8(e);
}

static const char *target_of(struct archive_entry *e, enum tar_kind kind)
{
	if (kind == TAR_HARDLINK)
		return archive_entry_hardlink(e);
	return kind == TAR_SYMLINK ? archive_entry_symlink(e) : NULL;
}

/*
 * An archive ends with blocks of zeros (POSIX pax, "ustar Interchange Format"). Where it was cut between two members,
 * their absence is the only sign.
 */
static bool has_end_mark(struct tar *t, struct err *err)
{
	if (archive_filter_bytes(t->archive, 0) > archive_read_header_position(t->archive))
		return true;
	return err_set(err, ERR_CORRUPT,
		       "not a whole tar archive: cut short, its end mark is missing");
}

bool tar_next(struct tar *t, struct tar_member *ret, bool *ret_end, struct err *err)
{
	struct archive_entry *e = NULL;
	int result;

	do
		result = archive_read_next_header(t->archive, &e);
	while (result == ARCHIVE_RETRY);
	*ret_end = result == ARCHIVE_EOF;
	if (*ret_end)
		return has_end_mark(t, err);
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		return refuse(t, err);
	ret->kind = kind_of(e);
	ret->name = name_of(e);
	ret->target = target_of(e, ret->kind);
	ret->size_bytes = archive_entry_size(e);
	ret->at = t->base + archive_read_header_position(t->archive);
	if (ret->size_bytes < 0)
		return err_set(err, ERR_CORRUPT, "a member of negative size");
	return true;
}

bool tar_read(struct tar *t, void *bytes, size_t size, size_t *ret_len, struct err *err)
{
	la_ssize_t len;

	do
		len = archive_read_data(t->archive, bytes, size);
	while (len == ARCHIVE_RETRY);
	if (len < 0)
		return refuse(t, err);
	*ret_len = (size_t)len;
	return true;
}

bool tar_is_compressed(struct tar *t)
{
	return archive_filter_code(t->archive, 0) != ARCHIVE_FILTER_NONE;
}
