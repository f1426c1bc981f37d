/* The watches under a rollout: what each of them brings goes to the judge. */
#include "cli/rollout_private.h"

#include "base/mem.h"

#include <string.h>

void rollout_tell_judge(struct follow *f, const struct sight *s)
{
	monitor_enter(f->inner.sched, f->monitor);
	rollout_observe(f->judge, s, world_now_ms(&f->inner));
	f->has_news = true;
	monitor_wake_all(f->inner.sched, f->monitor);
	monitor_leave(f->inner.sched, f->monitor);
}

static void set_state(struct lane *l, enum watch_state state)
{
	if (l->state == state)
		return;
	l->state = state;
	rollout_tell_judge(l->follow, &(struct sight){ .what = SIGHT_WATCH,
						       .watch = { .of = l->of, .state = state } });
}

/* A watch says of itself that it is cut off only to who listens: it goes on by itself. */
static void lane_tell(struct observer *o, const struct event *e)
{
	struct lane *l = (struct lane *)o;

	if (l->follow->world->observer)
		l->follow->world->observer->tell(l->follow->world->observer, e);
	if (!l->was_synced || !l->watch)
		return;
	if (kube_watch_is_lost(l->watch))
		set_state(l, WATCH_LOST);
	else if (l->state == WATCH_LOST)
		set_state(l, WATCH_SYNCED);
}

static enum sight_change change_of(enum kube_watch_kind kind)
{
	return kind == KUBE_WATCH_DELETED ? SIGHT_GONE : SIGHT_SEEN;
}

static bool see_workload(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct workload w = { 0 };
	bool ok = workload_parse_as(object, l->follow->wanted->plan.kind, &w, err);

	s->workload = &w;
	if (ok)
		rollout_tell_judge(l->follow, s);
	workload_clear(&w);
	return ok;
}

static bool see_replica_set(struct lane *l, struct sight *s, const struct js *object,
			    struct err *err)
{
	struct replica_set set = { 0 };
	bool ok = replica_set_parse(object, &set, err);

	s->replica_set = &set;
	if (ok)
		rollout_tell_judge(l->follow, s);
	replica_set_clear(&set);
	return ok;
}

static bool see_revision(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct controller_revision revision = { 0 };
	bool ok = controller_revision_parse(object, &revision, err);

	s->revision = &revision;
	if (ok)
		rollout_tell_judge(l->follow, s);
	controller_revision_clear(&revision);
	return ok;
}

static bool see_pod(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct pod pod = { 0 };
	bool ok = pod_parse(object, &pod, err);

	s->pod = &pod;
	if (ok)
		rollout_tell_judge(l->follow, s);
	pod_clear(&pod);
	return ok;
}

static bool see_event(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct kube_event event = { 0 };
	bool ok = kube_event_parse(object, &event, err);

	s->event = &event;
	if (ok)
		rollout_tell_judge(l->follow, s);
	return ok;
}

static bool see(struct lane *l, const struct kube_watch_event *e, struct err *err)
{
	struct sight s = { .what = l->of, .change = change_of(e->kind) };

	switch (l->of) {
	case SIGHT_WORKLOAD:
		return see_workload(l, &s, e->object, err);
	case SIGHT_REPLICA_SET:
		return see_replica_set(l, &s, e->object, err);
	case SIGHT_REVISION:
		return see_revision(l, &s, e->object, err);
	case SIGHT_POD:
		return see_pod(l, &s, e->object, err);
	default:
		return see_event(l, &s, e->object, err);
	}
}

/* An object that nobody can read is passed over, unless everything hangs on it. */
static bool take(struct lane *l, const struct kube_watch_event *e, struct err *err)
{
	switch (e->kind) {
	case KUBE_WATCH_RESTARTED:
		set_state(l, WATCH_LISTING);
		return true;
	case KUBE_WATCH_SYNCED:
		l->was_synced = true;
		set_state(l, WATCH_SYNCED);
		return true;
	default:
		break;
	}
	if (see(l, e, err))
		return true;
	if (l->of == SIGHT_WORKLOAD)
		return false;
	if (!l->has_skipped)
		world_note(&l->world, EVENT_NOTE, "passed over: %s", err->message);
	l->has_skipped = true;
	err_clear(err);
	return true;
}

