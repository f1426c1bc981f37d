#include "kube/judge_private.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void copy_image(const struct rollout_image *from, struct expected_image *to)
{
	to->container = mem_strdup_or_null(from->container);
	to->image = mem_strdup(from->image);
	to->digest_count = from->digest_count;
	to->digests = mem_alloc(from->digest_count * sizeof(*to->digests) + 1);
	for (size_t i = 0; i < from->digest_count; i++)
		to->digests[i] = from->digests[i];
}

struct rollout *rollout_new(const struct rollout_plan *plan, int64_t now_ms)
{
	struct rollout *r = NEW(struct rollout);

	r->kind = plan->kind;
	r->name = mem_strdup_or_null(plan->name);
	r->uid = mem_strdup_or_null(plan->uid);
	r->generation = plan->generation;
	r->sameness = plan->sameness;
	r->was_unchanged = plan->was_unchanged;
	r->has_arbiter = plan->has_arbiter;
	r->deadline_ms = plan->deadline_ms;
	r->now_ms = now_ms;
	r->images = mem_alloc(plan->image_count * sizeof(*r->images) + 1);
	r->image_count = plan->image_count;
	for (size_t i = 0; i < plan->image_count; i++)
		copy_image(&plan->images[i], &r->images[i]);
	return r;
}

void judge_advance(struct rollout *r, int64_t now_ms)
{
	int64_t step = now_ms - r->now_ms;

	if (step <= 0)
		return;
	r->now_ms = now_ms;
	if (judge_is_synced(r))
		r->patience += step < JUDGE_STEP_MS ? step : JUDGE_STEP_MS;
}

/* What is watched */

static bool is_known(const struct rollout *r, enum sight_what of)
{
	return r->watches[of] == WATCH_SYNCED || r->watches[of] == WATCH_DENIED;
}

/* A StatefulSet names its revision itself, and a CronJob has neither. */
static bool needs_sets(const struct rollout *r, enum sight_what *ret)
{
	*ret = r->kind == WORKLOAD_DEPLOYMENT ? SIGHT_REPLICA_SET : SIGHT_REVISION;
	return r->kind == WORKLOAD_DEPLOYMENT || r->kind == WORKLOAD_DAEMONSET;
}

bool judge_is_synced(const struct rollout *r)
{
	enum sight_what sets;

	return is_known(r, SIGHT_WORKLOAD) &&
	       (r->kind == WORKLOAD_CRONJOB || is_known(r, SIGHT_POD)) &&
	       (!needs_sets(r, &sets) || is_known(r, sets));
}

/* Whose images */

const struct expected_image *judge_expected(const struct rollout *r, const char *container)
{
	const struct expected_image *others = NULL;

	for (size_t i = 0; i < r->image_count; i++)
		if (!r->images[i].container)
			others = &r->images[i];
		else if (strcmp(r->images[i].container, container) == 0)
			return &r->images[i];
	return others;
}

bool judge_template_has_images(const struct rollout *r, const struct pod_template *t)
{
	for (size_t i = 0; i < t->container_count; i++) {
		const struct expected_image *e = judge_expected(r, t->containers[i].name);

		if (e && (!t->containers[i].image || strcmp(e->image, t->containers[i].image) != 0))
			return false;
	}
	for (size_t i = 0; i < r->image_count; i++)
		if (r->images[i].container && !template_container(t, r->images[i].container))
			return false;
	return true;
}

/* Which pods */

/* Of equal templates a Deployment's controller takes the oldest, a DaemonSet's the newest. */
static bool is_rather(const struct rollout *r, const struct seen_set *a, const struct seen_set *b)
{
	if (!b)
		return true;
	if (r->kind == WORKLOAD_DEPLOYMENT && a->created_wall_ms != b->created_wall_ms)
		return a->created_wall_ms < b->created_wall_ms;
	return a->revision > b->revision;
}

const struct seen_set *judge_our_set(const struct rollout *r)
{
	const struct seen_set *best = NULL, *alike = NULL;

	for (size_t i = 0; i < r->set_count; i++) {
		const struct seen_set *s = &r->sets[i];

		if (s->sameness == r->sameness && is_rather(r, s, best))
			best = s;
		if (s->has_images && (!alike || s->revision > alike->revision))
			alike = s;
	}
	/* A server's new defaults make templates differ that are the same: then the images must do. */
	if (!best && r->workload.observed_generation >= r->workload.generation)
		return alike;
	return best;
}

