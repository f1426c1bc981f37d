#include "cli/rollout.h"

#include "base/mem.h"
#include "cli/rollout_arbiter.h"
#include "kube/target.h"
#include "kube/watch.h"

#include <string.h>

/* News within so much of each other are judged together. */
#define BATCH_MS 10

/* Progress is told no oftener. */
#define TELL_EVERY_MS 200

struct follow;

/* One watch, and the task that reads it. */
struct lane {
	struct observer observer; /* hears of its own watch alone */
	struct follow *follow;
	enum sight_what of;
	struct kube_watch *watch;
	struct world world;
	struct task *task;
	enum watch_state state;
	bool was_synced;
	bool has_skipped;
};

#define LANES 4

struct asking {
	struct task *task;
	struct follow *follow;
	char *image;
	char *node;
	bool is_running;
};

struct follow {
	const struct world *world;
	const struct rollout_wanted *wanted;
	struct world inner; /* ends with the verdict, and not by itself */
	struct cancel *cancel;
	char *labels; /* the workload's selector */
	char *fields;
	struct lane lanes[LANES];
	size_t lane_count;
	struct asking asking;
	char told[256];
	int64_t told_ms;
	/* Under the monitor: */
	struct monitor *monitor;
	struct rollout *judge;
	bool has_news;
	bool is_over; /* by ERR, or a cancel */
	struct err err;
};

/* What the lanes tell */

static void observe(struct follow *f, const struct sight *s)
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
	observe(l->follow,
		&(struct sight){ .what = SIGHT_WATCH, .watch = { .of = l->of, .state = state } });
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
		observe(l->follow, s);
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
		observe(l->follow, s);
	replica_set_clear(&set);
	return ok;
}

static bool see_revision(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct controller_revision revision = { 0 };
	bool ok = controller_revision_parse(object, &revision, err);

	s->revision = &revision;
	if (ok)
		observe(l->follow, s);
	controller_revision_clear(&revision);
	return ok;
}

static bool see_pod(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct pod pod = { 0 };
	bool ok = pod_parse(object, &pod, err);

	s->pod = &pod;
	if (ok)
		observe(l->follow, s);
	pod_clear(&pod);
	return ok;
}

