/* Timelines of rollouts, each as the API shows it, and the verdict that they owe. */
#include "base/fake_world.h"

#include "kube/play.h"

#define NOT_FOUND \
	"rpc error: code = NotFound desc = failed to resolve reference \"R\": R: not found"
#define BLOB                                                                                      \
	"rpc error: code = NotFound desc = failed to copy: could not fetch content descriptor x " \
	"(application/x) from remote: not found"
#define PLATFORM "rpc error: code = NotFound desc = no match for platform in manifest: not found"
#define DENIED "unexpected status from HEAD request to https://h/v2/: 403 Forbidden"
#define BACK_OFF "Back-off pulling image \"R\""

#define assert_verdict(p, ms, wanted) assert_int_equal(play_wait(p, ms), VERDICT_##wanted)
#define assert_waits(p, ms) assert_verdict(p, ms, UNDECIDED)

static const struct {
	const char *reason;
	const char *message;
	enum arbiter_says says; /* the registry, UNKNOWN: it never answers */
	enum verdict_kind kind;
	int64_t after_ms; /* not before, unless 0 */
	int64_t within_ms;
} pulls[] = {
	{ "ErrImagePull", NOT_FOUND, ARBITER_ABSENT, VERDICT_DID_NOT_LAND, 0, 0 },
	{ "ImagePullBackOff", BACK_OFF, ARBITER_ABSENT, VERDICT_DID_NOT_LAND, 0, 0 },
	{ "ErrImagePull", "never seen", ARBITER_ABSENT, VERDICT_DID_NOT_LAND, 0, 0 },
	{ "ErrImagePull", DENIED, ARBITER_ABSENT, VERDICT_DID_NOT_LAND, 0, 0 },
	{ "ErrImagePull", BLOB, ARBITER_INCOMPLETE, VERDICT_INCOMPLETE, 0, 0 },
	{ "ErrImagePull", NOT_FOUND, ARBITER_INCOMPLETE, VERDICT_INCOMPLETE, 0, 0 },
	{ "ErrImagePull", PLATFORM, ARBITER_NO_PLATFORM, VERDICT_INCOMPLETE, 0, 0 },
	{ "ErrImagePull", PLATFORM, ARBITER_UNKNOWN, VERDICT_INCOMPLETE, 19000, 21000 },
	{ "ErrImagePull", NOT_FOUND, ARBITER_WHOLE, VERDICT_NOT_PULLED, 119000, 121000 },
	{ "ErrImagePull", BLOB, ARBITER_WHOLE, VERDICT_NOT_PULLED, 119000, 121000 },
	{ "ErrImagePull", NOT_FOUND, ARBITER_UNREACHABLE, VERDICT_STILL_WAITING, 180000, 180000 },
	{ "ErrImagePull", NOT_FOUND, ARBITER_UNKNOWN, VERDICT_STILL_WAITING, 180000, 180000 },
	{ "ErrImagePull", NOT_FOUND, ARBITER_DENIED, VERDICT_NOT_PULLED, 59000, 61000 },
	{ "ErrImagePull", DENIED, ARBITER_WHOLE, VERDICT_NOT_PULLED, 59000, 61000 },
	{ "InvalidImageName", "bad", ARBITER_UNKNOWN, VERDICT_NAME_OR_POLICY, 2000, 4000 },
	{ "ErrImageNeverPull", "no", ARBITER_UNKNOWN, VERDICT_NAME_OR_POLICY, 2000, 4000 },
	{ "ErrImagePull", "x509: certificate", ARBITER_UNKNOWN, VERDICT_NAME_OR_POLICY, 2000,
	  4000 },
	{ "CreateContainerConfigError", "secret \"s\" not found", ARBITER_UNKNOWN,
	  VERDICT_NOT_PLACED, 2000, 4000 },
	{ "CreateContainerConfigError", "failed to sync secret cache: timed out", ARBITER_UNKNOWN,
	  VERDICT_NOT_PLACED, 180000, 180000 },
	{ "ErrImagePull", "pull QPS exceeded", ARBITER_WHOLE, VERDICT_STILL_WAITING, 180000,
	  180000 },
	{ "ErrImagePull", "503 Service Unavailable", ARBITER_UNREACHABLE, VERDICT_STILL_WAITING,
	  180000, 180000 },
	{ "ErrImagePull", "429 Too Many Requests", ARBITER_WHOLE, VERDICT_STILL_WAITING, 180000,
	  180000 },
	{ "ErrImagePull", "dial tcp: connection refused", ARBITER_WHOLE, VERDICT_STILL_WAITING,
	  180000, 180000 },
	{ "ErrImagePull", "never seen", ARBITER_WHOLE, VERDICT_STILL_WAITING, 180000, 180000 },
	{ NULL, NULL, ARBITER_UNKNOWN, VERDICT_STILL_WAITING, 180000, 180000 },
};