static const char *name_of(enum sight_what of)
{
	static const char *const names[] = {
		[SIGHT_WORKLOAD] = "the workload",  [SIGHT_REPLICA_SET] = "replica sets",
		[SIGHT_REVISION] = "its revisions", [SIGHT_POD] = "pods",
		[SIGHT_EVENT] = "events",
	};

	return names[of];
}

/* Only the workload itself cannot be done without, and events never matter that much. */
static bool can_do_without(const struct lane *l, const struct err *err)
{
	if (l->of == SIGHT_EVENT)
		return err->code != ERR_CANCELLED;
	return l->of != SIGHT_WORKLOAD &&
	       (err->code == ERR_CLUSTER_REFUSED || err->code == ERR_USAGE);
}

static void end_lane(struct lane *l, struct err *err)
{
	struct follow *f = l->follow;

	if (can_do_without(l, err)) {
		world_note(f->world, EVENT_NOTE, "%s cannot be read, going on without them: %s",
			   name_of(l->of), err->cause ? err->cause : err->message);
		set_state(l, WATCH_DENIED);
		err_clear(err);
		return;
	}
	monitor_enter(f->inner.sched, f->monitor);
	if (!f->is_over)
		err_move(&f->err, err);
	f->is_over = true;
	monitor_wake_all(f->inner.sched, f->monitor);
	monitor_leave(f->inner.sched, f->monitor);
	err_clear(err);
}

static void run_lane(void *arg)
{
	struct lane *l = arg;
	struct kube_watch_event e;
	struct err err = ERR_INIT;

	while (kube_watch_next(l->watch, &l->world, &e, &err) && take(l, &e, &err))
		;
	end_lane(l, &err);
}

/* Opening */

static bool open_lane(struct follow *f, enum sight_what of, const char *group, const char *resource,
		      const char *labels, const char *fields, struct err *err)
{
	struct lane *l = &f->lanes[f->lane_count];
	CLEANUP(mem_freep) char *path = kube_path(group, f->wanted->namespace, resource, NULL);
	const struct kube_selection selection = {
		.path = path,
		.labels = labels,
		.fields = fields,
	};

	l->observer.tell = lane_tell;
	l->follow = f;
	l->of = of;
	l->state = WATCH_LISTING;
	l->world = f->inner;
	l->world.observer = &l->observer;
	if (!kube_watch_open(f->wanted->client, &selection, &l->watch, err))
		return false;
	f->lane_count++;
	l->task = sched_spawn(f->inner.sched, run_lane, l);
	return l->task || err_set(err, ERR_LOCAL, "no more threads can be had");
}

bool rollout_open_lanes(struct follow *f, struct err *err)
{
	static const char *const resources[] = {
		[WORKLOAD_DEPLOYMENT] = "deployments",
		[WORKLOAD_STATEFULSET] = "statefulsets",
		[WORKLOAD_DAEMONSET] = "daemonsets",
		[WORKLOAD_CRONJOB] = "cronjobs",
	};
	enum workload_kind kind = f->wanted->plan.kind;
	const char *group = kind == WORKLOAD_CRONJOB ? "batch/v1" : "apps/v1";

	if (!open_lane(f, SIGHT_WORKLOAD, group, resources[kind], NULL, f->fields, err))
		return false;
	if (kind == WORKLOAD_CRONJOB)
		return true;
	if (kind == WORKLOAD_DEPLOYMENT &&
	    !open_lane(f, SIGHT_REPLICA_SET, group, "replicasets", f->labels, NULL, err))
		return false;
	/* a StatefulSet names its revision itself */
	if (kind == WORKLOAD_DAEMONSET &&
	    !open_lane(f, SIGHT_REVISION, group, "controllerrevisions", f->labels, NULL, err))
		return false;
	return open_lane(f, SIGHT_POD, "v1", "pods", f->labels, NULL, err) &&
	       open_lane(f, SIGHT_EVENT, "v1", "events", NULL, "type=Warning", err);
}
