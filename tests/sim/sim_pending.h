/*
 * Images with pending layers in memory, drawn by a seed: what an engine or a `docker save` archive is to a push. Two of one
 * seed are the same image.
 */
#ifndef SIM_PENDING_H
#define SIM_PENDING_H

#include "image/pending.h"
#include "sim/sim_registry.h"

struct sim_pending_options {
	size_t layers;
	size_t layer_bytes_max;
	bool knows_config;     /* at once; else it comes behind the last layer */
	size_t fails_at;       /* that many layers are packed, then the source breaks; 0: never */
	int64_t pack_ms;       /* for each layer */
	const char *origin;    /* a reference */
	bool origins_are_lost; /* asking for them fails */
};

/* W must outlive it. */
struct image *sim_pending_new(const struct world *w, struct sim_rng *rng,
			      const struct sim_pending_options *options);

/* How many layers were packed so far. */
size_t sim_pending_packed(const struct image *i);

/* Puts what is settled of it and has bytes into REPO under TAG, as if it had been pushed long ago. */
void sim_pending_store(struct image *i, struct sim_registry *r, const char *repo, const char *tag);

#endif
