/*
 * Bytes by digest: where an image's manifests and blobs are taken from, whatever form it is kept
 * in. What is stored under a digest is believed to have it only after it was hashed. Every verb may
 * be called from any thread.
 */
#ifndef IMAGE_CONTENT_H
#define IMAGE_CONTENT_H

#include "base/buf.h"
#include "base/stream.h"
#include "image/manifest.h"

#define CONTENT_ABSENT (-1)

struct content;

struct content_ops {
	bool (*size)(struct content *c, const struct digest *d, int64_t *ret_size_bytes,
		     struct err *err);
	bool (*open)(struct content *c, const struct digest *d, struct stream **ret,
		     struct err *err);
	void (*free)(struct content *c);
};

struct content {
	const struct content_ops *ops;
};

/* CONTENT_ABSENT when it is not there. */
MUST_USE static inline bool content_size(struct content *c, const struct digest *d,
					 int64_t *ret_size_bytes, struct err *err)
{
	return c->ops->size(c, d, ret_size_bytes, err);
}

/* ERR_CORRUPT when it is not there. A stream must not outlive the content. */
MUST_USE static inline bool content_open(struct content *c, const struct digest *d,
					 struct stream **ret, struct err *err)
{
	return c->ops->open(c, d, ret, err);
}

static inline void content_free(struct content *c)
{
	if (c)
		c->ops->free(c);
}
DEFINE_FREEP(struct content, content_free)

/*
 * Whether D is there. What is there with another size than D says is ERR_CORRUPT.
 */
MUST_USE bool content_has(struct content *c, const struct descriptor *d, bool *ret,
			  struct err *err);

/*
 * All the bytes of D, which is small, in a buffer of at least MANIFEST_CEILING; their hash is D's.
 */
MUST_USE bool content_read(struct content *c, const struct descriptor *d, struct buf *out,
			   struct err *err);

/* The manifest that D describes. */
MUST_USE bool content_manifest(struct content *c, const struct descriptor *d, struct manifest **ret,
			       struct err *err);

#endif
