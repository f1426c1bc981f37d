/*
 * A layer of a saved image on its way into the form in which it travels: a plain tar is compressed,
 * what is compressed already stays as it is.
 */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include "base/world.h"
#include "image/compress.h"
#include "image/container.h"
#include "image/descriptor.h"
#include "image/temp.h"

struct layer {
	const char *name;      /* of its file; borrowed */
	struct digest diff_id; /* of its bytes without compression, as the image's config says */
	struct descriptor descriptor; /* of the form in which it travels */
	struct temp packed;	      /* that form; none when it is the file itself */
};

/* What layers are packed with, all of them with the same. */
struct layer_means {
	struct compressor *compressor;
	struct temp_budget *budget; /* may be NULL; must outlive the layers */
	const char *tmp_dir;
};

void layer_init(struct layer *l, const char *name, const struct digest *diff_id);
void layer_clear(struct layer *l);

/*
 * Reads the file once from C and fills in the descriptor, and the compressed bytes if it is a plain
 * tar. ERR_CORRUPT when it is missing or is not what the diff ID says, or is zstd with a window that
 * is out of the way (image/unzstd.h); ERR_LOCAL when the disk is full. Told as BLOB_STAGE_PACKING of the diff ID. Several layers may be packed side by side.
 */
MUST_USE bool layer_pack(const struct world *w, struct container *c,
			 const struct layer_means *means, struct layer *l, struct err *err);

#endif
