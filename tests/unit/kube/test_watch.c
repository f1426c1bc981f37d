/* A watch through everything that passes, and to its end through what does not. */
#include "kube/cluster_fixture.h"

#include "kube/watch.h"

static int watch_setup(void **state)
{
	cluster_setup(state);
	return 0;
}

static struct kube_watch *open_watch(struct cluster *k)
{
	const struct kube_selection pods = { .path = PODS, .labels = "app=web,tier in (a, b)" };
	struct kube_watch *w = NULL;

	assert_true(kube_watch_open(k->c, &pods, &w, &k->fake.err));
	return w;
}

#define POD(name, version) \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, items)                                                 \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version \
	"\"},\"items\":[" items "]}"
#define PAGE(version, next, items)                                           \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version \
	"\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" POD(name, version) "}\n"
#define GONE                                                                                    \
	"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"too old resource version\"," \
	"\"reason\":\"Expired\",\"code\":410}"

static void list(struct cluster *k, const char *body)
{
	answer(k, "GET", "limit=500", 200, body);
}

static void stream(struct cluster *k, const char *version, const char *body)
{
	char *url = mem_printf("resourceVersion=%s&", version);

	/* the script borrows it */
	fake_expect(k->t, (struct fake_answer){ .method = "GET",
						.url = url,
						.status = 200,
						.headers = JSON_TYPE,
						.body = body,
						.takes_ms = 2000 });
}

/* What script entries borrow, freed with the test. */
static void free_urls(struct cluster *k)
{
	for (size_t i = 0; i < k->t->script_len; i++)
		if (strncmp(k->t->script[i].url, "resourceVersion=", 16) == 0)
			free((char *)k->t->script[i].url);
}

static int watch_teardown(void **state)
{
	struct cluster *k = *state;

	assert_script_done(k->t);
	free_urls(k);
	k->t->script_len = 0;
	return cluster_teardown(state);
}

static const char *const kind_words[] = {
	[KUBE_WATCH_ADDED] = "added",	      [KUBE_WATCH_MODIFIED] = "modified",
	[KUBE_WATCH_DELETED] = "deleted",     [KUBE_WATCH_SYNCED] = "synced",
	[KUBE_WATCH_RESTARTED] = "restarted",
};

/* The next events, as "added a, synced, ". */
static void assert_events(struct cluster *k, struct kube_watch *w, const char *expected)
{
	struct buf seen = BUF_INIT(64 * KIB);

	while (seen.len < strlen(expected)) {
		struct kube_watch_event e;
		const char *name;

		if (!kube_watch_next(w, &k->fake.world, &e, &k->fake.err))
			fail_msg("after '%s': %s", buf_str(&seen), k->fake.err.message);
		name = js_string(js_get(js_get(e.object, "metadata"), "name"));
		buf_printf(&seen, "%s%s%s, ", kind_words[e.kind], name ? " " : "",
			   name ? name : "");
	}
	assert_string_equal(buf_str(&seen), expected);
	buf_clear(&seen);
}

static void assert_ends(struct cluster *k, struct kube_watch *w, enum err_code code,
			const char *words)
{
	struct kube_watch_event e;

	assert_false(kube_watch_next(w, &k->fake.world, &e, &k->fake.err));
	assert_err(&k->fake.err, code, words);
}

static void lists_then_watches(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	list(k, LIST("10", POD("a", "5") "," POD("b", "7")));
	stream(k, "10",
	       EVENT("MODIFIED", "a", "11") EVENT("DELETED", "b", "12")
		       EVENT("BOOKMARK", "", "20"));
	stream(k, "20", EVENT("ADDED", "c", "21"));
	assert_events(k, w, "added a, added b, synced, modified a, deleted b, added c, ");
	assert_asked(k, 0, "GET", PODS "?labelSelector=app%3dweb%2ctier+in+%28a%2c+b%29&limit=500");
	assert_not_asked(k, 0, "resourceVersion");
	assert_asked(k, 1, "GET", "watch=true&allowWatchBookmarks=true&resourceVersion=10&");
	assert_int_equal(kube_watch_tally(w).bookmarks, 1);
	assert_int_equal(kube_watch_tally(w).streams, 2);
}

static void ends_are_spread(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);
	int64_t first = 0, different = 0;

	list(k, LIST("10", ""));
	for (int i = 0; i < 8; i++)
		stream(k, "10", "");
	stream(k, "10", EVENT("ADDED", "a", "11"));
	assert_events(k, w, "synced, added a, ");
	for (size_t i = 1; i < k->t->request_count; i++) {
		const char *said = strstr(fake_request_at(k->t, i)->url, "timeoutSeconds=");
		long seconds = said ? strtol(said + 15, NULL, 10) : 0;

		assert_in_range(seconds, 300, 600);
		first = first ? first : seconds;
		different += seconds != first;
	}
	assert_true(different > 0);
}

static void pages(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	answer(k, "GET", "limit=500", 200, PAGE("10", "p+2/=", POD("a", "5")));
	answer(k, "GET", "continue=p%2b2%2f%3d", 200, LIST("10", POD("b", "6")));
	stream(k, "10", EVENT("ADDED", "c", "11"));
	assert_events(k, w, "added a, added b, synced, added c, ");
}

