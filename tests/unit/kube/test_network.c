/* Over the real transport and a server on loopback: what only shows when bytes really wait. */
#include "http/loopback.h"

#include "base/fake_dir.h"
#include "kube/gke.h"
#include "kube/watch.h"

struct stand {
	struct loopback server;
	struct clock clock;
	struct sched sched;
	struct world world;
	struct err err;
	struct fake_dir dir;
	struct kube_config *config;
	struct kube_client *c;
	struct cancel *cancel;
};

static void handle(struct loopback *l, int fd);

/* The server as a cluster. */
static void open_client(struct stand *s, int64_t silence_ms)
{
	const struct kube_client_options options = { .policy = RETRY_POLICY_DEFAULT,
						     .silence_ms = silence_ms };
	CLEANUP(mem_freep)
	char *text =
		mem_printf("{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}],"
			   " contexts: [{name: x, context: {cluster: c}}], current-context: x}",
			   s->server.port);
	const struct kube_config_text file = { "/k", text, strlen(text) };
	const struct kube_config_wanted wanted = { 0 };

	assert_true(kube_config_parse(&file, 1, &wanted, &s->config, &s->err));
	assert_true(kube_client_new(s->config, &options, &s->world, &s->c, &s->err));
}

static int stand_setup(void **state)
{
	struct stand *s = NEW(struct stand);

	assert_true(loopback_start(&s->server, false, handle));
	s->clock = clock_system();
	s->sched = sched_threads();
	assert_true(cancel_new(NULL, &s->cancel, &s->err));
	s->world = (struct world){
		.clock = &s->clock, .sched = &s->sched, .cancel = s->cancel, .deadline_ms = NEVER_MS
	};
	s->world.deadline_ms = clock_after(world_now_ms(&s->world), 60000);
	fake_dir_init(&s->dir);
	setenv("HOME", s->dir.path, 1);
	*state = s;
	return 0;
}

static int stand_teardown(void **state)
{
	struct stand *s = *state;

	kube_client_free(s->c);
	kube_config_free(s->config);
	loopback_stop(&s->server);
	cancel_free(s->cancel);
	fake_dir_clear(&s->dir);
	free(s);
	return 0;
}

/* What it answers, by what stands in the request. */
static void answer(struct loopback *l, int fd, const char *body)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				"Content-Length: %zu\r\n\r\n%s",
				strlen(body), body);

	loopback_say(l, fd, text);
}

static void answer_stream(struct loopback *l, int fd, const char *line)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				"Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n",
				strlen(line), line);

	loopback_say(l, fd, text);
}

#define EVENT(version) \
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"

/* One event a stream, and silence. */
static void watch(struct loopback *l, int fd)
{
	answer_stream(l, fd, loopback_saw(l, "resourceVersion=7&") ? EVENT("8") : EVENT("9"));
	loopback_wait(l, fd);
}

#define CLUSTER                                                                   \
	"{\"endpoint\":\"203.0.113.7\",\"masterAuth\":{\"clusterCaCertificate\":" \
	"\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\"}}"

static void handle(struct loopback *l, int fd)
{
	while (loopback_read_head(l, fd)) {
		if (loopback_saw(l, "watch=true"))
			watch(l, fd);
		else if (loopback_saw(l, "POST /token"))
			answer(l, fd, "{\"access_token\":\"ya29.SECRET\",\"expires_in\":3599}");
		else if (loopback_saw(l, "/clusters/c "))
			answer(l, fd,
			       loopback_saw(l, "Authorization: Bearer ya29.SECRET") ? CLUSTER
										    : "{}");
		else
			answer(l, fd, "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}");
	}
}

static struct kube_watch *open_watch(struct stand *s)
{
	const struct kube_selection pods = { .path = "/api/v1/pods" };
	struct kube_watch *k;

	assert_true(kube_watch_open(s->c, &pods, &k, &s->err));
	return k;
}

static void assert_next(struct stand *s, struct kube_watch *k, enum kube_watch_kind kind)
{
	struct kube_watch_event e;

	if (!kube_watch_next(k, &s->world, &e, &s->err))
		fail_msg("%s", s->err.message);
	assert_int_equal(e.kind, kind);
}

static void fire_soon(void *arg)
{
	struct stand *s = arg;

	s->sched.ops->sleep(&s->sched, 200, NULL);
	cancel_fire(s->cancel, 15);
}

/* Without it the watch would wait for the deadline. */
static void a_silent_watch_is_cancelled(void **state)
{
	struct stand *s = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *k = NULL;
	struct kube_watch_event e;
	struct task *task;

	open_client(s, 0);
	k = open_watch(s);
	assert_next(s, k, KUBE_WATCH_SYNCED);
	assert_next(s, k, KUBE_WATCH_ADDED);
	task = sched_spawn(&s->sched, fire_soon, s);
	assert_false(kube_watch_next(k, &s->world, &e, &s->err));
	sched_join(&s->sched, task);
	assert_err(&s->err, ERR_CANCELLED, "SIGTERM");
}

static void a_silent_watch_is_begun_anew(void **state)
{
	struct stand *s = *state;
	CLEANUP(kube_watch_freep) struct kube_watch *k = NULL;

	open_client(s, 300);
	k = open_watch(s);
	assert_next(s, k, KUBE_WATCH_SYNCED);
	assert_next(s, k, KUBE_WATCH_ADDED);
	assert_next(s, k, KUBE_WATCH_ADDED);
	assert_true(loopback_saw(&s->server, "resourceVersion=8&"));
	assert_int_equal(kube_watch_tally(k).lists, 1);
	assert_int_equal(kube_watch_tally(k).streams, 2);
}

static void a_cluster_of_gke(void **state)
{
	struct stand *s = *state;
	CLEANUP(mem_freep) char *base = mem_printf("http://127.0.0.1:%d/", s->server.port);
	CLEANUP(mem_freep)
	char *login =
		mem_printf("{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":"
			   "\"SECRET\",\"refresh_token\":\"SECRET\",\"token_uri\":\"%stoken\"}",
			   base);
	CLEANUP(mem_freep) char *path = fake_dir_write(&s->dir, "adc.json", login, 0600);
	CLEANUP(mem_freep) char *word = mem_printf("adc:%s", path);
	CLEANUP(strings_clear) struct strings named = { 0 };
	const struct sources_options google = { .named = &named };
	const struct kube_client_options options = { .policy = RETRY_POLICY_DEFAULT,
						     .google = &google };
	const struct kube_config_wanted wanted = { .namespace = "team" };

	strings_add(&named, "file:/nonexistent/for-a-registry");
	strings_add(&named, word);
	setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", base, 1);
	if (!kube_gke_config("projects/p/locations/l/clusters/c", &wanted, &options, &s->world,
			     &s->config, &s->err))
		fail_msg("%s", s->err.message);
	assert_string_equal(s->config->cluster.server, "https://203.0.113.7");
	assert_non_null(s->config->cluster.ca);

	setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", "http://far.example", 1);
	assert_false(kube_gke_config("projects/p/locations/l/clusters/c", &wanted, &options,
				     &s->world, &s->config, &s->err));
	assert_err(&s->err, ERR_USAGE, "over https only");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stand_setup, stand_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_silent_watch_is_cancelled),
		TEST(a_silent_watch_is_begun_anew),
		TEST(a_cluster_of_gke),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
