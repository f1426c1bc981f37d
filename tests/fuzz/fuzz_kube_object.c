/*
 * Any JSON as an object of the cluster, shown to a judge as a pod, a workload and all else; the first byte says as what.
 * Whatever it is, a verdict can be put into words.
 */
#include "kube/verdict.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void show(struct rollout *r, const struct sight *s, int64_t now_ms)
{
	rollout_observe(r, s, now_ms);
	rollout_observe(r, s, now_ms + 1000);
}

static bool see(struct rollout *r, unsigned int which, const struct js *j, struct err *err)
{
	CLEANUP(workload_clear) struct workload w = { 0 };
	CLEANUP(replica_set_clear) struct replica_set s = { 0 };
	CLEANUP(controller_revision_clear) struct controller_revision c = { 0 };
	CLEANUP(pod_clear) struct pod p = { 0 };
	CLEANUP(node_clear) struct node n = { 0 };
	struct kube_event e;
	bool ok = true;

	if (which == 0 && (ok = workload_parse(j, &w, err)))
		show(r, &(struct sight){ .what = SIGHT_WORKLOAD, .workload = &w }, 1000);
	if (which == 1 && (ok = replica_set_parse(j, &s, err)))
		show(r, &(struct sight){ .what = SIGHT_REPLICA_SET, .replica_set = &s }, 2000);
	if (which == 2 && (ok = controller_revision_parse(j, &c, err)))
		show(r, &(struct sight){ .what = SIGHT_REVISION, .revision = &c }, 3000);
	if (which == 3 && (ok = pod_parse(j, &p, err)))
		show(r, &(struct sight){ .what = SIGHT_POD, .pod = &p }, 4000);
	if (which == 4 && (ok = kube_event_parse(j, &e, err)))
		show(r, &(struct sight){ .what = SIGHT_EVENT, .event = &e }, 5000);
	return which == 5 ? node_parse(j, &n, err) : ok;
}

static void put_into_words(struct rollout *r, enum workload_kind kind)
{
	struct verdict_subject subject = { kind, "x", NULL };
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);
	struct verdict v;
	char *headline, *hint;

	for (int of = 0; of < SIGHT_WATCH; of++) {
		struct sight s = { .what = SIGHT_WATCH };

		s.watch.of = (enum sight_what)of;
		s.watch.state = WATCH_SYNCED;
		rollout_observe(r, &s, 6000);
	}
	rollout_judge(r, 7000, &v);
	if (!rollout_judge(r, 1000000, &v))
		__builtin_trap();
	headline = verdict_headline(&v, &subject);
	hint = verdict_hint(&v, &subject);
	verdict_evidence(&v, 1000000, &b);
	free(headline);
	free(hint);
	buf_clear(&b);
}

/* Documents stand behind each other, each on its line with its kind's digit before it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum workload_kind kind = (enum workload_kind)(len ? bytes[0] % 4 : 0);
	struct rollout_plan plan = { .kind = kind, .deadline_ms = 900000, .has_arbiter = true };
	CLEANUP(rollout_freep) struct rollout *r = rollout_new(&plan, 0);

	while (len > 0) {
		const uint8_t *end = memchr(bytes, '\n', len);
		size_t line = end ? (size_t)(end - bytes) : len;
		CLEANUP(js_freep) struct js *j = NULL;
		struct err err = ERR_INIT;

		if (line > 1 &&
		    js_parse((const char *)bytes + 1, line - 1, MIB, ERR_UNEXPECTED, &j, &err) &&
		    !see(r, bytes[0] % 6, j, &err) && err.code != ERR_UNEXPECTED)
			__builtin_trap();
		err_clear(&err);
		line += line < len;
		bytes += line;
		len -= line;
	}
	put_into_words(r, kind);
	return 0;
}
