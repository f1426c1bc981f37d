/*
 * One image into one repository, and the proof that it is there. Finds blobs for pending layers, sends what is missing,
 * children before parents, the tag last; then asks the registry on a session of its own. What the proof misses is sent
 * again, once.
 */
#ifndef REGISTRY_PUSH_H
#define REGISTRY_PUSH_H

#include "image/image.h"
#include "registry/record.h"
#include "registry/verify.h"

struct push_options {
	size_t jobs;
	const struct strings *additional_tags;
	const struct strings
		*mount_from; /* repositories of the same registry that may hold the blobs */
	const struct reference *cache_from; /* images that may share layers with this one */
	size_t cache_from_count;
	struct record *record; /* of this machine's pushes; NULL: none is kept */
	bool adopts; /* what the registry holds of pending layers need not be packed here */
	enum verify_depth depth;
	int64_t settle_ms; /* how long a registry may take to show what it has accepted */
};

struct push_result {
	struct proof proof;
	struct digest before; /* what the tag was on before, text "" when on nothing */
	bool before_is_known;
	bool manifest_sent;  /* from here on a failure is not "nothing happened" */
	bool landed_earlier; /* the tag was there, whole: nothing had to be sent */
	bool sent_again;     /* the first proof missed something */
	size_t blobs_sent;
	size_t blobs_existing;
	size_t blobs_mounted;
	size_t blobs_elsewhere;
	size_t layers_adopted;	/* known to the registry, so that nothing was compressed for them */
	int64_t bytes_sent;	/* of blobs that were taken */
	int64_t bytes_existing; /* existing or mounted */
	int64_t took_ms;
};

void push_result_clear(struct push_result *r);

/*
 * Who writes a digest behind a name wants that image and no other: ERR_OTHER_DIGEST when REF has one and the image,
 * which has a manifest by now, is not it.
 */
MUST_USE bool push_is_wanted(const struct image *image, const struct reference *ref,
			     struct err *err);

/*
 * True only when the proof is complete for REF's tag (its digest when it has no tag) and every additional tag.
 *
 * Fails with ERR_CORRUPT before the manifest is published if a blob is not what it says; with ERR_OTHER_DIGEST
 * naming both when somebody else pushed in between; ERR_UNPROVEN when the manifest was sent and the registry
 * could not be asked any more; else as image_verify. RET is filled as far as it went, to be cleared by the caller.
 */
MUST_USE bool image_push(const struct world *w, struct session_maker *sessions, struct image *image,
			 const struct reference *ref, const struct push_options *options,
			 struct push_result *ret, struct err *err);

#endif
