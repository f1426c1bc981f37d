/*
 * Rollouts drawn by seeds, played to the judge as a cluster would show them: late, twice, out of order, in part, through
 * watches that break, to a clock that leaps. What the cluster is in truth is known, so each verdict can be judged:
 *
 *	early       a trouble that heals ended a rollout before its deadline
 *	late        a trouble that stays was not named within its grace
 *	wrong       it was named as something else
 *	false       success, while a pod of the new revision did not run the image
 *	unseen      no success, although all had been well and told for long
 *	overtaken   another template took its place, and it went on
 *	different   the same seed once more, and another verdict
 *
 * usage: landed-judge-search [--seeds N] [--first S] [--seed S] [--fail-fast] [-v]
 */
#include "sim/sim_rng.h"
#include "unit/kube/play.h"

#include <getopt.h>
#include <stdlib.h>

#define NEWS_MAX 1024
#define PODS_MAX 5
#define OUTAGES_MAX 3
#define BEGIN_MS 1000000
#define DEADLINE_MS 300000
#define END_MS (DEADLINE_MS + 20000)
#define FAILURES_SHOWN 20

/* A trouble: what a kubelet says at each attempt, and what the judge owes. */
struct trouble_kind {
	const char *name;
	const char *reason;
	const char *message;
	enum arbiter_says registry;
	enum verdict_kind owed; /* when it stays */
	int64_t grace_ms;	/* from when it can be known */
	bool stays_only;	/* it never heals by itself */
	bool heals_only;	/* staying, it ends with the deadline */
};

#define NET_TEXT \
	"failed to do request: Head \"https://h/\": dial tcp 10.0.0.1:443: connection refused"
#define TWO_ATTEMPTS 35000

static const struct trouble_kind kinds[] = {
	{ "qps", "ErrImagePull", "pull QPS exceeded", ARBITER_WHOLE, VERDICT_STILL_WAITING, 0,
	  false, true },
	{ "429", "ErrImagePull", "unexpected status: 429 Too Many Requests", ARBITER_WHOLE,
	  VERDICT_STILL_WAITING, 0, false, true },
	{ "503", "ErrImagePull", "unexpected status: 503 Service Unavailable", ARBITER_UNREACHABLE,
	  VERDICT_STILL_WAITING, 0, false, true },
	{ "network", "ErrImagePull", NET_TEXT, ARBITER_WHOLE, VERDICT_STILL_WAITING, 0, false,
	  true },
	{ "unknown", "ErrImagePull", "nobody knows this text", ARBITER_WHOLE, VERDICT_STILL_WAITING,
	  0, false, true },
	{ "lagging", "ErrImagePull", "code = NotFound desc = x: not found", ARBITER_WHOLE,
	  VERDICT_NOT_PULLED, JUDGE_LAG_MS, false, false },
	{ "away", "ErrImagePull", "code = NotFound desc = x: not found", ARBITER_UNREACHABLE,
	  VERDICT_STILL_WAITING, 0, false, true },
	{ "denied", "ErrImagePull", "unexpected status: 403 Forbidden", ARBITER_WHOLE,
	  VERDICT_NOT_PULLED, JUDGE_BLIND_MS, false, false },
	{ "absent", "ErrImagePull", "code = NotFound desc = x: not found", ARBITER_ABSENT,
	  VERDICT_DID_NOT_LAND, 0, true, false },
	{ "absent-or-denied", "ErrImagePull", "unexpected status: 403 Forbidden", ARBITER_ABSENT,
	  VERDICT_DID_NOT_LAND, 0, true, false },
	{ "blob", "ErrImagePull", "could not fetch content descriptor d from remote: not found",
	  ARBITER_INCOMPLETE, VERDICT_INCOMPLETE, 0, true, false },
	{ "platform", "ErrImagePull", "no match for platform in manifest: not found",
	  ARBITER_NO_PLATFORM, VERDICT_INCOMPLETE, 0, true, false },
	{ "name", "InvalidImageName", "couldn't parse image name", ARBITER_UNKNOWN,
	  VERDICT_NAME_OR_POLICY, JUDGE_CONFIRM_MS, true, false },
	{ "never", "ErrImageNeverPull", "no", ARBITER_WHOLE, VERDICT_NAME_OR_POLICY,
	  JUDGE_CONFIRM_MS, true, false },
	{ "x509", "ErrImagePull", "x509: certificate signed by unknown authority", ARBITER_WHOLE,
	  VERDICT_NAME_OR_POLICY, JUDGE_CONFIRM_MS, true, false },
	{ "config", "CreateContainerConfigError", "secret \"s\" not found", ARBITER_WHOLE,
	  VERDICT_NOT_PLACED, JUDGE_CONFIRM_MS, true, false },
	{ "crash", "CrashLoopBackOff", "back-off 10s restarting failed container", ARBITER_WHOLE,
	  VERDICT_CRASHES, 60000, false, false },
	{ "unschedulable", NULL, "0/3 nodes are available", ARBITER_WHOLE, VERDICT_NOT_PLACED, 0,
	  false, true },
	{ "quota", NULL, "exceeded quota: q, requested: pods=1", ARBITER_WHOLE, VERDICT_REFUSED,
	  JUDGE_REFUSED_MS, false, false },
};

