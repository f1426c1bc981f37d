#include "cli/kube_connect.h"

#include "base/mem.h"
#include "kube/gke.h"

#define AT(member) offsetof(struct cluster_settings, member)

static const char *const auth_words[] = {
	[KUBE_AUTH_AUTO] = "auto",
	[KUBE_AUTH_EXEC] = "exec",
	[KUBE_AUTH_GOOGLE] = "google",
	NULL,
};

static const struct opt cluster_table[] = {
	{ .name = "namespace",
	  .letter = 'n',
	  .kind = OPT_STRING,
	  .offset = AT(namespace),
	  .argument = "NAME",
	  .help = "the namespace; without it the kubeconfig's" },
	{ .name = "context",
	  .kind = OPT_STRING,
	  .offset = AT(context),
	  .argument = "NAME",
	  .help = "the context of the kubeconfig; without it the current one" },
	{ .name = "kubeconfig",
	  .kind = OPT_STRING,
	  .offset = AT(kubeconfig),
	  .argument = "FILE",
	  .is_path = true,
	  .help = "read this kubeconfig instead of those of $KUBECONFIG or ~/.kube/config" },
	{ .name = "cluster",
	  .kind = OPT_STRING,
	  .offset = AT(cluster),
	  .argument = "CLUSTER",
	  .help = "a cluster of GKE, projects/P/locations/L/clusters/C: no kubeconfig is read, and "
		  "Google's token is the login" },
	{ .name = "kube-auth",
	  .kind = OPT_CHOICE,
	  .offset = AT(auth),
	  .argument = "HOW",
	  .fallback = "auto",
	  .words = auth_words,
	  .help = "how to log in: exec is as the kubeconfig says, google is with Google's token "
		  "whatever it says, auto is with Google's token in the place of "
		  "gke-gcloud-auth-plugin and else as it says" },
};

const struct opt_group cluster_options = { "Cluster", cluster_table, ARRAY_SIZE(cluster_table) };

void kube_connection_free(struct kube_connection *c)
{
	if (!c)
		return;
	kube_client_free(c->client);
	kube_config_free(c->config);
	free(c);
}

static bool check_cluster(const struct cluster_settings *s, struct err *err)
{
	if (s->context || s->kubeconfig)
		return err_set(err, ERR_USAGE,
			       "--cluster names the cluster: no %s is read beside it",
			       s->context ? "--context" : "--kubeconfig");
	if (s->auth == KUBE_AUTH_EXEC)
		return err_set(
			err, ERR_USAGE,
			"--cluster logs in with Google's token, and not by --kube-auth exec");
	return kube_gke_check(s->cluster, err);
}

static bool find_config(const struct cluster_settings *s, const struct kube_client_options *options,
			const struct world *w, struct kube_config **ret, struct err *err)
{
	const struct kube_config_wanted wanted = {
		.kubeconfig = s->kubeconfig,
		.context = s->context,
		.namespace = s->namespace,
	};

	if (!s->cluster)
		return kube_config_load(&wanted, ret, err);
	return check_cluster(s, err) && kube_gke_config(s->cluster, &wanted, options, w, ret, err);
}

bool kube_connect(const struct cluster_settings *settings, const struct connect_options *connect,
		  const struct world *w, struct kube_connection **ret, struct err *err)
{
	CLEANUP(kube_connection_freep) struct kube_connection *c = NEW(struct kube_connection);
	struct kube_client_options options = {
		.auth = settings->cluster ? KUBE_AUTH_GOOGLE : settings->auth,
		.google = &c->google,
		.policy = RETRY_POLICY_DEFAULT,
		.stall_ms = connect->stall_timeout_ms,
		.renew_wait_ms = connect->renew_wait_ms,
	};

	c->google = connect_sources(connect);
	options.policy.retries = connect->retries;
	if (!find_config(settings, &options, w, &c->config, err) ||
	    !kube_client_new(c->config, &options, w, &c->client, err))
		return false;
	c->namespace = c->config->namespace;
	*ret = TAKE(c);
	return true;
}
