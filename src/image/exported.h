/*
 * An image of a container engine, read in one pass over its export when and as far as it is needed. The export is a bag
 * of files: what one of them is, its SHA-256 says, held against the diff IDs and the ID that the engine has told; names are
 * hints that save work.
 *
 * Whoever wants the next layer and finds nobody reading reads on himself. What he read is compressed by the pool while
 * the next one reads already.
 */
#ifndef IMAGE_EXPORTED_H
#define IMAGE_EXPORTED_H

#include "image/engine.h"
#include "image/pending.h"

/*
 * E is taken, also when this fails. NAME is what it calls the image: it is asked about it, nothing is exported yet. INTO's
 * content and pending become the image, all layers open. ERR_NO_SOURCE when there is no such image, or not for the
 * platform that OPTIONS ask for.
 */
MUST_USE bool exported_open(const struct world *w, struct engine *e, const char *name,
			    const struct image_options *options, struct image *into,
			    struct err *err);

#endif
