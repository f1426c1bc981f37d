/*
 * Pods, reduced once more to what a verdict can need of them: 5,000 of them stay under two megabytes.
 */
#include "kube/judge_private.h"

#include "base/mem.h"

#include <string.h>

uint64_t judge_key(const char *text)
{
	uint64_t key = 0xcbf29ce484222325u;

	if (!text || !*text)
		return 0;
	for (; *text; text++)
		key = (key ^ (unsigned char)*text) * 0x100000001b3u;
	return key ? key : 1;
}

static char *kept(const char *text)
{
	return text ? mem_strndup(text, strnlen(text, TEXT_MAX)) : NULL;
}

void trouble_set(struct rollout *r, struct trouble *t, enum cause cause, const char *reason,
		 const char *message)
{
	if (t->cause != cause) {
		t->since = r->patience;
		t->since_ms = r->now_ms;
	}
	t->cause = cause;
	free(t->reason);
	free(t->message);
	t->reason = kept(reason);
	t->message = kept(message);
}

void trouble_clear(struct trouble *t)
{
	free(t->reason);
	free(t->message);
	*t = (struct trouble){ 0 };
}

/* The table */

static struct seen_pod **pod_slot(struct rollout *r, uint64_t key)
{
	struct seen_pod **slot = &r->pods[key % POD_BUCKETS];

	while (*slot && (*slot)->key != key)
		slot = &(*slot)->next;
	return slot;
}

static void drop_troubles(struct seen_pod *p)
{
	for (size_t i = 0; i < p->trouble_count; i++) {
		trouble_clear(&p->troubles[i].trouble);
		free(p->troubles[i].image);
	}
	free(p->troubles);
	p->troubles = NULL;
	p->trouble_count = 0;
	trouble_clear(&p->note);
}

static void pod_drop(struct seen_pod **slot)
{
	struct seen_pod *p = *slot;

	*slot = p->next;
	drop_troubles(p);
	free(p->uid);
	free(p->name);
	free(p->node);
	free(p->version);
	free(p);
}

void judge_mark_pods(struct rollout *r)
{
	for (size_t i = 0; i < POD_BUCKETS; i++)
		for (struct seen_pod *p = r->pods[i]; p; p = p->next)
			p->is_marked = true;
}

static void drop_pods(struct rollout *r, bool all)
{
	for (size_t i = 0; i < POD_BUCKETS; i++)
		for (struct seen_pod **slot = &r->pods[i]; *slot;)
			if (all || (*slot)->is_marked)
				pod_drop(slot);
			else
				slot = &(*slot)->next;
}

void judge_drop_marked_pods(struct rollout *r)
{
	drop_pods(r, false);
}

void judge_free_pods(struct rollout *r)
{
	drop_pods(r, true);
	for (size_t i = 0; i < r->name_count; i++)
		free(r->names[i]);
}

static bool is_gone(const struct rollout *r, uint64_t key)
{
	for (size_t i = 0; i < GONE_MAX; i++)
		if (r->gone[i] == key)
			return true;
	return false;
}

void judge_lose_pod(struct rollout *r, const char *uid)
{
	uint64_t key = judge_key(uid);
	struct seen_pod **slot = pod_slot(r, key);

	if (!key)
		return;
	if (!is_gone(r, key))
		r->gone[r->gone_count++ % GONE_MAX] = key;
	if (*slot)
		pod_drop(slot);
}

/* Containers */

/* SIZE_MAX when there are too many to tell apart. */
static size_t name_index(struct rollout *r, const char *name)
{
	for (size_t i = 0; i < r->name_count; i++)
		if (strcmp(r->names[i], name) == 0)
			return i;
	if (r->name_count == NAMES_MAX)
		return SIZE_MAX;
	r->names[r->name_count] = mem_strdup(name);
	return r->name_count++;
}

static struct container_trouble *trouble_of(struct seen_pod *p, size_t name)
{
	for (size_t i = 0; i < p->trouble_count; i++)
		if (p->troubles[i].name == name)
			return &p->troubles[i];
	return NULL;
}

static struct container_trouble *trouble_add(struct seen_pod *p, size_t name)
{
	struct container_trouble *t = trouble_of(p, name);

	if (t)
		return t;
	p->troubles = mem_realloc(p->troubles, p->trouble_count + 1, sizeof(*p->troubles));
	t = &p->troubles[p->trouble_count++];
	*t = (struct container_trouble){ .name = name };
	return t;
}

