#include "kube/verdict.h"

#include "base/mem.h"

#include <string.h>

#define LINE_MAX_BYTES 1024 /* of a message of the cluster's; the rest is left out */

static const struct {
	const char *word;
	const char *says;
} kinds[VERDICT_KINDS] = {
	[VERDICT_UNDECIDED] = { "undecided", "not decided yet" },
	[VERDICT_RUNNING] = { "running", "runs what was pushed" },
	[VERDICT_DID_NOT_LAND] = { "did-not-land", "the image never landed" },
	[VERDICT_INCOMPLETE] = { "incomplete", "the image is not whole in its registry" },
	[VERDICT_NOT_PULLED] = { "not-pulled", "the node may not pull the image" },
	[VERDICT_NAME_OR_POLICY] = { "name-or-policy", "the node does not take the image" },
	[VERDICT_CRASHES] = { "crashes", "the container crashes" },
	[VERDICT_NOT_PLACED] = { "not-placed", "pods cannot be scheduled or created" },
	[VERDICT_STILL_WAITING] = { "still-waiting", "not done before the deadline" },
	[VERDICT_SUPERSEDED] = { "superseded", "another rollout took its place" },
	[VERDICT_REFUSED] = { "refused", "the cluster refuses its pods" },
	[VERDICT_NOT_PROVEN] = { "not-proven", "not proven" },
};

/* Word, and what a headline says instead of the kind's own words or behind them. */
static const struct {
	const char *word;
	const char *says;
} whys[] = {
	[WHY_NO_REPLICAS] = { "no-replicas", "it wants no pods, so nothing was pulled" },
	[WHY_PAUSED] = { "paused", "it is paused, so nothing rolls" },
	[WHY_UNCHANGED] = { "unchanged",
			    "it had this image before, and its name says not which bytes" },
	[WHY_ON_DELETE] = { "on-delete", "its pods are only replaced when somebody deletes them" },
	[WHY_PARTITION] = { "partition", "its partition holds back the other pods" },
	[WHY_CRONJOB] = { "cronjob", "nothing runs before its next run" },
	[WHY_PODS_UNSEEN] = { "pods-unseen",
			      "the controller says that it is done, and we may not read pods" },
	[WHY_OTHER_IMAGE] = { "other-image", "something gave its pods another image" },
	[WHY_OTHER_DIGEST] = { "other-digest", "its pods run another image than was pushed" },
	[WHY_DELETED] = { "deleted", "it was deleted" },
	[WHY_RECREATED] = { "recreated", "it was deleted and made again" },
	[WHY_OTHER_TEMPLATE] = { "other-template", "its template was changed by somebody else" },
	[WHY_BLOCKED] = { "blocked",
			  "a broken pod of an earlier revision holds it, which nothing replaces" },
	[WHY_DISAGREES] = { "registry-disagrees", "the node misses what the registry shows" },
};

const char *verdict_word(enum verdict_kind kind)
{
	return kinds[kind].word;
}

const char *verdict_why_word(enum verdict_why why)
{
	return whys[why].word;
}

/* Text of others: one line, no control characters, not endless. */
static void put_text(struct buf *b, const char *text)
{
	size_t left = LINE_MAX_BYTES;
	bool had_blank = true;

	for (; *text && left > 0; text++) {
		unsigned char c = (unsigned char)*text;
		bool is_blank = c <= ' ' || c == 0x7f;

		if (is_blank && had_blank)
			continue;
		had_blank = is_blank;
		buf_putc(b, is_blank ? ' ' : *text);
		left--;
	}
	if (*text)
		buf_puts(b, "...");
}

static void put_subject(struct buf *b, const struct verdict_subject *s)
{
	buf_printf(b, "%s/", workload_kind_name(s->kind));
	put_text(b, s->name);
}

/* The headline */

