/*
 * Troubles, and when they are ripe. One sweep over the pods of the new revision gathers what is wrong now; each trouble
 * is either ripe for a verdict or says at which patience to look again.
 */
#include "kube/judge_private.h"

#include <string.h>

/* A trouble in its place. */
struct case_ {
	const struct seen_pod *pod;		   /* NULL: of the workload */
	const struct container_trouble *container; /* NULL: of the whole pod */
	const struct trouble *trouble;
	bool is_local; /* other pods of the revision are well */
};

struct opinion {
	enum verdict_kind kind; /* VERDICT_UNDECIDED: not yet */
	enum verdict_why why;
	int64_t ripe; /* patience; INT64_MAX: only with news */
};

/* The registry's part */

static bool asks(enum cause c)
{
	enum cause_group group = cause_looks[c].group;

	return group == GROUP_ASK || group == GROUP_ACCESS || c == CAUSE_UNCLASSIFIED ||
	       c == CAUSE_BACK_OFF;
}

/* Whether a platform is there depends on the node, all else on the image alone. */
static const struct seen_answer *answer_to(const struct rollout *r, const struct case_ *c)
{
	const char *image = c->container ? c->container->image : NULL;
	bool of_node = c->trouble->cause == CAUSE_PLATFORM;
	const struct seen_answer *last = NULL;

	for (size_t i = 0; image && i < r->answer_count; i++) {
		const struct seen_answer *a = &r->answers[i];

		if (strcmp(a->image, image) != 0 || (last && last->at_ms > a->at_ms))
			continue;
		if (!of_node || !a->node || !c->pod->node || strcmp(a->node, c->pod->node) == 0)
			last = a;
	}
	return last;
}

static enum arbiter_says said(const struct rollout *r, const struct case_ *c)
{
	const struct seen_answer *a = answer_to(r, c);

	return a ? a->says : ARBITER_UNKNOWN;
}

/* Asked until it is answered, and anew while the trouble lasts: a tag may be pushed late. */
static bool wants_answer(const struct rollout *r, const struct case_ *c)
{
	const struct seen_answer *a = answer_to(r, c);

	if (!r->has_arbiter || !c->container || !c->container->image || !asks(c->trouble->cause))
		return false;
	return !a || a->says == ARBITER_UNKNOWN || r->now_ms - a->at_ms >= JUDGE_ASK_AGAIN_MS;
}

/* Ripeness */

static struct opinion after(const struct rollout *r, const struct case_ *c, int64_t grace_ms,
			    enum verdict_kind kind, enum verdict_why why)
{
	int64_t grace = c->is_local && grace_ms < JUDGE_LOCAL_MS ? JUDGE_LOCAL_MS : grace_ms;
	int64_t ripe = c->trouble->since + grace;

	if (r->patience >= ripe)
		return (struct opinion){ .kind = kind, .why = why };
	return (struct opinion){ .ripe = ripe };
}

static struct opinion never(void)
{
	return (struct opinion){ .ripe = INT64_MAX };
}

/* Twice refused, or once and nothing more for long: a watch that began late sees no attempts. */
static struct opinion access_denied(const struct rollout *r, const struct case_ *c)
{
	int64_t quiet = c->container->pulled - c->trouble->since;

	if (c->container->attempts >= 2)
		return after(r, c, JUDGE_ACCESS_MS, VERDICT_NOT_PULLED, WHY_NONE);
	return after(r, c, JUDGE_BLIND_MS + (quiet > 0 ? quiet : 0), VERDICT_NOT_PULLED, WHY_NONE);
}

/* The registry shows it, or could not be asked; the node says that it, or a part of it, is not there. */
static struct opinion not_there_for_the_node(const struct rollout *r, const struct case_ *c,
					     enum arbiter_says says)
{
	enum cause cause = c->trouble->cause;

