/*
 * The proof of one claim: the registry shows the image whole under that name, and it is the one that was claimed: by
 * its digest, or, where none was claimed, by being what lies on this machine.
 */
#ifndef CLI_EXEC_PROOF_H
#define CLI_EXEC_PROOF_H

#include "cli/exec_claims.h"
#include "registry/verify.h"

struct claim_proof {
	const struct world *world;
	struct session_maker *sessions;
	const struct digest *expect; /* --expect; goes before what was claimed; NULL: not said */
	enum verify_depth depth;
	size_t jobs;
	int64_t settle_ms; /* how long what was pushed may take to be seen */
};

/*
 * Fails with ERR_DISPROVEN when the registry says otherwise or nothing ties the two together, ERR_UNPROVEN when it
 * could not be asked, ERR_CANCELLED. RET is filled as far as it went and must be cleared by the caller.
 */
MUST_USE bool claim_prove(const struct claim_proof *p, const struct claim *claim, struct proof *ret,
			  struct err *err);

#endif
