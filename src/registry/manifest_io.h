/*
 * Manifests in a registry, by tag or digest, as the bytes that they are.
 */
#ifndef REGISTRY_MANIFEST_IO_H
#define REGISTRY_MANIFEST_IO_H

#include "image/manifest.h"
#include "registry/session.h"

/*
 * GET /v2/<name>/manifests/<reference> with every type we know in Accept. *ret is NULL when the registry says 404. The
 * digest is hashed from the bytes in the algorithm of LIKE (NULL: sha256), whatever the headers say. Fails with
 * ERR_NO_REGISTRY when what comes is no manifest.
 */
MUST_USE bool manifest_get(const struct world *w, struct session *s, const char *reference,
			   const struct digest *like, struct manifest **ret, struct err *err);

enum manifest_outcome {
	MANIFEST_TAKEN,		/* the registry says so, or shows it */
	MANIFEST_BLOBS_MISSING, /* it says that what the manifest names is not there; ERR has its words */
	MANIFEST_REFUSED,	/* it says no: ERR says why */
	MANIFEST_UNKNOWN, /* it may be there: the answer was lost or time ran out; ERR says why */
};

/*
 * PUT /v2/<name>/manifests/<reference>. Before a PUT whose answer was lost is repeated, the registry is asked what it
 * has. BEFORE is what a tag was on earlier, text "" when on nothing, NULL when that is not known: when it is now on
 * something that is neither that nor M, somebody else has pushed, and MANIFEST_REFUSED with ERR_OTHER_DIGEST is all.
 */
enum manifest_outcome manifest_put(const struct world *w, struct session *s,
				   const struct manifest *m, const char *reference,
				   const struct digest *before, struct err *err);

#endif
