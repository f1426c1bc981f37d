/*
 * What an API server says when it does not do what it was asked (metav1.Status), and an error out of it. Not every
 * refusal is a Status: overload is said in plain text, and proxies write HTML.
 */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H

#include "kube/client.h"

/* Fills code, reason, message and causes of RET from an answer's body, or from a watch's ERROR object. */
void kube_status_read(int code, const char *body, size_t len, struct kube_reply *ret);
void kube_status_of_object(const struct js *status, struct kube_reply *ret);

/* "/apis/apps/v1/namespaces/n/deployments/x" taken apart; parts are empty when they are not there. */
#define KUBE_PART_SIZE 256
struct kube_place {
	char group[KUBE_PART_SIZE];
	char namespace[KUBE_PART_SIZE];
	char resource[KUBE_PART_SIZE]; /* with a subresource: "pods/log" */
	char name[KUBE_PART_SIZE];
};
struct kube_place kube_place_of(const char *path);

/*
 * ERR out of a reply that is no success. VERB as in RBAC: "get", "list", "watch", "patch", "create", "delete".
 * Always false.
 */
bool kube_status_err(const char *verb, const char *path, const struct kube_reply *reply,
		     struct err *err);

#endif