/* One pod in one state for good. */
static void test_pulls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pulls); i++) {
		struct play p;

		play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
		play_waits(&p, "new-1", pulls[i].reason, pulls[i].message);
		if (pulls[i].says)
			play_answer(&p, PLAY_IMAGE, pulls[i].says);
		play_wait(&p, 200000);
		if (p.v.kind != pulls[i].kind || play_took_ms(&p) < pulls[i].after_ms ||
		    play_took_ms(&p) > pulls[i].within_ms)
			fail_msg("row %zu '%s': verdict %d after %lld ms", i,
				 pulls[i].message ? pulls[i].message : "", p.v.kind,
				 (long long)play_took_ms(&p));
		assert_true(!pulls[i].reason || p.v.evidence_count == 1);
		play_end(&p);
	}
}

static void test_good(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_waits(&p, "new-1", NULL, NULL);
	assert_waits(&p, 2000);
	assert_string_equal(p.v.waiting, "0 of 2 pods of the new revision are ready");
	play_counters(&p, 1, 0, 2);
	play_ready(&p, "new-1");
	play_counters(&p, 1, 1, 1);
	play_gone(&p, "old-1");
	play_ready(&p, "new-2");
	assert_waits(&p, 2000);
	play_counters(&p, 2, 2, 1);
	assert_waits(&p, 2000);
	assert_string_equal(p.v.waiting, "2 of 2 pods of the new revision are ready, of the "
					 "earlier 1 are still there");
	play_counters(&p, 2, 2, 0);
	assert_verdict(&p, 0, RUNNING);
	assert_int_equal(verdict_exit(p.v.kind), 0);
	/* A verdict stays. */
	play_waits(&p, "new-1", "ErrImagePull", NOT_FOUND);
	play_answer(&p, PLAY_IMAGE, ARBITER_ABSENT);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);
}

/* What kubectl takes for a success: the controller has not looked yet, and counts the old pods. */
static void test_unobserved(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	p.w.observed_generation = 1;
	p.w.updated = 2;
	play_workload(&p);
	play_ready(&p, "new-1");
	play_ready(&p, "new-2");
	assert_waits(&p, 60000);
	assert_string_equal(p.v.waiting, "the controller has not yet seen generation 2");
	play_end(&p);
}

/* A read of an earlier state is none of a later one, also when it is older than the patch. */
static void test_stale_reads(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	p.w.meta.generation = 1;
	p.w.template = play_template(&p, PLAY_OLD);
	play_workload(&p);
	assert_waits(&p, 1000);
	play_waits(&p, "new-1", "ErrImagePull", NOT_FOUND);
	play_pod(&p, (struct play_pod){ .name = "new-1",
					.is_ready = true,
					.phase = CONTAINER_RUNNING,
					.version = "1" });
	assert_waits(&p, 1000);
	assert_string_equal(p.v.question.image, PLAY_IMAGE);
	play_answer(&p, PLAY_IMAGE, ARBITER_ABSENT);
	assert_verdict(&p, 0, DID_NOT_LAND);
	play_end(&p);
}

static void finish(struct play *p)
{
	play_ready(p, "new-1");
	play_ready(p, "new-2");
	play_gone(p, "old-1");
	play_gone(p, "old-2");
	play_counters(p, 2, 2, 0);
}

