/*
 * What the parts of a proof share: verify.c reads the tree and asks for the blobs, verify_layers.c holds layers against
 * what their image's config says of them.
 */
#ifndef REGISTRY_VERIFY_PRIVATE_H
#define REGISTRY_VERIFY_PRIVATE_H

#include "image/saved.h"
#include "registry/blob.h"
#include "registry/verify.h"

struct needed_blob {
	struct descriptor descriptor;
	enum blob_state state;
	int64_t size_there; /* -1 when it was not said */

	/* by bytes, of a layer that a config names */
	const struct digest *named; /* its diff ID; NULL: no config does */
	struct digest diff_id;	    /* what it unpacks to */
	char *unpack_failed;	    /* why it does not */
	bool is_too_wide;	    /* for us to unpack: nothing is claimed */
};

/* A config says of layers[index] of its image that BLOB unpacks to DIFF_ID. */
struct layer_claim {
	const struct manifest *image;
	size_t index;
	const struct digest *diff_id;
	const struct needed_blob *blob;
};

struct verification {
	const struct world *w;
	struct session *s;
	const struct reference *ref;
	enum verify_depth depth;
	size_t jobs;
	struct proof *proof;

	struct manifest **manifests; /* in the order found, the root first */
	size_t manifest_count;
	size_t tree_bytes;
	struct needed_blob *blobs; /* each once */
	size_t blob_count;
	size_t blob_room;
	struct saved_config *configs; /* by bytes, as in manifests: none where nothing is claimed */
	struct layer_claim *claims;
	size_t claim_count;

	/* the level of the tree that is being read */
	const struct descriptor **children;
	struct manifest **child_manifests; /* NULL where it is missing */
	size_t child_count;
};

/* verify_layers.c: by bytes only */

/* What the configs say, before the blobs are read. Each blob is there once, sorted by digest. */
bool verify_read_configs(struct verification *v, struct err *err);

/* B's bytes, and what they unpack to. */
bool verify_read_blob(struct verification *v, const struct world *w, struct needed_blob *b,
		      struct err *err);

/* Whether layers are what the configs say. All blobs are there. */
bool verify_layers(struct verification *v, struct err *err);

void verify_layers_clear(struct verification *v);

/* For qsort and bsearch: by the digest alone. */
int needed_blob_order(const void *a, const void *b);

#endif