static bool is_crash(enum cause c)
{
	return cause_looks[c].group == GROUP_CRASH;
}

/* Of a container that ended, or waits to be started again: the state that says most about its end. */
static enum cause crash_of(const struct container_state *s)
{
	enum cause cause = classify(s->reason, s->message);

	return is_crash(cause) ? cause : CAUSE_CRASH;
}

/* What a container's status says is wrong, with the state that has the words for it. */
static enum cause status_cause(const struct pod_container *c, const struct container_state **ret)
{
	enum cause cause;

	*ret = &c->state;
	if (c->state.phase == CONTAINER_ENDED)
		return c->is_init && c->state.exit_code == 0 ? CAUSE_NONE : crash_of(&c->state);
	if (c->state.phase != CONTAINER_WAITING)
		return CAUSE_NONE;
	cause = classify(c->state.reason, c->state.message);
	if (cause != CAUSE_CRASH || c->last.phase != CONTAINER_ENDED)
		return cause;
	if (c->last.message)
		*ret = &c->last;
	return crash_of(&c->last);
}

static bool is_reason(const struct container_state *s, const char *reason)
{
	return s->reason && strcmp(s->reason, reason) == 0;
}

/* Each time a pull fails the state turns to ErrImagePull; a watch that begins later sees the back-off alone. */
static void count_attempt(struct container_trouble *t, const struct container_state *s)
{
	bool is_pulling = is_reason(s, "ErrImagePull");

	if ((is_pulling && !t->is_pulling && !t->is_told) || t->attempts == 0)
		t->attempts++;
	t->is_pulling = is_pulling;
	t->is_told = false;
}

static void take_trouble(struct rollout *r, struct container_trouble *t, enum cause cause,
			 const char *reason, const char *message)
{
	bool begins_anew = !t->is_now && !(is_crash(cause) && is_crash(t->trouble.cause));

	if (begins_anew)
		trouble_clear(&t->trouble);
	/* What ends a crash loop differs from run to run; it is one trouble. */
	if (is_crash(cause) && is_crash(t->trouble.cause))
		t->trouble.cause = cause;
	if (cause_is_better(t->trouble.cause, cause))
		trouble_set(r, &t->trouble, cause, reason, message);
	t->is_now = true;
}

static void see_container(struct rollout *r, struct seen_pod *p, const struct pod_container *c)
{
	size_t name = name_index(r, c->name);
	const struct container_state *says;
	enum cause cause = status_cause(c, &says);
	struct container_trouble *t;

	if (name == SIZE_MAX)
		return;
	if (c->state.phase == CONTAINER_RUNNING || (c->state.phase == CONTAINER_ENDED && !cause))
		p->running |= (uint64_t)1 << name;
	if (!cause) {
		t = trouble_of(p, name);
		if (t && !(t->is_told && c->state.phase == CONTAINER_WAITING))
			t->is_now = false;
		return;
	}
	t = trouble_add(p, name);
	take_trouble(r, t, cause, c->state.reason, says->message);
	if (!is_crash(cause))
		count_attempt(t, &c->state);
	mem_replace(&t->image, c->image);
	t->restarts = c->restarts;
	t->exit_code = c->state.phase == CONTAINER_ENDED ? c->state.exit_code : c->last.exit_code;
}

/* Images */

/* "repo@sha256:...", "docker-pullable://repo@sha256:...", "sha256:..." */
static const char *digest_in(const char *image_id)
{
	const char *at = strrchr(image_id, '@');

	if (at)
		return at + 1;
	at = strstr(image_id, "://");
	return at ? at + 3 : image_id;
}

static bool has_digest(const struct expected_image *e, const char *image_id)
{
	for (size_t i = 0; i < e->digest_count; i++)
		if (strcmp(e->digests[i].text, digest_in(image_id)) == 0)
			return true;
	return e->digest_count == 0;
}

static enum verdict_why container_images(const struct expected_image *e,
					 const struct pod_container *c, bool *is_pending)
{
	if (!c->image || strcmp(e->image, c->image) != 0)
		return WHY_OTHER_IMAGE;
	if (!c->image_id || !*c->image_id) {
		*is_pending = true;
		return WHY_NONE;
	}
	return has_digest(e, c->image_id) ? WHY_NONE : WHY_OTHER_DIGEST;
}

