/*
 * An image manifest or an index (OCI image 1.1 manifest.md, image-index.md; Docker schema 2 and
 * manifest lists), parsed from the very bytes that have its digest. The bytes stay: they are what
 * travels (law 6).
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include "image/descriptor.h"

/* Registries take 4 MiB at least and seldom more; what is longer is refused by both sides. */
#define MANIFEST_CEILING (8 * MIB)
#define MANIFEST_ENTRIES_MAX 10000

enum manifest_kind {
	MANIFEST_IMAGE, /* config and layers; artifacts too */
	MANIFEST_INDEX, /* children */
};

struct manifest {
	enum manifest_kind kind;
	char *media_type;
	struct digest digest; /* of the bytes, in the algorithm it was asked for */
	char *bytes;
	size_t size_bytes;
	struct descriptor
		*entries; /* IMAGE: config first, then the layers in order. INDEX: the children */
	size_t entry_count;
};

/*
 * BYTES are copied. MEDIA_TYPE is what the Content-Type or the descriptor said, NULL when nobody
 * did; the document's own mediaType must then be there or be recognisable, and must not contradict.
 * Schema 1 is refused by name. LIKE gives the digest's algorithm, NULL for sha256. Fails with CODE.
 */
MUST_USE bool manifest_parse(const char *bytes, size_t len, const char *media_type,
			     const struct digest *like, enum err_code code, struct manifest **ret,
			     struct err *err);
void manifest_free(struct manifest *m);
DEFINE_FREEP(struct manifest, manifest_free)

bool media_type_is_index(const char *media_type);
bool media_type_is_manifest(const char *media_type); /* image or index, OCI or Docker */

#endif
