/* Many workers, one authenticator, real threads: renewal is single flight, and nobody pays for another's fate. */
#include "auth/fixture.h"

#define WORKERS 8

struct worker {
	struct fixture *f;
	struct world world;
	const char *scope;
	int count; /* of requests */
	int good;
	struct err err;
	struct task *task;
};

struct gate {
	struct worker workers[WORKERS];
	struct fixture *f;
	atomic_bool in_renewal; /* of the scope that is slow */
	const char *slow_scope; /* its token request takes 200 ms of real time */
	struct cancel *fire_in_renewal;
};

static void work(void *arg)
{
	struct worker *w = arg;

	while (w->count-- > 0) {
		err_clear(&w->err);
		if (!fixture_ask_in(w->f, &w->world, w->scope, &w->err))
			return;
		w->good++;
	}
}

static void worker_start(struct gate *g, size_t nth, const char *scope, int count)
{
	struct worker *w = &g->workers[nth];

	*w = (struct worker){
		.f = g->f, .world = g->f->fake.world, .scope = scope, .count = count
	};
	w->task = sched_spawn(&g->f->fake.sched, work, w);
	assert_non_null(w->task);
}

static void worker_join(struct gate *g, size_t nth)
{
	sched_join(&g->f->fake.sched, g->workers[nth].task);
	assert_err_keeps_secrets(&g->workers[nth].err);
}

static void run_all(struct gate *g, size_t workers, int count)
{
	for (size_t i = 0; i < workers; i++)
		worker_start(g, i, SCOPE, count);
	for (size_t i = 0; i < workers; i++)
		worker_join(g, i);
	for (size_t i = 0; i < workers; i++)
		if (g->workers[i].good != count)
			fail_msg("worker %zu got %d of %d: code %d, %s", i, g->workers[i].good,
				 count, g->workers[i].err.code, g->workers[i].err.message);
}

static bool serve_slowly(void *arg, const struct fake_request *request, struct fake_answer *ret)
{
	struct gate *g = arg;

	if (g->slow_scope && strstr(request->url, REALM) && strstr(request->url, g->slow_scope)) {
		atomic_store(&g->in_renewal, true);
		sched_threads().ops->sleep(&g->f->fake.sched, 200, NULL);
		if (g->fire_in_renewal)
			cancel_fire(g->fire_in_renewal, CANCEL_SIBLING_FAILED);
	}
	return serve_registry(g->f, request, ret);
}

static void await_renewal(struct gate *g)
{
	while (!atomic_load(&g->in_renewal))
		sched_threads().ops->sleep(&g->f->fake.sched, 1, NULL);
}

static void gate_init(struct gate *g, struct fixture *f)
{
	*g = (struct gate){ .f = f };
	f->t->serve = serve_slowly;
	f->t->serve_arg = g;
}

static void test_eight_that_begin_together_make_one_token_request(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.slow_scope = "a%2fb";
	fixture_connect_and_learn(g.f);
	run_all(&g, WORKERS, 3);
	assert_int_equal(g.f->registry.token_requests, 1);
	assert_int_equal(atomic_load(&g.f->source.asked), 1);
	assert_int_equal(g.f->registry.refusals, 0);
}

static void test_eight_that_are_refused_together_renew_once(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->registry.real_life_ms = 20000;
	fixture_connect_and_learn(g.f);
	assert_asks(g.f);
	fake_advance(&g.f->fake, 30000);
	run_all(&g, WORKERS, 1);
	assert_int_equal(g.f->registry.token_requests, 2);
}

static void test_eight_that_find_it_old_renew_once(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->registry.real_life_ms = 300000;
	fixture_connect_and_learn(g.f);
	assert_asks(g.f);
	fake_advance(&g.f->fake, 400000);
	run_all(&g, WORKERS, 2);
	assert_int_equal(g.f->registry.token_requests, 2);
	assert_int_equal(g.f->registry.refusals, 0);
}

/* Whatever one worker wins is spent by another: still each gets its turn. */
static void test_tokens_good_for_one_request_are_enough_for_four(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->registry.uses = 1;
	fixture_connect_and_learn(g.f);
	run_all(&g, 4, 25);
	assert_int_equal(g.f->registry.requests - g.f->registry.refusals, 100);
}

static void test_stored_password_and_tokens_for_one_request_too(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->source.stored = true;
	g.f->registry.uses = 1;
	fixture_connect_and_learn(g.f);
	run_all(&g, 4, 25);
}

static void test_dying_credential_is_waited_for_by_all(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->registry.good[0] = "SECRET-password";
	g.f->registry.good[1] = "SECRET-second";
	g.f->registry.good_until_ms = 1000;
	g.f->registry.real_life_ms = 1000;
	g.f->source.values[1] = (struct fake_value){ 9000, "SECRET-second" };
	fixture_connect_and_learn(g.f);
	assert_asks(g.f);
	fake_advance(&g.f->fake, 2000);
	run_all(&g, WORKERS, 1);
}