static bool pod_has_container(const struct pod *p, const char *name)
{
	for (size_t i = 0; i < p->container_count; i++)
		if (strcmp(p->containers[i].name, name) == 0)
			return true;
	return false;
}

static void see_images(const struct rollout *r, struct seen_pod *seen, const struct pod *p)
{
	seen->is_pending = false;
	seen->images = WHY_NONE;
	for (size_t i = 0; i < p->container_count && !seen->images; i++) {
		const struct expected_image *e = judge_expected(r, p->containers[i].name);

		if (e)
			seen->images = container_images(e, &p->containers[i], &seen->is_pending);
	}
	for (size_t i = 0; i < r->image_count && !seen->images; i++)
		if (r->images[i].container && !pod_has_container(p, r->images[i].container))
			seen->images = WHY_OTHER_IMAGE;
}

/* Pods */

static bool is_over(const struct pod *p)
{
	return p->meta.is_deleting || (p->phase && (strcmp(p->phase, "Failed") == 0 ||
						    strcmp(p->phase, "Succeeded") == 0));
}

static void see_scheduling(struct rollout *r, struct seen_pod *seen, const struct pod *p)
{
	const struct object_condition *c = object_condition(&p->conditions, "PodScheduled");
	bool was = seen->note.cause == CAUSE_UNSCHEDULABLE;

	if (c && !c->is_true && classify(c->reason, c->message) == CAUSE_UNSCHEDULABLE)
		trouble_set(r, &seen->note, CAUSE_UNSCHEDULABLE, c->reason, c->message);
	else if (was)
		trouble_clear(&seen->note);
}

static void take_pod(struct rollout *r, struct seen_pod *seen, const struct pod *p)
{
	const char *revision = p->revision_hash ? p->revision_hash : p->template_hash;

	seen->owner = judge_key(p->meta.owner.uid);
	seen->revision = judge_key(revision);
	mem_replace(&seen->name, p->meta.name);
	mem_replace(&seen->node, p->node);
	mem_replace(&seen->version, p->meta.resource_version);
	seen->is_ready = p->is_ready;
	seen->is_over = is_over(p);
	seen->is_marked = false;
	seen->running = 0;
	see_images(r, seen, p);
	for (size_t i = 0; i < p->container_count; i++)
		see_container(r, seen, &p->containers[i]);
	see_scheduling(r, seen, p);
	if (seen->is_ready)
		drop_troubles(seen);
}

void judge_see_pod(struct rollout *r, const struct pod *p)
{
	uint64_t key = judge_key(p->meta.uid);
	struct seen_pod **slot = pod_slot(r, key);

	if (!key || is_gone(r, key))
		return;
	if (*slot && object_version_compare(p->meta.resource_version, (*slot)->version) < 0) {
		(*slot)->is_marked = false;
		return;
	}
	if (!*slot) {
		*slot = NEW(struct seen_pod);
		(*slot)->key = key;
		(*slot)->uid = mem_strdup(p->meta.uid);
		trouble_clear(&r->create_failure);
	}
	take_pod(r, *slot, p);
}

/*
 * An event is faster than the status and dries up sooner: it may begin a trouble and count attempts, never end one. Of
 * a container that runs it tells the past.
 */
void judge_see_pod_event(struct rollout *r, const struct kube_event *e)
{
	struct seen_pod *p = *pod_slot(r, judge_key(e->uid));
	size_t name = e->container[0] ? name_index(r, e->container) : SIZE_MAX;
	bool is_pull = e->reason && strcmp(e->reason, "Failed") == 0 && e->message &&
		       strncmp(e->message, "Failed to pull image ", 21) == 0;
	enum cause cause = classify(e->reason, e->message);
	struct container_trouble *t;

	if (!p || p->is_ready)
		return;
	if (e->reason && strcmp(e->reason, "Pulling") == 0 && (t = trouble_of(p, name)))
		t->pulled = r->patience;
	if (!e->is_warning)
		return;
	if (is_pull && name != SIZE_MAX && !(p->running >> name & 1)) {
		t = trouble_add(p, name);
		t->is_told |= !t->is_now;
		take_trouble(r, t, cause, e->reason, e->message);
		if (t->attempts < e->count)
			t->attempts = e->count;
	} else if (cause == CAUSE_MOUNT || cause == CAUSE_SANDBOX || cause == CAUSE_PROBE) {
		trouble_set(r, &p->note, cause, e->reason, e->message);
	}
}
