/*
 * From a root manifest to all that belongs to it.
 */
#ifndef IMAGE_TREE_H
#define IMAGE_TREE_H

#include "image/content.h"
#include "image/image.h"

#define TREE_DEPTH_MAX 4
#define TREE_MANIFESTS_MAX 1000
#define TREE_MANIFEST_BYTES_MAX (64 * MIB)

/*
 * Fills the manifests and blobs of INTO, which is empty: each manifest once, hashed, children
 * before parents; each blob once, with its size looked up. A child of an index that is of no
 * manifest type (old build caches have such) is a blob. ROOT is taken, also when this fails.
 *
 * Fails with ERR_CORRUPT when something is missing or not what its descriptor says. *ret_missing
 * (may be NULL) is true when the reason was that something is not there at all.
 */
MUST_USE bool tree_read(const struct world *w, struct content *c, struct manifest *root,
			struct image *into, bool *ret_missing, struct err *err);

/* Empties I of manifests and blobs. */
void tree_clear(struct image *i);

#endif
