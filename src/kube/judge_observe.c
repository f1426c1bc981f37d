#include "kube/judge_private.h"

#include "base/mem.h"

#include <string.h>

/* Workload */

/* Whether it is ours, in the state or a later one that we know; else why it is not. */
static bool is_current(struct rollout *r, const struct workload *w)
{
	if (r->uid && w->meta.uid && strcmp(r->uid, w->meta.uid) != 0) {
		r->superseded = WHY_RECREATED;
		return false;
	}
	if (object_version_compare(w->meta.resource_version, r->workload.version) < 0)
		return false;
	return w->meta.generation >= r->generation;
}

static void adopt(struct rollout *r, const struct workload *w)
{
	if (!r->uid && w->meta.uid)
		r->uid = mem_strdup(w->meta.uid);
	if (!r->generation)
		r->generation = w->meta.generation;
	if (!r->image_count) {
		free(r->images);
		r->images = mem_alloc(w->template.container_count * sizeof(*r->images) + 1);
		for (size_t i = 0; i < w->template.container_count; i++)
			if (w->template.containers[i].image)
				r->images[r->image_count++] = (struct expected_image){
					.container = mem_strdup(w->template.containers[i].name),
					.image = mem_strdup(w->template.containers[i].image),
				};
	}
	if (!r->sameness && judge_template_has_images(r, &w->template))
		r->sameness = w->template.sameness;
}

static void see_failure(struct rollout *r, struct trouble *t, const struct object_conditions *all)
{
	const struct object_condition *c = object_condition(all, "ReplicaFailure");

	if (c && c->is_true)
		trouble_set(r, t, classify(c->reason ? c->reason : "FailedCreate", c->message),
			    c->reason, c->message);
	else
		trouble_clear(t);
}

/* Counts only for the replica set that it names, and only once the condition was something else under our generation. */
static void see_progress(struct rollout *r, const struct workload *w)
{
	struct seen_workload *seen = &r->workload;
	const struct object_condition *c = object_condition(&w->conditions, "Progressing");
	bool is_exceeded = c && c->reason && strcmp(c->reason, "ProgressDeadlineExceeded") == 0;

	seen->was_progressing |= !is_exceeded && w->observed_generation >= r->generation;
	seen->has_exceeded = is_exceeded && seen->was_progressing;
	mem_replace(&seen->exceeded_text, seen->has_exceeded ? c->message : NULL);
}

static void see_workload(struct rollout *r, const struct workload *w)
{
	struct seen_workload *seen = &r->workload;

	if (!is_current(r, w))
		return;
	adopt(r, w);
	if (w->template.sameness != r->sameness)
		r->superseded = WHY_OTHER_TEMPLATE;
	seen->is_seen = true;
	mem_replace(&seen->version, w->meta.resource_version);
	seen->generation = w->meta.generation;
	seen->observed_generation = w->observed_generation;
	seen->wanted = w->wanted;
	seen->replicas = w->replicas;
	seen->updated = w->updated;
	seen->ready = w->ready;
	seen->available = w->available;
	seen->partition = w->partition;
	seen->is_paused = w->is_paused;
	seen->is_ordered = w->is_ordered;
	seen->strategy = w->strategy;
	seen->update_revision = judge_key(w->update_revision);
	see_progress(r, w);
	see_failure(r, &seen->failure, &w->conditions);
}

static void lose_workload(struct rollout *r, const struct workload *w)
{
	if (!r->uid || !w->meta.uid || strcmp(r->uid, w->meta.uid) == 0)
		r->superseded = WHY_DELETED;
}

/* Replica sets and revisions */

static void set_clear(struct seen_set *s)
{
	free(s->name);
	free(s->version);
	trouble_clear(&s->failure);
	*s = (struct seen_set){ 0 };
}

static void drop_set(struct rollout *r, size_t i)
{
	set_clear(&r->sets[i]);
	r->sets[i] = r->sets[--r->set_count];
	r->sets[r->set_count] = (struct seen_set){ 0 };
}

static struct seen_set *set_find(struct rollout *r, uint64_t uid)
{
	for (size_t i = 0; i < r->set_count; i++)
		if (r->sets[i].uid == uid)
			return &r->sets[i];
	return NULL;
}

/* NULL for what is not ours, older than what is known, or too much. */
static struct seen_set *set_for(struct rollout *r, const struct object_meta *m)
{
	uint64_t uid = judge_key(m->uid);
	struct seen_set *s = set_find(r, uid);

	if (!uid || (r->uid && (!m->owner.uid || strcmp(m->owner.uid, r->uid) != 0)))
		return NULL;
	if (s)
		s->is_marked = false;
	if (s && object_version_compare(m->resource_version, s->version) < 0)
		return NULL;
	if (!s && r->set_count == SETS_MAX)
		return NULL;
	if (!s)
		s = &r->sets[r->set_count++];
	s->uid = uid;
	mem_replace(&s->name, m->name);
	mem_replace(&s->version, m->resource_version);
	s->created_wall_ms = m->created_wall_ms;
	return s;
}

static void see_replica_set(struct rollout *r, const struct replica_set *set)
{
	struct seen_set *s = set_for(r, &set->meta);

	if (!s)
		return;
	s->hash = judge_key(set->template_hash);
	s->revision = set->revision;
	s->sameness = set->template.sameness;
	s->has_images = judge_template_has_images(r, &set->template);
	see_failure(r, &s->failure, &set->conditions);
}

