/*
 * Sessions with the program's own authenticator, over a credential source whose passwords live and die in virtual
 * time.
 */
#ifndef SIM_SOURCE_H
#define SIM_SOURCE_H

#include "auth/authenticator.h"
#include "sim/sim_world.h"

struct sim_source {
	struct source source;
	struct sim *sim;
	int64_t life_ms;   /* of a password, NEVER_MS: it does not die */
	int64_t repeat_ms; /* how long the source goes on giving the same one, dead or not */
	bool says_life;
	bool is_stored; /* one password for ever, which the source says it cannot renew */
	size_t asked;

	char *password;
	int64_t minted_ms;
	struct source *list[1];
};

/* S gives its sessions authenticators over SOURCE from now on. */
void sim_source_init(struct sim_source *source, struct sim *s);
void sim_source_clear(struct sim_source *source);

#endif
