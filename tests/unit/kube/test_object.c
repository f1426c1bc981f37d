/* Objects of the API, reduced: what is refused, and what is read. */
#include "base/fake_world.h"

#include "kube/object.h"

#define META "\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}"
#define CONTAINERS "\"containers\":[{\"name\":\"app\",\"image\":\"i:1\"}]"
#define TEMPLATE "\"template\":{\"spec\":{" CONTAINERS "}}"

enum parser { DEPLOYMENT, REPLICA_SET, REVISION, POD, EVENT, NODE };

static bool parse(enum parser which, const struct js *j, struct err *err)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(replica_set_clear) struct replica_set s = { 0 };
	CLEANUP(controller_revision_clear) struct controller_revision r = { 0 };
	CLEANUP(pod_clear) struct pod p = { 0 };
	CLEANUP(node_clear) struct node n = { 0 };
	struct kube_event e;

	switch (which) {
	case DEPLOYMENT:
		return workload_parse(j, &w, err);
	case REPLICA_SET:
		return replica_set_parse(j, &s, err);
	case REVISION:
		return controller_revision_parse(j, &r, err);
	case POD:
		return pod_parse(j, &p, err);
	case EVENT:
		return kube_event_parse(j, &e, err);
	case NODE:
		return node_parse(j, &n, err);
	}
	return false;
}

static struct js *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;

	if (!js_parse(text, strlen(text), MIB, ERR_UNEXPECTED, &j, &err))
		fail_msg("%s: %s", text, err.message);
	return j;
}

static const struct {
	enum parser which;
	const char *json;
	const char *words;
} bad[] = {
	{ DEPLOYMENT, "[]", "no kind that rolls out" },
	{ DEPLOYMENT, "{}", "no kind that rolls out" },
	{ DEPLOYMENT, "{\"kind\":\"Job\"," META "}", "'Job' is no kind that rolls out" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\"}", "'metadata' is missing" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\",\"metadata\":{}}",
	  "metadata: field 'name' is missing" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\",\"metadata\":[]}", "'metadata' is not an object" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\"," META "}", "spec: template: not a JSON object" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\"," META ",\"spec\":7}", "'spec' is not an object" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\"," META ",\"spec\":{\"replicas\":\"1\"," TEMPLATE "}}",
	  "spec: field 'replicas' is not an integer" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\"," META ",\"spec\":{\"template\":{}}}",
	  "template: field 'spec' is missing" },
	{ DEPLOYMENT, "{\"kind\":\"Deployment\"," META ",\"spec\":{\"template\":{\"spec\":{}}}}",
	  "'containers' is missing" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\"," META
	  ",\"spec\":{\"template\":{\"spec\":{\"containers\":[{}]}}}}",
	  "containers[0]: field 'name' is missing" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\"," META ",\"spec\":{\"template\":{\"spec\":{" CONTAINERS
	  ",\"initContainers\":[null]}}}}",
	  "initContainers[0]: not a JSON object" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\"," META ",\"spec\":{" TEMPLATE
	  "},\"status\":{\"conditions\":{}}}",
	  "status: field 'conditions' is not an array" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\"," META ",\"spec\":{" TEMPLATE
	  "},\"status\":{\"conditions\":[{\"type\":\"A\"}]}}",
	  "conditions[0]: field 'status' is missing" },
	{ DEPLOYMENT,
	  "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"n\",\"ownerReferences\":[{\"kind\":1}]}}",
	  "metadata: ownerReferences[0]: field 'kind' is not a string" },
	{ DEPLOYMENT,
	  "{\"kind\":\"StatefulSet\"," META
	  ",\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":\"x\"}}," TEMPLATE "}}",
	  "rollingUpdate: field 'partition' is not an integer" },
	{ DEPLOYMENT, "{\"kind\":\"CronJob\"," META ",\"spec\":{" TEMPLATE "}}",
	  "template: not a JSON object" },
	{ REPLICA_SET, "{" META "}", "template: not a JSON object" },
	{ REVISION, "{" META "}", "'revision' is missing" },
	{ REVISION, "{" META ",\"revision\":1}", "'data' is missing" },
	{ REVISION, "{" META ",\"revision\":1,\"data\":{}}", "data: spec: template" },
	{ POD, "[]", "not a JSON object" },
	{ POD, "{" META ",\"spec\":{}}", "spec: field 'containers' is missing" },
	{ POD, "{" META ",\"spec\":{\"containers\":[{\"image\":\"x\"}]}}",
	  "spec: containers[0]: field 'name' is missing" },
	{ POD,
	  "{" META ",\"spec\":{" CONTAINERS
	  "},\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"state\":{\"waiting\":[]}}]}}",
	  "containerStatuses[0]: state: field 'waiting' is not an object" },
	{ POD,
	  "{" META ",\"spec\":{" CONTAINERS
	  "},\"status\":{\"initContainerStatuses\":[{\"name\":\"app\",\"restartCount\":true}]}}",
	  "initContainerStatuses[0]: field 'restartCount' is not an integer" },
	{ EVENT, "{" META "}", "'involvedObject' is missing" },
	{ EVENT, "{" META ",\"involvedObject\":{\"uid\":1}}",
	  "involvedObject: field 'uid' is not a string" },
	{ NODE, "{" META ",\"spec\":{\"taints\":[{\"key\":\"k\"}]}}",
	  "taints[0]: field 'effect' is missing" },
	{ NODE, "{" META ",\"status\":{\"nodeInfo\":{\"architecture\":64}}}",
	  "nodeInfo: field 'architecture' is not a string" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(js_freep) struct js *j = parsed(bad[i].json);
		struct err err = ERR_INIT;

		if (parse(bad[i].which, j, &err) || err.code != ERR_UNEXPECTED ||
		    !strstr(err.message, bad[i].words))
			fail_msg("%s\n\tsays '%s'\n\tnot  '%s'", bad[i].json,
				 err.message ? err.message : "nothing", bad[i].words);
		err_clear(&err);
	}
}