static void test_all_learn_of_one_failure(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.f->source.stored = true;
	g.f->registry.good[0] = "SECRET-other";
	g.slow_scope = "a%2fb";
	fixture_connect_and_learn(g.f);
	worker_start(&g, 0, SCOPE, 1);
	await_renewal(&g);
	for (size_t i = 1; i < WORKERS; i++)
		worker_start(&g, i, SCOPE, 1);
	for (size_t i = 0; i < WORKERS; i++) {
		worker_join(&g, i);
		assert_int_equal(g.workers[i].good, 0);
		assert_err(&g.workers[i].err, ERR_REFUSED, "refused the credential");
	}
}

/* The endpoint denies the source of a mount; who only wants to push must not be denied with it. */
static void test_denial_of_one_scope_is_not_everybody_s(void **state)
{
	struct gate g;

	gate_init(&g, *state);
	g.slow_scope = g.f->registry.denied_scope = "c%2fd";
	fixture_connect_and_learn(g.f);
	worker_start(&g, 0, "repository:c/d:pull", 1);
	await_renewal(&g);
	worker_start(&g, 1, SCOPE, 1);
	worker_join(&g, 0);
	worker_join(&g, 1);
	assert_err(&g.workers[0].err, ERR_DENIED, "");
	assert_no_err(&g.workers[1].err);
	assert_int_equal(g.workers[1].good, 1);
}

/* Its own world ended, not everybody's. */
static void test_renewer_that_is_cancelled_is_followed_by_another(void **state)
{
	struct gate g;
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	struct err err = ERR_INIT;

	gate_init(&g, *state);
	assert_true(cancel_new(NULL, &cancel, &err));
	g.slow_scope = "c%2fd";
	g.fire_in_renewal = cancel;
	fixture_connect_and_learn(g.f);
	g.workers[0] = (struct worker){
		.f = g.f, .world = g.f->fake.world, .scope = "repository:c/d:pull", .count = 1
	};
	g.workers[0].world.cancel = cancel;
	g.workers[0].task = sched_spawn(&g.f->fake.sched, work, &g.workers[0]);
	await_renewal(&g);
	worker_start(&g, 1, SCOPE, 1);
	worker_join(&g, 0);
	worker_join(&g, 1);
	assert_err(&g.workers[0].err, ERR_CANCELLED, "");
	assert_no_err(&g.workers[1].err);
	assert_int_equal(g.workers[1].good, 1);
}

static void test_cancel_ends_the_wait_for_another_s_renewal(void **state)
{
	struct gate g;
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	struct err err = ERR_INIT;

	gate_init(&g, *state);
	assert_true(cancel_new(NULL, &cancel, &err));
	g.slow_scope = "a%2fb";
	fixture_connect_and_learn(g.f);
	worker_start(&g, 0, SCOPE, 1);
	await_renewal(&g);
	cancel_fire(cancel, 2);
	g.workers[1] =
		(struct worker){ .f = g.f, .world = g.f->fake.world, .scope = SCOPE, .count = 1 };
	g.workers[1].world.cancel = cancel;
	work(&g.workers[1]);
	assert_err(&g.workers[1].err, ERR_CANCELLED, "SIGINT");
	worker_join(&g, 0);
	assert_int_equal(g.workers[0].good, 1);
}

/* What the registry asks for may change, and be heard by one worker while another renews. */
static void hear_challenges(void *arg)
{
	struct gate *g = arg;
	static const char *const first[] = { "Bearer realm=\"" REALM "\",service=\"r\"", NULL };
	static const char *const second[] = { "Bearer realm=\"" REALM "?x=y\",service=\"other\"",
					      NULL };

	for (int i = 0; i < 300; i++) {
		authorizer_challenged(g->f->a, i % 2 ? first : second);
		sched_yield();
	}
}

static void test_challenges_are_heard_during_renewals(void **state)
{
	struct gate g;
	struct task *hearer;

	gate_init(&g, *state);
	g.f->registry.uses = 3;
	fixture_connect_and_learn(g.f);
	hearer = sched_spawn(&g.f->fake.sched, hear_challenges, &g);
	run_all(&g, 4, 25);
	sched_join(&g.f->fake.sched, hearer);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_eight_that_begin_together_make_one_token_request),
		CASE(test_eight_that_are_refused_together_renew_once),
		CASE(test_eight_that_find_it_old_renew_once),
		CASE(test_tokens_good_for_one_request_are_enough_for_four),
		CASE(test_stored_password_and_tokens_for_one_request_too),
		CASE(test_dying_credential_is_waited_for_by_all),
		CASE(test_all_learn_of_one_failure),
		CASE(test_denial_of_one_scope_is_not_everybody_s),
		CASE(test_renewer_that_is_cancelled_is_followed_by_another),
		CASE(test_cancel_ends_the_wait_for_another_s_renewal),
		CASE(test_challenges_are_heard_during_renewals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