static void see_revision(struct rollout *r, const struct controller_revision *revision)
{
	struct seen_set *s = set_for(r, &revision->meta);

	if (!s)
		return;
	s->hash = judge_key(revision->hash ? revision->hash : revision->meta.name);
	s->revision = revision->revision;
	s->sameness = revision->template.sameness;
	s->has_images = judge_template_has_images(r, &revision->template);
}

static void lose_set(struct rollout *r, const char *uid)
{
	struct seen_set *s = set_find(r, judge_key(uid));

	if (s)
		drop_set(r, (size_t)(s - r->sets));
}

/* Events */

/* The controller tries again and again; what a list shows once more is no new failure. */
static void see_create_failure(struct rollout *r, const struct kube_event *e)
{
	uint64_t told = judge_key(e->meta.uid ? e->meta.uid : e->meta.name) + (uint64_t)e->count;

	if (told == r->create_told)
		return;
	r->create_told = told;
	r->create_told_at = r->patience;
	trouble_set(r, &r->create_failure, classify(e->reason, e->message), e->reason, e->message);
}

static void see_event(struct rollout *r, const struct kube_event *e)
{
	if (e->kind && strcmp(e->kind, "Pod") == 0)
		judge_see_pod_event(r, e);
	else if (r->kind != WORKLOAD_DEPLOYMENT && r->uid && e->uid &&
		 strcmp(e->uid, r->uid) == 0 && e->reason && strcmp(e->reason, "FailedCreate") == 0)
		see_create_failure(r, e);
}

/* The registry */

static struct seen_answer *answer_slot(struct rollout *r, const struct arbiter_answer *a)
{
	size_t oldest = 0;

	for (size_t i = 0; i < r->answer_count; i++) {
		struct seen_answer *s = &r->answers[i];

		if (strcmp(s->image, a->image) == 0 &&
		    strcmp(s->node ? s->node : "", a->node ? a->node : "") == 0)
			return s;
		if (s->at_ms < r->answers[oldest].at_ms)
			oldest = i;
	}
	return &r->answers[r->answer_count < ANSWERS_MAX ? r->answer_count++ : oldest];
}

static void see_answer(struct rollout *r, const struct arbiter_answer *a)
{
	struct seen_answer *s = answer_slot(r, a);

	mem_replace(&s->image, a->image);
	mem_replace(&s->node, a->node);
	mem_replace(&s->text, a->text);
	s->says = a->says;
	s->at_ms = r->now_ms;
}

/* Watches */

static void see_watch(struct rollout *r, enum sight_what of, enum watch_state state)
{
	bool is_sets = of == SIGHT_REPLICA_SET || of == SIGHT_REVISION;

	if (of >= SIGHT_WATCH)
		return;
	r->watches[of] = state;
	if (state == WATCH_LISTING && of == SIGHT_POD)
		judge_mark_pods(r);
	if (state == WATCH_SYNCED && of == SIGHT_POD)
		judge_drop_marked_pods(r);
	for (size_t i = r->set_count; is_sets && i-- > 0;)
		if (state == WATCH_LISTING)
			r->sets[i].is_marked = true;
		else if (state == WATCH_SYNCED && r->sets[i].is_marked)
			drop_set(r, i);
}

/* All of it */

static void see(struct rollout *r, const struct sight *s)
{
	bool is_gone = s->change == SIGHT_GONE;

	switch (s->what) {
	case SIGHT_WORKLOAD:
		(is_gone ? lose_workload : see_workload)(r, s->workload);
		break;
	case SIGHT_REPLICA_SET:
		if (is_gone)
			lose_set(r, s->replica_set->meta.uid);
		else
			see_replica_set(r, s->replica_set);
		break;
	case SIGHT_REVISION:
		if (is_gone)
			lose_set(r, s->revision->meta.uid);
		else
			see_revision(r, s->revision);
		break;
	case SIGHT_POD:
		if (is_gone)
			judge_lose_pod(r, s->pod->meta.uid);
		else
			judge_see_pod(r, s->pod);
		break;
	case SIGHT_EVENT:
		if (!is_gone)
			see_event(r, s->event);
		break;
	case SIGHT_WATCH:
		see_watch(r, s->watch.of, s->watch.state);
		break;
	case SIGHT_REGISTRY:
		see_answer(r, s->answer);
		break;
	}
}

void rollout_observe(struct rollout *r, const struct sight *s, int64_t now_ms)
{
	if (r->decided.kind)
		return;
	judge_advance(r, now_ms);
	if (!r->superseded)
		see(r, s);
}

void rollout_free(struct rollout *r)
{
	if (!r)
		return;
	while (r->set_count)
		drop_set(r, 0);
	judge_free_pods(r);
	for (size_t i = 0; i < r->image_count; i++) {
		free(r->images[i].container);
		free(r->images[i].image);
		free(r->images[i].digests);
	}
	for (size_t i = 0; i < r->answer_count; i++) {
		free(r->answers[i].image);
		free(r->answers[i].node);
		free(r->answers[i].text);
	}
	free(r->images);
	free(r->workload.version);
	free(r->workload.exceeded_text);
	trouble_clear(&r->workload.failure);
	trouble_clear(&r->create_failure);
	free(r->name);
	free(r->uid);
	free(r);
}