/* What the registry said decides between words that the node cannot know. */
static const char *registry_says(const struct verdict *v)
{
	switch (v->registry) {
	case ARBITER_WHOLE:
		return "the registry has it, whole";
	case ARBITER_ABSENT:
		return "the registry does not have it";
	case ARBITER_INCOMPLETE:
		return "the registry lacks a part of it";
	case ARBITER_NO_PLATFORM:
		return "the registry has it for other platforms";
	case ARBITER_DENIED:
		return "the registry does not show it to us either";
	case ARBITER_UNREACHABLE:
		return "the registry could not be asked";
	case ARBITER_UNKNOWN:
		break;
	}
	return NULL;
}

static const char *kind_says(const struct verdict *v)
{
	if (v->kind == VERDICT_NOT_PULLED && v->registry == ARBITER_DENIED)
		return "the node may not pull the image, or there is none";
	return kinds[v->kind].says;
}

static bool is_of_image(const struct verdict *v)
{
	return v->kind == VERDICT_DID_NOT_LAND || v->kind == VERDICT_INCOMPLETE ||
	       v->kind == VERDICT_NOT_PULLED || v->kind == VERDICT_NAME_OR_POLICY;
}

static void put_running(const struct verdict *v, struct buf *b)
{
	buf_printf(b, ": %s: %lld of %lld pods are ready", kinds[v->kind].says,
		   (long long)v->pods_ready, (long long)v->pods_wanted);
	if (v->why)
		buf_printf(b, "; %s", whys[v->why].says);
}

static void put_cause(const struct verdict *v, struct buf *b)
{
	const char *registry = registry_says(v);

	if (v->why)
		buf_printf(b, ": %s", whys[v->why].says);
	else if (is_of_image(v) && v->evidence[0].image) {
		buf_puts(b, ": '");
		put_text(b, v->evidence[0].image);
		buf_putc(b, '\'');
	} else if (v->evidence_count) {
		buf_printf(b, ": %s", cause_looks[v->cause].says);
	} else if (v->kind == VERDICT_STILL_WAITING) {
		buf_printf(b, ": %lld of %lld pods of the new revision are ready",
			   (long long)v->pods_ready, (long long)v->pods_wanted);
	}
	if (v->kind == VERDICT_NAME_OR_POLICY && v->cause)
		buf_printf(b, "; %s", cause_looks[v->cause].says);
	else if (registry && is_of_image(v))
		buf_printf(b, "; %s", registry);
}

char *verdict_headline(const struct verdict *v, const struct verdict_subject *s)
{
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	put_subject(&b, s);
	if (v->kind == VERDICT_RUNNING) {
		put_running(v, &b);
		return buf_take(&b);
	}
	buf_printf(&b, ": %s", kind_says(v));
	put_cause(v, &b);
	return buf_take(&b);
}

/* Evidence */

static void put_place(const struct evidence *e, struct buf *b)
{
	if (e->pod) {
		buf_puts(b, "pod ");
		put_text(b, e->pod);
	} else {
		buf_puts(b, "controller");
	}
	if (e->node && *e->node) {
		buf_puts(b, " on ");
		put_text(b, e->node);
	}
	if (e->container) {
		buf_puts(b, ", container ");
		put_text(b, e->container);
	}
}

static void put_counts(const struct evidence *e, struct buf *b)
{
	if (cause_looks[e->cause].group == GROUP_CRASH)
		buf_printf(b, ", %lld restart%s, exit code %lld", (long long)e->restarts,
			   e->restarts == 1 ? "" : "s", (long long)e->exit_code);
	else if (e->attempts > 1)
		buf_printf(b, ", %lld attempts", (long long)e->attempts);
}

static void put_evidence(const struct evidence *e, int64_t now_ms, struct buf *b)
{
	int64_t for_s = now_ms > e->since_ms ? (now_ms - e->since_ms) / 1000 : 0;

	put_place(e, b);
	buf_printf(b, ": %s for %lld s", cause_looks[e->cause].says, (long long)for_s);
	put_counts(e, b);
	buf_putc(b, '\n');
	if (!e->reason && !e->message)
		return;
	buf_puts(b, "  ");
	if (e->reason)
		put_text(b, e->reason);
	if (e->reason && e->message)
		buf_puts(b, ": ");
	if (e->message)
		put_text(b, e->message);
	buf_putc(b, '\n');
}

