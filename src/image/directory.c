#include "image/container.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct directory {
	struct container container;
	int fd;
	char *path;
};

static void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Whether what FD has open lies below the directory, by the names that the kernel gives both. */
static bool is_beneath(const struct directory *d, int fd)
{
	char top[PATH_MAX], place[PATH_MAX], link[64];
	ssize_t top_len, place_len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", d->fd);
	top_len = readlink(link, top, sizeof(top));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	place_len = readlink(link, place, sizeof(place));
	if (top_len <= 0 || place_len <= top_len || memcmp(top, place, (size_t)top_len) != 0)
		return false;
	return top[top_len - 1] == '/' || place[top_len] == '/';
}

/* A FIFO or a terminal must not hold us up before it is known what it is. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/*
 * For kernels before 5.6, and sandboxes that forbid what they do not know. What is opened first is
 * only a path: no device is touched before it is known where it lies.
 */
static int open_and_look(const struct directory *d, const char *name)
{
	CLEANUP(close_fdp) int place = openat(d->fd, name, O_PATH | O_CLOEXEC);
	char link[64];

	if (place < 0)
		return -1;
	if (!is_beneath(d, place)) {
		errno = EXDEV;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	return open(link, OPEN_FLAGS);
}

/* Links are followed, but EXDEV for what leads outside. */
static int open_beneath(const struct directory *d, const char *name)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, d->fd, name, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
		fd = open_and_look(d, name);
	return fd;
}

static bool refuse(const struct directory *d, const char *name, int errnum, struct err *err)
{
	if (errnum == EXDEV)
		return err_set(err, ERR_CORRUPT, "'%s/%s' leads outside of the directory", d->path,
			       name);
	if (errnum == ELOOP || errnum == ENAMETOOLONG)
		return err_set(err, ERR_CORRUPT, "'%s/%s': %s", d->path, name, strerror(errnum));
	return err_set_errno(err, errnum, "opening '%s/%s'", d->path, name);
}

/* *ret_fd is -1 when there is no such file. */
static bool find(const struct directory *d, const char *name, int *ret_fd, int64_t *ret_size_bytes,
		 struct err *err)
{
	CLEANUP(close_fdp) int fd = open_beneath(d, name);
	struct stat st;

	*ret_fd = -1;
	*ret_size_bytes = CONTAINER_ABSENT;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || refuse(d, name, errno, err);
	if (fstat(fd, &st) < 0)
		return refuse(d, name, errno, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CORRUPT, "'%s/%s' is not a regular file", d->path, name);
	*ret_size_bytes = st.st_size;
	*ret_fd = fd;
	fd = -1;
	return true;
}

static bool directory_size(struct container *c, const char *name, int64_t *ret_size_bytes,
			   struct err *err)
{
	const struct directory *d = (const struct directory *)c;
	CLEANUP(close_fdp) int fd = -1;

	return find(d, name, &fd, ret_size_bytes, err);
}

static bool directory_open_file(struct container *c, const char *name, struct stream **ret,
				struct err *err)
{
	const struct directory *d = (const struct directory *)c;
	CLEANUP(mem_freep) char *full = mem_printf("%s/%s", d->path, name);
	int64_t size_bytes;
	int fd;

	if (!find(d, name, &fd, &size_bytes, err))
		return false;
	if (fd < 0)
		return err_set(err, ERR_CORRUPT, "'%s' is missing", full);
	*ret = stream_of_fd(fd, -1, full);
	return true;
}

static void directory_free(struct container *c)
{
	struct directory *d = (struct directory *)c;

	close(d->fd);
	free(d->path);
	free(d);
}

static const struct container_ops directory_ops = {
	.size = directory_size,
	.open = directory_open_file,
	.free = directory_free,
};

bool directory_open(const char *path, struct container **ret, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct directory *d;

	if (fd < 0) {
		bool is_file = errno == ENOTDIR && access(path, F_OK) == 0;

		err_set_errno(err, errno, "opening '%s'", path);
		if (is_file)
			err_hint(err, "a layout in a tar file is written oci-archive:%s", path);
		return false;
	}
	d = NEW(struct directory);
	d->container.ops = &directory_ops;
	d->fd = fd;
	d->path = mem_strdup(path);
	*ret = &d->container;
	return true;
}
