/* Which nodes a template may land on. */
#include "base/fake_world.h"

#include "kube/placement.h"

#define WORKLOAD(kind, spec)                                                             \
	"{\"kind\":\"" kind "\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"template\":" \
	"{\"spec\":{\"containers\":[]" spec "}}}}"
#define NODE(labels, spec)                                                                 \
	"{\"metadata\":{\"name\":\"node-1\",\"labels\":{" labels "}},\"spec\":{" spec "}," \
	"\"status\":{\"nodeInfo\":{\"operatingSystem\":\"linux\",\"architecture\":\"arm64\"}}}"
#define SELECTOR ",\"nodeSelector\":{\"pool\":\"a\",\"n\":\"5\"}"
#define TERMS(terms)                        \
	",\"affinity\":{\"nodeAffinity\":{" \
	"\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[" terms "]}}}"
#define EXPRESSION(key, op, values)                                            \
	TERMS("{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" op \
	      "\",\"values\":[" values "]}]}")
#define TAINT(key, value, effect) \
	"\"taints\":[{\"key\":\"" key "\",\"value\":\"" value "\",\"effect\":\"" effect "\"}]"
#define TOLERATION(members) ",\"tolerations\":[{" members "}]"
#define LABELS "\"pool\":\"a\",\"n\":\"5\""
#define NO_SCHEDULE TAINT("gpu", "yes", "NoSchedule")

static const struct {
	const char *kind;
	const char *spec;
	const char *labels;
	const char *node;
	bool admitted;
} cases[] = {
	{ "D", "", "", "", true },
	{ "D", SELECTOR, "", "", false },
	{ "D", SELECTOR, "\"pool\":\"a\"", "", false },
	{ "D", SELECTOR, "\"pool\":\"a\",\"n\":\"6\"", "", false },
	{ "D", SELECTOR, LABELS, "", true },
	{ "D", TERMS(""), LABELS, "", false },
	{ "D", TERMS("{}"), LABELS, "", false },
	{ "D", EXPRESSION("pool", "In", "\"b\",\"a\""), LABELS, "", true },
	{ "D", EXPRESSION("pool", "In", "\"b\""), LABELS, "", false },
	{ "D", EXPRESSION("pool", "NotIn", "\"b\""), LABELS, "", true },
	{ "D", EXPRESSION("pool", "NotIn", "\"a\""), LABELS, "", false },
	{ "D", EXPRESSION("other", "NotIn", "\"a\""), LABELS, "", true },
	{ "D", EXPRESSION("pool", "Exists", ""), LABELS, "", true },
	{ "D", EXPRESSION("other", "Exists", ""), LABELS, "", false },
	{ "D", EXPRESSION("pool", "DoesNotExist", ""), LABELS, "", false },
	{ "D", EXPRESSION("other", "DoesNotExist", ""), LABELS, "", true },
	{ "D", EXPRESSION("n", "Gt", "\"4\""), LABELS, "", true },
	{ "D", EXPRESSION("n", "Gt", "\"5\""), LABELS, "", false },
	{ "D", EXPRESSION("n", "Lt", "\"6\""), LABELS, "", true },
	{ "D", EXPRESSION("pool", "Gt", "\"4\""), LABELS, "", false },
	{ "D", EXPRESSION("n", "Gt", "\"x\""), LABELS, "", false },
	{ "D", EXPRESSION("n", "Near", "\"5\""), LABELS, "", false },
	{ "D",
	  TERMS("{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
		"\"values\":[\"node-1\"]}]}"),
	  "", "", true },
	{ "D",
	  TERMS("{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
		"\"values\":[\"node-2\"]}]}"),
	  "", "", false },
	{ "D", "", "", NO_SCHEDULE, false },
	{ "D", "", "", TAINT("gpu", "yes", "NoExecute"), false },
	{ "D", "", "", TAINT("gpu", "yes", "PreferNoSchedule"), true },
	{ "D", "", "", TAINT("node.kubernetes.io/not-ready", "", "NoSchedule"), true },
	{ "D", TOLERATION("\"operator\":\"Exists\""), "", NO_SCHEDULE, true },
	{ "D", TOLERATION("\"key\":\"gpu\",\"operator\":\"Exists\""), "", NO_SCHEDULE, true },
	{ "D", TOLERATION("\"key\":\"gpu\",\"value\":\"yes\""), "", NO_SCHEDULE, true },
	{ "D", TOLERATION("\"key\":\"gpu\",\"value\":\"no\""), "", NO_SCHEDULE, false },
	{ "D", TOLERATION("\"key\":\"cpu\",\"operator\":\"Exists\""), "", NO_SCHEDULE, false },
	{ "D", TOLERATION("\"key\":\"gpu\",\"operator\":\"Exists\",\"effect\":\"NoExecute\""), "",
	  NO_SCHEDULE, false },
	{ "D", TOLERATION("\"value\":\"yes\""), "", NO_SCHEDULE, false },
	{ "D", "", "", "\"unschedulable\":true", false },
	{ "A", "", "", "\"unschedulable\":true", true },
	{ "D", TOLERATION("\"operator\":\"Exists\""), "", "\"unschedulable\":true", true },
};

static struct js *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;

	if (!js_parse(text, strlen(text), MIB, ERR_UNEXPECTED, &j, &err))
		fail_msg("%s: %s", text, err.message);
	return j;
}

static char *workload_text(const char *kind, const char *spec)
{
	return mem_printf(WORKLOAD("%s", "%s"), *kind == 'A' ? "DaemonSet" : "Deployment", spec);
}

static void add(struct placement *p, const char *kind, const char *spec, const char *labels,
		const char *node)
{
	CLEANUP(mem_freep) char *text = workload_text(kind, spec);
	CLEANUP(mem_freep) char *node_text = mem_printf(NODE("%s", "%s"), labels, node);
	CLEANUP(js_freep) struct js *j = parsed(text);
	CLEANUP(js_freep) struct js *node_j = parsed(node_text);
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(node_clear) struct node n = { 0 };
	struct err err = ERR_INIT;

	if (!workload_parse(j, &w, &err) || !node_parse(node_j, &n, &err))
		fail_msg("%s", err.message);
	placement_add(p, &w, &n);
}

static void test_admission(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(placement_clear) struct placement p = { 0 };

		add(&p, cases[i].kind, cases[i].spec, cases[i].labels, cases[i].node);
		assert_int_equal(p.nodes, 1);
		if ((p.admitted == 1) != cases[i].admitted)
			fail_msg("case %zu: %s on %s %s", i, cases[i].spec, cases[i].labels,
				 cases[i].node);
	}
}

static void test_platforms_are_there_once(void **state)
{
	CLEANUP(placement_clear) struct placement p = { 0 };

	(void)state;
	add(&p, "D", "", "", "");
	add(&p, "D", "", "", "");
	add(&p, "D", SELECTOR, "", "");
	assert_int_equal(p.nodes, 3);
	assert_int_equal(p.admitted, 2);
	assert_int_equal(p.platforms.count, 1);
	assert_string_equal(p.platforms.at[0], "linux/arm64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admission),
		cmocka_unit_test(test_platforms_are_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
