/*
 * A rollout played to the judge: a workload `app` with its replica set or revisions, and pods that the test moves.
 * Objects get the next resourceVersion each time they are shown. Time stands on play.now_ms.
 */
#ifndef UNIT_KUBE_PLAY_H
#define UNIT_KUBE_PLAY_H

#include "base/mem.h"
#include "kube/judge.h"

#include <stdio.h>
#include <string.h>

#define PLAY_IMAGE "registry.example/app:v2@sha256:" PLAY_INDEX
#define PLAY_INDEX "1111111111111111111111111111111111111111111111111111111111111111"
#define PLAY_CHILD "2222222222222222222222222222222222222222222222222222222222222222"
#define PLAY_OLD_IMAGE "registry.example/app:v1"
#define PLAY_DEADLINE_MS 180000
#define PLAY_NEW 2 /* the sameness of templates */
#define PLAY_OLD 1

struct play {
	struct rollout *r;
	int64_t now_ms;
	int64_t begun_ms;
	int version;
	enum workload_kind kind;
	struct workload w;
	struct template_container container;
	struct object_condition conditions[2];
	char revision[32];
	struct verdict v;
};

static inline const char *play_version(struct play *p, char text[16])
{
	snprintf(text, 16, "%d", ++p->version);
	return text;
}

static inline void play_sight(struct play *p, struct sight s)
{
	rollout_observe(p->r, &s, p->now_ms);
}

static inline void play_workload(struct play *p)
{
	char version[16];

	p->w.meta.resource_version = play_version(p, version);
	play_sight(p, (struct sight){ .what = SIGHT_WORKLOAD, .workload = &p->w });
}

static inline struct pod_template play_template(struct play *p, uint64_t sameness)
{
	p->container = (struct template_container){
		.name = "app", .image = sameness == PLAY_NEW ? PLAY_IMAGE : PLAY_OLD_IMAGE
	};
	return (struct pod_template){ .containers = &p->container,
				      .container_count = 1,
				      .sameness = sameness };
}

/* FAILURE: the message of condition ReplicaFailure, or NULL. */
static inline void play_set(struct play *p, uint64_t sameness, const char *failure)
{
	char version[16];
	struct object_condition c = { .type = "ReplicaFailure",
				      .is_true = true,
				      .reason = "FailedCreate",
				      .message = failure };
	struct replica_set s = {
		.meta = { .name = sameness == PLAY_NEW ? "app-new" : "app-old",
			  .uid = sameness == PLAY_NEW ? "rs-new" : "rs-old",
			  .owner = { "Deployment", "app", "w" } },
		.template_hash = sameness == PLAY_NEW ? "new" : "old",
		.revision = (int64_t)sameness,
		.conditions = { &c, failure ? 1 : 0 },
		.template = play_template(p, sameness),
	};

	s.meta.resource_version = play_version(p, version);
	play_sight(p, (struct sight){ .what = SIGHT_REPLICA_SET, .replica_set = &s });
}

static inline void play_revision(struct play *p, uint64_t sameness)
{
	char version[16];
	struct controller_revision s = {
		.meta = { .name = sameness == PLAY_NEW ? "app-new" : "app-old",
			  .uid = sameness == PLAY_NEW ? "cr-new" : "cr-old",
			  .owner = { "DaemonSet", "app", "w" } },
		.revision = (int64_t)sameness,
		.hash = sameness == PLAY_NEW ? "new" : "old",
		.template = play_template(p, sameness),
	};

	s.meta.resource_version = play_version(p, version);
	play_sight(p, (struct sight){ .what = SIGHT_REVISION, .revision = &s });
}

static inline void play_watch(struct play *p, enum sight_what of, enum watch_state state)
{
	struct sight s = { .what = SIGHT_WATCH };

	s.watch.of = of;
	s.watch.state = state;
	play_sight(p, s);
}

static inline void play_synced(struct play *p)
{
	for (int of = 0; of < SIGHT_WATCH; of++)
		play_watch(p, (enum sight_what)of, WATCH_SYNCED);
}

/* A pod's one container; what is left out is as in a pod that is being created. */
struct play_pod {
	const char *name; /* its uid as well */
	bool is_old;
	const char *image;
	const char *image_id;
	bool is_ready;
	bool is_init; /* the state is an init container's */
	bool is_deleting;
	enum container_phase phase;
	const char *reason;
	const char *message;
	int64_t restarts;
	int64_t exit_code;
	const char *unschedulable;
	const char *version; /* NULL: the next one */
};

static inline void play_pod(struct play *p, struct play_pod s)
{
	char version[16];
	struct pod_container containers[2] = {
		{ .name = "setup",
		  .image = "registry.example/setup:v1",
		  .is_init = true,
		  .state = { .phase = CONTAINER_ENDED } },
		{ .name = "app",
		  .image = s.image    ? s.image
			   : s.is_old ? PLAY_OLD_IMAGE
				      : PLAY_IMAGE,
		  .image_id = s.image_id,
		  .is_ready = s.is_ready },
	};
	struct pod_container *c = &containers[s.is_init ? 0 : 1];
	struct object_condition scheduled = { .type = "PodScheduled",
					      .is_true = !s.unschedulable,
					      .reason = "Unschedulable",
					      .message = s.unschedulable };
	struct pod pod = {
		.meta = { .name = s.name, .uid = s.name, .is_deleting = s.is_deleting },
		.phase = s.is_ready ? "Running" : "Pending",
		.node = "node-1",
		.is_ready = s.is_ready,
		.conditions = { &scheduled, 1 },
		.containers = containers,
		.container_count = 2,
	};

	if (p->kind == WORKLOAD_DEPLOYMENT)
		pod.meta.owner.uid = s.is_old ? "rs-old" : "rs-new";
	else
		pod.meta.owner.uid = "w";
	if (p->kind == WORKLOAD_STATEFULSET)
		pod.revision_hash = s.is_old ? "app-old" : "app-new";
	else if (p->kind == WORKLOAD_DAEMONSET)
		pod.revision_hash = s.is_old ? "old" : "new";
	c->state = (struct container_state){ .phase = s.phase ? s.phase : CONTAINER_WAITING,
					     .reason = s.phase || s.reason ? s.reason
									   : "ContainerCreating",
					     .message = s.message,
					     .exit_code = s.exit_code };
	c->restarts = s.restarts;
	if (s.restarts)
		c->last = (struct container_state){ .phase = CONTAINER_ENDED,
						    .reason = "Error",
						    .exit_code = s.exit_code };
	pod.meta.resource_version = s.version ? s.version : play_version(p, version);
	play_sight(p, (struct sight){ .what = SIGHT_POD, .pod = &pod });
}

