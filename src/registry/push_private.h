/*
 * What the parts of a push share: push_learn.c looks for blobs of pending layers, push_settle.c decides, push.c and
 * push_manifests.c send, push_proof.c proves and has missing things sent again.
 */
#ifndef REGISTRY_PUSH_PRIVATE_H
#define REGISTRY_PUSH_PRIVATE_H

#include "image/pending.h"
#include "registry/known.h"
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
	struct monitor *monitor; /* around result's counts, settled and needs_source */
	struct manifest *there;	 /* under the tag before; NULL: none, or not readable */
	struct world looking;	 /* w, with the patience for look-ups that may fail */
	struct known known;
	struct strings
		settled; /* digests of blobs that were found or sent before the manifest was made */
	bool adopts;
	bool needs_source; /* a blob that was adopted is not there after all */
	struct digest
		given_up; /* of this push's own first manifest, when it was sent; else text "" */

	size_t times_sent_again;
	struct strings doubted; /* what a proof has missed and was sent again */
	enum trust trust;
	const struct strings *only; /* digests that are to be sent; NULL: all */
};

/* What the tag was on, text "" when on nothing; NULL when nobody could look. */
static inline const struct digest *push_before(const struct push *p)
{
	if (*p->given_up.text)
		return &p->given_up;
	return p->result->before_is_known ? &p->result->before : NULL;
}

/* push.c. ONLY: digests that are to be sent; NULL: all. */
bool push_send_blobs(struct push *p, enum trust trust, const struct strings *only, struct err *err);

/*
 * B is found at the registry, mounted or sent. In SETTLED once that is so.
 */
bool push_send_blob(struct push *p, const struct world *w, const struct image_blob *b,
		    struct err *err);
bool push_mount(struct push *p, const struct world *w, const struct descriptor *d,
		const char *repository, bool *ret_mounted, struct err *err);
void push_count_blob(struct push *p, const struct world *w, enum blob_stage stage,
		     const struct descriptor *d);

/* push_manifests.c. May send blobs again. */
enum manifest_outcome push_put_manifests(struct push *p, struct err *err);

/* push_learn.c. From push_begin_looking on p->looking has a deadline of its own. */
void push_begin_looking(struct push *p);

/* That something cannot be looked up is no failure of the push, unless the work as a whole is over: then false. */
bool push_go_on(struct push *p, struct err *failed, struct err *err);

/* The image becomes what is known as the whole of it, if anything is. */
bool push_take_whole(struct push *p, struct err *err);

/* Candidates for its layers into p->known; on the way the whole may be found. */
bool push_gather(struct push *p, struct err *err);

/* "host/repository", as the record has it. The caller frees. */
char *push_place(const struct push *p);

/* push_settle.c: an image with pending layers gets its manifest, and the registry the layers' blobs. */
bool push_settle(struct push *p, struct err *err);
void push_note_down(struct push *p);

/* push_proof.c */
bool push_prove_once(const struct world *w, struct push *p, struct err *err);
bool push_prove(struct push *p, struct err *err);
bool push_verdict(struct push *p, struct err *err);
bool push_was_cut_short(const struct err *err);

/* False. ERR becomes ERR_UNPROVEN where the manifest went out and nobody knows what became of it. */
bool push_not_proven(struct push *p, struct err *err);

#endif
