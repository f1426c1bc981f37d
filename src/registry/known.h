/*
 * Which blobs are known to be the compressed form of which layers: pairs of a diff ID and a blob. They come from images
 * that a registry has (a manifest's layers and its config's diff IDs stand in the same order) and from what earlier
 * pushes from here have noted down. A pair is no proof that the blob is there: that is asked of the registry.
 */
#ifndef REGISTRY_KNOWN_H
#define REGISTRY_KNOWN_H

#include "image/manifest.h"
#include "image/saved.h"

struct known_blob {
	struct digest diff_id;
	struct descriptor blob;
	char *repository; /* of the same registry, where it is said to be; NULL: the one that is pushed to */
};

struct known {
	struct known_blob *at;
	size_t count;
	size_t room;
};

void known_clear(struct known *k);

/* Copies; what is known already is not added again. */
void known_add(struct known *k, const struct digest *diff_id, const struct descriptor *blob,
	       const char *repository);

/* The pairs of an image. False, and none, where manifest and config do not have the same number of layers. */
bool known_add_image(struct known *k, const struct manifest *m, const struct saved_config *config,
		     const char *repository);

/* The next after PREVIOUS (NULL: the first) for a layer; NULL when there is no other. */
const struct known_blob *known_next(const struct known *k, const struct digest *diff_id,
				    const struct known_blob *previous);

#endif
