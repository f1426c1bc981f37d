/*
 * A world drawn by a seed: the image, the registry's ways, how long tokens and passwords live, what goes wrong and
 * when, who is killed and who else pushes. The seed is the whole world.
 */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include "sim/sim_case.h"

struct drawn {
	struct sim_case c;
	struct sim_rng rng;
	bool wild;    /* the world need not become good */
	bool hurried; /* nor does the time suffice */
	struct image *older;
};

void draw(struct drawn *d, uint64_t seed);
void drawn_clear(struct drawn *d);

/*
 * After the run: whether the world has been one in which the push has to land. A fresh token that is turned away by
 * mistake, after one that had rightly been, is by law a final refusal: there it may give up.
 */
bool drawn_must_land(const struct drawn *d);

#endif