static void test_too_many(void **state)
{
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);
	struct err err = ERR_INIT;
	struct js *j;

	(void)state;
	buf_puts(&b, "{" META ",\"spec\":{\"containers\":[");
	for (int i = 0; i <= OBJECT_LIST_MAX; i++)
		buf_puts(&b, i ? ",{\"name\":\"a\"}" : "{\"name\":\"a\"}");
	buf_puts(&b, "]}}");
	j = parsed(buf_str(&b));
	assert_false(parse(POD, j, &err));
	assert_non_null(strstr(err.message, "more than 1024 entries"));
	err_clear(&err);
	js_free(j);
	buf_clear(&b);
}

static void workload_of(const char *json, struct js **ret_j, struct workload *ret)
{
	struct err err = ERR_INIT;

	*ret_j = parsed(json);
	if (!workload_parse(*ret_j, ret, &err))
		fail_msg("%s", err.message);
}

static void test_deployment(void **state)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(js_freep) struct js *j = NULL;
	const struct object_condition *c;

	(void)state;
	workload_of(
		"{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\",\"uid\":\"u\","
		"\"generation\":4,\"resourceVersion\":\"77\",\"labels\":{\"a\":\"b\"}},"
		"\"spec\":{\"replicas\":3,\"paused\":true,\"progressDeadlineSeconds\":30,"
		"\"selector\":{\"matchLabels\":{\"app\":\"x\"}},\"strategy\":{\"type\":\"Recreate\"},"
		"\"template\":{\"spec\":{\"serviceAccountName\":\"sa\","
		"\"imagePullSecrets\":[{\"name\":\"pull\"}],"
		"\"nodeSelector\":{\"kubernetes.io/arch\":\"arm64\"},"
		"\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":"
		"{\"nodeSelectorTerms\":[{}]}}},"
		"\"initContainers\":[{\"name\":\"setup\",\"image\":\"s:1\"}]," CONTAINERS "}}},"
		"\"status\":{\"observedGeneration\":4,\"replicas\":3,\"updatedReplicas\":2,"
		"\"readyReplicas\":1,\"availableReplicas\":1,\"conditions\":[{\"type\":\"Progressing\","
		"\"status\":\"False\",\"reason\":\"ProgressDeadlineExceeded\","
		"\"lastUpdateTime\":\"2026-11-24T14:00:00Z\"}]}}",
		&j, &w);
	assert_int_equal(w.kind, WORKLOAD_DEPLOYMENT);
	assert_string_equal(w.meta.name, "n");
	assert_string_equal(object_label(&w.meta, "a"), "b");
	assert_null(object_annotation(&w.meta, "a"));
	assert_int_equal(w.meta.generation, 4);
	assert_int_equal(w.observed_generation, 4);
	assert_int_equal(w.wanted, 3);
	assert_true(w.is_paused);
	assert_int_equal(w.strategy, UPDATE_RECREATE);
	assert_int_equal(w.progress_deadline_s, 30);
	assert_int_equal(w.replicas, 3);
	assert_int_equal(w.updated, 2);
	assert_int_equal(w.template.container_count, 2);
	assert_true(w.template.containers[0].is_init);
	assert_string_equal(template_container(&w.template, "app")->image, "i:1");
	assert_null(template_container(&w.template, "nosuch"));
	assert_string_equal(w.template.service_account, "sa");
	assert_int_equal(js_count(w.template.pull_secrets), 1);
	assert_int_equal(js_count(w.template.node_terms), 1);
	assert_string_equal(js_string(js_get(w.match_labels, "app")), "x");
	c = object_condition(&w.conditions, "Progressing");
	assert_false(c->is_true);
	assert_int_equal(c->updated_wall_ms, WALL_START_MS);
	assert_null(object_condition(&w.conditions, "Available"));
}

