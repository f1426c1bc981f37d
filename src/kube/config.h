/*
 * Which cluster is meant and who we are there, out of kubeconfig files or of the pod that this runs in, as kubectl
 * decides it (client-go's tools/clientcmd). Reads files and the environment, never the network; obtains no
 * credential: what stands here is where one comes from (kube/login.h).
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include "base/secret.h"
#include "base/strings.h"
#include "wire/js.h"

/* Ceilings of one file, of all that it names, and of what is impersonated. */
#define KUBE_CONFIG_CEILING (1 * MIB)
#define KUBE_CONFIG_FILES_MAX 32
#define KUBE_PEM_CEILING (256 * KIB)
#define KUBE_IMPERSONATED_MAX 8

#define KUBE_EXEC_V1 "client.authentication.k8s.io/v1"
#define KUBE_EXEC_V1BETA1 "client.authentication.k8s.io/v1beta1"

enum kube_interactive { KUBE_NEVER, KUBE_IF_AVAILABLE, KUBE_ALWAYS };

/* A credential plugin (client.authentication.k8s.io, v1 and v1beta1). */
struct kube_exec {
	char *api_version;
	char *command; /* with a slash in it a path, else looked for on PATH */
	struct strings args;
	struct strings environment; /* NAME=VALUE, beside our own */
	char *install_hint;	    /* or NULL */
	bool wants_cluster;	    /* provideClusterInfo */
	enum kube_interactive interactive;
};

struct kube_cluster {
	char *name;	   /* for people; NULL in a cluster */
	char *server;	   /* a URL with a scheme and without a slash at its end; may have a path */
	char *ca_file;	   /* where CA is from, or NULL */
	struct secret *ca; /* PEM, and nobody else is trusted; NULL: the system's */
	bool insecure;	   /* the server's certificate is not verified */
	char *tls_server_name; /* the certificate's, where it is not the server's; or NULL */
	char *proxy_url;       /* goes before the environment's; or NULL */
	bool disable_compression;
	struct js *exec_config; /* the extension client.authentication.k8s.io/exec, or NULL */
};

/* What of these is set is used together, as client-go does; a server over plain http is shown none of it. */
struct kube_user {
	char *name; /* for people, or NULL */
	struct secret *token;
	char *token_file; /* read again as it changes; goes before TOKEN while it can be read */
	char *username;
	struct secret *password;
	char *cert_file; /* where CERT and KEY are from, or NULL */
	char *key_file;
	struct secret *cert; /* PEM */
	struct secret *key;
	struct kube_exec *exec;
	char *auth_provider; /* that nobody has any more: refused when it is to be used */
	char *as; /* impersonated, with the headers beside it ("Impersonate-Group: admins") */
	struct strings as_headers;
};

struct kube_config {
	char *origin;	 /* for people: "context 'prod' of 'config'" */
	char *context;	 /* NULL in a cluster, and by its resource name */
	char *namespace; /* never NULL */
	bool in_cluster;
	struct kube_cluster cluster;
	struct kube_user user;
};

void kube_config_free(struct kube_config *c);
DEFINE_FREEP(struct kube_config, kube_config_free)

/* What the command line says; any of it may be NULL. */
struct kube_config_wanted {
	const char *kubeconfig; /* the only file; it must be there */
	const char *context;
	const char *namespace;
};

/* One file's bytes. PATH is for people, and relative paths in it begin at its directory. */
struct kube_config_text {
	const char *path;
	const char *text;
	size_t len;
};

/*
 * Of several files the first that has an entry of a name has all of it, and the first current-context counts. Looks at
 * nothing else: what the chosen entries name by a path is left for kube_config_load. *ret is NULL when all files are
 * empty. Fails with ERR_USAGE.
 */
MUST_USE bool kube_config_parse(const struct kube_config_text *files, size_t count,
				const struct kube_config_wanted *wanted, struct kube_config **ret,
				struct err *err);

/*
 * WANTED's file; else those of $KUBECONFIG, of which missing ones do not count; else ~/.kube/config; where these say
 * nothing, the pod that this runs in. Certificates and keys are read. Fails with ERR_USAGE, ERR_LOCAL.
 */
MUST_USE bool kube_config_load(const struct kube_config_wanted *wanted, struct kube_config **ret,
			       struct err *err);

/* Of the pod: DIR is where its service account is mounted. *ret is NULL outside a cluster. ERR_LOCAL. */
#define KUBE_SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
MUST_USE bool kube_config_in_cluster(const char *dir, const struct kube_config_wanted *wanted,
				     struct kube_config **ret, struct err *err);

/* "token", "client certificate", "plugin 'gke-gcloud-auth-plugin'", "nobody": how the user logs in. The caller frees. */
char *kube_user_kind(const struct kube_user *u);

#endif
