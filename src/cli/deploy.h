/*
 * Images into a workload of the cluster, as one piece that several commands share: prove them in their registry, patch
 * by digest with a precondition, follow the rollout, put back what was there. deploy_run is the whole of it; what stands
 * behind it are its steps, in their order.
 */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include "cli/command.h"
#include "cli/kube_connect.h"
#include "cli/rollout.h"
#include "kube/patch.h"
#include "registry/identity.h"

struct deploy_settings {
	struct cluster_settings cluster;
	bool dry_run;
	bool wait;
	bool rollback;
	struct strings platforms; /* "linux/amd64"; none: those of the nodes */
};

/* Offsets in a struct deploy_settings. */
extern const struct opt_group deploy_options;

/*
 * TARGET is KIND/NAME, WORDS are CONTAINER=REF. COMMON is the beginning of RUN's settings. The result is printed; fails
 * with what stood in the way before anything was changed, ERR_CLUSTER_REFUSED, ERR_SUPERSEDED, ERR_UNPROVEN when nobody
 * knows whether the patch was taken, or with the verdict on the rollout.
 */
MUST_USE bool deploy_run(const struct run *run, const struct deploy_settings *settings,
			 const char *target, char *const *words, size_t count, struct err *err);

/* What one CONTAINER=REF becomes. */
struct deploy_image {
	struct assignment words;
	struct reference ref;
	struct proof proof;
	struct identity identity;
	char *pinned; /* "repo:tag@sha256:..."; NULL until it is proven */
};

struct deploy {
	const struct run *run;
	const struct deploy_settings *settings;
	const struct common_settings *common;
	struct target target;
	struct deploy_image *images;
	size_t image_count;
	struct session_maker *sessions;
	struct kube_connection *connection;
	char *path;

	struct kube_reply before; /* the object as it was read */
	struct workload workload;
	struct image_changes changes;
	bool was_unchanged;	 /* it had these images */
	struct kube_reply after; /* as the patch was answered */
	struct workload patched;
	bool was_patched;
	struct rollout_end end;
	bool has_verdict;
	bool was_restored;
};

void deploy_clear(struct deploy *d);

/* "deployment/my-app", as the cluster calls it. */
struct verdict_subject deploy_subject(const struct deploy *d);

/* deploy_images.c: proves every image, for the platforms of the nodes too, and says what the changes are to. */
MUST_USE bool deploy_prove(struct deploy *d, struct err *err);
/* Says a warning for each image that a rollback would want and that its registry does not show. */
void deploy_check_way_back(struct deploy *d);

/* deploy_change.c: reads the object and plans; asks the server for a dry run; patches. */
MUST_USE bool deploy_read(struct deploy *d, struct err *err);
MUST_USE bool deploy_rehearse(struct deploy *d, struct err *err);
MUST_USE bool deploy_patch(struct deploy *d, struct err *err);

/* deploy_back.c: after a verdict. Says what it did and what it left; never an error of its own. */
void deploy_restore(struct deploy *d);

/* deploy_result.c: ERR is how it ended, or NULL. */
void deploy_print(const struct deploy *d, const struct err *err);

#endif