static void test_other_kinds(void **state)
{
	CLEANUP(workload_clear) struct workload s = { 0 };
	CLEANUP(workload_clear) struct workload d = { 0 };
	CLEANUP(workload_clear) struct workload c = { 0 };
	CLEANUP(js_freep) struct js *sj = NULL;
	CLEANUP(js_freep) struct js *dj = NULL;
	CLEANUP(js_freep) struct js *cj = NULL;

	(void)state;
	workload_of("{\"kind\":\"StatefulSet\"," META ",\"spec\":{\"updateStrategy\":{\"type\":"
		    "\"RollingUpdate\",\"rollingUpdate\":{\"partition\":2}}," TEMPLATE "},"
		    "\"status\":{\"currentRevision\":\"a\",\"updateRevision\":\"b\"}}",
		    &sj, &s);
	assert_int_equal(s.wanted, 1);
	assert_int_equal(s.partition, 2);
	assert_true(s.is_ordered);
	assert_string_equal(s.update_revision, "b");
	workload_of("{\"kind\":\"DaemonSet\"," META ",\"spec\":{\"updateStrategy\":{\"type\":"
		    "\"OnDelete\"}," TEMPLATE "},\"status\":{\"desiredNumberScheduled\":5,"
		    "\"updatedNumberScheduled\":4,\"numberReady\":3,\"numberAvailable\":2}}",
		    &dj, &d);
	assert_int_equal(d.strategy, UPDATE_ON_DELETE);
	assert_int_equal(d.wanted, 5);
	assert_int_equal(d.updated, 4);
	assert_int_equal(d.ready, 3);
	assert_int_equal(d.available, 2);
	assert_false(d.is_ordered);
	workload_of("{\"kind\":\"CronJob\"," META
		    ",\"spec\":{\"suspend\":true,\"jobTemplate\":{\"spec\":{" TEMPLATE "}}}}",
		    &cj, &c);
	assert_true(c.is_paused);
	assert_int_equal(c.template.container_count, 1);
}

static uint64_t sameness_of(const char *template)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(mem_freep)
	char *json = mem_printf("{\"kind\":\"Deployment\"," META ",\"spec\":{\"template\":%s}}",
				template);

	workload_of(json, &j, &w);
	return w.template.sameness;
}

static const char *const alike[] = {
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{" CONTAINERS "}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\",\"pod-template-hash\":\"12\"}},\"spec\":{" CONTAINERS
	"}}",
	"{\"spec\":{" CONTAINERS "},\"metadata\":{\"labels\":{\"app\":\"x\"}}}",
	"{\"$patch\":\"replace\",\"metadata\":{\"creationTimestamp\":null,\"labels\":{\"app\":\"x\"}},"
	"\"spec\":{" CONTAINERS ",\"securityContext\":{}}}",
};

static const char *const unlike[] = {
	"{\"metadata\":{\"labels\":{\"app\":\"y\"}},\"spec\":{" CONTAINERS "}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\",\"b\":\"c\"}},\"spec\":{" CONTAINERS "}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"app\","
	"\"image\":\"i:2\"}]}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{\"containers\":[{\"name\":\"i:1\","
	"\"image\":\"app\"}]}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{" CONTAINERS
	",\"hostNetwork\":true}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{" CONTAINERS ",\"n\":1}}",
	"{\"metadata\":{\"labels\":{\"app\":\"x\"}},\"spec\":{" CONTAINERS ",\"n\":1.5}}",
};

static void test_sameness(void **state)
{
	uint64_t same = sameness_of(alike[0]);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alike); i++)
		assert_true(sameness_of(alike[i]) == same);
	for (size_t i = 0; i < ARRAY_SIZE(unlike); i++) {
		assert_true(sameness_of(unlike[i]) != same);
		for (size_t k = 0; k < i; k++)
			assert_true(sameness_of(unlike[i]) != sameness_of(unlike[k]));
	}
}