/* The first use of a pull secret is refused, the second attempt is not. */
static void test_denied_once(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_event(&p, "new-1", "Failed", "Failed to pull image \"R\": " DENIED, 1);
	play_waits(&p, "new-1", "ErrImagePull", DENIED);
	assert_waits(&p, 14000);
	play_waits(&p, "new-1", "ImagePullBackOff", BACK_OFF);
	assert_waits(&p, 25000);
	finish(&p);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);
}

static void test_denied_twice(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_waits(&p, "new-1", "ErrImagePull", DENIED);
	assert_waits(&p, 14000);
	play_waits(&p, "new-1", "ImagePullBackOff", BACK_OFF);
	assert_waits(&p, 14000);
	play_waits(&p, "new-1", "ErrImagePull", DENIED);
	assert_verdict(&p, 0, NOT_PULLED);
	assert_int_equal(p.v.cause, CAUSE_DENIED);
	assert_int_equal(p.v.evidence[0].attempts, 2);
	assert_int_equal(verdict_exit(p.v.kind), 51);
	play_end(&p);
}

/* Before 1.32 the back-off has no cause; the one that was seen or told counts. */
static void test_cause_is_kept(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_waits(&p, "new-1", NULL, NULL);
	play_event(&p, "new-1", "Failed", "Failed to pull image \"R\": " NOT_FOUND, 1);
	play_event(&p, "new-1", "Failed", "Error: ErrImagePull", 1);
	assert_waits(&p, 1000);
	assert_int_equal(p.v.evidence[0].cause, CAUSE_NOT_FOUND);
	play_waits(&p, "new-1", "ImagePullBackOff", BACK_OFF);
	assert_waits(&p, 1000);
	assert_int_equal(p.v.evidence[0].cause, CAUSE_NOT_FOUND);
	assert_int_equal(p.v.evidence[0].attempts, 1);
	play_end(&p);
}

/* An event that comes late tells the past of a container that runs. */
static void test_late_event(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_pod(&p, (struct play_pod){ .name = "new-1", .phase = CONTAINER_RUNNING });
	play_event(&p, "new-1", "Failed", "Failed to pull image \"R\": " DENIED, 9);
	assert_waits(&p, 100000);
	assert_int_equal(p.v.evidence_count, 0);
	play_end(&p);
}

static void test_old_pods_never_count(void **state)
{
	struct play p;

	(void)state;
	for (int kind = WORKLOAD_DEPLOYMENT; kind <= WORKLOAD_DAEMONSET; kind++) {
		if (kind == WORKLOAD_STATEFULSET)
			continue;
		play_begin(&p, (enum workload_kind)kind, 2);
		play_pod(&p, (struct play_pod){ .name = "old-1",
						.is_old = true,
						.reason = "CrashLoopBackOff",
						.restarts = 99 });
		play_pod(&p, (struct play_pod){ .name = "old-2",
						.is_old = true,
						.reason = "ErrImagePull",
						.message = NOT_FOUND });
		play_answer(&p, PLAY_OLD_IMAGE, ARBITER_ABSENT);
		assert_waits(&p, 100000);
		assert_null(p.v.question.image);
		finish(&p);
		assert_verdict(&p, 0, RUNNING);
		play_end(&p);
	}
}

static void test_crashes(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	for (int restarts = 0; restarts < 2; restarts++) {
		play_pod(&p, (struct play_pod){ .name = "new-1",
						.phase = CONTAINER_ENDED,
						.reason = "Error",
						.exit_code = 1,
						.restarts = restarts });
		assert_waits(&p, 10000);
		play_pod(&p, (struct play_pod){ .name = "new-1",
						.phase = CONTAINER_RUNNING,
						.restarts = restarts + 1,
						.exit_code = 1 });
		assert_waits(&p, 2000);
	}
	play_waits(&p, "new-1", NULL, NULL);
	play_pod(&p, (struct play_pod){ .name = "new-1",
					.reason = "CrashLoopBackOff",
					.message = "back-off 20s restarting",
					.restarts = 2,
					.exit_code = 1 });
	assert_verdict(&p, 0, CRASHES);
	assert_int_equal(p.v.evidence[0].restarts, 2);
	assert_int_equal(p.v.evidence[0].exit_code, 1);
	play_end(&p);
}