static bool see_event(struct lane *l, struct sight *s, const struct js *object, struct err *err)
{
	struct kube_event event = { 0 };
	bool ok = kube_event_parse(object, &event, err);

	s->event = &event;
	if (ok)
		observe(l->follow, s);
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

/* The registry */

static void run_asking(void *arg)
{
	struct asking *a = arg;
	struct follow *f = a->follow;
	const struct question q = { .image = a->image, .node = a->node };
	struct arbiter_answer answer = { .image = a->image, .node = a->node };
	CLEANUP(mem_freep) char *text = NULL;

	if (rollout_arbiter_ask(&f->inner, f->wanted, &q, &answer.says, &text)) {
		answer.text = text;
		observe(f, &(struct sight){ .what = SIGHT_REGISTRY, .answer = &answer });
	}
	monitor_enter(f->inner.sched, f->monitor);
	a->is_running = false;
	f->has_news = true;
	monitor_wake_all(f->inner.sched, f->monitor);
	monitor_leave(f->inner.sched, f->monitor);
}

static void end_asking(struct follow *f)
{
	struct asking *a = &f->asking;

	if (a->task)
		sched_join(f->inner.sched, a->task);
	a->task = NULL;
	free(TAKE(a->image));
	free(TAKE(a->node));
}

/* In a task of its own, so that the judge goes on meanwhile; one question at a time. */
static void ask(struct follow *f, const struct question *q)
{
	struct asking *a = &f->asking;

	if (!q->image || !f->wanted->sessions || a->is_running)
		return;
	end_asking(f);
	a->follow = f;
	a->image = mem_strdup(q->image);
	a->node = mem_strdup_or_null(q->node);
	a->is_running = true;
	a->task = sched_spawn(f->inner.sched, run_asking, a);
	if (!a->task)
		a->is_running = false; /* the judge asks again */
}

/* Beginning */

static char *selector_item(const struct js *e)
{
	const char *key = js_string(js_get(e, "key")), *op = js_string(js_get(e, "operator"));
	const struct js *values = js_get(e, "values");
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	if (!key || !op)
		return NULL;
	if (strcmp(op, "Exists") == 0 || strcmp(op, "DoesNotExist") == 0)
		return mem_printf("%s%s", *op == 'D' ? "!" : "", key);
	buf_printf(&b, "%s %s (", key, strcmp(op, "In") == 0 ? "in" : "notin");
	for (size_t i = 0; i < js_count(values); i++)
		buf_printf(&b, "%s%s", i ? "," : "", js_string(js_at(values, i)));
	buf_putc(&b, ')');
	return buf_take(&b);
}

static bool add_label(void *arg, const char *key, const struct js *value)
{
	struct buf *b = arg;

	if (js_string(value))
		buf_printf(b, "%s%s=%s", b->len ? "," : "", key, js_string(value));
	return true;
}

/* spec.selector as the query of a list; NULL selects all. The caller frees. */
static char *selector_of(const struct js *object)
{
	const struct js *selector = js_get(js_get(object, "spec"), "selector");
	const struct js *expressions = js_get(selector, "matchExpressions");
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	js_each(js_get(selector, "matchLabels"), add_label, &b);
	for (size_t i = 0; i < js_count(expressions); i++) {
		CLEANUP(mem_freep) char *item = selector_item(js_at(expressions, i));

		if (item)
			buf_printf(&b, "%s%s", b.len ? "," : "", item);
	}
	return b.len ? buf_take(&b) : NULL;
}

/* Whether it is there, and which pods are its own; nothing after this asks for it by name. */
static bool find(struct follow *f, struct err *err)
{
	const struct rollout_wanted *wanted = f->wanted;
	const struct target target = { wanted->plan.kind, (char *)wanted->plan.name };
	CLEANUP(mem_freep) char *path = target_path(&target, wanted->namespace);
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	struct world near = f->inner;

	near.deadline_ms = wanted->plan.deadline_ms;
	if (!kube_get(wanted->client, &near, path, &reply, err))
		return false;
	f->labels = selector_of(reply.object);
	f->fields = mem_printf("metadata.name=%s", wanted->plan.name);
	return true;
}

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

static bool open_lanes(struct follow *f, struct err *err)
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

/* Judging, inside the monitor */

/* What is waited for, once for each change; *ret_due is when what came too soon is to be told. */
static void tell(struct follow *f, const struct verdict *v, int64_t *ret_due)
{
	int64_t now_ms = world_now_ms(f->world);

	*ret_due = NEVER_MS;
	if (strcmp(f->told, v->waiting) == 0)
		return;
	if (*f->told && now_ms - f->told_ms < TELL_EVERY_MS) {
		*ret_due = f->told_ms + TELL_EVERY_MS;
		return;
	}
	memcpy(f->told, v->waiting, sizeof(f->told));
	f->told_ms = now_ms;
	world_note(f->world, EVENT_PHASE, "%s", v->waiting);
}

static void wait_for_news(struct follow *f, int64_t next_ms)
{
	int64_t batch_ms = world_now_ms(f->world) + BATCH_MS;

	while (!f->is_over) {
		int64_t now_ms = world_now_ms(f->world);
		int64_t due_ms = f->has_news && batch_ms < next_ms ? batch_ms : next_ms;

		if (now_ms >= due_ms)
			return;
		monitor_wait(f->inner.sched, f->monitor, due_ms - now_ms);
	}
}

static bool judge(struct follow *f, struct verdict *ret)
{
	struct sched *sched = f->inner.sched;
	bool decided = false;
	int64_t due_ms;

	monitor_enter(sched, f->monitor);
	while (!f->is_over) {
		f->has_news = false;
		decided = rollout_judge(f->judge, world_now_ms(f->world), ret);
		if (decided)
			break;
		tell(f, ret, &due_ms);
		ask(f, &ret->question);
		wait_for_news(f, due_ms < ret->next_ms ? due_ms : ret->next_ms);
	}
	monitor_leave(sched, f->monitor);
	return decided;
}

/* Ending */

static void stop(struct follow *f)
{
	if (f->cancel)
		cancel_fire(f->cancel, CANCEL_SIBLING_FAILED);
	for (size_t i = 0; i < f->lane_count; i++) {
		if (f->lanes[i].task)
			sched_join(f->inner.sched, f->lanes[i].task);
		kube_watch_free(f->lanes[i].watch);
	}
	end_asking(f);
	f->lane_count = 0;
}

static void follow_clear(struct follow *f)
{
	rollout_free(f->judge);
	monitor_free(f->inner.sched, f->monitor);
	cancel_free(f->cancel);
	free(f->labels);
	free(f->fields);
	err_clear(&f->err);
}

static bool begin(struct follow *f, struct err *err)
{
	struct rollout_plan plan = f->wanted->plan;

	if (!cancel_new(f->world->cancel, &f->cancel, err))
		return false;
	plan.has_arbiter = f->wanted->sessions != NULL;
	f->inner.cancel = f->cancel;
	f->inner.deadline_ms = NEVER_MS;
	f->monitor = monitor_new(f->inner.sched);
	if (!find(f, err))
		return false;
	f->judge = rollout_new(&plan, world_now_ms(f->world));
	return open_lanes(f, err);
}

bool rollout_follow(const struct world *w, const struct rollout_wanted *wanted,
		    struct rollout_end *ret, struct err *err)
{
	CLEANUP(follow_clear)
	struct follow f = { .world = w, .wanted = wanted, .inner = *w };
	int64_t begun_ms = world_now_ms(w);
	bool begun = begin(&f, err), decided = begun && judge(&f, &ret->verdict);

	stop(&f);
	ret->at_ms = world_now_ms(w);
	ret->took_ms = ret->at_ms - begun_ms;
	if (f.judge && !decided)
		decided = rollout_judge(f.judge, ret->at_ms, &ret->verdict) && begun && !f.is_over;
	ret->judge = TAKE(f.judge);
	if (decided || !begun)
		return decided;
	if (!cancel_check(w->cancel, err))
		return false;
	err_move(err, &f.err);
	return false;
}

void rollout_end_clear(struct rollout_end *e)
{
	rollout_free(e->judge);
	*e = (struct rollout_end){ 0 };
}