/* What a client is told at a moment: a pod, the workload, a set, an event, a watch. */
struct news {
	int64_t at_ms; /* delivered */
	int64_t made_ms;
	enum { NEWS_POD, NEWS_WORKLOAD, NEWS_SET, NEWS_EVENT, NEWS_GONE } what;
	struct play_pod pod;
	char version[16];
	int64_t updated, ready, old, generation, wanted, count;
	bool is_other; /* another template */
	const char *failure;
};

struct run {
	struct sim_rng rng;
	struct play play;
	enum workload_kind kind;
	int64_t pods;
	const struct trouble_kind *trouble; /* NULL: none */
	bool stays;
	int64_t heals_ms;
	int64_t superseded_ms; /* 0: never */
	bool has_events;

	struct news news[NEWS_MAX];
	size_t count;
	int version;
	int64_t outages[OUTAGES_MAX][2];
	size_t outage_count;
	int64_t leap_ms, leap_at_ms;
	int64_t listed_ms;
	int64_t told_ms; /* when the cause of a failing pull was first told, 0: never */

	int64_t known_ms;    /* when the trouble that stays was told, INT64_MAX: never */
	int64_t all_well_ms; /* in truth: all pods run the image */
	int64_t ended_ms;
	struct verdict v;
	int64_t answer_at_ms;
	char asked[256];
	bool verbose;
};

static const char *const names[PODS_MAX] = { "new-0", "new-1", "new-2", "new-3", "new-4" };
static const char *const old_names[2] = { "old-1", "old-2" };

static int64_t drawn(struct run *r, int64_t from, int64_t to)
{
	return from + (int64_t)sim_rng_below(&r->rng, (uint64_t)(to - from + 1));
}

/* Composing */

static struct news *add(struct run *r, int64_t made_ms, int what)
{
	struct news *n;

	if (r->count == NEWS_MAX)
		abort();
	n = &r->news[r->count++];
	*n = (struct news){ .made_ms = made_ms, .at_ms = made_ms };
	n->what = what;
	snprintf(n->version, sizeof(n->version), "%d", ++r->version + 100);
	return n;
}

static void add_pod(struct run *r, int64_t ms, struct play_pod pod)
{
	add(r, ms, NEWS_POD)->pod = pod;
}

static void add_event(struct run *r, int64_t ms, const char *pod, const char *message,
		      int64_t count)
{
	struct news *n;

	if (!r->has_events || sim_rng_chance(&r->rng, 200))
		return;
	n = add(r, ms, NEWS_EVENT);
	n->pod.name = pod;
	n->pod.message = message;
	n->count = count;
}

static void add_workload(struct run *r, int64_t ms, int64_t updated, int64_t ready, int64_t old)
{
	struct news *n = add(r, ms, NEWS_WORKLOAD);

	n->updated = updated;
	n->ready = ready;
	n->old = old;
	n->generation = 2;
	n->wanted = r->pods;
}

static void add_ready(struct run *r, int64_t ms, const char *name)
{
	add_pod(r, ms,
		(struct play_pod){ .name = name,
				   .is_ready = true,
				   .phase = CONTAINER_RUNNING,
				   .image_id = "x@sha256:" PLAY_CHILD });
}

