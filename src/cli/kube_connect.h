/*
 * Which cluster a command means, and a client for it: the options group "Cluster". As kubectl decides it, or a cluster of
 * GKE by its resource name. Knows nothing of what is asked there.
 */
#ifndef CLI_KUBE_CONNECT_H
#define CLI_KUBE_CONNECT_H

#include "cli/connect.h"
#include "cli/opt.h"
#include "kube/client.h"

struct cluster_settings {
	char *namespace;
	char *context;
	char *kubeconfig;
	char *cluster; /* "projects/P/locations/L/clusters/C": no kubeconfig is read */
	enum kube_auth auth;
};

/* Offsets in a struct cluster_settings: { &cluster_options, offsetof(struct my_settings, cluster) } */
extern const struct opt_group cluster_options;

struct kube_connection {
	struct kube_client *client;
	const char *namespace; /* of the options, else of the kubeconfig; never NULL */
	struct kube_config *config;
	struct sources_options google;
};

/*
 * SETTINGS and CONNECT (for Google's token and for how long a request may stall) are borrowed and outlive the
 * connection. Asks the cluster nothing yet; Google, where the cluster is named by --cluster. Fails as kube_config_load,
 * kube_gke_config and kube_client_new do.
 */
MUST_USE bool kube_connect(const struct cluster_settings *settings,
			   const struct connect_options *connect, const struct world *w,
			   struct kube_connection **ret, struct err *err);
void kube_connection_free(struct kube_connection *c);
DEFINE_FREEP(struct kube_connection, kube_connection_free)

#endif