static inline void play_ready(struct play *p, const char *name)
{
	play_pod(p, (struct play_pod){ .name = name,
				       .is_ready = true,
				       .phase = CONTAINER_RUNNING,
				       .image_id = "other.example/x@sha256:" PLAY_CHILD });
}

static inline void play_old(struct play *p, const char *name)
{
	play_pod(p, (struct play_pod){ .name = name,
				       .is_old = true,
				       .is_ready = true,
				       .phase = CONTAINER_RUNNING,
				       .image_id = "sha256:3" });
}

static inline void play_waits(struct play *p, const char *name, const char *reason,
			      const char *message)
{
	play_pod(p, (struct play_pod){ .name = name, .reason = reason, .message = message });
}

static inline void play_gone(struct play *p, const char *name)
{
	struct pod pod = { .meta = { .name = name, .uid = name } };

	play_sight(p, (struct sight){ .what = SIGHT_POD, .change = SIGHT_GONE, .pod = &pod });
}

static inline void play_event(struct play *p, const char *pod, const char *reason,
			      const char *message, int64_t count)
{
	struct kube_event e = { .meta = { .name = "event", .uid = reason },
				.reason = reason,
				.message = message,
				.is_warning = strcmp(reason, "Pulling") != 0,
				.count = count,
				.kind = pod ? "Pod" : "StatefulSet",
				.uid = pod ? pod : "w",
				.container = "app" };

	play_sight(p, (struct sight){ .what = SIGHT_EVENT, .event = &e });
}

static inline void play_answer(struct play *p, const char *image, enum arbiter_says says)
{
	struct arbiter_answer a = { .image = image, .node = "node-1", .says = says };

	play_sight(p, (struct sight){ .what = SIGHT_REGISTRY, .answer = &a });
}

/* Judged each second until MS from now have passed or there is a verdict. */
static inline enum verdict_kind play_wait(struct play *p, int64_t ms)
{
	int64_t until_ms = p->now_ms + ms;

	while (!rollout_judge(p->r, p->now_ms, &p->v) && p->now_ms < until_ms)
		p->now_ms += until_ms - p->now_ms < 1000 ? until_ms - p->now_ms : 1000;
	return p->v.kind;
}

static inline int64_t play_took_ms(const struct play *p)
{
	return p->now_ms - p->begun_ms;
}

/* The controller's counters as they are when READY of the wanted pods are new and ready and OLD ones are left. */
static inline void play_counters(struct play *p, int64_t updated, int64_t ready, int64_t old)
{
	p->w.observed_generation = p->w.meta.generation;
	p->w.replicas = updated + old;
	p->w.updated = updated;
	p->w.ready = ready + old;
	p->w.available = ready + old;
	play_workload(p);
}

/* A rollout of REPLICAS pods that begins: observed, two old pods, everything is watched. */
static inline void play_begin(struct play *p, enum workload_kind kind, int64_t replicas)
{
	static const struct digest digests[] = { { "sha256:" PLAY_INDEX },
						 { "sha256:" PLAY_CHILD } };
	struct rollout_image image = { "app", PLAY_IMAGE, digests, ARRAY_SIZE(digests) };
	struct rollout_plan plan = { .kind = kind,
				     .name = "app",
				     .uid = "w",
				     .generation = 2,
				     .sameness = PLAY_NEW,
				     .has_arbiter = true,
				     .images = &image,
				     .image_count = 1,
				     .deadline_ms = 1000000 + PLAY_DEADLINE_MS };

	*p = (struct play){ .kind = kind, .now_ms = 1000000, .begun_ms = 1000000 };
	p->r = rollout_new(&plan, p->now_ms);
	p->w = (struct workload){ .kind = kind,
				  .meta = { .name = "app", .uid = "w", .generation = 2 },
				  .observed_generation = 2,
				  .wanted = replicas,
				  .replicas = replicas,
				  .ready = replicas,
				  .available = replicas,
				  .is_ordered = kind == WORKLOAD_STATEFULSET,
				  .update_revision = "app-new",
				  .template = play_template(p, PLAY_NEW) };
	play_workload(p);
	if (kind == WORKLOAD_DEPLOYMENT) {
		play_set(p, PLAY_OLD, NULL);
		play_set(p, PLAY_NEW, NULL);
	} else {
		play_revision(p, PLAY_OLD);
		play_revision(p, PLAY_NEW);
	}
	play_old(p, "old-1");
	play_old(p, "old-2");
	play_synced(p);
}

static inline void play_end(struct play *p)
{
	rollout_free(p->r);
	p->r = NULL;
}

#endif
