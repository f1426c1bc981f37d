/*
 * The registry as arbiter: what it says about an image that a node could not pull. It is asked with the identity that
 * we have, which need not be the node's.
 */
#ifndef CLI_ROLLOUT_ARBITER_H
#define CLI_ROLLOUT_ARBITER_H

#include "cli/rollout.h"

/*
 * All of the image is proven down to its blobs: of an index the child that serves NODE's platform, where the cluster
 * tells it, else all of them. *ret_text is the evidence or NULL, the caller frees. False when W's cancel cut it short.
 */
MUST_USE bool rollout_arbiter_ask(const struct world *w, const struct rollout_wanted *wanted,
				  const struct question *q, enum arbiter_says *ret,
				  char **ret_text);

#endif