void verdict_evidence(const struct verdict *v, int64_t now_ms, struct buf *to)
{
	for (size_t i = 0; i < v->evidence_count; i++)
		put_evidence(&v->evidence[i], now_ms, to);
	if (v->evidence_left_off)
		buf_printf(to, "and %zu more\n", v->evidence_left_off);
	if (v->registry_text && registry_says(v)) {
		buf_printf(to, "%s: ", registry_says(v));
		put_text(to, v->registry_text);
		buf_putc(to, '\n');
	}
}

/* What next */

static char *kubectl(const struct verdict_subject *s, const char *verb, const char *what)
{
	if (s->namespace)
		return mem_printf("kubectl -n %s %s %s", s->namespace, verb, what);
	return mem_printf("kubectl %s %s", verb, what);
}

static char *kubectl_on(const struct verdict_subject *s, const char *verb)
{
	CLEANUP(mem_freep)
	char *what = mem_printf("%s/%s", workload_kind_name(s->kind), s->name);

	return kubectl(s, verb, what);
}

static char *kubectl_on_pod(const struct verdict *v, const struct verdict_subject *s,
			    const char *verb)
{
	return v->evidence[0].pod ? kubectl(s, verb, v->evidence[0].pod)
				  : kubectl_on(s, "describe");
}

static char *logs(const struct verdict *v, const struct verdict_subject *s)
{
	const struct evidence *e = &v->evidence[0];
	CLEANUP(mem_freep) char *what = NULL;

	if (!e->pod || !e->container)
		return kubectl_on(s, "describe");
	what = mem_printf("%s -c %s --previous", e->pod, e->container);
	return kubectl(s, "logs", what);
}

static char *cronjob_now(const struct verdict_subject *s)
{
	CLEANUP(mem_freep) char *what = mem_printf("%s-now --from cronjob/%s", s->name, s->name);

	return kubectl(s, "create job", what);
}

static char *watch_again(const struct verdict_subject *s)
{
	const char *kind = workload_kind_name(s->kind);

	if (s->namespace)
		return mem_printf("landed watch -n %s %s/%s", s->namespace, kind, s->name);
	return mem_printf("landed watch %s/%s", kind, s->name);
}

static char *hint_of_not_proven(const struct verdict *v, const struct verdict_subject *s)
{
	switch (v->why) {
	case WHY_PAUSED:
		return kubectl_on(s, "rollout resume");
	case WHY_NO_REPLICAS:
		return kubectl_on(s, "scale --replicas 1");
	case WHY_UNCHANGED:
		return kubectl_on(s, "rollout restart");
	case WHY_CRONJOB:
		return cronjob_now(s);
	default:
		return kubectl_on(s, "describe");
	}
}

/* Names of the cluster's objects are DNS labels: they need no quotes in a shell. */
char *verdict_hint(const struct verdict *v, const struct verdict_subject *s)
{
	const char *image = v->evidence[0].image;

	switch (v->kind) {
	case VERDICT_UNDECIDED:
	case VERDICT_RUNNING:
		return NULL;
	case VERDICT_DID_NOT_LAND:
	case VERDICT_INCOMPLETE:
	case VERDICT_NOT_PULLED:
		return image ? mem_printf("landed verify '%s'", image) : NULL;
	case VERDICT_CRASHES:
		return logs(v, s);
	case VERDICT_NOT_PLACED:
		return kubectl_on_pod(v, s, v->why == WHY_BLOCKED ? "delete pod" : "describe pod");
	case VERDICT_NAME_OR_POLICY:
		return kubectl_on_pod(v, s, "describe pod");
	case VERDICT_SUPERSEDED:
		return v->why == WHY_DELETED ? NULL : kubectl_on(s, "rollout history");
	case VERDICT_NOT_PROVEN:
		return hint_of_not_proven(v, s);
	case VERDICT_STILL_WAITING:
		return watch_again(s);
	case VERDICT_REFUSED:
	case VERDICT_KINDS:
		break;
	}
	return kubectl_on(s, "describe");
}