	if (cause == CAUSE_BLOB_CORRUPT)
		return c->container->attempts >= 2
			       ? after(r, c, JUDGE_ACCESS_MS, VERDICT_INCOMPLETE, WHY_NONE)
			       : never();
	if (says == ARBITER_WHOLE)
		return after(r, c, JUDGE_LAG_MS, VERDICT_NOT_PULLED, WHY_DISAGREES);
	if (says == ARBITER_DENIED)
		return access_denied(r, c);
	if (cause == CAUSE_PLATFORM)
		return after(r, c, r->has_arbiter ? JUDGE_ACCESS_MS : JUDGE_CONFIRM_MS,
			     VERDICT_INCOMPLETE, WHY_NONE);
	if (r->has_arbiter)
		return never();
	return after(r, c, JUDGE_LAG_MS,
		     cause == CAUSE_NOT_FOUND ? VERDICT_DID_NOT_LAND : VERDICT_INCOMPLETE,
		     WHY_NONE);
}

static struct opinion on_pull(const struct rollout *r, const struct case_ *c)
{
	enum arbiter_says says = said(r, c);
	enum cause_group group = cause_looks[c->trouble->cause].group;

	if (says == ARBITER_ABSENT)
		return (struct opinion){ .kind = VERDICT_DID_NOT_LAND };
	if (says == ARBITER_INCOMPLETE || says == ARBITER_NO_PLATFORM)
		return (struct opinion){ .kind = VERDICT_INCOMPLETE };
	if (group == GROUP_ASK)
		return not_there_for_the_node(r, c, says);
	return group == GROUP_ACCESS ? access_denied(r, c) : never();
}

static struct opinion on_permanent(const struct rollout *r, const struct case_ *c)
{
	if (c->trouble->cause == CAUSE_CONFIG)
		return after(r, c, JUDGE_CONFIRM_MS, VERDICT_NOT_PLACED, WHY_NONE);
	if (c->trouble->cause == CAUSE_CREATE)
		return after(r, c, JUDGE_REFUSED_MS, VERDICT_NOT_PLACED, WHY_NONE);
	return after(r, c, JUDGE_CONFIRM_MS, VERDICT_NAME_OR_POLICY, WHY_NONE);
}

/* What cannot be run has not even begun: some runtimes start it again without counting. */
static struct opinion on_crash(const struct rollout *r, const struct case_ *c)
{
	if (!c->container || c->container->restarts >= JUDGE_RESTARTS)
		return after(r, c, 0, VERDICT_CRASHES, WHY_NONE);
	if (c->trouble->cause == CAUSE_EXEC)
		return after(r, c, JUDGE_REFUSED_MS, VERDICT_CRASHES, WHY_NONE);
	return never();
}

/* A condition lasts while it holds. An event has to be repeated, because nothing takes it back. */
static struct opinion on_refused(const struct rollout *r, const struct case_ *c)
{
	if (c->trouble == &r->create_failure &&
	    r->create_told_at - c->trouble->since < JUDGE_REFUSED_MS / 2)
		return never();
	return after(r, c, JUDGE_REFUSED_MS, VERDICT_REFUSED, WHY_NONE);
}

static struct opinion opinion_of(const struct rollout *r, const struct case_ *c)
{
	enum cause cause = c->trouble->cause;

	if (c->container && asks(cause))
		return on_pull(r, c);
	switch (cause_looks[cause].group) {
	case GROUP_PERMANENT:
		return on_permanent(r, c);
	case GROUP_CRASH:
		return on_crash(r, c);
	case GROUP_REFUSED:
		return on_refused(r, c);
	default:
		return never();
	}
}

/* Gathering */

/* What explains most comes first: the order of groups in a verdict's evidence. */
static int weight(const struct case_ *c)
{
	static const int weights[] = {
		[GROUP_NONE] = 0,      [GROUP_TRANSIENT] = 2, [GROUP_PLACE] = 3,
		[GROUP_CRASH] = 5,     [GROUP_ACCESS] = 6,    [GROUP_ASK] = 7,
		[GROUP_PERMANENT] = 8, [GROUP_REFUSED] = 4,
	};

	if (c->trouble->cause == CAUSE_PROBE)
		return 1;
	return weights[cause_looks[c->trouble->cause].group];
}

