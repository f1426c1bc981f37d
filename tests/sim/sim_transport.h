/*
 * A transport to the simulated registry: every request takes some virtual milliseconds, is a yield point, and may
 * go wrong as the plan says. What libcurl's transport promises is kept: a status outranks what happened to the body,
 * a refusal of a large body comes before it was read, a stall ends after its time.
 */
#ifndef SIM_TRANSPORT_H
#define SIM_TRANSPORT_H

#include "http/transport.h"
#include "sim/sim_registry.h"
#include "sim/sim_sched.h"

#include <stdio.h>

#define SIM_STALL_MS 15000

struct sim_net {
	struct sim_sched *sched;
	struct sim_registry *registry;
	struct sim_plan *plan;
	struct sim_rng rng; /* of latencies */
	int64_t latency_ms; /* each way, up to twice that */
	int64_t bytes_per_ms;
	size_t requests;
	size_t under_way;
	size_t most_under_way; /* at once */
	size_t token_rushes;   /* a session asked for a token while it was asking for one */
	bool dead;   /* the process was killed: nothing of it reaches the registry any more */
	FILE *trace; /* NULL: silent */

	/* Called before request NUMBER is answered. */
	void (*hook)(void *arg, size_t number, const struct sim_request *q);
	void *hook_arg;
};

/* NET is borrowed. FOR_PROOF: see sim_plan_next. */
struct transport *sim_transport_new(struct sim_net *net, bool for_proof);

#endif
