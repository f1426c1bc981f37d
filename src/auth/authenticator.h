/*
 * The authorizer of one session: knows what the registry asks for (Basic, or Bearer with a token endpoint), holds
 * the credential and the registry tokens that it buys, and renews both (laws 2 and 3). Renewal is single flight:
 * one worker fetches, the others wait for what it brings.
 *
 * When is a refusal final? When a token that was minted after an earlier refusal, and is not the same bytes again,
 * is refused at its first use within its life, and nobody else was using it meanwhile. While a source that can renew repeats what was refused, another one
 * is waited for, for RENEW_WAIT_MS. What cannot renew, a stored password, is shown once more and that is all.
 */
#ifndef AUTH_AUTHENTICATOR_H
#define AUTH_AUTHENTICATOR_H

#include "auth/source.h"
#include "http/client.h"

struct authenticator_options {
	struct sched *sched;
	struct transport *transport; /* borrowed; for the token endpoint */
	const struct retry_policy *policy;
	const char *base_url;		 /* of the registry: challenges are heard from here */
	struct credential_target target; /* copied */
	struct source *const
		*sources; /* borrowed; the first that has something is asked; none: anonymous */
	size_t source_count;
	bool may_be_anonymous; /* when none of the sources has anything */
	int64_t renew_wait_ms;
	int64_t min_life_ms; /* --min-token-life; 0: none is too short to begin with */
};

struct authorizer *authenticator_new(const struct authenticator_options *options);

#endif