struct sweep {
	const struct rollout *r;
	struct verdict *v;
	int64_t *next;
	struct opinion best; /* the ripe one that decides */
	struct case_ deciding;
	struct case_ worst; /* by weight, ripe or not */
};

static struct evidence evidence_of(const struct case_ *c)
{
	struct evidence e = {
		.cause = c->trouble->cause,
		.reason = c->trouble->reason,
		.message = c->trouble->message,
		.since_ms = c->trouble->since_ms,
	};

	if (c->pod) {
		e.pod = c->pod->name;
		e.pod_uid = c->pod->uid;
		e.node = c->pod->node;
	}
	if (c->container) {
		e.image = c->container->image;
		e.attempts = c->container->attempts;
		e.restarts = c->container->restarts;
		e.exit_code = c->container->exit_code;
	}
	return e;
}

static void add_evidence(struct sweep *s, const struct case_ *c)
{
	struct evidence e = evidence_of(c);

	if (c->container)
		e.container = s->r->names[c->container->name];
	if (s->v->evidence_count == EVIDENCE_MAX)
		s->v->evidence_left_off++;
	else
		s->v->evidence[s->v->evidence_count++] = e;
}

static void weigh(struct sweep *s, const struct case_ *c)
{
	struct opinion o = opinion_of(s->r, c);

	add_evidence(s, c);
	if (wants_answer(s->r, c) && !s->v->question.image)
		s->v->question =
			(struct question){ .image = c->container->image, .node = c->pod->node };
	if (!s->worst.trouble || weight(c) > weight(&s->worst))
		s->worst = *c;
	if (o.kind && (!s->best.kind || weight(c) > weight(&s->deciding))) {
		s->best = o;
		s->deciding = *c;
	}
	if (!o.kind && o.ripe < *s->next)
		*s->next = o.ripe;
}

static void weigh_pod(struct sweep *s, const struct seen_pod *p, bool is_local)
{
	bool has_container = false;

	for (size_t i = 0; i < p->trouble_count; i++)
		if (p->troubles[i].is_now) {
			weigh(s, &(struct case_){ .pod = p,
						  .container = &p->troubles[i],
						  .trouble = &p->troubles[i].trouble,
						  .is_local = is_local });
			has_container = true;
		}
	if (!has_container && p->note.cause)
		weigh(s, &(struct case_){ .pod = p, .trouble = &p->note, .is_local = is_local });
}

static bool some_are_well(const struct rollout *r, const struct seen_set *set)
{
	FOR_EACH_POD(r, p)
	if (!p->is_over && p->is_ready && judge_side(r, set, p) == POD_NEW)
		return true;
	return false;
}

/* No pod comes into being: the set's own condition, the workload's where sets are not readable, or an event. */
static const struct trouble *failure_of(const struct rollout *r, const struct seen_set *set)
{
	bool is_blind = r->watches[SIGHT_REPLICA_SET] == WATCH_DENIED;

	if (set && set->failure.cause)
		return &set->failure;
	if (is_blind && r->workload.failure.cause)
		return &r->workload.failure;
	return r->create_failure.cause ? &r->create_failure : NULL;
}

static void sweep_pods(struct sweep *s)
{
	const struct seen_set *set = judge_our_set(s->r);
	const struct trouble *failure = failure_of(s->r, set);
	bool is_local = some_are_well(s->r, set);

	FOR_EACH_POD(s->r, p)
	if (!p->is_over && !p->is_ready && judge_side(s->r, set, p) == POD_NEW)
		weigh_pod(s, p, is_local);
	if (failure && s->v->pods_ready < s->v->pods_wanted)
		weigh(s, &(struct case_){ .trouble = failure });
}

/* The deciding one first. */
static void lead_with(struct sweep *s, const struct case_ *c)
{
	struct verdict *v = s->v;
	struct evidence e = evidence_of(c);
	size_t at = 0;

	if (c->container)
		e.container = s->r->names[c->container->name];
	while (at + 1 < v->evidence_count &&
	       (v->evidence[at].pod_uid != e.pod_uid || v->evidence[at].container != e.container))
		at++;
	if (v->evidence_count)
		v->evidence[at] = v->evidence[0];
	v->evidence[0] = e;
	v->cause = e.cause;
}

