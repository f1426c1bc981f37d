/*
 * Requests to one cluster's API server: get, patch, delete, create, lists in pages. Whoever calls knows what the
 * objects mean; here is only how they travel. Every attempt gets its credential when it is sent, a 401 is met with a
 * renewal, what passes is tried again (http/retry.h).
 *
 * Nothing is ever read with resourceVersion=0: what a read shows is at least as new as every write that was answered
 * before. A controller may still be behind: compare status.observedGeneration with the generation in the patch's reply.
 *
 * A client may be used from many threads.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "auth/sources.h"
#include "http/client.h"
#include "kube/config.h"

/* An object is at most 1.5 MiB in etcd; of a page each item is read by itself. */
#define KUBE_OBJECT_CEILING (4 * MIB)
#define KUBE_PAGE 500
#define KUBE_MANAGER "landed"

/* Where the credential comes from. */
enum kube_auth {
	/* As the kubeconfig says, but instead of gke-gcloud-auth-plugin our own Google token where there is a login. */
	KUBE_AUTH_AUTO,
	KUBE_AUTH_EXEC,	  /* as the kubeconfig says */
	KUBE_AUTH_GOOGLE, /* our own Google token, whatever the kubeconfig says */
};

/* "auto", "exec", "google"; ERR_USAGE for anything else. */
MUST_USE bool kube_auth_parse(const char *text, enum kube_auth *ret, struct err *err);

struct kube_client_options {
	enum kube_auth auth;
	const struct sources_options
		*google; /* for Google's tokens; borrowed, outlives the client */
	struct retry_policy policy;
	int64_t silence_ms;    /* of a watch, that is then begun anew; 0: the usual */
	int64_t stall_ms;      /* of requests that are no watch; 0: the usual */
	int64_t renew_wait_ms; /* for a file that repeats a refused token */
	struct transport
		*transport; /* owned from then on; NULL: libcurl's, by what the config says */
};

struct kube_client;

/* CONFIG is borrowed and outlives the client. Asks nobody yet. ERR_USAGE, ERR_LOCAL, ERR_NO_CREDENTIAL. */
MUST_USE bool kube_client_new(const struct kube_config *config,
			      const struct kube_client_options *options, const struct world *w,
			      struct kube_client **ret, struct err *err);
void kube_client_free(struct kube_client *c);
DEFINE_FREEP(struct kube_client, kube_client_free)

const struct kube_config *kube_client_config(const struct kube_client *c);

/* "token file '/run/token'", "plugin 'kubelogin'", "Google (gcloud ...)": what is shown; the caller frees. */
char *kube_client_login(struct kube_client *c);

/*
 * "/apis/apps/v1/namespaces/NAMESPACE/deployments/NAME" out of "apps/v1" ("v1" is the core's), NAMESPACE or NULL,
 * "deployments" and NAME or NULL; the caller frees.
 */
char *kube_path(const char *group_version, const char *namespace, const char *resource,
		const char *name);

/* What the server said. Begins as zeros; must be cleared. */
struct kube_reply {
	struct js *object; /* of a success; NULL when the body was empty */
	int code;	   /* HTTP's; 0 when there was no answer */
	/* Of a failure, out of its Status where it is one; NULL when not said. */
	char *reason;  /* "NotFound", "Forbidden", "Conflict", "Invalid", "AlreadyExists", ... */
	char *message; /* the server's words */
	char *causes;  /* details.causes as one line */
	char *warning; /* the first Warning header's text, of any answer */
	bool repeated; /* an attempt before got no answer, or an error: the server may have acted on it */
};

void kube_reply_clear(struct kube_reply *r);

/*
 * The verbs. False for any answer that is no success, with its code and words in RET:
 *   ERR_USAGE            404, and 400, 405, 406, 413, 415: the object or what was asked of it is not there
 *   ERR_REFUSED          401 with a fresh credential
 *   ERR_CLUSTER_REFUSED  403 (the missing right is named), 409, 410, 422
 *   ERR_RATE_LIMITED, ERR_NET, ERR_NO_REGISTRY (no Kubernetes answers there), ERR_NO_CREDENTIAL, ERR_TIMEOUT, ERR_CANCELLED
 */
MUST_USE bool kube_get(struct kube_client *c, const struct world *w, const char *path,
		       struct kube_reply *ret, struct err *err);

#define KUBE_PATCH_JSON "application/json-patch+json"
#define KUBE_PATCH_MERGE "application/merge-patch+json"
#define KUBE_PATCH_STRATEGIC "application/strategic-merge-patch+json"

struct kube_change {
	const char *path;
	const char *content_type; /* KUBE_PATCH_...; NULL: JSON, for kube_create */
	const struct js *body;	  /* for kube_delete: DeleteOptions with preconditions, or NULL */
	bool dry_run;		  /* the server goes all the way but for storing it */
	bool lenient;		  /* fieldValidation=Ignore; else unknown fields are refused */
};

/*
 * With fieldManager KUBE_MANAGER. A patch whose answer was lost is sent again (RET->repeated): let it carry a
 * precondition, and where that then fails, read before believing it.
 */
MUST_USE bool kube_patch(struct kube_client *c, const struct world *w,
			 const struct kube_change *change, struct kube_reply *ret, struct err *err);
MUST_USE bool kube_create(struct kube_client *c, const struct world *w,
			  const struct kube_change *change, struct kube_reply *ret,
			  struct err *err);
MUST_USE bool kube_delete(struct kube_client *c, const struct world *w,
			  const struct kube_change *change, struct kube_reply *ret,
			  struct err *err);

/* Which objects of PATH, a collection. */
struct kube_selection {
	const char *path;
	const char *labels; /* "app=web,tier!=db", or NULL */
	const char *fields; /* "metadata.name=web", or NULL */
	bool metadata_only; /* PartialObjectMetadata: all that is not metadata is left out by the server */
	size_t page;	    /* items of one page; 0: KUBE_PAGE */
};

struct kube_visitor {
	/* ITEM lives during the call; items of a list carry no kind nor apiVersion. False, with ERR, ends the list. */
	bool (*item)(void *arg, const struct js *item, struct err *err);
	/* The list begins anew, because its pages had expired: what was handed over does not count. */
	void (*restart)(void *arg);
	void *arg;
};

/*
 * All of SELECTION in pages, each item parsed, handed over and freed, so that memory stays flat.
 * *ret_resource_version (may be NULL) is the list's, the caller frees.
 */
MUST_USE bool kube_list(struct kube_client *c, const struct world *w,
			const struct kube_selection *selection, const struct kube_visitor *visitor,
			char **ret_resource_version, struct err *err);

#endif
