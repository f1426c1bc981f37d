/*
 * New images for a workload as a patch: JSON patch (RFC 6902) whose `test` operations say what has to be there still,
 * so that nothing that somebody else wrote in between is overwritten. The server answers a test that fails with 422
 * "Invalid", its own words are in details.causes. Other fields of the object may change meanwhile. Pure.
 */
#ifndef KUBE_PATCH_H
#define KUBE_PATCH_H

#include "kube/object.h"
#include "kube/target.h"

struct image_change {
	const char *container; /* borrowed from the workload, as is FROM */
	bool is_init;
	size_t index;	   /* in its own list of the template */
	size_t assignment; /* the one that it is from */
	const char *from;  /* NULL when it had none */
	const char *to;	   /* borrowed; NULL until somebody has said what it shall be */
};

struct image_changes {
	struct image_change *at; /* in the order of the template: init containers first */
	size_t count;
};

void image_changes_clear(struct image_changes *c);

/*
 * Which containers of W the ASSIGNMENTS are about. ERR_USAGE for a container that is named twice or that there is not,
 * with those that there are.
 */
MUST_USE bool image_changes_plan(const struct workload *w, const struct assignment *assignments,
				 size_t count, struct image_changes *ret, struct err *err);

/* Whether W has all of TO already: nothing would change. W may be a later state of the object. */
bool image_changes_are_made(const struct workload *w, const struct image_changes *c);

/* FROM and TO change places, for a rollback. */
void image_changes_reverse(struct image_changes *c);

/* Replaces FROM by TO where they differ, in the object of W's uid alone. The caller frees. */
struct js *image_changes_patch(const struct workload *w, const struct image_changes *c);

#endif
