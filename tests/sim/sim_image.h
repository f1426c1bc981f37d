/*
 * Images in memory, drawn by a seed or built by hand, with blobs that can be damaged after they were described.
 */
#ifndef SIM_IMAGE_H
#define SIM_IMAGE_H

#include "image/image.h"
#include "sim/sim_registry.h"

struct sim_image_options {
	size_t platforms; /* 0: a plain manifest; else an index over so many */
	size_t layers;	  /* each */
	size_t layer_bytes_max;
	bool layers_are_full;	/* all of them have the most bytes */
	bool layers_are_shared; /* the first one by all platforms */
	bool has_elsewhere;	/* a non-distributable layer more, which the source has not */
	bool docker_types;
};

struct image *sim_image_new(struct sim_rng *rng, const struct sim_image_options *options);

enum sim_damage { SIM_INTACT, SIM_FLIPPED, SIM_SHORT, SIM_LONG, SIM_MISSING };

/* From now on that blob's bytes are not what its descriptor says. */
void sim_image_damage(struct image *i, const struct digest *d, enum sim_damage damage);

const struct descriptor *sim_image_largest(const struct image *i);

/* Puts all of it into REPO under TAG, as if it had been pushed long ago. */
void sim_image_store(const struct image *i, struct sim_registry *r, const char *repo,
		     const char *tag);

#endif
