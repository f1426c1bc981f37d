/* What people read. */
#include "base/fake_world.h"

#include "kube/verdict.h"

#define IMAGE "registry.example/app:v2@sha256:11"

static const struct verdict_subject subject = { WORKLOAD_DEPLOYMENT, "my-app", "prod" };

static struct verdict with_evidence(enum verdict_kind kind, enum cause cause, const char *message)
{
	struct verdict v = {
		.kind = kind, .cause = cause, .pods_wanted = 3, .pods_ready = 1, .evidence_count = 1
	};

	v.evidence[0] = (struct evidence){ .pod = "my-app-1",
					   .pod_uid = "u",
					   .node = "node-1",
					   .container = "app",
					   .image = IMAGE,
					   .cause = cause,
					   .reason = "ErrImagePull",
					   .message = message,
					   .since_ms = 1000,
					   .attempts = 2,
					   .restarts = 2,
					   .exit_code = 1 };
	return v;
}

static const struct {
	enum verdict_kind kind;
	enum verdict_why why;
	enum cause cause;
	enum arbiter_says registry;
	const char *headline;
	const char *hint;
} cases[] = {
	{ VERDICT_RUNNING, WHY_NONE, CAUSE_NONE, ARBITER_UNKNOWN,
	  "deployment/my-app: runs what was pushed: 1 of 3 pods are ready", NULL },
	{ VERDICT_RUNNING, WHY_PARTITION, CAUSE_NONE, ARBITER_UNKNOWN,
	  "deployment/my-app: runs what was pushed: 1 of 3 pods are ready; its partition holds back "
	  "the other pods",
	  NULL },
	{ VERDICT_DID_NOT_LAND, WHY_NONE, CAUSE_NOT_FOUND, ARBITER_ABSENT,
	  "deployment/my-app: the image never landed: '" IMAGE "'; the registry does not have it",
	  "landed verify '" IMAGE "'" },
	{ VERDICT_INCOMPLETE, WHY_NONE, CAUSE_PLATFORM, ARBITER_NO_PLATFORM,
	  "deployment/my-app: the image is not whole in its registry: '" IMAGE
	  "'; the registry has it for other platforms",
	  "landed verify '" IMAGE "'" },
	{ VERDICT_NOT_PULLED, WHY_NONE, CAUSE_DENIED, ARBITER_WHOLE,
	  "deployment/my-app: the node may not pull the image: '" IMAGE
	  "'; the registry has it, whole",
	  "landed verify '" IMAGE "'" },
	{ VERDICT_NOT_PULLED, WHY_NONE, CAUSE_DENIED, ARBITER_DENIED,
	  "deployment/my-app: the node may not pull the image, or there is none: '" IMAGE
	  "'; the registry does not show it to us either",
	  "landed verify '" IMAGE "'" },
	{ VERDICT_NAME_OR_POLICY, WHY_NONE, CAUSE_NAME, ARBITER_UNKNOWN,
	  "deployment/my-app: the node does not take the image: '" IMAGE "'; this is no image name",
	  "kubectl -n prod describe pod my-app-1" },
	{ VERDICT_CRASHES, WHY_NONE, CAUSE_MEMORY, ARBITER_UNKNOWN,
	  "deployment/my-app: the container crashes: the container is killed for its memory",
	  "kubectl -n prod logs my-app-1 -c app --previous" },
	{ VERDICT_NOT_PLACED, WHY_NONE, CAUSE_UNSCHEDULABLE, ARBITER_UNKNOWN,
	  "deployment/my-app: pods cannot be scheduled or created: no node takes the pod",
	  "kubectl -n prod describe pod my-app-1" },
	{ VERDICT_NOT_PLACED, WHY_BLOCKED, CAUSE_BACK_OFF, ARBITER_UNKNOWN,
	  "deployment/my-app: pods cannot be scheduled or created: a broken pod of an earlier "
	  "revision holds it, which nothing replaces",
	  "kubectl -n prod delete pod my-app-1" },
	{ VERDICT_STILL_WAITING, WHY_NONE, CAUSE_QPS, ARBITER_UNKNOWN,
	  "deployment/my-app: not done before the deadline: the kubelet pulls too many images at "
	  "once",
	  "landed watch -n prod deployment/my-app" },
	{ VERDICT_SUPERSEDED, WHY_OTHER_TEMPLATE, CAUSE_NONE, ARBITER_UNKNOWN,
	  "deployment/my-app: another rollout took its place: its template was changed by somebody "
	  "else",
	  "kubectl -n prod rollout history deployment/my-app" },
	{ VERDICT_SUPERSEDED, WHY_DELETED, CAUSE_NONE, ARBITER_UNKNOWN,
	  "deployment/my-app: another rollout took its place: it was deleted", NULL },
	{ VERDICT_REFUSED, WHY_NONE, CAUSE_QUOTA, ARBITER_UNKNOWN,
	  "deployment/my-app: the cluster refuses its pods: a quota allows no more pods",
	  "kubectl -n prod describe deployment/my-app" },
	{ VERDICT_NOT_PROVEN, WHY_PAUSED, CAUSE_NONE, ARBITER_UNKNOWN,
	  "deployment/my-app: not proven: it is paused, so nothing rolls",
	  "kubectl -n prod rollout resume deployment/my-app" },
};

