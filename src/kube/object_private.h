/*
 * What the parsers of kube/object.h share.
 */
#ifndef KUBE_OBJECT_PRIVATE_H
#define KUBE_OBJECT_PRIVATE_H

#include "kube/object.h"

/* A part of an object that may be absent (NULL); a failure is wrapped with its NAME. */
MUST_USE bool object_part(const struct js *part, const char *name, const struct js_field *fields,
			  size_t count, void *target, struct err *err);

/*
 * The entries of LIST, which may be absent, into a fresh array of SIZE bytes each that *RET_AT owns. EACH fills one,
 * zeroed. *RET_COUNT counts those that are whole.
 */
MUST_USE bool object_list(const struct js *list, const char *name, size_t size,
			  bool (*each)(const struct js *j, void *entry, struct err *err),
			  void **ret_at, size_t *ret_count, struct err *err);

MUST_USE bool object_meta_read(const struct js *metadata, struct object_meta *ret, struct err *err);
MUST_USE bool object_conditions_read(const struct js *list, struct object_conditions *ret,
				     struct err *err);
MUST_USE bool object_template_read(const struct js *template, struct pod_template *ret,
				   struct err *err);
void object_template_clear(struct pod_template *t);

/* Milliseconds since 1970; 0 for what is absent or no moment. */
int64_t object_time(const char *text);

/* metadata, spec and status, as every object has them. */
struct object_parts {
	const char *kind;
	const struct js *metadata;
	const struct js *spec;
	const struct js *status;
};

MUST_USE bool object_parts_read(const struct js *object, struct object_parts *ret,
				struct object_meta *ret_meta, struct err *err);

#endif