static void take_answer(const struct rollout *r, const struct case_ *c, struct verdict *v)
{
	const struct seen_answer *a = answer_to(r, c);

	v->registry = a ? a->says : ARBITER_UNKNOWN;
	v->registry_text = a ? a->text : NULL;
}

/* An OrderedReady StatefulSet replaces no pod below a broken one, whatever the template says by now. */
static bool is_blocked(struct sweep *s)
{
	const struct rollout *r = s->r;

	if (r->kind != WORKLOAD_STATEFULSET || !r->workload.is_ordered ||
	    r->workload.strategy != UPDATE_ROLLING)
		return false;
	FOR_EACH_POD(r, p)
	{
		if (p->is_over || p->is_ready || judge_side(r, NULL, p) != POD_OLD)
			continue;
		for (size_t i = 0; i < p->trouble_count; i++) {
			struct case_ c = { .pod = p,
					   .container = &p->troubles[i],
					   .trouble = &p->troubles[i].trouble };

			if (!p->troubles[i].is_now)
				continue;
			s->best = after(r, &c, JUDGE_REFUSED_MS, VERDICT_NOT_PLACED, WHY_BLOCKED);
			s->deciding = s->worst = c;
			add_evidence(s, &c);
			if (!s->best.kind && s->best.ripe < *s->next)
				*s->next = s->best.ripe;
			return s->best.kind != VERDICT_UNDECIDED;
		}
	}
	return false;
}

bool judge_trouble(const struct rollout *r, struct verdict *v, int64_t *next)
{
	struct sweep s = { .r = r, .v = v, .next = next };

	sweep_pods(&s);
	if (!s.best.kind && v->pods_seen < v->pods_wanted && !v->evidence_count)
		is_blocked(&s);
	if (s.worst.trouble) {
		lead_with(&s, s.best.kind ? &s.deciding : &s.worst);
		take_answer(r, s.best.kind ? &s.deciding : &s.worst, v);
	}
	v->kind = s.best.kind;
	v->why = s.best.why;
	return s.best.kind != VERDICT_UNDECIDED;
}

/* The deadline */

static enum verdict_kind late_kind(const struct verdict *v)
{
	const struct evidence *e = &v->evidence[0];

	if (e->cause == CAUSE_PLATFORM || e->cause == CAUSE_BLOB_CORRUPT)
		return VERDICT_INCOMPLETE;
	if (e->cause == CAUSE_MOUNT || e->cause == CAUSE_SANDBOX || e->cause == CAUSE_CONFIG ||
	    e->cause == CAUSE_CREATE)
		return VERDICT_NOT_PLACED;
	switch (cause_looks[e->cause].group) {
	case GROUP_ACCESS:
		return VERDICT_NOT_PULLED;
	case GROUP_PERMANENT:
		return VERDICT_NAME_OR_POLICY;
	case GROUP_CRASH:
		return e->restarts > 0 || e->cause == CAUSE_EXEC ? VERDICT_CRASHES
								 : VERDICT_STILL_WAITING;
	case GROUP_REFUSED:
		return VERDICT_REFUSED;
	case GROUP_PLACE:
		return VERDICT_NOT_PLACED;
	case GROUP_ASK:
		return v->registry == ARBITER_WHOLE ? VERDICT_NOT_PULLED : VERDICT_STILL_WAITING;
	default:
		break;
	}
	return VERDICT_STILL_WAITING;
}

/* The evidence was gathered by judge_trouble; without a list that is whole there is none. */
void judge_at_deadline(struct verdict *v)
{
	const struct evidence *e = &v->evidence[0];

	v->question = (struct question){ 0 };
	if (!v->evidence_count) {
		v->kind = VERDICT_STILL_WAITING;
		return;
	}
	v->kind = late_kind(v);
	if (v->kind == VERDICT_NOT_PULLED && cause_looks[e->cause].group == GROUP_ASK)
		v->why = WHY_DISAGREES;
}
