/*
 * A directory of a test's own that goes away with it.
 */
#ifndef UNIT_BASE_FAKE_DIR_H
#define UNIT_BASE_FAKE_DIR_H

#include "base/fake_world.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_dir {
	char path[64];
};

static inline void fake_dir_init(struct fake_dir *d)
{
	strcpy(d->path, "/tmp/landed-unit-XXXXXX");
	assert_non_null(mkdtemp(d->path));
}

static inline int fake_dir_remove(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fake_dir_clear(struct fake_dir *d)
{
	nftw(d->path, fake_dir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The caller frees. */
static inline char *fake_dir_path(const struct fake_dir *d, const char *name)
{
	return mem_printf("%s/%s", d->path, name);
}

/* Writes it and returns its path; the caller frees. */
static inline char *fake_dir_write(const struct fake_dir *d, const char *name, const char *text,
				   mode_t mode)
{
	char *path = fake_dir_path(d, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

#endif
