#include "image/container.h"

#include "base/mem.h"
#include "image/spool.h"
#include "image/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 1000000
#define NAMES_CEILING (64 * MIB)
#define LINK_HOPS_MAX 8

struct entry {
	char *name;
	char *target; /* of a link, seen from the top; NULL when that is outside */
	enum tar_kind kind;
	int64_t size_bytes;
	int64_t at;
};

struct archive_container {
	struct container container;
	char *path;
	struct temp file;      /* a plain tar: the one at path, or what was unpacked from there */
	struct entry *entries; /* by name, then by place */
	size_t count;
	size_t room;
	size_t names_bytes;
};

static char *symlink_target(const char *name, const char *target)
{
	const char *slash = strrchr(name, '/');
	CLEANUP(mem_freep) char *dir = mem_strndup(name, slash ? (size_t)(slash - name) : 0);

	return container_path(dir, target);
}

static char *target_of(const char *name, const struct tar_member *m)
{
	if (!m->target)
		return NULL;
	return m->kind == TAR_SYMLINK ? symlink_target(name, m->target)
				      : container_path("", m->target);
}

/*
 * A name that is absolute or leads outside is left out: nothing is ever unpacked, so it can do no
 * harm.
 */
static bool add_entry(struct archive_container *c, const struct tar_member *m, struct err *err)
{
	char *name = m->name && m->kind != TAR_OTHER ? container_path("", m->name) : NULL;
	struct entry *e;

	if (!name)
		return true;
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->entries = mem_realloc(c->entries, c->room, sizeof(*c->entries));
	}
	e = &c->entries[c->count++];
	*e = (struct entry){
		.name = name, .kind = m->kind, .at = m->at, .size_bytes = m->size_bytes
	};
	e->target = target_of(name, m);
	c->names_bytes += strlen(name) + (e->target ? strlen(e->target) : 0);
	if (c->count > ENTRIES_MAX || c->names_bytes > NAMES_CEILING)
		return err_set(err, ERR_CORRUPT, "more than %d files or too long names",
			       ENTRIES_MAX);
	return true;
}

static int by_name_and_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* *ret_compressed: nothing was read, places would be of no use. */
static bool scan(const struct world *w, struct archive_container *c, bool *ret_compressed,
		 struct err *err)
{
	CLEANUP(tar_freep) struct tar *t = NULL;
	struct tar_member m;
	bool end;

	if (!tar_open(c->file.fd, c->file.size_bytes, 0, &t, err))
		return false;
	do {
		if (!world_check(w, err) || !tar_next(t, &m, &end, err))
			return false;
		*ret_compressed = tar_is_compressed(t);
		if (*ret_compressed)
			return true;
		if (!end && !add_entry(c, &m, err))
			return false;
	} while (!end);
	if (c->count)
		qsort(c->entries, c->count, sizeof(*c->entries), by_name_and_place);
	return true;
}