/* Without the right to read replica sets or revisions a pod's own images tell. */
static enum pod_side side_by_images(const struct seen_pod *p)
{
	return p->images == WHY_OTHER_IMAGE ? POD_OLD : POD_NEW;
}

enum pod_side judge_side(const struct rollout *r, const struct seen_set *set,
			 const struct seen_pod *p)
{
	bool is_child = p->owner && p->owner == judge_key(r->uid);
	enum sight_what sets;

	if (needs_sets(r, &sets) && r->watches[sets] == WATCH_DENIED)
		return side_by_images(p);
	if (r->kind == WORKLOAD_DEPLOYMENT)
		return set && p->owner == set->uid ? POD_NEW : POD_OLD;
	if (!is_child)
		return POD_OTHER;
	if (r->kind == WORKLOAD_DAEMONSET)
		return set && p->revision == set->hash ? POD_NEW : POD_OLD;
	if (r->workload.observed_generation < r->workload.generation)
		return POD_OTHER;
	return p->revision == r->workload.update_revision ? POD_NEW : POD_OLD;
}

/* Success */

static int64_t wanted_new(const struct seen_workload *w)
{
	return w->wanted > w->partition ? w->wanted - w->partition : 0;
}

static bool controller_is_done(const struct rollout *r)
{
	const struct seen_workload *w = &r->workload;

	if (w->observed_generation < w->generation)
		return false;
	switch (r->kind) {
	case WORKLOAD_DEPLOYMENT:
		return w->updated >= w->wanted && w->replicas <= w->updated &&
		       w->available >= w->wanted;
	case WORKLOAD_DAEMONSET:
		return w->updated >= w->wanted && w->available >= w->wanted;
	case WORKLOAD_STATEFULSET:
		return w->ready >= w->wanted && w->updated >= wanted_new(w) &&
		       w->replicas <= w->wanted;
	case WORKLOAD_CRONJOB:
		break;
	}
	return false;
}

struct count {
	int64_t seen, ready, well; /* well: ready and with the right images */
	enum verdict_why images;   /* of the first that has others */
};

static struct count count_pods(const struct rollout *r)
{
	const struct seen_set *set = judge_our_set(r);
	struct count c = { 0 };

	FOR_EACH_POD(r, p)
	{
		if (p->is_over || judge_side(r, set, p) != POD_NEW)
			continue;
		c.seen++;
		c.ready += p->is_ready;
		c.well += p->is_ready && !p->images && !p->is_pending;
		if (p->is_ready && p->images)
			c.images = p->images;
	}
	return c;
}

static bool say(struct verdict *v, enum verdict_kind kind, enum verdict_why why)
{
	v->kind = kind;
	v->why = why;
	return true;
}

/* An unchanged image proves something only when its name holds a digest and imageIDs were compared. */
static bool is_pinned(const struct rollout *r)
{
	for (size_t i = 0; i < r->image_count; i++)
		if (!strchr(r->images[i].image, '@') || !r->images[i].digest_count)
			return false;
	return r->image_count > 0;
}

static bool decide_success(const struct rollout *r, const struct count *c, struct verdict *v)
{
	if (!controller_is_done(r))
		return false;
	if (r->watches[SIGHT_POD] == WATCH_DENIED)
		return say(v, VERDICT_NOT_PROVEN, WHY_PODS_UNSEEN);
	if (c->ready < c->seen || c->seen < v->pods_wanted)
		return false;
	if (c->images)
		return say(v, VERDICT_NOT_PROVEN, c->images);
	if (c->well < c->seen)
		return false;
	if (r->was_unchanged && !is_pinned(r))
		return say(v, VERDICT_NOT_PROVEN, WHY_UNCHANGED);
	return say(v, VERDICT_RUNNING, r->workload.partition > 0 ? WHY_PARTITION : WHY_NONE);
}

/* What can be said of the workload alone. */
static bool decide_without_pods(const struct rollout *r, const struct count *c, struct verdict *v)
{
	const struct seen_workload *w = &r->workload;
	bool is_observed = w->observed_generation >= w->generation;

	if (r->kind == WORKLOAD_CRONJOB)
		return say(v, VERDICT_NOT_PROVEN, WHY_CRONJOB);
	if (w->is_paused)
		return say(v, VERDICT_NOT_PROVEN, WHY_PAUSED);
	/* Of a DaemonSet the status says how many are wanted. */
	if (w->wanted == 0 && (is_observed || r->kind != WORKLOAD_DAEMONSET))
		return say(v, VERDICT_NOT_PROVEN, WHY_NO_REPLICAS);
	if (wanted_new(w) == 0 && w->wanted > 0)
		return say(v, VERDICT_NOT_PROVEN, WHY_PARTITION);
	if (w->strategy == UPDATE_ON_DELETE && is_observed && c->seen < v->pods_wanted)
		return say(v, VERDICT_NOT_PROVEN, WHY_ON_DELETE);
	return false;
}

