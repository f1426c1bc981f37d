/*
 * What the two halves of a push share: push.c sends, push_proof.c proves and has missing things sent again.
 */
#ifndef REGISTRY_PUSH_PRIVATE_H
#define REGISTRY_PUSH_PRIVATE_H

#include "registry/manifest_io.h"
#include "registry/push.h"

/* How a blob is looked for before it is sent. */
enum trust {
	TRUST_EXISTENCE, /* what the registry says it has is not sent */
	TRUST_NOTHING,	 /* it said so and was wrong: send it */
};

struct push {
	const struct world *w;
	struct session_maker *sessions;
	struct session *s;
	struct image *image;
	const struct reference *ref;
	const struct push_options *options;
	struct push_result *result;
	struct monitor *monitor; /* around result's counts */

	size_t times_sent_again;
	struct strings doubted; /* what a proof has missed and was sent again */
	enum trust trust;
	const struct strings *only; /* digests that are to be sent; NULL: all */
};

/* What the tag was on, text "" when on nothing; NULL when nobody could look. */
static inline const struct digest *push_before(const struct push *p)
{
	return p->result->before_is_known ? &p->result->before : NULL;
}

/* push.c. ONLY: digests that are to be sent; NULL: all. */
bool push_send_blobs(struct push *p, enum trust trust, const struct strings *only, struct err *err);
enum manifest_outcome push_put_manifests(struct push *p, struct err *err);

/* push_proof.c */
bool push_prove_once(const struct world *w, struct push *p, struct err *err);
bool push_prove(struct push *p, struct err *err);
bool push_verdict(struct push *p, struct err *err);
bool push_was_cut_short(const struct err *err);

/* False. ERR becomes ERR_UNPROVEN where the manifest went out and nobody knows what became of it. */
bool push_not_proven(struct push *p, struct err *err);

#endif
