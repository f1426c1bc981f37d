/*
 * The pieces put together: a registry, the way to it, time, and sessions on it whose authorizer is a small scripted
 * one (for tests of the registry room alone) or whatever MAKE_AUTHORIZER gives.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "registry/session.h"
#include "sim/sim_image.h"
#include "sim/sim_transport.h"

#define SIM_REPO "team/app"
#define SIM_TIMEOUT_MS (15 * 60 * 1000)

struct sim {
	struct sim_sched *sched;
	struct sim_registry registry;
	struct sim_plan plan;
	struct sim_net net;
	struct cancel *cancel;
	struct world world;
	struct retry_policy policy;
	struct session_maker maker;
	size_t sessions; /* made so far */
	struct authorizer *(*make_authorizer)(struct sim *s, struct transport *transport,
					      const struct reference *ref,
					      enum session_access access);
	void *arg; /* for make_authorizer */
};

void sim_init(struct sim *s, uint64_t seed);
void sim_clear(struct sim *s);

/* Another process on the same machine, against the same registry: with what it knows and until when, from the start. */
void sim_revive(struct sim *s, int64_t timeout_ms);

struct reference sim_reference(const char *tag); /* SIM_HOST/SIM_REPO:TAG; to be cleared */

/* The registry's own word on IMAGE under TAG. */
bool sim_holds(struct sim *s, const struct image *image, const char *tag, struct buf *why);

/*
 * Mints its own tokens, as long as REFUSALS_MAX allows for one request; a refusal after that is final. No token
 * endpoint is asked.
 */
struct authorizer *sim_authorizer_new(struct sim *s, const char *repository,
				      enum session_access access);
#define SIM_REFUSALS_MAX 6

#endif