/* A name that stands twice means the later one, as when it is unpacked. */
static const struct entry *find_exact(const struct archive_container *c, const char *name)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(c->entries[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && strcmp(c->entries[low - 1].name, name) == 0 ? &c->entries[low - 1] : NULL;
}

/* NULL when there is none, or only links in a circle or to the outside. */
static const struct entry *find(const struct archive_container *c, const char *name)
{
	CLEANUP(mem_freep) char *clean = container_path("", name);
	const struct entry *e = clean ? find_exact(c, clean) : NULL;

	for (int hops = 0; e && e->kind != TAR_FILE; hops++)
		e = hops < LINK_HOPS_MAX && e->target ? find_exact(c, e->target) : NULL;
	return e;
}

static bool archive_size(struct container *container, const char *name, int64_t *ret_size_bytes,
			 struct err *err)
{
	const struct entry *e = find((struct archive_container *)container, name);

	(void)err;
	*ret_size_bytes = e ? e->size_bytes : CONTAINER_ABSENT;
	return true;
}

struct member_stream {
	struct stream stream;
	struct tar *tar;
	char *label;
};

static bool member_read(struct stream *s, void *bytes, size_t size, size_t *ret_len,
			struct err *err)
{
	struct member_stream *m = (struct member_stream *)s;

	return tar_read(m->tar, bytes, size, ret_len, err) || err_wrap(err, "%s", m->label);
}

static void member_free(struct stream *s)
{
	struct member_stream *m = (struct member_stream *)s;

	tar_free(m->tar);
	free(m->label);
	free(m);
}

static const struct stream_ops member_ops = { .read = member_read, .free = member_free };

static bool open_entry(struct archive_container *c, const struct entry *e, struct tar **ret,
		       struct err *err)
{
	CLEANUP(tar_freep) struct tar *t = NULL;
	struct tar_member m = { .name = NULL };
	bool end;

	if (!tar_open(c->file.fd, c->file.size_bytes, e->at, &t, err) ||
	    !tar_next(t, &m, &end, err))
		return false;
	if (end || m.kind != TAR_FILE || m.size_bytes != e->size_bytes)
		return err_set(err, ERR_CORRUPT, "the archive was changed while it was read");
	*ret = TAKE(t);
	return true;
}

static bool archive_open_file(struct container *container, const char *name, struct stream **ret,
			      struct err *err)
{
	struct archive_container *c = (struct archive_container *)container;
	const struct entry *e = find(c, name);
	struct member_stream *s;
	struct tar *t = NULL;

	if (!e)
		return err_set(err, ERR_CORRUPT, "'%s' is missing in '%s'", name, c->path);
	if (!open_entry(c, e, &t, err))
		return err_wrap(err, "'%s' in '%s'", name, c->path);
	s = NEW(struct member_stream);
	s->stream.ops = &member_ops;
	s->tar = t;
	s->label = mem_printf("'%s' in '%s'", name, c->path);
	*ret = &s->stream;
	return true;
}

static void archive_free(struct container *container)
{
	struct archive_container *c = (struct archive_container *)container;

	for (size_t i = 0; i < c->count; i++) {
		free(c->entries[i].name);
		free(c->entries[i].target);
	}
	free(c->entries);
	temp_clear(&c->file);
	free(c->path);
	free(c);
}

static const struct container_ops archive_ops = {
	.size = archive_size,
	.open = archive_open_file,
	.free = archive_free,
};

/* Puts what FD gives into a temporary file, which takes the place of what was there. */
static bool unpack(const struct world *w, struct archive_container *c, int fd, const char *tmp_dir,
		   struct err *err)
{
	struct temp t = TEMP_INIT;

	if (!spool(w, fd, tmp_dir, &t, err))
		return false;
	temp_clear(&c->file);
	temp_move(&c->file, &t);
	return true;
}

static bool refuse_directory(const char *path, struct err *err)
{
	err_set(err, ERR_NO_SOURCE, "'%s' is a directory, not an archive", path);
	err_hint(err, "a layout in a directory is written oci:%s", path);
	return false;
}

static bool open_file(const struct world *w, struct archive_container *c, const char *tmp_dir,
		      struct err *err)
{
	struct stat st;

	if (strcmp(c->path, "-") == 0)
		return unpack(w, c, STDIN_FILENO, tmp_dir, err);
	/* Nobody may be at the other end of a FIFO yet: that must not make us deaf to a signal. */
	c->file.fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (c->file.fd < 0 || fstat(c->file.fd, &st) < 0)
		return err_set_errno(err, errno, "opening '%s'", c->path);
	if (S_ISDIR(st.st_mode))
		return refuse_directory(c->path, err);
	c->file.size_bytes = st.st_size;
	return S_ISREG(st.st_mode) || unpack(w, c, c->file.fd, tmp_dir, err);
}

static bool read_archive(const struct world *w, struct archive_container *c, const char *tmp_dir,
			 struct err *err)
{
	bool compressed = false;

	if (!scan(w, c, &compressed, err))
		return false;
	if (!compressed)
		return true;
	if (lseek(c->file.fd, 0, SEEK_SET) < 0)
		return err_set(err, ERR_LOCAL, "lseek: %s", strerror(errno));
	return unpack(w, c, c->file.fd, tmp_dir, err) && scan(w, c, &compressed, err);
}

bool archive_open(const struct world *w, const char *path, const char *tmp_dir,
		  struct container **ret, struct err *err)
{
	struct archive_container *c = NEW(struct archive_container);
	CLEANUP(container_freep) struct container *owned = &c->container;

	c->container.ops = &archive_ops;
	c->path = mem_strdup(path);
	c->file = (struct temp)TEMP_INIT;
	if (!open_file(w, c, tmp_dir, err) || !read_archive(w, c, tmp_dir, err))
		return false;
	*ret = TAKE(owned);
	return true;
}
