/*
 * Which platforms the pods of a template may land on: those of the nodes that its node selector, its required node
 * affinity and its tolerations admit, as the scheduler sees them. What passes by itself (a node that is not ready or
 * short of something) does not exclude a node; a cordon does, but for a DaemonSet. Pure.
 */
#ifndef KUBE_PLACEMENT_H
#define KUBE_PLACEMENT_H

#include "base/strings.h"
#include "kube/object.h"

bool placement_admits(const struct workload *w, const struct node *n);

struct placement {
	struct strings platforms; /* "linux/amd64", each once, in the order found */
	size_t admitted;
	size_t nodes;
};

void placement_add(struct placement *p, const struct workload *w, const struct node *n);
void placement_clear(struct placement *p);

#endif