/* Some runtimes try again without counting. */
static void test_command_that_cannot_be_run(void **state)
{
	static const char *const why = "exec: \"/nosuch\": stat /nosuch: no such file or directory";
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_waits(&p, "new-1", "RunContainerError", why);
	assert_waits(&p, JUDGE_REFUSED_MS - 5000);
	assert_verdict(&p, 6000, CRASHES);
	assert_int_equal(p.v.cause, CAUSE_EXEC);
	play_end(&p);
}

/* The failure of an init container counts, and its pod's other containers say nothing. */
static void test_init_container(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_pod(&p, (struct play_pod){ .name = "new-1",
					.is_init = true,
					.reason = "ErrImagePull",
					.message = NOT_FOUND });
	assert_waits(&p, 1000);
	assert_string_equal(p.v.question.image, "registry.example/setup:v1");
	play_answer(&p, "registry.example/setup:v1", ARBITER_ABSENT);
	assert_verdict(&p, 0, DID_NOT_LAND);
	assert_string_equal(p.v.evidence[0].container, "setup");
	play_end(&p);
}

/* One node of several is in trouble: no proof that all are. */
static void test_local(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DAEMONSET, 3);
	play_ready(&p, "new-1");
	play_waits(&p, "new-2", "ErrImagePull", "x509: certificate");
	assert_waits(&p, 55000);
	assert_verdict(&p, 10000, NAME_OR_POLICY);
	play_end(&p);
}

static void test_quota(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_set(&p, PLAY_NEW, "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1");
	assert_waits(&p, 25000);
	assert_verdict(&p, 10000, REFUSED);
	assert_int_equal(p.v.cause, CAUSE_QUOTA);
	assert_null(p.v.evidence[0].pod);
	assert_int_equal(verdict_exit(p.v.kind), 55);
	play_end(&p);
	/* A quota that makes room, and one of the earlier replica set. */
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_set(&p, PLAY_NEW, "exceeded quota: q");
	assert_waits(&p, 25000);
	play_set(&p, PLAY_NEW, NULL);
	play_set(&p, PLAY_OLD, "exceeded quota: q");
	assert_waits(&p, 100000);
	play_end(&p);
}

/* A StatefulSet has only events, and one that was told once proves nothing. */
static void test_refused_by_event(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_STATEFULSET, 2);
	play_event(&p, NULL, "FailedCreate", "admission webhook \"w\" denied the request: no", 1);
	assert_waits(&p, 20000);
	play_event(&p, NULL, "FailedCreate", "admission webhook \"w\" denied the request: no", 1);
	assert_waits(&p, 60000);
	play_event(&p, NULL, "FailedCreate", "admission webhook \"w\" denied the request: no", 7);
	assert_verdict(&p, 0, REFUSED);
	play_end(&p);
}

static void test_unschedulable(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_pod(&p,
		 (struct play_pod){ .name = "new-1", .unschedulable = "0/1 nodes are available" });
	assert_waits(&p, 170000);
	assert_verdict(&p, 20000, NOT_PLACED);
	assert_true(p.v.hit_deadline);
	assert_int_equal(p.v.cause, CAUSE_UNSCHEDULABLE);
	play_end(&p);
}

static void test_not_proven(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 0);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_NO_REPLICAS);
	assert_int_equal(verdict_exit(p.v.kind), 3);
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	p.w.is_paused = true;
	play_workload(&p);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_PAUSED);
	play_end(&p);

	play_begin(&p, WORKLOAD_CRONJOB, 1);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_CRONJOB);
	play_end(&p);

	play_begin(&p, WORKLOAD_DAEMONSET, 2);
	p.w.strategy = UPDATE_ON_DELETE;
	play_workload(&p);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_ON_DELETE);
	play_end(&p);

	play_begin(&p, WORKLOAD_STATEFULSET, 2);
	p.w.partition = 2;
	play_workload(&p);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_PARTITION);
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_watch(&p, SIGHT_POD, WATCH_DENIED);
	finish(&p);
	assert_verdict(&p, 0, NOT_PROVEN);
	assert_int_equal(p.v.why, WHY_PODS_UNSEEN);
	play_end(&p);
}

