/*
 * Has the rollout arrived, and if not, why? A pure function over what was seen and when: no I/O, no clock of its own.
 * Whoever watches the cluster tells it what came (rollout_observe) and asks (rollout_judge) after each piece of news
 * and not later than the moment that the last answer named.
 *
 *	state            | what is known                                    | leaves it by
 *	-----------------+--------------------------------------------------+------------------------------------------
 *	unseen           | nothing: lists are being read, or a watch is lost | every list is whole (WATCH_SYNCED)
 *	unobserved       | the controller has not seen our generation       | status.observedGeneration
 *	without revision | it has, and its replica set or revision is unseen | the object, or its pods
 *	rolling          | pods of exactly the new revision come            | all are there, or a problem appears
 *	in trouble       | a problem has a class; its grace runs            | it heals, or the grace ends: verdict
 *	asking           | the registry is to say whether the image is there | SIGHT_REGISTRY; with no answer as in trouble
 *	verdict          | final: later news change nothing                  |
 *
 * Rules
 * - Only pods of the new revision count, found by owner and template, never by annotation or age alone. The one pod of
 *   an earlier revision that matters is the broken one that holds an OrderedReady StatefulSet.
 * - A grace is counted while the watch is alive, in steps of at most JUDGE_STEP_MS: a suspended machine or a lost watch
 *   uses none of it. Only the deadline goes by the clock.
 * - A transient cause ends nothing before the deadline, and neither does a replica that is late.
 * - A class that is not proven to hold everywhere, while other new pods are well, gets JUDGE_LOCAL_MS at least.
 * - The cluster's own progress deadline ends only what has none of ours, when it names our replica set and was seen to be
 *   kept under our generation before.
 * - Success: the controller says that all replicas are updated and available, and as many Ready pods of the new
 *   revision carry the pinned image in their spec and one of the known digests in imageID.
 *
 *	class             | verdict                    | grace
 *	------------------+----------------------------+--------------------------------------------------------
 *	GROUP_ASK         | did not land, incomplete   | none once the registry confirms; JUDGE_LAG_MS when it denies
 *	GROUP_ACCESS      | node may not pull          | two attempts and JUDGE_ACCESS_MS; JUDGE_BLIND_MS unseen
 *	GROUP_PERMANENT   | name or policy, not created | JUDGE_CONFIRM_MS
 *	GROUP_CRASH       | container crashes          | JUDGE_RESTARTS restarts; JUDGE_REFUSED_MS for what cannot be run
 *	GROUP_REFUSED     | refused by the cluster     | JUDGE_REFUSED_MS
 *	GROUP_TRANSIENT   | still waiting              | the deadline
 *	GROUP_PLACE       | not scheduled or created   | the deadline
 */
#ifndef KUBE_JUDGE_H
#define KUBE_JUDGE_H

#include "kube/classify.h"
#include "kube/object.h"
#include "wire/digest.h"

#define JUDGE_STEP_MS 5000
#define JUDGE_CONFIRM_MS 3000
#define JUDGE_ACCESS_MS 20000
#define JUDGE_BLIND_MS 60000
#define JUDGE_LAG_MS 120000
#define JUDGE_LOCAL_MS 60000
#define JUDGE_REFUSED_MS 30000
#define JUDGE_RESTARTS 2
#define JUDGE_ASK_AGAIN_MS 10000

struct rollout;

/* What a container has to run. Copied. */
struct rollout_image {
	const char *container;	      /* NULL: every container that ROLLOUT_IMAGEs do not name */
	const char *image;	      /* as patched: repo:tag@sha256:... */
	const struct digest *digests; /* what imageID may be: index, child manifests, configs */
	size_t digest_count;	      /* 0: unknown, imageID is not looked at */
};

struct rollout_plan {
	enum workload_kind kind;
	const char *name;
	const char *uid;    /* NULL: of whatever is seen first */
	int64_t generation; /* of the answer to the patch; 0: of what is seen first */
	uint64_t sameness;  /* of its template, 0: of what is seen first at that generation */
	bool was_unchanged; /* nothing was patched, it had these images */
	bool has_arbiter;   /* a registry can be asked */
	const struct rollout_image *images; /* none: as the template has them */
	size_t image_count;
	int64_t deadline_ms; /* on the same clock as NOW_MS */
};

/* NOW_MS, here and below: boot time; when it steps back it is taken to stand still. */
struct rollout *rollout_new(const struct rollout_plan *plan, int64_t now_ms);
void rollout_free(struct rollout *r);
DEFINE_FREEP(struct rollout, rollout_free)

enum sight_what {
	SIGHT_WORKLOAD,
	SIGHT_REPLICA_SET,
	SIGHT_REVISION,
	SIGHT_POD,
	SIGHT_EVENT,
	SIGHT_WATCH, /* how a watch is: OF says which */
	SIGHT_REGISTRY,
};

enum sight_change { SIGHT_SEEN, SIGHT_GONE }; /* added or modified, deleted */

