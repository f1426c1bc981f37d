/*
 * What the judge of a rollout needs of the cluster's objects, read from their JSON. Everything else in them is passed
 * over, so that an object of a hundred kilobytes becomes a few hundred bytes. No I/O, and no opinion: what a state
 * means is said in kube/classify.h and kube/judge.h.
 *
 * Texts are borrowed: an object lives no longer than the document that it was parsed from. What is absent is NULL, 0
 * or the API's own default. Every x_parse fails with ERR_UNEXPECTED and the path of the field that is wrong, x_clear
 * takes half-built objects, and lists beyond OBJECT_LIST_MAX are refused.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "wire/js.h"

#define OBJECT_LIST_MAX 1024

/* The owner that controls it (ownerReferences with controller: true). */
struct object_owner {
	const char *kind;
	const char *name;
	const char *uid;
};

struct object_meta {
	const char *name; /* never NULL */
	const char *namespace;
	const char *uid;
	const char *resource_version;
	int64_t generation;
	int64_t created_wall_ms;
	bool is_deleting;
	struct object_owner owner;
	const struct js *labels;
	const struct js *annotations;
};

const char *object_label(const struct object_meta *m, const char *key);
const char *object_annotation(const struct object_meta *m, const char *key);

/*
 * Which of two states of one object is newer, by resourceVersion: negative, 0, positive. 0 too when one of them is no
 * plain decimal number, because then only the server can tell.
 */
int object_version_compare(const char *a, const char *b);

struct object_condition {
	const char *type;
	bool is_true; /* status "True" */
	const char *reason;
	const char *message;
	int64_t updated_wall_ms;     /* lastUpdateTime, else lastTransitionTime */
	int64_t observed_generation; /* 0 where the kind has none */
};

struct object_conditions {
	struct object_condition *at;
	size_t count;
};

const struct object_condition *object_condition(const struct object_conditions *c,
						const char *type);

/* A container of a pod template, init containers first, each in their order. */
struct template_container {
	const char *name;
	const char *image;
	bool is_init;
};

struct pod_template {
	struct template_container *containers;
	size_t container_count;
	const struct js *pull_secrets; /* imagePullSecrets as they stand, or NULL */
	const char *service_account;
	const struct js *node_selector; /* an object or NULL */
	const struct js *node_terms;	/* required nodeSelectorTerms, or NULL */
	const struct js *tolerations;
	uint64_t
		sameness; /* equal for equal templates, whatever pod-template-hash they carry; never 0 */
};

const struct template_container *template_container(const struct pod_template *t, const char *name);

enum workload_kind {
	WORKLOAD_DEPLOYMENT,
	WORKLOAD_STATEFULSET,
	WORKLOAD_DAEMONSET,
	WORKLOAD_CRONJOB,
};

enum update_strategy { UPDATE_ROLLING, UPDATE_RECREATE, UPDATE_ON_DELETE };

struct workload {
	enum workload_kind kind;
	struct object_meta meta;
	int64_t observed_generation;
	int64_t wanted; /* spec.replicas; of a DaemonSet status.desiredNumberScheduled */
	bool is_paused; /* of a CronJob: suspended */
	enum update_strategy strategy;
	int64_t partition;	     /* StatefulSet, 0 when there is none */
	bool is_ordered;	     /* StatefulSet, OrderedReady */
	int64_t progress_deadline_s; /* Deployment */
	int64_t min_ready_s;
	int64_t replicas; /* the counters of status; of a DaemonSet those with the same sense */
	int64_t updated;
	int64_t ready;
	int64_t available;
	const char *current_revision; /* StatefulSet */
	const char *update_revision;
	const struct js *match_labels; /* spec.selector.matchLabels, an object or NULL */
	struct object_conditions conditions;
	struct pod_template template;
};

/* The kind is the document's; fails on any other kind. */
MUST_USE bool workload_parse(const struct js *object, struct workload *ret, struct err *err);
/* The same for an item of a typed list, which says neither kind nor apiVersion. */
MUST_USE bool workload_parse_as(const struct js *object, enum workload_kind kind,
				struct workload *ret, struct err *err);
void workload_clear(struct workload *w);

/* "deployment", "statefulset", "daemonset", "cronjob"; and the API's "Deployment" ... */
const char *workload_kind_name(enum workload_kind kind);
const char *workload_kind_api(enum workload_kind kind);

struct replica_set {
	struct object_meta meta;
	const char *template_hash; /* label pod-template-hash */
	int64_t revision;	   /* annotation deployment.kubernetes.io/revision, 0 when absent */
	int64_t wanted;
	int64_t replicas;
	int64_t ready;
	int64_t available;
	struct object_conditions conditions;
	struct pod_template template;
};

MUST_USE bool replica_set_parse(const struct js *object, struct replica_set *ret, struct err *err);
void replica_set_clear(struct replica_set *s);

/* Of a StatefulSet or DaemonSet; its pods carry the name or the hash in controller-revision-hash. */
struct controller_revision {
	struct object_meta meta;
	int64_t revision;
	const char *hash;	      /* the label of the same name, or NULL */
	struct pod_template template; /* sameness as that of the workload it was made from */
};

MUST_USE bool controller_revision_parse(const struct js *object, struct controller_revision *ret,
					struct err *err);
void controller_revision_clear(struct controller_revision *r);

enum container_phase { CONTAINER_UNKNOWN, CONTAINER_WAITING, CONTAINER_RUNNING, CONTAINER_ENDED };

/* What is said of a container now or of its last run. */
struct container_state {
	enum container_phase phase;
	const char *reason;
	const char *message;
	int64_t exit_code;
};

/* One entry for each container of the spec, and none for ephemeral ones. */
struct pod_container {
	const char *name;
	const char *image;	  /* of the spec: what was asked for */
	const char *status_image; /* what the runtime calls it */
	const char *image_id;	  /* "" or NULL until it was pulled */
	bool is_init;
	bool is_ready;
	bool is_started;
	int64_t restarts;
	struct container_state state;
	struct container_state last;
};

struct pod {
	struct object_meta meta;
	const char *template_hash; /* label pod-template-hash */
	const char *revision_hash; /* label controller-revision-hash */
	const char *phase;
	const char *reason; /* "Evicted", "Preempting" ... */
	const char *message;
	const char *node;
	bool is_ready; /* condition Ready */
	struct object_conditions conditions;
	struct pod_container *containers;
	size_t container_count;
};

MUST_USE bool pod_parse(const struct js *object, struct pod *ret, struct err *err);
void pod_clear(struct pod *p);

/* v1 Event, and what events.k8s.io/v1 writes through it. */
struct kube_event {
	struct object_meta meta;
	const char *reason;
	const char *message;
	bool is_warning;
	int64_t count; /* of series or count, 1 at least */
	const char *kind;
	const char *name;
	const char *uid;
	char container[64]; /* of fieldPath "spec.containers{NAME}", else "" */
	int64_t first_wall_ms;
	int64_t last_wall_ms;
};

MUST_USE bool kube_event_parse(const struct js *object, struct kube_event *ret, struct err *err);

struct node_taint {
	const char *key;
	const char *value;
	const char *effect;
};

struct node {
	struct object_meta meta;
	const char *os;
	const char *arch;
	bool is_unschedulable;
	bool is_ready;
	struct node_taint *taints;
	size_t taint_count;
};

MUST_USE bool node_parse(const struct js *object, struct node *ret, struct err *err);
void node_clear(struct node *n);

#endif
