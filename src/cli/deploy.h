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
#include "kube/placement.h"
#include "registry/identity.h"

struct deploy_settings {
	struct cluster_settings cluster;
	bool dry_run;
	bool wait;
	bool rollback;
	char *selector;		  /* NULL: the workload is named */
	struct strings platforms; /* "linux/amd64"; none: those of the nodes */
};

/* Offsets in a struct deploy_settings. */
extern const struct opt_group deploy_options;

/*
 * TARGET is KIND/NAME, or KIND[,KIND...] with a selector; WORDS are borrowed. RUN's settings begin with common_settings.
 * Results are printed, one for each workload; fails with what stood in the way before anything was changed,
 * ERR_CLUSTER_REFUSED, ERR_SUPERSEDED, ERR_UNPROVEN when nobody knows whether a patch was taken, or with the verdict on
 * the rollout; for several workloads with a sum, and the first one's code.
 */
MUST_USE bool deploy_run(const struct run *run, const struct deploy_settings *settings,
			 const char *target, const struct assignment *words, size_t count,
			 struct err *err);

/* Its beginning: whether TARGET and WORDS can be meant. Reads the workloads, and nothing else; a result of a failure only. */
MUST_USE bool deploy_look(const struct run *run, const struct deploy_settings *settings,
			  const char *target, const struct assignment *words, size_t count,
			  struct err *err);

/* What one CONTAINER=REF becomes. */
struct deploy_image {
	const struct assignment *words;
	struct reference ref;
	struct proof proof;
	struct identity identity;
	char *pinned; /* "repo:tag@sha256:..."; NULL until it is proven */
};

/* One command: what its workloads have in common, and they. */
struct release {
	const struct run *run;
	const struct deploy_settings *settings;
	const struct common_settings *common;
	struct deploy_image *images;
	size_t image_count;
	struct session_maker *sessions;
	struct kube_connection *connection;
	struct deploy *deploys;
	size_t count;
};

/* One workload. */
struct deploy {
	struct observer observer; /* names the workload where there are several */
	struct release *release;
	struct world world;
	struct target target;
	char *path;

	struct kube_reply before; /* the object as it was read */
	struct workload workload;
	struct image_changes changes;
	struct placement placement; /* of its pods */
	bool was_unchanged;	    /* it had these images */
	struct kube_reply after;    /* as the patch was answered */
	struct workload patched;
	bool was_patched;
	struct rollout_end end;
	bool has_verdict;
	bool was_restored;
	struct err err; /* how it ended */
};

void deploy_clear(struct deploy *d);

/* "deployment/my-app", as the cluster calls it; the caller frees. */
char *deploy_name(const struct deploy *d);
struct verdict_subject deploy_subject(const struct deploy *d);

/* A line for people, about this workload. */
void deploy_say(const struct deploy *d, const char *fmt, ...) PRINTF(2, 3);

/* deploy_targets.c: which workloads. Words first; with a selector they are then looked for, ERR_USAGE when there is none. */
MUST_USE bool release_name(struct release *r, const char *target, struct err *err);
MUST_USE bool release_find(struct release *r, const char *target, struct err *err);

/* deploy_images.c: proves every image, for the platforms of the nodes too, and says what the changes are to. */
MUST_USE bool release_prove(struct release *r, struct err *err);
/* Says a warning for each image that a rollback would want and that its registry does not show. */
void deploy_check_way_back(struct deploy *d);

/* deploy_change.c: reads the object and plans; asks the server for a dry run; patches. */
MUST_USE bool deploy_read(struct deploy *d, struct err *err);
MUST_USE bool deploy_rehearse(struct deploy *d, struct err *err);
MUST_USE bool deploy_patch(struct deploy *d, struct err *err);

/* deploy_follow.c: all that were patched or had their images, side by side, to a verdict or an error of their own. */
void release_follow(struct release *r);

/* deploy_back.c: whether D's end is one that a rollback is for: nobody else's rollout, and no success. */
bool deploy_is_failure(const struct deploy *d);
/* When one has failed, all that were patched. Says what it did and what it left; never an error of its own. */
void release_restore(struct release *r);

/* deploy_result.c: ERR is how all of it ended, or NULL. */
void release_print(const struct release *r, const struct err *err);

#endif
