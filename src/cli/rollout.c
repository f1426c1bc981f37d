#include "cli/rollout_private.h"

#include "base/mem.h"
#include "cli/rollout_arbiter.h"
#include "kube/target.h"

#include <string.h>

/* News within so much of each other are judged together. */
#define BATCH_MS 10

/* Progress is told no oftener. */
#define TELL_EVERY_MS 200

static const struct opt limits_options[] = {
	COMMON_LIMITS("3m", "what is still waited for then ends with exit code 53", "15s", "-1",
		      "30s"),
	COMMON_JOBS("requests to the registry at once"),
};
const struct opt_group rollout_limits = { "Limits", limits_options, ARRAY_SIZE(limits_options) };

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
		rollout_tell_judge(f, &(struct sight){ .what = SIGHT_REGISTRY, .answer = &answer });
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
	return rollout_open_lanes(f, err);
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
