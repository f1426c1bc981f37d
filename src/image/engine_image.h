/*
 * What an engine says of its images (Engine API, GET /images/{name}/json and GET /images/json): the little of it that a
 * push wants. It is hearsay until the image's own bytes have shown it.
 */
#ifndef IMAGE_ENGINE_IMAGE_H
#define IMAGE_ENGINE_IMAGE_H

#include "base/strings.h"
#include "image/descriptor.h"

#define ENGINE_IMAGE_CEILING (4 * MIB)
#define ENGINE_LIST_CEILING (16 * MIB)
#define ENGINE_LAYERS_MAX 1000
#define ENGINE_NAMES_MAX 10000 /* tags or digests of one image */
#define ENGINE_IMAGES_MAX 50000

struct engine_image {
	/* of the config; with containerd's store, of the manifest or index under the name */
	struct digest id;
	struct strings repo_tags;    /* "acme/app:1": without what says <none> */
	struct strings repo_digests; /* "acme/app@sha256:..." */
	struct digest *diff_ids;     /* lowest layer first */
	size_t diff_id_count;
	struct platform platform;     /* variant NULL when not said */
	int64_t size_bytes;	      /* -1 when not said */
	struct descriptor descriptor; /* containerd's store only, else without a media type */
};

MUST_USE bool engine_image_parse(const char *bytes, size_t len, struct engine_image *ret,
				 struct err *err); /* ERR_CORRUPT; to be cleared also then */
void engine_image_clear(struct engine_image *i);

struct engine_listed {
	struct digest id;
	struct strings repo_tags;
	struct strings repo_digests;
};

struct engine_list {
	struct engine_listed *at;
	size_t count;
};

MUST_USE bool engine_list_parse(const char *bytes, size_t len, struct engine_list *ret,
				struct err *err); /* ERR_CORRUPT; to be cleared also then */
void engine_list_clear(struct engine_list *l);

#endif
