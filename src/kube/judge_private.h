/*
 * What a rollout remembers. judge_observe.c and judge_pods.c write it, judge.c and judge_trouble.c only read.
 */
#ifndef KUBE_JUDGE_PRIVATE_H
#define KUBE_JUDGE_PRIVATE_H

#include "kube/judge.h"

#define POD_BUCKETS 4096
#define GONE_MAX 256   /* pods whose end was seen: late news of them count for nothing */
#define SETS_MAX 256   /* replica sets or revisions of one workload */
#define ANSWERS_MAX 64 /* of the registry */
#define NAMES_MAX 64   /* containers that can be told apart */
#define TEXT_MAX 4096  /* what is kept of one message */

/* Names of revisions and uids are compared by their hash: 5,000 pods shall stay small. 0 is none. */
uint64_t judge_key(const char *text);

/* What is wrong somewhere, since when on the clock of patience. */
struct trouble {
	enum cause cause;
	char *reason;
	char *message;
	int64_t since; /* of this cause */
	int64_t since_ms;
};

void trouble_set(struct rollout *r, struct trouble *t, enum cause cause, const char *reason,
		 const char *message);
void trouble_clear(struct trouble *t);

struct container_trouble {
	struct trouble trouble;
	size_t name; /* in rollout.names */
	char *image;
	bool is_now;	 /* else it runs again, and only its history counts */
	bool is_pulling; /* ErrImagePull was its last state */
	bool is_told;	 /* by an event: the status has not said it yet */
	int64_t pulled;	 /* patience when another attempt was told */
	int64_t attempts;
	int64_t restarts;
	int64_t exit_code;
};

struct seen_pod {
	struct seen_pod *next;
	uint64_t key;	   /* of uid */
	uint64_t owner;	   /* key of its controller's uid */
	uint64_t revision; /* key of controller-revision-hash */
	char *uid;
	char *name;
	char *node;
	char *version;
	uint64_t running; /* containers, by name */
	bool is_ready;
	bool is_over;		 /* being deleted, evicted, ended */
	bool is_marked;		 /* not seen since the list began */
	bool is_pending;	 /* an imageID is not there yet */
	enum verdict_why images; /* WHY_NONE: as they have to be */
	struct container_trouble *troubles;
	size_t trouble_count;
	struct trouble note; /* of the pod: not scheduled, not mounted */
};

/* A replica set or controller revision of our workload. */
struct seen_set {
	uint64_t uid;
	uint64_t hash; /* what its pods carry */
	char *name;
	char *version;
	int64_t revision;
	int64_t created_wall_ms;
	uint64_t sameness;
	bool has_images;
	bool is_marked;
	struct trouble failure; /* condition ReplicaFailure */
};

struct seen_workload {
	bool is_seen;
	char *version;
	int64_t generation, observed_generation;
	int64_t wanted, replicas, updated, ready, available, partition;
	bool is_paused, is_ordered;
	enum update_strategy strategy;
	uint64_t update_revision;
	bool has_exceeded; /* its progress deadline */
	char *exceeded_text;
	bool was_progressing; /* since our generation: an excess is none of an earlier rollout */
	struct trouble failure;
};

struct expected_image {
	char *container; /* NULL: all others */
	char *image;
	struct digest *digests;
	size_t digest_count;
};

struct seen_answer {
	char *image;
	char *node;
	char *text;
	enum arbiter_says says;
	int64_t at_ms;
};

struct rollout {
	enum workload_kind kind;
	char *name;
	char *uid;
	int64_t generation;
	uint64_t sameness;
	bool was_unchanged, has_arbiter;
	struct expected_image *images;
	size_t image_count;
	int64_t deadline_ms;

	int64_t now_ms;
	int64_t patience; /* counts while all that has to be watched is, see JUDGE_STEP_MS */
	enum watch_state watches[SIGHT_WATCH];
	enum verdict_why superseded;

	struct seen_workload workload;
	struct seen_set sets[SETS_MAX];
	size_t set_count;
	struct seen_pod *pods[POD_BUCKETS];
	uint64_t gone[GONE_MAX];
	size_t gone_count;
	char *names[NAMES_MAX];
	size_t name_count;
	struct trouble
		create_failure; /* told by events of a StatefulSet or DaemonSet, which have no condition for it */
	uint64_t create_told;	/* the last of them */
	int64_t create_told_at; /* patience */
	struct seen_answer answers[ANSWERS_MAX];
	size_t answer_count;

	struct verdict decided;
};

/* judge_pods.c */
void judge_see_pod(struct rollout *r, const struct pod *p);
void judge_lose_pod(struct rollout *r, const char *uid);
void judge_see_pod_event(struct rollout *r, const struct kube_event *e);
void judge_mark_pods(struct rollout *r);
void judge_drop_marked_pods(struct rollout *r);
void judge_free_pods(struct rollout *r);

/* judge.c */
bool judge_template_has_images(const struct rollout *r, const struct pod_template *t);
/* NULL for a container that may run anything. */
const struct expected_image *judge_expected(const struct rollout *r, const char *container);
/* The set whose pods count, NULL while it is unknown. */
const struct seen_set *judge_our_set(const struct rollout *r);
bool judge_is_synced(const struct rollout *r);
void judge_advance(struct rollout *r, int64_t now_ms);

enum pod_side { POD_OTHER, POD_NEW, POD_OLD };
enum pod_side judge_side(const struct rollout *r, const struct seen_set *set,
			 const struct seen_pod *p);

/* judge_trouble.c: false while nothing is decided; *NEXT is lowered to the patience at which something may be. */
bool judge_trouble(const struct rollout *r, struct verdict *v, int64_t *next);
void judge_at_deadline(struct verdict *v);

#define FOR_EACH_POD(r, p)                                         \
	for (size_t bucket_ = 0; bucket_ < POD_BUCKETS; bucket_++) \
		for (const struct seen_pod *p = (r)->pods[bucket_]; p; p = p->next)

#endif