/* One pod's attempts to pull, as a kubelet reports them; until END it fails. */
static void add_pull(struct run *r, int64_t ms, const char *name, int64_t end_ms)
{
	static const int64_t attempts_ms[] = { 500, 14800, 42800, 86800, 179800, 290000 };
	const struct trouble_kind *t = r->trouble;
	bool backs_off = strcmp(t->reason, "ErrImagePull") == 0;
	static char events[8][128];
	char *text = events[t - kinds < 8 ? t - kinds : 7];

	snprintf(text, sizeof(events[0]), "Failed to pull image \"R\": %s", t->message);
	for (size_t i = 0; i < ARRAY_SIZE(attempts_ms); i++) {
		int64_t at_ms = ms + attempts_ms[i], seen_ms = at_ms + drawn(r, 10, 6000);

		if (at_ms >= end_ms)
			break;
		if (backs_off && (t->owed == VERDICT_NOT_PULLED || t->heals_only))
			add_event(r, at_ms, name, text, (int64_t)i + 1);
		add_pod(r, seen_ms,
			(struct play_pod){
				.name = name, .reason = t->reason, .message = t->message });
		if (r->stays && seen_ms < r->known_ms)
			r->known_ms = seen_ms;
		if (!backs_off)
			break;
		add_pod(r, seen_ms + drawn(r, 1000, 8000),
			(struct play_pod){ .name = name,
					   .reason = "ImagePullBackOff",
					   .message = "Back-off pulling image \"R\"" });
	}
}

/* Runs, ends, waits, runs: RESTARTS times. */
static int64_t add_crashes(struct run *r, int64_t ms, const char *name, int64_t restarts)
{
	int64_t at_ms = ms + 1500;

	for (int64_t i = 0; i < restarts; i++) {
		add_pod(r, at_ms,
			(struct play_pod){ .name = name,
					   .phase = CONTAINER_RUNNING,
					   .restarts = i,
					   .exit_code = 1 });
		add_pod(r, at_ms + 500,
			(struct play_pod){ .name = name,
					   .phase = CONTAINER_ENDED,
					   .reason = "Error",
					   .exit_code = 1,
					   .restarts = i });
		add_pod(r, at_ms + 1500,
			(struct play_pod){ .name = name,
					   .reason = "CrashLoopBackOff",
					   .message = r->trouble->message,
					   .exit_code = 1,
					   .restarts = i });
		if (i >= JUDGE_RESTARTS && at_ms + 500 < r->known_ms)
			r->known_ms = at_ms + 500;
		at_ms += 10000 << (i < 4 ? i : 4);
	}
	return at_ms;
}

/* From MS on, the pod NAME; returns when it is ready, or INT64_MAX. */
static int64_t add_life(struct run *r, int64_t ms, const char *name)
{
	const struct trouble_kind *t = r->trouble;
	int64_t end_ms = r->stays ? INT64_MAX : ms + r->heals_ms, ready_ms = ms;

	if (t && strcmp(t->name, "quota") == 0) {
		add(r, ms, NEWS_SET)->failure = t->message;
		if (r->stays) {
			r->known_ms = ms < r->known_ms ? ms : r->known_ms;
			return INT64_MAX;
		}
		ms += r->heals_ms % 20000;
		add(r, ms, NEWS_SET);
	} else if (t && strcmp(t->name, "unschedulable") == 0) {
		add_pod(r, ms, (struct play_pod){ .name = name, .unschedulable = t->message });
		ready_ms = ms + r->heals_ms;
	} else if (t && strcmp(t->name, "crash") == 0) {
		add_pod(r, ms, (struct play_pod){ .name = name });
		ready_ms = add_crashes(r, ms, name, r->stays ? 5 : drawn(r, 1, 2));
	} else if (t) {
		add_pod(r, ms, (struct play_pod){ .name = name });
		add_pull(r, ms, name, end_ms);
		ready_ms = ms + r->heals_ms;
	} else {
		add_pod(r, ms, (struct play_pod){ .name = name });
	}
	if (t && r->stays)
		return INT64_MAX;
	if (ready_ms < ms)
		ready_ms = ms;
	ready_ms += drawn(r, 16000, 20000);
	add_ready(r, ready_ms, name);
	return ready_ms;
}

