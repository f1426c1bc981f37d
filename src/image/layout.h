/*
 * The OCI image layout (OCI image 1.1, image-layout.md): oci-layout, index.json and
 * blobs/ALGORITHM/HEX in any container.
 */
#ifndef IMAGE_LAYOUT_H
#define IMAGE_LAYOUT_H

#include "image/container.h"
#include "image/content.h"

/* The blobs. Takes C. */
struct content *layout_content(struct container *c);

/* The container of such a content, which is freed without it. */
struct container *layout_release(struct content *c);

/* The name of the file with a blob; the caller frees. */
char *layout_file(const struct digest *d);

MUST_USE bool layout_is_there(struct container *c, bool *ret, struct err *err);

/*
 * index.json, after a look at oci-layout. ERR_NO_SOURCE when it is no layout, ERR_CORRUPT when it
 * is a bad one.
 */
MUST_USE bool layout_index(struct container *c, struct manifest **ret, struct err *err);

/*
 * The entry that REF names, or the only one when REF is NULL. Entries of one digest are one image.
 * RET must be cleared by the caller. ERR_NO_SOURCE, listing the names that there are.
 */
MUST_USE bool layout_choose(const struct manifest *index, const char *ref, struct descriptor *ret,
			    struct err *err);

/*
 * Whether NAME (may be NULL) is what REF asks for: the same text, or the same image name in full.
 */
bool ref_matches(const char *name, const char *ref);

/* The names of an index's entries, for people; the caller frees. */
char *layout_names(const struct manifest *index);

#endif
