/*
 * The simulated registry's own doorkeeper; the rest of it is in sim_registry.c.
 */
#ifndef SIM_TOKENS_H
#define SIM_TOKENS_H

#include "sim/sim_registry.h"

/* False with the refusal in RET. A token whose uses are counted is used. */
bool sim_tokens_let_in(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret);

/* GET /token */
void sim_tokens_answer(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret);

void sim_tokens_clear(struct sim_registry *r);

#endif