/* Waiting */

static void waiting_for_pods(const struct rollout *r, struct verdict *v)
{
	const struct seen_workload *w = &r->workload;
	int written = snprintf(v->waiting, sizeof(v->waiting),
			       "%lld of %lld pods of the new revision are ready",
			       (long long)v->pods_ready, (long long)v->pods_wanted);

	if (v->evidence_count)
		snprintf(v->waiting + written, sizeof(v->waiting) - (size_t)written, "; %s: %s",
			 v->evidence[0].pod ? v->evidence[0].pod
			 : r->name	    ? r->name
					    : "",
			 cause_looks[v->evidence[0].cause].says);
	else if (v->pods_ready >= v->pods_wanted && w->replicas > w->updated)
		snprintf(v->waiting + written, sizeof(v->waiting) - (size_t)written,
			 ", of the earlier %lld are still there",
			 (long long)(w->replicas - w->updated));
}

static void say_waiting(const struct rollout *r, bool is_synced, struct verdict *v)
{
	const struct seen_workload *w = &r->workload;

	if (!is_synced || !w->is_seen)
		snprintf(v->waiting, sizeof(v->waiting), "the cluster is being read");
	else if (w->observed_generation < w->generation)
		snprintf(v->waiting, sizeof(v->waiting),
			 "the controller has not yet seen generation %lld",
			 (long long)w->generation);
	else
		waiting_for_pods(r, v);
}

static void plan_next(const struct rollout *r, int64_t next, struct verdict *v)
{
	int64_t step = next - r->patience;

	if (step > JUDGE_STEP_MS)
		step = JUDGE_STEP_MS;
	v->next_ms = r->now_ms + (step > 0 ? step : 1);
	if (r->deadline_ms && v->next_ms > r->deadline_ms)
		v->next_ms = r->deadline_ms;
}

/* Deciding */

/* Our own deadline; where there is none, the cluster's, if the excess is this rollout's. */
static bool is_too_late(const struct rollout *r)
{
	const struct seen_set *set = judge_our_set(r);

	if (r->deadline_ms)
		return r->now_ms >= r->deadline_ms;
	return r->workload.has_exceeded && r->workload.exceeded_text && set && set->name &&
	       strstr(r->workload.exceeded_text, set->name);
}

static bool decide(const struct rollout *r, struct verdict *v)
{
	bool is_synced = judge_is_synced(r), is_readable = is_synced && r->workload.is_seen;
	int64_t next = r->patience + JUDGE_STEP_MS;
	struct count c = count_pods(r);

	v->pods_wanted = wanted_new(&r->workload);
	v->pods_seen = c.seen;
	v->pods_ready = c.ready;
	if (r->superseded)
		return say(v, VERDICT_SUPERSEDED, r->superseded);
	if (is_readable && (decide_without_pods(r, &c, v) || decide_success(r, &c, v) ||
			    judge_trouble(r, v, &next)))
		return true;
	if (is_too_late(r)) {
		v->hit_deadline = true;
		judge_at_deadline(v);
		return true;
	}
	say_waiting(r, is_synced, v);
	plan_next(r, next, v);
	return false;
}

bool rollout_judge(struct rollout *r, int64_t now_ms, struct verdict *ret)
{
	struct verdict v = { 0 };

	if (!r->decided.kind) {
		judge_advance(r, now_ms);
		if (decide(r, &v))
			r->decided = v;
	}
	*ret = r->decided.kind ? r->decided : v;
	return ret->kind != VERDICT_UNDECIDED;
}

int verdict_exit(enum verdict_kind kind)
{
	static const int exits[VERDICT_KINDS] = {
		[VERDICT_UNDECIDED] = 1,   [VERDICT_RUNNING] = 0,     [VERDICT_DID_NOT_LAND] = 50,
		[VERDICT_INCOMPLETE] = 50, [VERDICT_NOT_PULLED] = 51, [VERDICT_NAME_OR_POLICY] = 51,
		[VERDICT_CRASHES] = 52,	   [VERDICT_NOT_PLACED] = 53, [VERDICT_STILL_WAITING] = 53,
		[VERDICT_SUPERSEDED] = 54, [VERDICT_REFUSED] = 55,    [VERDICT_NOT_PROVEN] = 3,
	};

	return exits[kind];
}
