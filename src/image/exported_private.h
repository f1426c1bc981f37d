/*
 * What the parts of an exported image share: exported_read.c tells the archive's files apart, exported_pass.c decides who
 * reads on and packs what was read, exported.c is the image as others see it.
 */
#ifndef IMAGE_EXPORTED_PRIVATE_H
#define IMAGE_EXPORTED_PRIVATE_H

#include "image/exported.h"
#include "image/tar.h"
#include "image/v1_id.h"

/* A blob that travels as it is: containerd's store keeps layers compressed. */
struct kept {
	struct kept *next;
	struct digest digest;
	struct temp bytes;
};

struct exported {
	struct pending pending;
	struct engine *engine;
	char *name;
	struct strings origins; /* of the image itself: RepoDigests */
	struct temp *layers;	/* packed, as in pending */
	bool *is_begun;		/* as in pending: somebody packs it */
	struct kept *kept;
	bool has_root; /* what has the image's ID is a manifest: all blobs are the image's */
	bool is_whole; /* a pass went to the archive's end */
	size_t inside; /* who is in pack_next */
	size_t unsure; /* jobs behind the pass of which nobody knows yet what they are */

	/* The pass. Its members belong to who has set is_read, the rest to the monitor. */
	bool is_read;
	struct err failed; /* of the pass: told to everybody */
	struct stream *stream;
	struct tar *tar;
	const struct cancel *cancel; /* that the pass listens to */
	struct v1_id *v1;	     /* of the directory that is passed */
};

/* A layer between being read and being packed. */
struct export_job {
	size_t hinted; /* layer_count: what it is will be seen */
	struct hasher *plain;
	struct hasher *packed;
	struct packing *packing;
	struct temp bytes;
	int64_t told_bytes;
};

static inline void exported_enter(struct exported *x)
{
	monitor_enter(x->pending.sched, x->pending.monitor);
}

static inline void exported_leave(struct exported *x)
{
	monitor_leave(x->pending.sched, x->pending.monitor);
}

/* exported_read.c */

/* Whether the layer is still to be packed; if so it is the caller's. */
bool exported_claim(struct exported *x, size_t layer);

/* *ret_layer: J has a layer's bytes. Else the member was of another kind, or not wanted. */
bool exported_read_member(struct exported *x, const struct world *w, const struct tar_member *m,
			  struct export_job *j, bool *ret_layer, struct err *err);
void export_job_clear(struct export_job *j);
void kept_free(struct kept *k);

/* exported_pass.c */
bool exported_pack_next(struct pending *base, const struct world *w, size_t *ret_layer,
			bool *ret_end, struct err *err);
void exported_pass_end(struct exported *x);

#endif
