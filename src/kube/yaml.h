/*
 * YAML, read into the JSON tree that everything else takes; what is JSON is YAML too. Only the first document counts.
 * Plain words mean what they mean to kubectl: YAML 1.1, where yes, on and y are true and 017 is a number.
 *
 * Bounded in bytes, depth and, because an alias repeats what its anchor holds, in values.
 */
#ifndef KUBE_YAML_H
#define KUBE_YAML_H

#include "wire/js.h"

#define YAML_DEPTH_MAX 64
#define YAML_VALUES_MAX 100000
#define YAML_ANCHORS_MAX 64

/* *ret is NULL when there is nothing but blanks and comments, or null. Of a key that stands twice the last one counts. Fails with CODE. */
MUST_USE bool yaml_parse(const char *bytes, size_t len, size_t ceiling, enum err_code code,
			 struct js **ret, struct err *err);

#endif
