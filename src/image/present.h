/*
 * An index of which only a part is there, as engines with containerd's image store have and save it.
 */
#ifndef IMAGE_PRESENT_H
#define IMAGE_PRESENT_H

#include "image/content.h"
#include "image/image.h"

/*
 * As tree_read, with INTO's content. ROOT is what choose_platforms left of ENTRY; it is taken, also
 * when this fails. Of an index with absent children, unless platforms were chosen, the one image
 * that is whole becomes the root; ERR_NO_SOURCE when it is not one.
 */
MUST_USE bool tree_read_present(const struct world *w, const struct descriptor *entry,
				struct manifest *root, const struct image_options *options,
				struct image *into, struct err *err);

#endif
