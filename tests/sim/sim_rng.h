/*
 * Chance that repeats: the same seed, the same world (splitmix64).
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng {
	uint64_t state;
};

static inline uint64_t sim_rng_next(struct sim_rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
	return sim_rng_next(r) % n;
}

static inline bool sim_rng_chance(struct sim_rng *r, unsigned int per_mille)
{
	return sim_rng_below(r, 1000) < per_mille;
}

#endif
