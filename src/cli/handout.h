/*
 * A registry's credential for others: docker-credential-landed, landed auth. The search is that of a push, but for
 * docker's configuration, which leads back here; tokens are kept between runs, and none is handed out that ends
 * sooner than was asked for.
 */
#ifndef CLI_HANDOUT_H
#define CLI_HANDOUT_H

#include "cli/common.h"

/* Nobody waits longer for a helper, whatever --timeout says. */
#define HANDOUT_MS 60000

/* What is asked about when no registry was named. */
#define HANDOUT_HOST_USUAL "gcr.io"

/* Google's registries, and what --credential-hosts names. */
bool handout_is_for(const struct common_settings *s, const char *host);

/*
 * Fails with ERR_NO_CREDENTIAL also when there is none, and when what is there ends before --min-token-life. What was
 * obtained is told to the world's observer.
 */
MUST_USE bool handout_obtain(const struct common_settings *s, const struct world *w,
			     const char *host, struct credential **ret, struct err *err);

/* Forgets the tokens that were kept. */
void handout_forget(void);

#endif