/* Old pods do what they want: crash, fail to pull. None of it may count. */
static void add_old_noise(struct run *r)
{
	for (int i = 0; i < 4; i++)
		add_pod(r, drawn(r, 0, 200000),
			(struct play_pod){ .name = old_names[i & 1],
					   .is_old = true,
					   .reason = i & 2 ? "ErrImagePull" : "CrashLoopBackOff",
					   .message = i & 2 ? "code = NotFound desc = x: not found"
							    : "back-off",
					   .restarts = 7 });
}

/* A pod that is in trouble and deleted before it heals; returns when that was. */
static int64_t add_lost(struct run *r, int64_t ms)
{
	int64_t gone_ms = ms + r->heals_ms;

	add_pod(r, ms, (struct play_pod){ .name = "lost" });
	add_pull(r, ms, "lost", gone_ms);
	for (size_t i = 0; i < r->count; i++)
		if (r->news[i].made_ms >= gone_ms)
			r->news[i].made_ms = r->news[i].at_ms = gone_ms - 1;
	add(r, gone_ms, NEWS_GONE)->pod.name = "lost";
	return gone_ms;
}

static bool is_pull(const struct trouble_kind *t)
{
	return t && t->reason && strcmp(t->reason, "ErrImagePull") == 0;
}

/* The rollout in truth, one pod after the other. */
static void compose(struct run *r)
{
	int64_t ms = drawn(r, 100, 3000);

	add_workload(r, ms, 1, 0, 2);
	if (is_pull(r->trouble) && !r->stays && sim_rng_chance(&r->rng, 300))
		ms = add_lost(r, ms);
	for (int64_t i = 0; i < r->pods; i++) {
		int64_t ready_ms = add_life(r, ms + 50, names[i]);

		if (ready_ms == INT64_MAX)
			return;
		ms = ready_ms + 200;
		add_workload(r, ms, i + 1, i + 1, i + 1 < r->pods ? 1 : 0);
	}
	for (size_t i = 0; i < 2; i++) {
		struct news *n = add(r, ms, NEWS_GONE);

		n->pod.name = old_names[i];
	}
	r->all_well_ms = ms - 200; /* the last was ready */
}

/* Perturbing */

static bool in_outage(const struct run *r, int64_t ms)
{
	for (size_t i = 0; i < r->outage_count; i++)
		if (ms >= r->outages[i][0] && ms < r->outages[i][1])
			return true;
	return false;
}

static void perturb(struct run *r)
{
	size_t count = r->count;

	for (size_t i = 0; i < count; i++) {
		r->news[i].at_ms += drawn(r, 0, 1500);
		if (r->count < NEWS_MAX && sim_rng_chance(&r->rng, 300)) {
			r->news[r->count] = r->news[i];
			r->news[r->count++].at_ms += drawn(r, 0, 20000);
		}
	}
}

static void draw_outages(struct run *r)
{
	int64_t ms = drawn(r, 2000, 60000);

	r->outage_count = sim_rng_chance(&r->rng, 400) ? (size_t)drawn(r, 1, OUTAGES_MAX) : 0;
	for (size_t i = 0; i < r->outage_count; i++) {
		r->outages[i][0] = ms;
		r->outages[i][1] = ms +=
			drawn(r, 1000, sim_rng_chance(&r->rng, 300) ? 90000 : 20000);
		ms += drawn(r, 1000, 60000);
	}
	if (sim_rng_chance(&r->rng, 200)) {
		r->leap_at_ms = drawn(r, 1000, 60000);
		r->leap_ms = drawn(r, -5000, 40000);
	}
}

