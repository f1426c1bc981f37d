/*
 * May this identity upload? Asked as the registry answers it: an upload is begun and given up again. No byte is sent
 * and nothing becomes a blob.
 */
#ifndef REGISTRY_PROBE_H
#define REGISTRY_PROBE_H

#include "registry/session.h"

/*
 * POST /v2/<name>/blobs/uploads/, then DELETE at its Location ("Canceling an upload"). *ret_cancelled is false when the
 * registry did not take the DELETE: then it purges the upload some day by itself. Fails as a push would: ERR_DENIED
 * (also where there is no such repository), ERR_REFUSED, ERR_NO_CREDENTIAL, ERR_NET ...
 */
MUST_USE bool session_may_upload(const struct world *w, struct session *s, bool *ret_cancelled,
				 struct err *err);

#endif
