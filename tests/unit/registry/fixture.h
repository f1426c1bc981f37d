/*
 * What tests of the registry room share: a session with the simulated registry, over a scripted authorizer.
 */
#ifndef REGISTRY_FIXTURE_H
#define REGISTRY_FIXTURE_H

#include "sim/fixture.h"
#include "sim/sim_world.h"

struct fixture {
	struct sim sim;
	struct session *s;
	struct image *image;
	struct err err;
};

/* One layer of exactly LAYER_BYTES over a config: blobs[0] is the config, blobs[1] the layer. */
static inline void fixture_init(struct fixture *f, uint64_t seed, size_t layer_bytes)
{
	struct reference ref = sim_reference("v1");
	struct sim_rng rng = { seed };
	const struct sim_image_options options = {
		.layers = 1,
		.layer_bytes_max = layer_bytes,
		.layers_are_full = true,
	};

	*f = (struct fixture){ 0 };
	sim_init(&f->sim, seed);
	f->image = sim_image_new(&rng, &options);
	assert_true(session_make(&f->sim.maker, &f->sim.world, &ref, SESSION_PUSH, &f->s, &f->err));
	reference_clear(&ref);
}

static inline void fixture_clear(struct fixture *f)
{
	session_free(f->s);
	image_free(f->image);
	err_clear(&f->err);
	sim_clear(&f->sim);
}

static inline const struct descriptor *layer_of(const struct fixture *f)
{
	return &f->image->blobs[1].descriptor;
}

static inline struct sim_thing *stored(struct fixture *f, const char *digest)
{
	return sim_thing_find(sim_store_repo(&f->sim.registry.store, SIM_REPO)->blobs, digest);
}

static inline void store_layer(struct fixture *f, const char *repo)
{
	struct stream *bytes = NULL;
	struct buf all = BUF_INIT(SIM_BODY_CEILING);

	assert_true(image_open_blob(f->image, layer_of(f), &bytes, &f->err));
	assert_true(stream_read_all(bytes, &all, ERR_LOCAL, &f->err));
	sim_blob_put(sim_store_repo(&f->sim.registry.store, repo), &layer_of(f)->digest,
		     buf_str(&all), all.len, 0);
	stream_free(bytes);
	buf_clear(&all);
}

/* The NTH request from now goes wrong. */
static inline void plan_fault(struct fixture *f, size_t nth, enum sim_fault fault)
{
	struct sim_plan *p = &f->sim.plan;

	if (fault != FAULT_NONE)
		p->planned[p->planned_count++] =
			(struct sim_planned){ f->sim.net.requests + nth, fault };
}

#endif