static void draw_run(struct run *r, uint64_t seed)
{
	r->rng.state = seed;
	r->rng.state = sim_rng_next(&r->rng); /* neighbours shall be no relatives */
	r->kind = sim_rng_chance(&r->rng, 600)	 ? WORKLOAD_DEPLOYMENT
		  : sim_rng_chance(&r->rng, 500) ? WORKLOAD_DAEMONSET
						 : WORKLOAD_STATEFULSET;
	r->pods = drawn(r, 1, PODS_MAX);
	r->has_events = sim_rng_chance(&r->rng, 800);
	r->known_ms = r->all_well_ms = INT64_MAX;
	if (sim_rng_chance(&r->rng, 850))
		r->trouble = &kinds[sim_rng_below(&r->rng, ARRAY_SIZE(kinds))];
	if (r->trouble && strcmp(r->trouble->name, "quota") == 0)
		r->kind = WORKLOAD_DEPLOYMENT;
	r->stays = r->trouble && (r->trouble->stays_only || sim_rng_chance(&r->rng, 400));
	/* A refusal heals at the second attempt; the rest when it likes. */
	r->heals_ms = r->trouble && r->trouble->owed == VERDICT_NOT_PULLED && !r->stays
			      ? 14000
			      : drawn(r, 1000, 50000);
	draw_outages(r);
	compose(r);
	/* A StatefulSet in order is held by a broken pod, rightly. */
	if (r->kind != WORKLOAD_STATEFULSET && sim_rng_chance(&r->rng, 500))
		add_old_noise(r);
	if (sim_rng_chance(&r->rng, 100)) {
		r->superseded_ms = drawn(r, 5000, 100000);
		add_workload(r, r->superseded_ms, 0, 0, 2);
		r->news[r->count - 1].is_other = true;
		r->news[r->count - 1].generation = 3;
	}
	perturb(r);
}

/* Telling */

static void tell(struct run *r, const struct news *n)
{
	struct play *p = &r->play;
	struct play_pod pod = n->pod;

	p->version = atoi(n->version) - 1;
	if (!r->told_ms && pod.reason && strcmp(pod.reason, "ErrImagePull") == 0 && !pod.is_old)
		r->told_ms = p->now_ms - BEGIN_MS;
	switch (n->what) {
	case NEWS_POD:
		pod.version = n->version;
		play_pod(p, pod);
		break;
	case NEWS_GONE:
		play_gone(p, n->pod.name);
		break;
	case NEWS_WORKLOAD:
		p->w.meta.generation = n->generation;
		p->w.template = play_template(p, n->is_other ? PLAY_OLD : PLAY_NEW);
		p->w.wanted = n->wanted;
		play_counters(p, n->updated, n->ready, n->old);
		break;
	case NEWS_SET:
		play_set(p, PLAY_NEW, n->failure);
		break;
	case NEWS_EVENT:
		play_event(p, n->pod.name, "Failed", n->pod.message, n->count);
		break;
	}
}

/* The last state of each object that was made by now: what a list shows. */
static bool is_last(const struct run *r, const struct news *n, int64_t ms)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct news *o = &r->news[i];

		if (o->made_ms > ms || atoi(o->version) <= atoi(n->version))
			continue;
		if (o->what == n->what && n->what != NEWS_POD)
			return false;
		if ((o->what == NEWS_POD || o->what == NEWS_GONE) && n->what == NEWS_POD &&
		    strcmp(o->pod.name, n->pod.name) == 0)
			return false;
	}
	return true;
}

static void relist(struct run *r, int64_t ms)
{
	static const enum sight_what all[] = { SIGHT_WORKLOAD, SIGHT_REPLICA_SET, SIGHT_REVISION,
					       SIGHT_POD };
	struct play *p = &r->play;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		play_watch(p, all[i], WATCH_LISTING);
	r->listed_ms = ms;
	p->version = 0; /* as they were at first; what has changed since is among the news */
	if (r->kind == WORKLOAD_DEPLOYMENT)
		play_set(p, PLAY_OLD, NULL);
	else
		play_revision(p, PLAY_OLD);
	if (r->kind == WORKLOAD_DEPLOYMENT)
		play_set(p, PLAY_NEW, NULL);
	else
		play_revision(p, PLAY_NEW);
	for (size_t i = 0; i < r->count; i++)
		if (r->news[i].made_ms <= ms && r->news[i].what != NEWS_EVENT &&
		    r->news[i].what != NEWS_GONE && is_last(r, &r->news[i], ms))
			tell(r, &r->news[i]);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		play_watch(p, all[i], WATCH_SYNCED);
}

