/*
 * An image that is to be sent: where it comes from is known in here only. Its tree is whole in
 * memory (manifests are small), its blobs are opened when they are needed, as often as they are
 * needed, from any thread.
 *
 * SOURCE is one of
 *	oci:DIR[:REF]		an OCI image layout; REF is an org.opencontainers.image.ref.name
 *	oci-archive:FILE[:REF]	the same as a tar, itself compressed or not
 *	docker-daemon:IMAGE	what a container engine has under that name or ID (image/engine_place.h)
 *	docker-archive:FILE[:REF] what `docker save` writes, classic or as an OCI layout; FILE - is standard input
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/stream.h"
#include "base/world.h"
#include "image/compress.h"
#include "image/manifest.h"

struct image_blob {
	struct descriptor descriptor;
	bool nondistributable; /* need not be in the registry; is sent only if the source has it */
	bool in_source;
};

struct content;
struct pending;

/* Of an image with pending layers (image/pending.h) there are no manifests and blobs before it is settled. */
struct image {
	struct manifest **manifests; /* each once, children before parents, the root last */
	size_t manifest_count;
	struct image_blob *blobs; /* every config and layer once, in the order of first use */
	size_t blob_count;
	struct content *content; /* private: where the bytes are taken from */
	struct pending *pending; /* private: NULL when it never had pending layers */
};

struct image_options {
	const struct platform
		*platforms; /* keep of an index only what serves these; none: the index as it is;
			       must outlive the image */
	size_t platform_count;
	const char *tmp_dir;		/* for what cannot be kept in memory */
	struct compression compression; /* of layers that come plain */
};

/* Whether TEXT begins with one of the source words above. */
bool image_is_source(const char *text);

/*
 * Opens SOURCE and reads its tree; layers that come without compression are pending
 * (image/pending.h). One platform chosen of an index yields that child's own manifest as the root;
 * several yield a new index with the chosen children's descriptors as they were, and those of the
 * attestations about them. Fails with ERR_USAGE (a bad SOURCE), ERR_NO_SOURCE (nothing there, or no such REF or platform), ERR_CORRUPT,
 * ERR_LOCAL (disk full).
 */
MUST_USE bool image_open(const struct world *w, const char *source,
			 const struct image_options *options, struct image **ret, struct err *err);
void image_free(struct image *i);
DEFINE_FREEP(struct image, image_free)

static inline const struct manifest *image_root(const struct image *i)
{
	return i->manifests[i->manifest_count - 1];
}

/*
 * The bytes of a blob from the front. Whoever reads compares hash and length with the descriptor:
 * this may yield fewer, more or other bytes than it says if the source changes. ERR_CORRUPT when it
 * is not there.
 */
MUST_USE bool image_open_blob(struct image *i, const struct descriptor *d, struct stream **ret,
			      struct err *err);

#endif
