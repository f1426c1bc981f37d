/*
 * Blobs in a registry: is it there, can it be had from a neighbour, send it, read it (OCI distribution 1.1).
 */
#ifndef REGISTRY_BLOB_H
#define REGISTRY_BLOB_H

#include "base/buf.h"
#include "image/image.h"
#include "registry/session.h"

enum blob_state {
	BLOB_ABSENT,
	BLOB_PRESENT,
	BLOB_OTHER_SIZE, /* something answers to the digest, but it is not of the descriptor's size */
};

/*
 * Ask the registry whether it holds D, with D's size. HEAD /v2/<name>/blobs/<digest>; where HEAD is not answered
 * or does not say the size, a GET of the first byte. *ret_size is what the registry said, -1 when it did not.
 */
MUST_USE bool blob_exists(const struct world *w, struct session *s, const struct descriptor *d,
			  enum blob_state *ret_state, int64_t *ret_size, struct err *err);

/*
 * POST /v2/<name>/blobs/uploads/?mount=<digest>&from=<repository> ("Mounting a blob from another repository").
 * *ret_mounted only when the registry then shows the blob; any refusal is a no, not an error.
 */
MUST_USE bool blob_mount(const struct world *w, struct session *s, const struct descriptor *d,
			 const char *from_repository, bool *ret_mounted, struct err *err);

/*
 * Send D's bytes, opened from IMAGE as often as it takes. Hashes what it sends: what does not match D is
 * ERR_CORRUPT and never becomes a blob. An answer that was lost is settled by asking for the blob, unless it REPLACES
 * what the registry shows under that digest already. On a cancel the open upload is deleted.
 */
MUST_USE bool blob_upload(const struct world *w, struct session *s, struct image *image,
			  const struct descriptor *d, bool replaces, struct err *err);

/*
 * GET of a blob that is small, into OUT up to its ceiling. *ret_found is false when the registry does not have it.
 * What comes has D's hash, or it is ERR_CORRUPT.
 */
MUST_USE bool blob_read(const struct world *w, struct session *s, const struct digest *d,
			struct buf *out, bool *ret_found, struct err *err);

/* Who is shown a blob's bytes while they come: from the start again when a download breaks off. */
struct blob_reader {
	void (*begin)(void *arg);
	void (*add)(void *arg, const void *bytes, size_t len);
	void *arg;
};

/*
 * Download and hash the whole blob: BLOB_PRESENT only if every byte is right, and then R, which may be NULL, was shown all
 * of them.
 */
MUST_USE bool blob_check_bytes(const struct world *w, struct session *s, const struct descriptor *d,
			       const struct blob_reader *r, enum blob_state *ret_state,
			       struct err *err);

#endif