static void test_pod(void **state)
{
	CLEANUP(pod_clear) struct pod p = { 0 };
	CLEANUP(js_freep)
	struct js *j = parsed(
		"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"deletionTimestamp\":\"2026-11-24T14:00:00Z\","
		"\"labels\":{\"pod-template-hash\":\"12\"},\"ownerReferences\":["
		"{\"kind\":\"Other\",\"name\":\"o\",\"uid\":\"1\"},"
		"{\"kind\":\"ReplicaSet\",\"name\":\"rs\",\"uid\":\"2\",\"controller\":true}]},"
		"\"spec\":{\"nodeName\":\"node-1\",\"initContainers\":[{\"name\":\"app\",\"image\":\"s\"}]," CONTAINERS
		"},\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"Ready\","
		"\"status\":\"True\"}],\"containerStatuses\":[{\"name\":\"app\",\"image\":\"other\","
		"\"imageID\":\"x@sha256:1\",\"ready\":true,\"started\":true,\"restartCount\":3,"
		"\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"m\"}},"
		"\"lastState\":{\"terminated\":{\"reason\":\"OOMKilled\",\"exitCode\":137}}},"
		"{\"name\":\"nosuch\",\"state\":{}}]}}");
	struct err err = ERR_INIT;

	(void)state;
	assert_true(pod_parse(j, &p, &err));
	assert_true(p.meta.is_deleting);
	assert_string_equal(p.meta.owner.uid, "2");
	assert_string_equal(p.template_hash, "12");
	assert_null(p.revision_hash);
	assert_true(p.is_ready);
	assert_int_equal(p.container_count, 2);
	assert_true(p.containers[0].is_init);
	assert_int_equal(p.containers[0].state.phase, CONTAINER_UNKNOWN);
	assert_string_equal(p.containers[1].image, "i:1");
	assert_string_equal(p.containers[1].status_image, "other");
	assert_int_equal(p.containers[1].restarts, 3);
	assert_int_equal(p.containers[1].state.phase, CONTAINER_WAITING);
	assert_string_equal(p.containers[1].state.reason, "CrashLoopBackOff");
	assert_int_equal(p.containers[1].last.phase, CONTAINER_ENDED);
	assert_int_equal(p.containers[1].last.exit_code, 137);
}

static void test_event(void **state)
{
	CLEANUP(js_freep)
	struct js *j = parsed(
		"{" META
		",\"type\":\"Warning\",\"reason\":\"Failed\",\"message\":\"m\",\"count\":null,"
		"\"series\":{\"count\":7,\"lastObservedTime\":\"2026-11-24T14:00:01.000001Z\"},"
		"\"firstTimestamp\":null,\"eventTime\":\"2026-11-24T14:00:00.000000Z\","
		"\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u\","
		"\"fieldPath\":\"spec.initContainers{setup}\"}}");
	struct err err = ERR_INIT;
	struct kube_event e;

	(void)state;
	assert_true(kube_event_parse(j, &e, &err));
	assert_true(e.is_warning);
	assert_int_equal(e.count, 7);
	assert_string_equal(e.container, "setup");
	assert_int_equal(e.first_wall_ms, WALL_START_MS);
	assert_int_equal(e.last_wall_ms, WALL_START_MS + 1000);
}

static void test_node(void **state)
{
	CLEANUP(node_clear) struct node n = { 0 };
	CLEANUP(js_freep)
	struct js *j =
		parsed("{" META ",\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"k\","
		       "\"effect\":\"NoSchedule\"}]},\"status\":{\"nodeInfo\":{\"architecture\":"
		       "\"arm64\",\"operatingSystem\":\"linux\"},\"conditions\":[{\"type\":"
		       "\"Ready\",\"status\":\"Unknown\"}]}}");
	struct err err = ERR_INIT;

	(void)state;
	assert_true(node_parse(j, &n, &err));
	assert_string_equal(n.arch, "arm64");
	assert_string_equal(n.os, "linux");
	assert_true(n.is_unschedulable);
	assert_false(n.is_ready);
	assert_int_equal(n.taint_count, 1);
	assert_string_equal(n.taints[0].effect, "NoSchedule");
}

static const struct {
	const char *a, *b;
	int sign;
} versions[] = {
	{ "9", "10", -1 },
	{ "10", "9", 1 },
	{ "10", "10", 0 },
	{ "123", "124", -1 },
	{ "99999999999999999999998", "99999999999999999999999", -1 },
	{ "09", "10", 0 },
	{ "", "10", 0 },
	{ NULL, "10", 0 },
	{ "10", NULL, 0 },
	{ "abc", "10", 0 },
	{ "-1", "10", 0 },
	{ "10 ", "9", 0 },
	{ "0", "1", 0 },
};

static void test_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		int c = object_version_compare(versions[i].a, versions[i].b);

		assert_int_equal((c > 0) - (c < 0), versions[i].sign);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_deployment), cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_sameness),   cmocka_unit_test(test_pod),
		cmocka_unit_test(test_event),	   cmocka_unit_test(test_node),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