enum watch_state {
	WATCH_LISTING, /* a list begins: what it does not show is gone */
	WATCH_SYNCED,  /* the list was whole, changes follow */
	WATCH_LOST,
	WATCH_DENIED, /* no right to read it: do without */
};

/* What the registry says about an image; asked with the identity that we have, not the node's. */
enum arbiter_says {
	ARBITER_UNKNOWN,
	ARBITER_WHOLE,	    /* all of it is there, for the platform that was asked for */
	ARBITER_ABSENT,	    /* no such manifest */
	ARBITER_INCOMPLETE, /* a child, config or layer is missing */
	ARBITER_NO_PLATFORM,
	ARBITER_DENIED, /* we may not see it either */
	ARBITER_UNREACHABLE,
};

struct arbiter_answer {
	const char *image;
	const char *node; /* as asked */
	enum arbiter_says says;
	const char *text; /* evidence, or NULL */
};

/* Objects are only read, nothing of them is kept by reference. */
struct sight {
	enum sight_what what;
	enum sight_change change;
	union {
		const struct workload *workload;
		const struct replica_set *replica_set;
		const struct controller_revision *revision;
		const struct pod *pod;
		const struct kube_event *event;
		const struct arbiter_answer *answer;
		struct {
			enum sight_what of;
			enum watch_state state;
		} watch;
	};
};

void rollout_observe(struct rollout *r, const struct sight *s, int64_t now_ms);

enum verdict_kind {
	VERDICT_UNDECIDED,
	VERDICT_RUNNING,	/* what was pushed: 0 */
	VERDICT_DID_NOT_LAND,	/* 50 */
	VERDICT_INCOMPLETE,	/* a blob or a platform is missing: 50 */
	VERDICT_NOT_PULLED,	/* the node may not or cannot pull what is there: 51 */
	VERDICT_NAME_OR_POLICY, /* 51 */
	VERDICT_CRASHES,	/* 52 */
	VERDICT_NOT_PLACED,	/* cannot be scheduled or created: 53 */
	VERDICT_STILL_WAITING,	/* the deadline passed: 53 */
	VERDICT_SUPERSEDED,	/* by another rollout, or deleted: 54 */
	VERDICT_REFUSED,	/* by the cluster: 55 */
	VERDICT_NOT_PROVEN,	/* nothing failed, and nothing shows that it works: 3 */
	VERDICT_KINDS,
};

/* Why VERDICT_NOT_PROVEN and VERDICT_SUPERSEDED, and what holds an OrderedReady StatefulSet. */
enum verdict_why {
	WHY_NONE,
	WHY_NO_REPLICAS,
	WHY_PAUSED,
	WHY_UNCHANGED,
	WHY_ON_DELETE,
	WHY_PARTITION,
	WHY_CRONJOB,
	WHY_PODS_UNSEEN, /* no right to read pods */
	WHY_OTHER_IMAGE, /* a pod's spec has another image than the template: something rewrote it */
	WHY_OTHER_DIGEST, /* imageID is none of ours */
	WHY_DELETED,
	WHY_RECREATED, /* another object under the name */
	WHY_OTHER_TEMPLATE,
	WHY_BLOCKED,   /* by a broken pod of an earlier revision */
	WHY_DISAGREES, /* the node misses what the registry shows */
};

#define EVIDENCE_MAX 8

/* One pod or controller in trouble; texts live until the rollout is shown something new; those of a verdict as long as it. */
struct evidence {
	const char *pod; /* NULL: the workload or its replica set */
	const char *pod_uid;
	const char *node;
	const char *container;
	const char *image;
	enum cause cause;
	const char *reason;
	const char *message;
	int64_t since_ms;
	int64_t attempts;
	int64_t restarts;
	int64_t exit_code;
};

struct question {
	const char *image; /* NULL: nothing is to be asked */
	const char *node;  /* whose platform matters, or NULL */
};

struct verdict {
	enum verdict_kind kind;
	enum verdict_why why;
	enum cause cause; /* that decided */
	bool hit_deadline;
	struct evidence evidence[EVIDENCE_MAX]; /* the deciding one first */
	size_t evidence_count;
	size_t evidence_left_off;
	struct question question;   /* what the registry should be asked now */
	enum arbiter_says registry; /* what it said about the deciding image */
	const char *registry_text;
	int64_t pods_wanted; /* of the new revision */
	int64_t pods_seen;
	int64_t pods_ready;
	int64_t next_ms;   /* VERDICT_UNDECIDED: judge again not later than this */
	char waiting[256]; /* VERDICT_UNDECIDED: for what, one line */
};

/* Fills *RET and says whether it is a verdict. The first verdict stays. */
bool rollout_judge(struct rollout *r, int64_t now_ms, struct verdict *ret);

/* Of docs/exit-codes.md: 0, 3, 50 to 55; 1 for what is undecided. */
int verdict_exit(enum verdict_kind kind);

#endif