/* Running */

static void answer(struct run *r, int64_t ms)
{
	const struct question *q = &r->v.question;

	if (r->answer_at_ms && ms >= r->answer_at_ms) {
		play_answer(&r->play, r->asked, r->trouble ? r->trouble->registry : ARBITER_WHOLE);
		r->answer_at_ms = 0;
	}
	if (q->image && !r->answer_at_ms) {
		snprintf(r->asked, sizeof(r->asked), "%s", q->image);
		r->answer_at_ms = ms + drawn(r, 10, 3000);
	}
}

/* A watch goes on behind the list before it. */
static void deliver(struct run *r, int64_t from_ms, int64_t to_ms)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->news[i].at_ms > from_ms && r->news[i].at_ms <= to_ms &&
		    !in_outage(r, r->news[i].at_ms) && r->news[i].made_ms > r->listed_ms)
			tell(r, &r->news[i]);
}

/* A step of 100 ms to a second; the clock that the judge is shown leaps once. */
static void step(struct run *r, int64_t from_ms, int64_t to_ms)
{
	bool was_out = in_outage(r, from_ms), is_out = in_outage(r, to_ms);
	int64_t leap_ms = r->leap_at_ms && to_ms >= r->leap_at_ms ? r->leap_ms : 0;

	r->play.now_ms = BEGIN_MS + to_ms + leap_ms;
	deliver(r, from_ms, to_ms);
	if (!was_out && is_out)
		for (int of = 0; of < SIGHT_WATCH; of++)
			play_watch(&r->play, (enum sight_what)of, WATCH_LOST);
	if (was_out && !is_out)
		relist(r, to_ms);
}

static void run(struct run *r)
{
	int64_t ms = 0;

	play_begin(&r->play, r->kind, r->pods);
	rollout_free(r->play.r);
	{
		static const struct digest digests[] = { { "sha256:" PLAY_CHILD } };
		struct rollout_image image = { "app", PLAY_IMAGE, digests, 1 };
		struct rollout_plan plan = { .kind = r->kind,
					     .name = "app",
					     .uid = "w",
					     .generation = 2,
					     .sameness = PLAY_NEW,
					     .has_arbiter = true,
					     .images = &image,
					     .image_count = 1,
					     .deadline_ms = BEGIN_MS + DEADLINE_MS };
		r->play.r = rollout_new(&plan, BEGIN_MS);
	}
	relist(r, 0);
	while (ms < END_MS + 60000) {
		int64_t to_ms = ms + drawn(r, 100, 1000);

		step(r, ms, to_ms);
		ms = to_ms;
		if (rollout_judge(r->play.r, r->play.now_ms, &r->v))
			break;
		answer(r, ms);
	}
	r->ended_ms = ms;
}

/* Judging */

static int64_t lost_ms(const struct run *r)
{
	int64_t sum = r->leap_ms > 0 ? r->leap_ms : -r->leap_ms;

	for (size_t i = 0; i < r->outage_count; i++)
		sum += r->outages[i][1] - r->outages[i][0];
	return sum;
}

static const char *judge(const struct run *r)
{
	const struct trouble_kind *t = r->trouble;
	bool is_late = r->play.now_ms >= BEGIN_MS + DEADLINE_MS;
	int64_t grace_ms;

	if (r->v.kind == VERDICT_UNDECIDED)
		return "late";
	if (r->v.kind == VERDICT_SUPERSEDED)
		return r->superseded_ms && r->ended_ms >= r->superseded_ms ? NULL : "wrong";
	if (r->superseded_ms && r->ended_ms > r->superseded_ms + 3000 + lost_ms(r))
		return "overtaken";
	if (r->v.kind == VERDICT_RUNNING)
		return r->ended_ms >= r->all_well_ms ? NULL : "false";
	if (!t || !r->stays)
		return !r->v.hit_deadline || !is_late ? "early"
		       : r->all_well_ms + lost_ms(r) + 30000 < DEADLINE_MS && !r->superseded_ms
			       ? "unseen"
			       : NULL;
	if (r->v.hit_deadline != is_late && r->v.hit_deadline)
		return "early";
	/* Whoever sees nothing when the time is over can name no cause. */
	if (r->v.hit_deadline && r->v.kind == VERDICT_STILL_WAITING && in_outage(r, r->ended_ms))
		return NULL;
	if (t->heals_only)
		return r->v.hit_deadline && r->v.kind == t->owed ? NULL
		       : r->v.hit_deadline			 ? "wrong"
								 : "early";
	if (r->v.kind != t->owed)
		return "wrong";
	grace_ms = t->grace_ms + 8000 + 2 * lost_ms(r);
	if (grace_ms < TWO_ATTEMPTS && t->owed == VERDICT_NOT_PULLED)
		grace_ms = TWO_ATTEMPTS;
	return r->ended_ms <= (r->told_ms > r->known_ms ? r->told_ms : r->known_ms) + grace_ms
		       ? NULL
		       : "late";
}

