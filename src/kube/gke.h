/*
 * A cluster of GKE by its resource name, without a kubeconfig: Google's API says where it is and what it is trusted by,
 * and Google's token is the login (container API v1, projects.locations.clusters.get).
 */
#ifndef KUBE_GKE_H
#define KUBE_GKE_H

#include "kube/client.h"

#define KUBE_GKE_CEILING (1 * MIB)

/* "projects/P/locations/L/clusters/C": letters, digits, dots, colons and hyphens. ERR_USAGE. */
MUST_USE bool kube_gke_check(const char *name, struct err *err);

/*
 * Asks https://container.googleapis.com, or where CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER says. The DNS endpoint
 * counts where it takes outside traffic (the system's authorities vouch for it), else the address with the cluster's
 * own certificate. RET is for KUBE_AUTH_GOOGLE. ERR_USAGE (no such cluster), ERR_CLUSTER_REFUSED (no right to look),
 * ERR_NO_CREDENTIAL, ERR_NET.
 */
MUST_USE bool kube_gke_config(const char *name, const struct kube_config_wanted *wanted,
			      const struct kube_client_options *options, const struct world *w,
			      struct kube_config **ret, struct err *err);

/* The same out of the API's answer. */
MUST_USE bool kube_gke_parse(const char *text, size_t len, const char *name,
			     const struct kube_config_wanted *wanted, struct kube_config **ret,
			     struct err *err);

#endif
