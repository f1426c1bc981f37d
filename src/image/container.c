#include "image/container.h"

#include "base/mem.h"

#include <string.h>

bool container_read(struct container *c, const char *name, struct buf *out, struct err *err)
{
	CLEANUP(stream_freep) struct stream *s = NULL;

	if (!container_open(c, name, &s, err))
		return false;
	return stream_read_all(s, out, ERR_CORRUPT, err) || err_wrap(err, "'%s'", name);
}

bool container_has(struct container *c, const char *name, bool *ret, struct err *err)
{
	int64_t size_bytes;

	if (!container_size(c, name, &size_bytes, err))
		return false;
	*ret = size_bytes != CONTAINER_ABSENT;
	return true;
}

/* False when there is nothing left that could be taken away. */
static bool drop_last(struct buf *path)
{
	char *slash;

	if (path->len == 0)
		return false;
	slash = strrchr(path->data, '/');
	path->len = slash ? (size_t)(slash - path->data) : 0;
	path->data[path->len] = '\0';
	return true;
}

static bool is_component(const char *s, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(s, what, len) == 0;
}

static bool add_components(struct buf *path, const char *s)
{
	while (*s) {
		size_t len = strcspn(s, "/");

		if (is_component(s, len, "..")) {
			if (!drop_last(path))
				return false;
		} else if (len > 0 && !is_component(s, len, ".")) {
			if ((path->len && !buf_add(path, "/", 1)) || !buf_add(path, s, len))
				return false;
		}
		s += len + (s[len] == '/');
	}
	return true;
}

#define PATH_LEN_MAX 4096

char *container_path(const char *dir, const char *path)
{
	struct buf clean = BUF_INIT(PATH_LEN_MAX);

	if (*path != '/' && add_components(&clean, dir) && add_components(&clean, path) &&
	    clean.len)
		return buf_take(&clean);
	buf_clear(&clean);
	return NULL;
}
