/*
 * A manifest for an image whose layers were packed here, or whose packed layers are known.
 */
#ifndef IMAGE_COMPOSE_H
#define IMAGE_COMPOSE_H

#include "image/compress.h"
#include "image/manifest.h"

/*
 * CONFIG and LAYERS in order, each with a digest and a size, and the layers with a media type, of
 * Docker's or OCI's words for gzip or zstd. The manifest is one of Docker schema 2 as long as that
 * has words for it, because everybody reads that; with COMPRESSION or any layer in zstd it is an OCI
 * one (docs/performance.md, "Compression"). What it says of the types of CONFIG and LAYERS follows
 * from that. ERR_CORRUPT when it would be longer than a manifest may be.
 */
MUST_USE bool compose_manifest(const struct compression *compression,
			       const struct descriptor *config, const struct descriptor *layers,
			       size_t count, struct manifest **ret, struct err *err);

#endif
