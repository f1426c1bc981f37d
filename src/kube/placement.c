#include "kube/placement.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const struct js *j, const char *text)
{
	const char *value = js_string(j);

	return value && strcmp(value, text) == 0;
}

/* Node selector and affinity */

struct selection {
	const struct node *node;
};

static bool has_label(void *arg, const char *key, const struct js *value)
{
	const struct selection *s = arg;
	const char *label = object_label(&s->node->meta, key);

	return label && is_text(value, label);
}

static bool is_among(const struct js *values, const char *text)
{
	for (size_t i = 0; i < js_count(values); i++)
		if (is_text(js_at(values, i), text))
			return true;
	return false;
}

static bool read_number(const char *text, long long *ret)
{
	char *end = NULL;

	errno = 0;
	*ret = text ? strtoll(text, &end, 10) : 0;
	return text && end != text && !*end && errno == 0;
}

static bool compares(const char *label, const struct js *values, bool greater)
{
	long long have, bound;

	if (!read_number(label, &have) || !read_number(js_string(js_at(values, 0)), &bound))
		return false;
	return greater ? have > bound : have < bound;
}

/* VALUE is NULL where the node has none. */
static bool matches(const struct js *requirement, const char *value)
{
	const char *op = js_string(js_get(requirement, "operator"));
	const struct js *values = js_get(requirement, "values");

	if (!op)
		return false;
	if (strcmp(op, "In") == 0)
		return value && is_among(values, value);
	if (strcmp(op, "NotIn") == 0)
		return !value || !is_among(values, value);
	if (strcmp(op, "Exists") == 0)
		return value;
	if (strcmp(op, "DoesNotExist") == 0)
		return !value;
	if (strcmp(op, "Gt") == 0 || strcmp(op, "Lt") == 0)
		return value && compares(value, values, *op == 'G');
	return false;
}

static bool expression_matches(const struct js *requirement, const struct node *n)
{
	const char *key = js_string(js_get(requirement, "key"));

	return key && matches(requirement, object_label(&n->meta, key));
}

/* The only field there is. */
static bool field_matches(const struct js *requirement, const struct node *n)
{
	return is_text(js_get(requirement, "key"), "metadata.name") &&
	       matches(requirement, n->meta.name);
}

static bool term_matches(const struct js *term, const struct node *n)
{
	const struct js *expressions = js_get(term, "matchExpressions");
	const struct js *fields = js_get(term, "matchFields");

	for (size_t i = 0; i < js_count(expressions); i++)
		if (!expression_matches(js_at(expressions, i), n))
			return false;
	for (size_t i = 0; i < js_count(fields); i++)
		if (!field_matches(js_at(fields, i), n))
			return false;
	return js_count(expressions) + js_count(fields) > 0;
}

static bool is_selected(const struct pod_template *t, const struct node *n)
{
	struct selection s = { n };

	if (t->node_selector && !js_each(t->node_selector, has_label, &s))
		return false;
	for (size_t i = 0; i < js_count(t->node_terms); i++)
		if (term_matches(js_at(t->node_terms, i), n))
			return true;
	return !t->node_terms;
}

/* Taints */

/* Set by the cluster itself from a node's state. */
static bool is_passing(const struct node_taint *t)
{
	static const char *const prefixes[] = { "node.kubernetes.io/",
						"node.cloudprovider.kubernetes.io/" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(t->key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool tolerates(const struct js *toleration, const struct node_taint *t)
{
	const char *key = js_string(js_get(toleration, "key"));
	const char *value = js_string(js_get(toleration, "value"));
	const char *effect = js_string(js_get(toleration, "effect"));

	if (effect && *effect && strcmp(effect, t->effect) != 0)
		return false;
	if (key && *key && strcmp(key, t->key) != 0)
		return false;
	if (is_text(js_get(toleration, "operator"), "Exists"))
		return true;
	return key && *key && strcmp(value ? value : "", t->value ? t->value : "") == 0;
}

static bool is_tolerated(const struct pod_template *p, const struct node_taint *t)
{
	if (is_passing(t) || strcmp(t->effect, "PreferNoSchedule") == 0)
		return true;
	for (size_t i = 0; i < js_count(p->tolerations); i++)
		if (tolerates(js_at(p->tolerations, i), t))
			return true;
	return false;
}

static bool tolerates_cordon(const struct workload *w)
{
	static const struct node_taint cordon = { "node.kubernetes.io/unschedulable", NULL,
						  "NoSchedule" };

	if (w->kind == WORKLOAD_DAEMONSET)
		return true;
	for (size_t i = 0; i < js_count(w->template.tolerations); i++)
		if (tolerates(js_at(w->template.tolerations, i), &cordon))
			return true;
	return false;
}

bool placement_admits(const struct workload *w, const struct node *n)
{
	if (!is_selected(&w->template, n) || (n->is_unschedulable && !tolerates_cordon(w)))
		return false;
	for (size_t i = 0; i < n->taint_count; i++)
		if (!is_tolerated(&w->template, &n->taints[i]))
			return false;
	return true;
}

void placement_add(struct placement *p, const struct workload *w, const struct node *n)
{
	CLEANUP(mem_freep) char *platform = NULL;

	p->nodes++;
	if (!placement_admits(w, n))
		return;
	p->admitted++;
	if (!n->os || !n->arch)
		return;
	platform = mem_printf("%s/%s", n->os, n->arch);
	if (!strings_have(&p->platforms, platform))
		strings_add(&p->platforms, platform);
}

void placement_clear(struct placement *p)
{
	strings_clear(&p->platforms);
	*p = (struct placement){ 0 };
}