static const struct {
	const char *image;
	const char *image_id;
	enum verdict_kind kind;
	enum verdict_why why;
} images[] = {
	{ PLAY_OLD_IMAGE, "x@sha256:" PLAY_CHILD, VERDICT_NOT_PROVEN, WHY_OTHER_IMAGE },
	{ PLAY_IMAGE, "registry.example/app@sha256:3", VERDICT_NOT_PROVEN, WHY_OTHER_DIGEST },
	{ PLAY_IMAGE, "", VERDICT_UNDECIDED, WHY_NONE },
	{ PLAY_IMAGE, NULL, VERDICT_UNDECIDED, WHY_NONE },
	{ PLAY_IMAGE, "sha256:" PLAY_CHILD, VERDICT_RUNNING, WHY_NONE },
	{ PLAY_IMAGE, "docker-pullable://x/y@sha256:" PLAY_INDEX, VERDICT_RUNNING, WHY_NONE },
	{ PLAY_IMAGE, "docker://sha256:" PLAY_INDEX, VERDICT_RUNNING, WHY_NONE },
};

static void test_images(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		struct play p;

		play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
		play_pod(&p, (struct play_pod){ .name = "new-1",
						.is_ready = true,
						.phase = CONTAINER_RUNNING,
						.image = images[i].image,
						.image_id = images[i].image_id });
		play_counters(&p, 1, 1, 0);
		play_wait(&p, 2000);
		if (p.v.kind != images[i].kind || p.v.why != images[i].why)
			fail_msg("row %zu: verdict %d, why %d", i, p.v.kind, p.v.why);
		play_end(&p);
	}
}

static void test_superseded(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	p.w.meta.generation = 3;
	p.w.template = play_template(&p, PLAY_OLD);
	play_workload(&p);
	assert_verdict(&p, 0, SUPERSEDED);
	assert_int_equal(p.v.why, WHY_OTHER_TEMPLATE);
	assert_int_equal(verdict_exit(p.v.kind), 54);
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_sight(&p, (struct sight){
			       .what = SIGHT_WORKLOAD, .change = SIGHT_GONE, .workload = &p.w });
	assert_verdict(&p, 0, SUPERSEDED);
	assert_int_equal(p.v.why, WHY_DELETED);
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	p.w.meta.uid = "another";
	play_workload(&p);
	assert_verdict(&p, 0, SUPERSEDED);
	assert_int_equal(p.v.why, WHY_RECREATED);
	play_end(&p);
}

/* An autoscaler changes the generation and the number that is wanted, and nothing else. */
static void test_autoscaler(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_ready(&p, "new-1");
	p.w.meta.generation = 3;
	p.w.wanted = 2;
	play_workload(&p);
	assert_waits(&p, 5000);
	play_counters(&p, 1, 1, 0);
	assert_waits(&p, 5000);
	finish(&p);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);
}

/* Excess of the deadline: of an earlier rollout it is nothing, and ours only ends what has no deadline of its own. */
static void test_progress_deadline(void **state)
{
	struct object_condition c = { .type = "Progressing",
				      .reason = "ProgressDeadlineExceeded",
				      .message =
					      "ReplicaSet \"app-new\" has timed out progressing." };
	struct rollout_plan plan = { .kind = WORKLOAD_DEPLOYMENT, .name = "app" };
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	p.w.conditions = (struct object_conditions){ &c, 1 };
	play_workload(&p);
	assert_waits(&p, 100000);
	finish(&p);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);

	for (int stale = 0; stale < 2; stale++) {
		play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
		rollout_free(p.r);
		p.r = rollout_new(&plan, p.now_ms);
		p.w.conditions = (struct object_conditions){ &c, stale ? 1 : 0 };
		play_workload(&p);
		play_set(&p, PLAY_NEW, NULL);
		play_synced(&p);
		assert_waits(&p, 1000);
		p.w.conditions.count = 1;
		play_workload(&p);
		play_wait(&p, 1000000);
		assert_int_equal(p.v.kind, stale ? VERDICT_UNDECIDED : VERDICT_STILL_WAITING);
		play_end(&p);
	}
}