static void show(const struct run *r, uint64_t seed, const char *law)
{
	printf("seed %llu: %s: %s, %s %s, %lld pods, heals %lld, verdict %d why %d at %lld "
	       "(known %lld, well %lld, lost %lld%s)\n",
	       (unsigned long long)seed, law ? law : "kept", workload_kind_name(r->kind),
	       r->trouble ? r->trouble->name : "good", r->stays ? "stays" : "heals",
	       (long long)r->pods, (long long)r->heals_ms, r->v.kind, r->v.why,
	       (long long)r->ended_ms, (long long)(r->known_ms == INT64_MAX ? -1 : r->known_ms),
	       (long long)(r->all_well_ms == INT64_MAX ? -1 : r->all_well_ms),
	       (long long)lost_ms(r), r->v.hit_deadline ? ", deadline" : "");
}

static void show_news(const struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		printf("%8lld made %8lld version %s what %d %s %s %s\n",
		       (long long)r->news[i].at_ms, (long long)r->news[i].made_ms,
		       r->news[i].version, r->news[i].what,
		       r->news[i].pod.name ? r->news[i].pod.name : "",
		       r->news[i].pod.is_ready ? "ready" : "",
		       r->news[i].pod.reason ? r->news[i].pod.reason : "");
}

static bool run_seed(uint64_t seed, bool verbose, size_t shown, size_t *ends)
{
	struct run *once = NEW(struct run), *again = NEW(struct run);
	const char *law;

	draw_run(once, seed);
	run(once);
	draw_run(again, seed);
	run(again);
	law = judge(once);
	if (!law && (again->v.kind != once->v.kind || again->ended_ms != once->ended_ms))
		law = "different";
	if (verbose)
		show_news(once);
	if (verbose || (law && shown < FAILURES_SHOWN))
		show(once, seed, law);
	ends[once->v.kind]++;
	play_end(&once->play);
	play_end(&again->play);
	free(once);
	free(again);
	return law == NULL;
}

static int usage(void)
{
	fputs("usage: landed-judge-search [--seeds N] [--first S] [--seed S] [--fail-fast] [-v]\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "seeds", required_argument, NULL, 'n' },
						 { "first", required_argument, NULL, 'f' },
						 { "seed", required_argument, NULL, 's' },
						 { "fail-fast", no_argument, NULL, 'q' },
						 { 0 } };
	uint64_t first = 1, count = 1000;
	size_t broken = 0, ends[VERDICT_KINDS] = { 0 };
	bool verbose = false, fail_fast = false;
	int word;

	while ((word = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (word == 'n')
			count = strtoull(optarg, NULL, 10);
		else if (word == 'f' || word == 's')
			first = strtoull(optarg, NULL, 10);
		else if (word == 'v')
			verbose = true;
		else if (word == 'q')
			fail_fast = true;
		else
			return usage();
		if (word == 's')
			count = 1;
	}
	if (optind != argc || !count)
		return usage();
	for (uint64_t i = 0; i < count && !(fail_fast && broken); i++)
		broken += !run_seed(first + i, verbose, broken, ends);
	printf("%llu rollouts, %zu broke a law; by verdict:", (unsigned long long)count, broken);
	for (int k = 0; k < VERDICT_KINDS; k++)
		printf(" %zu", ends[k]);
	printf("\n");
	return broken ? 1 : 0;
}
