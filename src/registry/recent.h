/*
 * Which tags of a repository were pushed last.
 */
#ifndef REGISTRY_RECENT_H
#define REGISTRY_RECENT_H

#include "base/strings.h"
#include "registry/session.h"

/*
 * GET /v2/<name>/tags/list ("Content Discovery"), at most MAX tags, the one that was pushed last first. Google's
 * registries say when each was pushed; elsewhere it is a guess: `latest`, `main` and `master`, then the last ones of the list. None
 * when the registry has no list.
 */
MUST_USE bool recent_tags(const struct world *w, struct session *s, size_t max, struct strings *ret,
			  struct err *err);

/* The same from the answer's bytes; ERR_NO_REGISTRY for what is no such list. */
MUST_USE bool recent_tags_parse(const char *bytes, size_t len, size_t max, struct strings *ret,
				struct err *err);

#endif
