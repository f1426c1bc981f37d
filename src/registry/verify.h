/*
 * The proof: what the registry itself shows, asked over connections and with a token that nothing before has
 * used (law 1). It knows nothing of who pushed, nor how.
 */
#ifndef REGISTRY_VERIFY_H
#define REGISTRY_VERIFY_H

#include "base/strings.h"
#include "image/reference.h"
#include "registry/session.h"

enum verify_depth {
	VERIFY_MANIFEST, /* the name, and the root manifest's bytes */
	VERIFY_TREE,	 /* and every child manifest's bytes, and every blob's presence and size */
	VERIFY_BYTES, /* and every blob downloaded and hashed, and layers unpacked to their diff IDs */
};

struct proof {
	struct digest digest; /* of the root manifest as it was read back */
	char *media_type;
	int64_t size_bytes; /* of the root manifest */
	enum verify_depth depth;
	size_t manifest_count;	/* read back and hashed, the root among them */
	size_t blob_count;	/* present with the right size */
	size_t elsewhere_count; /* non-distributable: not asked for */
	int64_t blob_bytes;	/* sum of the sizes of blob_count blobs */
	int64_t proven_wall_ms; /* when the last answer was in */
	int64_t took_ms;
	struct strings present; /* "sha256:..." of blob_count blobs */
	struct strings missing; /* what should be there and is not, or is something else */
	size_t diff_id_count; /* layers that unpack to what their image's config says; by bytes only */
	bool has_false_layer; /* one does not */
	bool has_wrong_bytes; /* a missing one was downloaded and is something else */
};

void proof_clear(struct proof *p);

/*
 * Read what REF names (its digest if it has one, else its tag) and prove it down to DEPTH, with at most JOBS
 * requests at once. EXPECT is the digest that must be found, NULL for whatever is there; a reference that has
 * both tag and digest must have the tag on that digest.
 *
 * By bytes each layer of an image is unpacked as well, where it is a tar, plain or packed by gzip or zstd, and the config
 * says as many diff IDs as there are layers.
 *
 * Fails with ERR_ABSENT, ERR_OTHER_DIGEST (both digests are named), ERR_INCOMPLETE (ret->missing says what), ERR_CORRUPT
 * (all is there, but a layer is not what the config says), or
 * with what stood in the way: ERR_REFUSED, ERR_DENIED, ERR_NO_CREDENTIAL, ERR_NET, ERR_NO_REGISTRY, ERR_TIMEOUT,
 * ERR_RATE_LIMITED, ERR_CANCELLED. RET is filled as far as it went and must be cleared by the caller.
 */
MUST_USE bool image_verify(const struct world *w, struct session *s, const struct reference *ref,
			   const struct digest *expect, enum verify_depth depth, size_t jobs,
			   struct proof *ret, struct err *err);

#endif
