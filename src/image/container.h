/*
 * Files by name: a directory, or a tar archive that is never unpacked. It knows nothing of images.
 *
 * A name is relative, with slashes. What a name leads to is inside of the container or not there:
 * links are followed, but never to the outside. Every verb may be called from any thread.
 */
#ifndef IMAGE_CONTAINER_H
#define IMAGE_CONTAINER_H

#include "base/buf.h"
#include "base/stream.h"
#include "base/world.h"

#define CONTAINER_ABSENT (-1)

struct container;

struct container_ops {
	bool (*size)(struct container *c, const char *name, int64_t *ret_size_bytes,
		     struct err *err);
	bool (*open)(struct container *c, const char *name, struct stream **ret, struct err *err);
	void (*free)(struct container *c);
};

struct container {
	const struct container_ops *ops;
};

/* CONTAINER_ABSENT when there is no such file; what is there but no regular file is ERR_CORRUPT. */
MUST_USE static inline bool container_size(struct container *c, const char *name,
					   int64_t *ret_size_bytes, struct err *err)
{
	return c->ops->size(c, name, ret_size_bytes, err);
}

/* ERR_CORRUPT when it is not there. A stream must not outlive its container. */
MUST_USE static inline bool container_open(struct container *c, const char *name,
					   struct stream **ret, struct err *err)
{
	return c->ops->open(c, name, ret, err);
}

static inline void container_free(struct container *c)
{
	if (c)
		c->ops->free(c);
}
DEFINE_FREEP(struct container, container_free)

/* A whole file of at most the ceiling of OUT; ERR_CORRUPT when it is longer or not there. */
MUST_USE bool container_read(struct container *c, const char *name, struct buf *out,
			     struct err *err);

MUST_USE bool container_has(struct container *c, const char *name, bool *ret, struct err *err);

/* ERR_NO_SOURCE when there is no directory PATH. */
MUST_USE bool directory_open(const char *path, struct container **ret, struct err *err);

/*
 * A tar file, itself compressed or not; PATH - is standard input. What is compressed or cannot be
 * read at any place is written to TMP_DIR first. ERR_CORRUPT for what is no tar or cut short,
 * ERR_LOCAL when the disk is full.
 */
MUST_USE bool archive_open(const struct world *w, const char *path, const char *tmp_dir,
			   struct container **ret, struct err *err);

/*
 * PATH as seen from the directory DIR ("" is the top) of a container, without empty and dot
 * components; NULL when it is absolute or leads outside. The caller frees.
 */
char *container_path(const char *dir, const char *path);

#endif
