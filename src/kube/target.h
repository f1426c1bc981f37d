/*
 * What a command line says about workloads: KIND/NAME and CONTAINER=REF, in kubectl's words. Pure text; whether such
 * an object or container exists is not known here.
 */
#ifndef KUBE_TARGET_H
#define KUBE_TARGET_H

#include "base/err.h"
#include "kube/object.h"

struct target {
	enum workload_kind kind;
	char *name;
};

/*
 * "deployment/my-app". KIND as kubectl has it: singular, plural, short ("deploy", "sts", "ds", "cj"), in any case, with
 * its group or version and group behind a dot ("deployments.v1.apps"). ERR_USAGE.
 */
MUST_USE bool target_parse(const char *text, struct target *ret, struct err *err);
void target_clear(struct target *t);

/* The KIND of KIND/NAME alone: the LEN bytes at TEXT. ERR_USAGE. */
MUST_USE bool target_parse_kind(const char *text, size_t len, enum workload_kind *ret,
				struct err *err);

/* "/apis/apps/v1/namespaces/NAMESPACE/deployments/NAME"; without a name all of that kind. The caller frees. */
char *target_path(const struct target *t, const char *namespace);

/* CONTAINER=REF; the container "*" stands for all that no other one names. */
struct assignment {
	char *container; /* NULL: the only one there is, beside init containers */
	char *image;	 /* as it was written */
};

/* ERR_USAGE. RET must be cleared by the caller also after a failure. */
MUST_USE bool assignment_parse(const char *text, struct assignment *ret, struct err *err);
void assignment_clear(struct assignment *a);
bool assignment_is_all(const struct assignment *a);

#endif