static void test_headlines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict v = with_evidence(cases[i].kind, cases[i].cause, "text");
		CLEANUP(mem_freep) char *headline = NULL;
		CLEANUP(mem_freep) char *hint = NULL;

		v.why = cases[i].why;
		v.registry = cases[i].registry;
		headline = verdict_headline(&v, &subject);
		hint = verdict_hint(&v, &subject);
		assert_string_equal(headline, cases[i].headline);
		assert_int_equal(hint != NULL, cases[i].hint != NULL);
		if (hint)
			assert_string_equal(hint, cases[i].hint);
	}
}

static void test_evidence(void **state)
{
	struct verdict v = with_evidence(VERDICT_NOT_PULLED, CAUSE_DENIED,
					 "two\nlines \x1b[31mand \ta colour");
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	(void)state;
	v.registry = ARBITER_WHOLE;
	v.registry_text = "HEAD 200";
	v.evidence_left_off = 4;
	verdict_evidence(&v, 13500, &b);
	assert_string_equal(
		buf_str(&b),
		"pod my-app-1 on node-1, container app: the registry refuses the node for "
		"12 s, 2 attempts\n"
		"  ErrImagePull: two lines [31mand a colour\n"
		"and 4 more\n"
		"the registry has it, whole: HEAD 200\n");
	buf_clear(&b);
	v = with_evidence(VERDICT_CRASHES, CAUSE_CRASH, NULL);
	v.evidence[0].reason = NULL;
	verdict_evidence(&v, 0, &b);
	assert_string_equal(buf_str(&b),
			    "pod my-app-1 on node-1, container app: the container ends again and "
			    "again for 0 s, 2 restarts, exit code 1\n");
	buf_clear(&b);
}

static void test_long_text(void **state)
{
	CLEANUP(mem_freep) char *text = mem_alloc(100000);
	struct verdict v = with_evidence(VERDICT_NOT_PULLED, CAUSE_DENIED, text);
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	(void)state;
	memset(text, 'x', 99999);
	verdict_evidence(&v, 0, &b);
	assert_true(b.len < 1500);
	assert_non_null(strstr(buf_str(&b), "xxx...\n"));
	buf_clear(&b);
}

/* Every verdict has words of its own, whatever else it lacks. */
static void test_every_kind(void **state)
{
	(void)state;
	for (int k = 0; k < VERDICT_KINDS; k++)
		for (int why = WHY_NONE; why <= WHY_DISAGREES; why++) {
			struct verdict v = { .kind = (enum verdict_kind)k,
					     .why = (enum verdict_why)why };
			struct verdict_subject bare = { WORKLOAD_STATEFULSET, "s", NULL };
			CLEANUP(mem_freep) char *headline = verdict_headline(&v, &bare);
			CLEANUP(mem_freep) char *hint = verdict_hint(&v, &bare);

			assert_non_null(verdict_word(v.kind));
			assert_int_equal(verdict_why_word(v.why) == NULL, why == WHY_NONE);
			assert_null(strstr(headline, "(null)"));
			assert_null(hint ? strstr(hint, "(null)") : NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headlines),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
