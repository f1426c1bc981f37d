/* A rollout's end as JSON, as an error, as lines. */
#include "cli/rollout.h"

#include "base/mem.h"

#include <string.h>

static const char *const registry_words[] = {
	[ARBITER_UNKNOWN] = NULL,
	[ARBITER_WHOLE] = "whole",
	[ARBITER_ABSENT] = "absent",
	[ARBITER_INCOMPLETE] = "incomplete",
	[ARBITER_NO_PLATFORM] = "no-platform",
	[ARBITER_DENIED] = "denied",
	[ARBITER_UNREACHABLE] = "unreachable",
};

static struct js *evidence_json(const struct evidence *e, int64_t at_ms)
{
	struct js *object = js_object();

	js_put_string(object, "pod", e->pod);
	js_put_string(object, "node", e->node);
	js_put_string(object, "container", e->container);
	js_put_string(object, "image", e->image);
	js_put_string(object, "cause", cause_looks[e->cause].word);
	js_put_string(object, "reason", e->reason);
	js_put_string(object, "message", e->message);
	js_put_real(object, "seconds", (double)(at_ms - e->since_ms) / 1000);
	js_put_integer(object, "attempts", e->attempts);
	js_put_integer(object, "restarts", e->restarts);
	if (cause_looks[e->cause].group == GROUP_CRASH)
		js_put_integer(object, "exitCode", e->exit_code);
	return object;
}

static struct js *all_evidence_json(const struct rollout_end *e)
{
	struct js *array = js_array();

	for (size_t i = 0; i < e->verdict.evidence_count; i++)
		js_append(array, evidence_json(&e->verdict.evidence[i], e->at_ms));
	return array;
}

static struct js *pods_json(const struct verdict *v)
{
	struct js *object = js_object();

	js_put_integer(object, "wanted", v->pods_wanted);
	js_put_integer(object, "seen", v->pods_seen);
	js_put_integer(object, "ready", v->pods_ready);
	return object;
}

static void put_registry(struct js *object, const struct verdict *v)
{
	struct js *registry;

	if (!registry_words[v->registry])
		return;
	registry = js_object();
	js_put_string(registry, "says", registry_words[v->registry]);
	js_put_string(registry, "text", v->registry_text);
	js_put(object, "registry", registry);
}

static void put_verdict(struct js *object, const struct rollout_end *e,
			const struct verdict_subject *s)
{
	const struct verdict *v = &e->verdict;
	CLEANUP(mem_freep) char *headline = verdict_headline(v, s);
	CLEANUP(mem_freep) char *hint = verdict_hint(v, s);

	js_put_string(object, "verdict", verdict_word(v->kind));
	js_put_string(object, "why", verdict_why_word(v->why));
	if (v->cause)
		js_put_string(object, "cause", cause_looks[v->cause].word);
	js_put_integer(object, "exit", verdict_exit(v->kind));
	js_put_string(object, "headline", headline);
	js_put_string(object, "hint", hint);
}

struct js *rollout_json(const struct rollout_end *e, const struct verdict_subject *s)
{
	struct js *object = js_object();

	js_put_string(object, "kind", workload_kind_name(s->kind));
	js_put_string(object, "name", s->name);
	js_put_string(object, "namespace", s->namespace);
	put_verdict(object, e, s);
	js_put_real(object, "seconds", (double)e->took_ms / 1000);
	js_put(object, "pods", pods_json(&e->verdict));
	js_put(object, "evidence", all_evidence_json(e));
	if (e->verdict.evidence_left_off)
		js_put_integer(object, "evidenceLeftOff", (int64_t)e->verdict.evidence_left_off);
	put_registry(object, &e->verdict);
	if (e->verdict.kind == VERDICT_UNDECIDED && *e->verdict.waiting)
		js_put_string(object, "waiting", e->verdict.waiting);
	return object;
}

void rollout_say_evidence(const struct run *run, const struct rollout_end *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_INIT(BUF_TEXT_CEILING);
	char *rest = NULL;

	if (!e->judge)
		return;
	verdict_evidence(&e->verdict, e->at_ms, &text);
	for (char *line = text.data ? strtok_r(text.data, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		talk_say(run->talk, line);
}

static enum err_code code_of(enum verdict_kind kind)
{
	switch (verdict_exit(kind)) {
	case 3:
		return ERR_UNPROVEN;
	case 50:
		return ERR_NOT_LANDED;
	case 51:
		return ERR_NOT_PULLED;
	case 52:
		return ERR_CRASHES;
	case 53:
		return ERR_NOT_RUNNING;
	case 54:
		return ERR_SUPERSEDED;
	case 55:
		return ERR_CLUSTER_REFUSED;
	default:
		return ERR_UNEXPECTED;
	}
}

bool rollout_check(const struct rollout_end *e, const struct verdict_subject *s, struct err *err)
{
	CLEANUP(mem_freep) char *headline = NULL;
	CLEANUP(mem_freep) char *hint = NULL;

	if (e->verdict.kind == VERDICT_RUNNING)
		return true;
	headline = verdict_headline(&e->verdict, s);
	hint = verdict_hint(&e->verdict, s);
	err_set(err, code_of(e->verdict.kind), "%s", headline);
	if (hint)
		err_hint(err, "%s", hint);
	return false;
}