/* A broken pod of the earlier revision holds an OrderedReady StatefulSet; nobody else is held by one. */
static void test_blocked(void **state)
{
	struct play_pod broken = {
		.name = "old-2", .is_old = true, .reason = "ImagePullBackOff", .message = BACK_OFF
	};
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_STATEFULSET, 2);
	play_pod(&p, broken);
	assert_waits(&p, 25000);
	assert_verdict(&p, 10000, NOT_PLACED);
	assert_int_equal(p.v.why, WHY_BLOCKED);
	assert_string_equal(p.v.evidence[0].pod, "old-2");
	play_end(&p);

	play_begin(&p, WORKLOAD_STATEFULSET, 2);
	p.w.is_ordered = false;
	play_workload(&p);
	play_pod(&p, broken);
	assert_waits(&p, 100000);
	play_end(&p);
}

static void test_partition(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_STATEFULSET, 2);
	p.w.partition = 1;
	play_workload(&p);
	assert_waits(&p, 1000);
	play_gone(&p, "old-1");
	play_ready(&p, "new-1");
	play_counters(&p, 1, 1, 1);
	assert_verdict(&p, 0, RUNNING);
	assert_int_equal(p.v.why, WHY_PARTITION);
	assert_int_equal(p.v.pods_wanted, 1);
	play_end(&p);
}

/* Nothing is concluded from what is no longer watched, and a machine that slept has used no grace. */
static void test_watch_lost(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_waits(&p, "new-1", "ErrImagePull", "x509: certificate");
	play_watch(&p, SIGHT_POD, WATCH_LOST);
	assert_waits(&p, 100000);
	assert_string_equal(p.v.waiting, "the cluster is being read");
	play_watch(&p, SIGHT_POD, WATCH_LISTING);
	play_ready(&p, "new-2");
	play_watch(&p, SIGHT_POD, WATCH_SYNCED);
	play_counters(&p, 1, 1, 0);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_waits(&p, "new-1", "ErrImagePull", DENIED);
	assert_waits(&p, 1000);
	p.now_ms += 100000;
	assert_waits(&p, 1000);
	p.now_ms -= 50000;
	assert_waits(&p, 1000);
	play_end(&p);
}

static void test_events_unreadable(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 2);
	play_watch(&p, SIGHT_EVENT, WATCH_DENIED);
	play_watch(&p, SIGHT_REPLICA_SET, WATCH_DENIED);
	play_waits(&p, "new-1", "ErrImagePull", NOT_FOUND);
	assert_waits(&p, 1000);
	finish(&p);
	assert_verdict(&p, 0, RUNNING);
	play_end(&p);
}

/* Each judgement names the moment of the next, and that is not after the deadline. */
static void test_next(void **state)
{
	struct play p;

	(void)state;
	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	play_waits(&p, "new-1", "InvalidImageName", "bad");
	assert_false(rollout_judge(p.r, p.now_ms, &p.v));
	assert_int_equal(p.v.next_ms - p.now_ms, JUDGE_CONFIRM_MS);
	assert_true(rollout_judge(p.r, p.v.next_ms, &p.v));
	play_end(&p);

	play_begin(&p, WORKLOAD_DEPLOYMENT, 1);
	p.now_ms += PLAY_DEADLINE_MS - 10;
	assert_false(rollout_judge(p.r, p.now_ms, &p.v));
	assert_int_equal(p.v.next_ms, p.begun_ms + PLAY_DEADLINE_MS);
	assert_true(rollout_judge(p.r, p.v.next_ms, &p.v));
	play_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pulls),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_unobserved),
		cmocka_unit_test(test_stale_reads),
		cmocka_unit_test(test_denied_once),
		cmocka_unit_test(test_denied_twice),
		cmocka_unit_test(test_cause_is_kept),
		cmocka_unit_test(test_late_event),
		cmocka_unit_test(test_old_pods_never_count),
		cmocka_unit_test(test_crashes),
		cmocka_unit_test(test_command_that_cannot_be_run),
		cmocka_unit_test(test_init_container),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_refused_by_event),
		cmocka_unit_test(test_unschedulable),
		cmocka_unit_test(test_not_proven),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_superseded),
		cmocka_unit_test(test_autoscaler),
		cmocka_unit_test(test_progress_deadline),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_watch_lost),
		cmocka_unit_test(test_events_unreadable),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
