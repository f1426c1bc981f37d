#include "registry/checked_stream.h"

#include "base/mem.h"
#include "wire/digest.h"

struct checked_stream {
	struct stream stream;
	struct stream *from; /* owned */
	struct hasher *hasher;
	const struct descriptor *d;
};

static bool is_what_it_says(struct checked_stream *c, struct err *err)
{
	struct digest read = hasher_finish(c->hasher);
	size_t extra = 0;
	char byte;

	if (!digest_same(&read, &c->d->digest))
		return err_set(err, ERR_CORRUPT, "blob '%s' hashes to '%s'", c->d->digest.text,
			       read.text);
	if (!stream_read(c->from, &byte, 1, &extra, err))
		return false;
	if (extra)
		return err_set(err, ERR_CORRUPT, "blob '%s' is longer than its %lld bytes",
			       c->d->digest.text, (long long)c->d->size_bytes);
	return true;
}

static bool checked_read(struct stream *s, void *bytes, size_t size, size_t *ret_len,
			 struct err *err)
{
	struct checked_stream *c = (struct checked_stream *)s;
	int64_t left = c->d->size_bytes - hasher_bytes(c->hasher);

	*ret_len = 0;
	if (left == 0 || size == 0)
		return true;
	if ((uint64_t)left < size)
		size = (size_t)left;
	if (!stream_read(c->from, bytes, size, ret_len, err))
		return false;
	if (*ret_len == 0)
		return err_set(err, ERR_CORRUPT, "blob '%s' ends after %lld of %lld bytes",
			       c->d->digest.text, (long long)hasher_bytes(c->hasher),
			       (long long)c->d->size_bytes);
	hasher_add(c->hasher, bytes, *ret_len);
	return hasher_bytes(c->hasher) < c->d->size_bytes || is_what_it_says(c, err);
}

static void checked_free(struct stream *s)
{
	struct checked_stream *c = (struct checked_stream *)s;

	stream_free(c->from);
	hasher_free(c->hasher);
	free(c);
}

static const struct stream_ops checked_ops = { .read = checked_read, .free = checked_free };

bool checked_stream_open(struct image *image, const struct descriptor *d, struct stream **ret,
			 struct err *err)
{
	struct checked_stream *c;
	struct stream *from = NULL;

	if (!image_open_blob(image, d, &from, err))
		return false;
	c = NEW(struct checked_stream);
	c->stream.ops = &checked_ops;
	c->from = from;
	c->hasher = hasher_new(&d->digest);
	c->d = d;
	*ret = &c->stream;
	return true;
}
