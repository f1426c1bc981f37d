/*
 * Which credential sources are asked for a registry, in which order: those that were named; else what docker and
 * podman have stored, then Google's usual login. With them, what Google's need to be asked.
 */
#ifndef AUTH_SOURCES_H
#define AUTH_SOURCES_H

#include "auth/source.h"
#include "base/strings.h"
#include "http/retry.h"

/* Borrowed, and outlive the sources. */
struct sources_options {
	const struct strings *named; /* "adc", "file:PATH", ...; none: the usual ones */
	const char *user;	     /* that goes with a bare token, or NULL */
	const char *authfile;	     /* for docker-config, or NULL */
	const char *impersonate;     /* "[DELEGATE,...]EMAIL" or NULL; only Google's sources can */
	const char *cacert;	     /* trusted for Google's endpoints, or NULL */
	int64_t lifetime_ms;	     /* asked of impersonation; 0: the default */
	int64_t stall_ms;
	/* For who hands tokens out: docker's configuration leads back here, and tokens may be kept. */
	bool hands_out;
	const char *cache_dir;	/* or NULL */
	int64_t wanted_life_ms; /* 0: the usual */
};

struct sources {
	struct source **at;
	size_t count;
	bool may_be_anonymous; /* when none of them has anything */
};

/* Fails with ERR_USAGE, ERR_LOCAL. POLICY is copied. */
MUST_USE bool sources_new(const struct sources_options *options, const struct retry_policy *policy,
			  const struct world *w, struct sources **ret, struct err *err);
void sources_free(struct sources *s);
DEFINE_FREEP(struct sources, sources_free)

/* The first that has something for TARGET; *ret is NULL when none has. */
MUST_USE bool sources_obtain(const struct sources *s, const struct world *w,
			     const struct credential_target *target, struct credential **ret,
			     struct err *err);

#endif