static void page_expires(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	list(k, PAGE("10", "p2", POD("a", "5")));
	answer(k, "GET", "continue=p2", 410, GONE);
	list(k, LIST("30", POD("b", "29")));
	assert_events(k, w, "added a, restarted, added b, synced, ");
}

static void version_expires(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	list(k, LIST("10", POD("a", "5")));
	stream(k, "10", EVENT("MODIFIED", "a", "12") "{\"type\":\"ERROR\",\"object\":" GONE "}\n");
	list(k, LIST("40", POD("b", "39")));
	fake_expect(k->t, (struct fake_answer){ .url = "resourceVersion=40&",
						.status = 410,
						.headers = JSON_TYPE,
						.body = GONE });
	list(k, LIST("50", ""));
	k->t->script[k->t->script_len - 2].url = mem_strdup("resourceVersion=40&");
	stream(k, "50", EVENT("ADDED", "c", "51"));
	assert_events(k, w,
		      "added a, synced, modified a, restarted, added b, synced, restarted, "
		      "synced, added c, ");
}

/* A server whose every version has expired is not asked in a tight circle. */
static void always_expired(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);
	struct kube_watch_event e;

	fake_expect(k->t, (struct fake_answer){ .url = "watch=true",
						.status = 410,
						.headers = JSON_TYPE,
						.body = GONE,
						.times = FAKE_ALWAYS });
	fake_expect(k->t, (struct fake_answer){ .url = "limit=500",
						.status = 200,
						.headers = JSON_TYPE,
						.body = LIST("10", ""),
						.times = FAKE_ALWAYS });
	k->fake.world.deadline_ms = BOOT_START_MS + 600000;
	while (kube_watch_next(w, &k->fake.world, &e, &k->fake.err))
		;
	assert_err(&k->fake.err, ERR_TIMEOUT, "");
	assert_true(k->t->request_count < 80);
	k->t->script_len = 0;
}

static const struct {
	const char *name;
	struct fake_answer answer;
} passing[] = {
	{ "refused", { .failure = HTTP_FAILED_BEFORE_SENDING, .times = 40 } },
	{ "reset", { .failure = HTTP_FAILED_UNDER_WAY, .times = 60 } },
	{ "503", { .status = 503, .times = 30 } },
	{ "500", { .status = 500, .times = 50 } },
	{ "429",
	  { .status = 429,
	    .headers = { { "Content-Type", "text/plain" }, { "Retry-After", "1" } },
	    .body = "Too many requests, please try again later.\n",
	    .times = 20 } },
	{ "cut", { .status = 200, .headers = JSON_TYPE, .body = "{\"type\":\"ADD", .cut = true } },
	{ "half a line", { .status = 200, .headers = JSON_TYPE, .body = "{\"type\":\"ADD" } },
	{ "ends at once", { .status = 200, .headers = JSON_TYPE, .body = "", .times = 20 } },
	{ "server error",
	  { .status = 200,
	    .headers = JSON_TYPE,
	    .body = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}",
	    .times = 10 } },
	{ "rights come late", { .status = 403, .headers = JSON_TYPE, .body = "{}", .times = 4 } },
};

/* Nothing is lost by any of them, and no version is asked for again. */
static void what_passes(void **state)
{
	struct cluster *k = *state;

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
		CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);
		struct fake_answer a = passing[i].answer;

		list(k, LIST("10", ""));
		stream(k, "10", EVENT("ADDED", "a", "11"));
		a.url = mem_strdup("resourceVersion=11&");
		fake_expect(k->t, a);
		stream(k, "11", EVENT("ADDED", "b", "12"));
		assert_events(k, w, "synced, added a, added b, ");
	}
}

static const char *const malformed[] = {
	"<html>sign in</html>",
	"[1]",
	"{\"type\":\"ADDED\"}",
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}",
	"{\"type\":\"OTHER\",\"object\":" POD("a", "11") "}",
	"{\"type\":7,\"object\":" POD("a", "11") "}",
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":17}}}",
	"{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":" POD("a", "11") "}",
	"{no json}",
	"}{",
};

static void what_cannot_be_read_leads_to_a_list(void **state)
{
	struct cluster *k = *state;

	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct kube_watch *w = open_watch(k);

		list(k, LIST("10", ""));
		stream(k, "10", malformed[i]);
		list(k, LIST("20", ""));
		stream(k, "20", EVENT("ADDED", "b", "21"));
		assert_events(k, w, "synced, restarted, synced, added b, ");
		assert_int_equal(kube_watch_tally(w).malformed, 1);
		kube_watch_free(w);
		assert_script_done(k->t);
		free_urls(k);
		k->t->script_len = 0;
		memset(k->t->used, 0, sizeof(k->t->used));
	}
}

