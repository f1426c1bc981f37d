/*
 * Which image a command had in its hands, by what is on this machine: the engine that was to push it, or the archive,
 * layout or other registry that it was copied from. Where a command claims no digest, this is what the registry has to
 * show: a tag that is there proves nothing.
 */
#ifndef CLI_EXEC_LOCAL_H
#define CLI_EXEC_LOCAL_H

#include "cli/exec_claims.h"
#include "registry/session.h"

#define IMAGE_IDS_MAX 256

/*
 * The digests by which CLAIM's image is known: of its config, of its manifest, and of those of an index's children. An
 * engine knows an image by one of them. Fails with ERR_DISPROVEN when nobody can say, ERR_CANCELLED, ERR_TIMEOUT.
 */
MUST_USE bool local_image_ids(const struct world *w, struct session_maker *sessions,
			      const struct claim *claim, struct strings *ret, struct err *err);

/* The same of what is in a registry. Fails as manifest_get does; ERR_ABSENT. */
MUST_USE bool remote_image_ids(const struct world *w, struct session *s, const char *reference,
			       struct strings *ret, struct err *err);

#endif