static void what_stays_unreadable_is_no_cluster(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);
	struct kube_watch_event e;
	size_t events = 0;

	fake_expect(k->t, (struct fake_answer){ .url = "watch=true",
						.status = 200,
						.headers = JSON_TYPE,
						.body = "nonsense",
						.times = FAKE_ALWAYS });
	fake_expect(k->t, (struct fake_answer){ .url = "limit=500",
						.status = 200,
						.headers = JSON_TYPE,
						.body = LIST("10", ""),
						.times = FAKE_ALWAYS });
	while (kube_watch_next(w, &k->fake.world, &e, &k->fake.err))
		assert_true(++events < 50);
	assert_err(&k->fake.err, ERR_NO_REGISTRY, "what the cluster sent");
	k->t->script_len = 0;
}

static const struct {
	int status;
	const char *body;
	enum err_code code;
	const char *words;
} final[] = {
	{ 403,
	  "{\"kind\":\"Status\",\"message\":\"pods is forbidden: User \\\"j\\\" cannot list resource "
	  "\\\"pods\\\" in API group \\\"\\\" in the namespace \\\"n\\\"\",\"reason\":\"Forbidden\","
	  "\"code\":403}",
	  ERR_CLUSTER_REFUSED, "cannot list pods: the cluster says 403 Forbidden" },
	{ 404, "{\"kind\":\"Status\",\"code\":404,\"reason\":\"NotFound\"}", ERR_USAGE,
	  "cannot list pods: the cluster says 404 NotFound" },
	{ 401, "{\"kind\":\"Status\",\"code\":401,\"message\":\"Unauthorized\"}", ERR_REFUSED,
	  "the cluster does not take the login: a token" },
};

static void what_does_not_pass(void **state)
{
	struct cluster *k = *state;

	for (size_t i = 0; i < ARRAY_SIZE(final); i++) {
		CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

		answer(k, "GET", "limit=500", final[i].status, final[i].body);
		assert_ends(k, w, final[i].code, final[i].words);
	}
}

static void a_stranger_is_not_waited_for(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	fake_expect(k->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING,
						.times = FAKE_ALWAYS });
	assert_ends(k, w, ERR_NET, "the fake network failed");
	assert_true(fake_since_start(&k->fake) < 300000);
	k->t->script_len = 0;
}

static void an_outage_ends_with_the_deadline(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	list(k, LIST("10", ""));
	assert_events(k, w, "synced, ");
	fake_expect(k->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING,
						.times = FAKE_ALWAYS });
	k->fake.world.deadline_ms = BOOT_START_MS + 3600000;
	assert_ends(k, w, ERR_TIMEOUT, "");
	assert_true(fake_since_start(&k->fake) >= 3600000);
	k->t->script_len = 0;
}

static void cancel_ends_it(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);

	list(k, LIST("10", ""));
	assert_events(k, w, "synced, ");
	fake_expect(k->t, (struct fake_answer){ .url = NULL,
						.status = 200,
						.headers = JSON_TYPE,
						.body = EVENT("ADDED", "a", "11"),
						.cancel_at_read = 1 });
	assert_ends(k, w, ERR_CANCELLED, "SIGTERM");
	k->t->script_len = 0;
}

/* Ten thousand events of an object each: what the watch holds does not grow, which the ceilings of its buffers say. */
static bool serve_events(void *arg, const struct fake_request *r, struct fake_answer *ret)
{
	const char *body = arg;

	if (!strstr(r->url, "watch=true"))
		return false;
	*ret = (struct fake_answer){ .status = 200, .headers = JSON_TYPE, .body = body };
	return true;
}

static void many_events(void **state)
{
	struct cluster *k = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *w = open_watch(k);
	struct buf body = BUF_INIT(16 * MIB);
	struct kube_watch_event e;

	for (int i = 0; i < 10000; i++) {
		char line[512];
		int len =
			snprintf(line, sizeof(line),
				 "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"p\","
				 "\"resourceVersion\":\"%d\"},\"status\":{\"x\":\"%0200d\"}}}\n",
				 100 + i, i);

		assert_true(buf_add(&body, line, (size_t)len));
	}
	list(k, LIST("10", ""));
	k->t->serve = serve_events;
	k->t->serve_arg = body.data;
	assert_events(k, w, "synced, ");
	for (int i = 0; i < 10000; i++) {
		const char *version;

		assert_true(kube_watch_next(w, &k->fake.world, &e, &k->fake.err));
		version = js_string(js_get(js_get(e.object, "metadata"), "resourceVersion"));
		assert_int_equal(strtol(version, NULL, 10), 100 + i);
	}
	buf_clear(&body);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, watch_setup, watch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(lists_then_watches),
		TEST(ends_are_spread),
		TEST(pages),
		TEST(page_expires),
		TEST(version_expires),
		TEST(always_expired),
		TEST(what_passes),
		TEST(what_cannot_be_read_leads_to_a_list),
		TEST(what_stays_unreadable_is_no_cluster),
		TEST(what_does_not_pass),
		TEST(a_stranger_is_not_waited_for),
		TEST(an_outage_ends_with_the_deadline),
		TEST(cancel_ends_it),
		TEST(many_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
