/* The token clock at work (laws 2 and 3): when a token is renewed, and when a refusal is final. */
#include "auth/fixture.h"

static void test_first_request_learns_and_asks_once(void **state)
{
	struct fixture *f = *state;

	fixture_connect(f);
	for (int i = 0; i < 5; i++)
		assert_asks(f);
	assert_int_equal(f->registry.token_requests, 1);
	assert_int_equal(f->registry.refusals, 1); /* the first one went without */
	assert_false(fake_request_at(f->t, 0)->authorized);
	assert_int_equal(atomic_load(&f->source.asked), 1);
	assert_non_null(strstr(fake_request_at(f->t, 1)->url, "service=r"));
	assert_non_null(strstr(fake_request_at(f->t, 1)->url, "scope=repository"));
}

static void test_challenge_heard_before_saves_a_refusal(void **state)
{
	struct fixture *f = *state;

	fixture_connect_and_learn(f);
	assert_asks(f);
	assert_int_equal(f->registry.refusals, 0);
}

static void test_open_registry_is_asked_without(void **state)
{
	struct fixture *f = *state;

	f->registry.basic = true;
	f->registry.anonymous_is_fine = true;
	fake_expect(f->t, (struct fake_answer){ .status = 200 });
	fixture_connect(f);
	f->t->serve = NULL;
	assert_asks(f);
	assert_int_equal(atomic_load(&f->source.asked), 0);
}

/* Renewal */

static void test_token_is_renewed_before_it_expires(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 300000;
	fixture_connect(f);
	for (int i = 0; i < 20; i++) {
		assert_asks(f);
		fake_advance(&f->fake, 60000);
	}
	assert_int_equal(f->registry.refusals, 1); /* the very first */
	assert_true(f->registry.token_requests >= 4 && f->registry.token_requests <= 6);
}

static void test_token_is_renewed_before_a_request_it_would_not_outlive(void **state)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct fixture *f = *state;
	struct http_call call = fixture_call(SCOPE);

	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 100000); /* 200 s left */
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 1);
	call.need_ms = 250000;
	assert_true(http_call(f->client, &f->fake.world, &call, &answer, &f->fake.err));
	assert_int_equal(f->registry.token_requests, 2);
	/* longer than any token lives: the young one has to do */
	call.need_ms = 3600000;
	http_answer_clear(&answer);
	assert_true(http_call(f->client, &f->fake.world, &call, &answer, &f->fake.err));
	assert_int_equal(f->registry.token_requests, 2);
}

static void test_token_that_dies_before_its_time_is_renewed_after_the_refusal(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 20000; /* of the 300 s it says */
	fixture_connect(f);
	for (int i = 0; i < 10; i++) {
		assert_asks(f);
		fake_advance(&f->fake, 30000);
	}
	assert_int_equal(f->registry.token_requests, 10);
}

/* Suspended for an hour between two requests: no dead token is even shown. */
static void test_suspend_makes_tokens_old(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 300000;
	fixture_connect(f);
	assert_asks(f);
	atomic_fetch_add(&f->fake.boot_ms, 3600000);
	assert_asks(f);
	assert_int_equal(f->registry.refusals, 1);
	assert_int_equal(f->registry.token_requests, 2);
}

static void test_wall_clock_set_back_changes_nothing(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 300000;
	fixture_connect(f);
	assert_asks(f);
	atomic_fetch_sub(&f->fake.wall_ms, (int64_t)10 * 365 * 86400000);
	fake_advance(&f->fake, 299000);
	assert_asks(f);
	assert_int_equal(f->registry.refusals, 1);
}

static void test_life_counts_from_when_it_was_asked_for(void **state)
{
	struct fixture *f = *state;

	f->registry.token_takes_ms = 9000;
	f->registry.life_s = 10;
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 100);
	assert_asks(f); /* 0.9 s of ten are left, a tenth: renewed */
	assert_int_equal(f->registry.token_requests, 2);
}

static void test_tokens_of_a_second_are_enough(void **state)
{
	struct fixture *f = *state;

	f->registry.life_s = 1;
	f->registry.real_life_ms = 1000;
	f->registry.token_takes_ms = 100;
	fixture_connect(f);
	for (int i = 0; i < 20; i++) {
		assert_asks(f);
		fake_advance(&f->fake, 700);
	}
	assert_int_equal(f->registry.refusals, 1);
}

static void test_no_life_said_is_a_minute(void **state)
{
	struct fixture *f = *state;

	f->registry.life_s = 0;
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 50000);
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 1);
	fake_advance(&f->fake, 5000);
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 2);
}

static void test_each_scope_has_a_token_of_its_own(void **state)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct fixture *f = *state;
	struct http_call call = fixture_call(SCOPE);

	fixture_connect(f);
	assert_asks(f);
	call.scope.resources[1] = "repository:c/d:pull";
	assert_true(http_call(f->client, &f->fake.world, &call, &answer, &f->fake.err));
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 2);
	assert_non_null(strstr(fake_request_at(f->t, 3)->url, "c%2fd%3apull"));
	assert_non_null(strstr(fake_request_at(f->t, 3)->url, "a%2fb%3apull"));
	assert_int_equal(atomic_load(&f->source.asked), 1);
}

/* Credentials that die */

static void test_credential_of_known_life_is_asked_for_anew(void **state)
{
	struct fixture *f = *state;

	f->registry.good[0] = "SECRET-password";
	f->registry.good[1] = "SECRET-second";
	f->registry.good_until_ms = 100000;
	f->source.life_ms = 95000;
	f->source.values[1] = (struct fake_value){ 50000, "SECRET-second" };
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 300000);
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 2); /* the dead one was not shown */
	assert_int_equal(atomic_load(&f->source.asked), 2);
}

static void test_source_that_repeats_a_dead_token_is_waited_for(void **state)
{
	struct fixture *f = *state;

	f->registry.good[0] = "SECRET-password";
	f->registry.good[1] = "SECRET-second";
	f->registry.good_until_ms = 1000;
	f->registry.real_life_ms = 1000;
	f->source.values[1] = (struct fake_value){ 13000, "SECRET-second" };
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 2000);
	assert_asks(f);
	assert_true(fake_since_start(&f->fake) >= 13000 && fake_since_start(&f->fake) < 14000);
	assert_true(f->fake.told_of[EVENT_WAIT] >= 10);
	assert_true(f->registry.token_requests <=
		    5); /* the dead one is not shown again and again */
}

static void test_source_that_never_renews_ends_after_the_wait(void **state)
{
	struct fixture *f = *state;

	f->registry.good[0] = "SECRET-other";
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_true(fake_since_start(&f->fake) >= 30000 && fake_since_start(&f->fake) < 35000);
	assert_non_null(strstr(f->fake.err.cause, "still gives the credential that was refused"));
	assert_err(&f->fake.err, ERR_REFUSED, "refused the credential");
	assert_true(f->registry.token_requests <= 3);
}

static void test_stored_password_is_final_at_once(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->registry.good[0] = "SECRET-other";
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.token_requests,
			 2); /* once more, for a registry that hiccuped */
	assert_true(fake_since_start(&f->fake) < 2000);
	assert_non_null(strstr(f->fake.err.cause, "cannot be renewed"));
	assert_err(&f->fake.err, ERR_REFUSED, "refused the credential");
}

static const struct {
	bool stored;
	int64_t life_ms, min_life_ms;
	bool begins;
} beginnings[] = {
	{ true, 599999, 600000, false }, { true, 1, 600000, false }, { true, 600000, 600000, true },
	{ true, 599999, 0, true },	 { true, 0, 600000, true }, /* not known */
	{ false, 60000, 600000, true },				    /* renewed */
};

static void test_a_token_that_will_not_live_is_no_beginning(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		size_t tokens_before = f->registry.token_requests;

		f->source.stored = beginnings[i].stored;
		f->source.life_ms = beginnings[i].life_ms;
		f->options.min_life_ms = beginnings[i].min_life_ms;
		fixture_connect_and_learn(f);
		if (fixture_ask(f) != beginnings[i].begins)
			fail_msg("case %zu: %s", i, f->fake.err.message);
		if (!beginnings[i].begins) {
			assert_int_equal(f->registry.token_requests, tokens_before);
			assert_non_null(strstr(f->fake.err.hint, "name a source that can renew"));
			assert_err(&f->fake.err, ERR_NO_CREDENTIAL, "--min-token-life (600 s)");
		}
		http_client_free(TAKE(f->client));
	}
}

/* What was begun goes on: a token that gets old on the way is used to its end. */
static void test_a_token_that_gets_old_is_used_to_its_end(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->source.life_ms = 700000;
	f->options.min_life_ms = 600000;
	fixture_connect_and_learn(f);
	assert_asks(f);
	f->source.life_ms = 1000; /* as it is told when it is asked for again */
	fake_advance(&f->fake, 695000);
	assert_asks(f);
	assert_true(atomic_load(&f->source.asked) >= 2);
}

static void test_endpoint_that_hiccups_once_is_forgiven(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->registry.good[0] = "SECRET-other";
	f->registry.good[1] = "SECRET-password";
	fixture_connect(f);
	assert_asks(f);
	f->registry.real_life_ms = 1;
	f->registry.good[1] = NULL;
	fake_advance(&f->fake, 1000);
	f->t->serve = NULL;
	fake_expect(f->t, (struct fake_answer){ .status = 401, .url = "/v2/", .body = "expired" });
	fake_expect(f->t, (struct fake_answer){ .status = 401, .url = REALM, .body = "expired" });
	fake_expect(f->t, (struct fake_answer){ .status = 200,
						.url = REALM,
						.body = "{\"token\":\"SECRET-77\"}" });
	fake_expect(f->t, (struct fake_answer){ .status = 200, .url = "/v2/" });
	assert_asks(f);
	assert_script_done(f->t);
}

static void test_fresh_credential_refused_twice_is_final(void **state)
{
	struct fixture *f = *state;

	/* a source that mints anew each time, and none is ever taken */
	f->registry.good[0] = "SECRET-other";
	f->source.values[1] = (struct fake_value){ 100, "SECRET-second" };
	f->source.values[2] = (struct fake_value){ 20000, "SECRET-third" };
	f->registry.token_takes_ms = 200;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.token_requests, 2);
	assert_true(fake_since_start(&f->fake) < 5000);
	assert_err(&f->fake.err, ERR_REFUSED, "refused the credential");
}

static void test_fresh_token_refused_at_its_first_use_is_final(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->registry.refuses_tokens = 1000;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_true(f->registry.token_requests <= 4);
	assert_true(fake_since_start(&f->fake) < 5000);
	assert_err(&f->fake.err, ERR_REFUSED, "refuses a fresh credential");
}

static void test_token_refused_once_is_no_verdict(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->registry.refuses_tokens = 1;
	fixture_connect_and_learn(f);
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 2);
}

/* The first request went without: that it was turned away says nothing about any token. */
static void test_challenge_is_no_refusal_of_a_token(void **state)
{
	struct fixture *f = *state;

	f->source.stored = true;
	f->registry.refuses_tokens = 1;
	fixture_connect(f);
	assert_asks(f);
	assert_int_equal(f->registry.token_requests, 2);
}

static void test_denied_is_said_as_such(void **state)
{
	struct fixture *f = *state;

	f->registry.denies = true;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_true(f->registry.token_requests <= 3);
	assert_true(fake_since_start(&f->fake) < 5000);
	assert_non_null(strstr(f->fake.err.evidence, "403 denied: no permission"));
	assert_err(&f->fake.err, ERR_DENIED, "denies access to 'r.example/a/b'");
}

static void test_endpoint_that_denies_is_asked_twice(void **state)
{
	struct fixture *f = *state;

	f->registry.denied_scope = "a%2fb";
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.token_requests, 2);
	assert_non_null(strstr(f->fake.err.evidence, "403 denied: no permission"));
	assert_err(&f->fake.err, ERR_DENIED, "refused the credential");
}

/* The endpoint */

static void test_endpoint_that_repeats_a_dead_token_is_waited_for(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 1000;
	f->registry.repeats_until_ms = 12000;
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 2000);
	assert_asks(f);
	assert_true(fake_since_start(&f->fake) >= 12000 && fake_since_start(&f->fake) < 13500);
}

static void test_endpoint_that_only_repeats_ends_after_the_wait(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 1000;
	f->registry.repeats_until_ms = NEVER_MS;
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 2000);
	assert_false(fixture_ask(f));
	assert_true(fake_since_start(&f->fake) >= 32000 && fake_since_start(&f->fake) < 36000);
	assert_err(&f->fake.err, ERR_REFUSED, "refuses the token of its own endpoint");
}

static void test_token_good_for_one_request_makes_progress(void **state)
{
	struct fixture *f = *state;

	f->registry.uses = 1;
	fixture_connect(f);
	for (int i = 0; i < 30; i++)
		assert_asks(f);
	assert_int_equal(f->registry.requests - f->registry.refusals, 30);
	assert_true(f->registry.token_requests <= 31);
}

/* Sources */

static void test_nothing_from_any_source_is_no_credential(void **state)
{
	struct fixture *f = *state;

	f->source.values[0].secret = NULL;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.token_requests, 0);
	assert_err(&f->fake.err, ERR_NO_CREDENTIAL, "none of the credential sources");
}

static void test_broken_source_is_no_reason_to_go_on_anonymously(void **state)
{
	struct fixture *f = *state;

	f->source.values[0].secret = "!";
	f->options.may_be_anonymous = true;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.token_requests, 0);
	assert_err(&f->fake.err, ERR_NO_CREDENTIAL, "the source is broken");
}

static void test_source_that_breaks_for_a_moment_is_waited_for(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 1000;
	f->source.values[1] = (struct fake_value){ 1000, "!" };
	f->source.values[2] = (struct fake_value){ 9000, "SECRET-second" };
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 2000);
	assert_asks(f);
	assert_true(fake_since_start(&f->fake) >= 9000 && fake_since_start(&f->fake) < 10000);
}

static void test_anonymous_where_it_is_allowed(void **state)
{
	struct fixture *f = *state;

	f->source.values[0].secret = NULL;
	f->options.may_be_anonymous = true;
	f->registry.anonymous_is_fine = true;
	fixture_connect(f);
	assert_asks(f);
	assert_false(fake_request_at(f->t, 1)->authorized);
}

static void test_anonymous_and_refused_says_how_to_log_in(void **state)
{
	struct fixture *f = *state;

	f->source.values[0].secret = NULL;
	f->options.may_be_anonymous = true;
	f->registry.denies = true;
	f->registry.anonymous_is_fine = true;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_non_null(strstr(f->fake.err.hint, "docker login r.example"));
	assert_err(&f->fake.err, ERR_DENIED, "denies access");
}

static void test_first_source_that_has_something_counts(void **state)
{
	struct fixture *f = *state;
	struct fake_source second = f->source;

	f->source.values[0].secret = NULL;
	second.values[0].secret = "SECRET-second";
	f->registry.good[0] = "SECRET-second";
	f->sources[1] = &second.source;
	f->options.source_count = 2;
	fixture_connect(f);
	assert_asks(f);
	assert_int_equal(atomic_load(&f->source.asked), 1);
	assert_int_equal(atomic_load(&second.asked), 1);
}

/* Basic */

static void test_basic_shows_the_credential_itself(void **state)
{
	struct fixture *f = *state;

	f->registry.basic = true;
	f->registry.good[0] = "SECRET-password";
	fixture_connect(f);
	assert_asks(f);
	assert_asks(f);
	assert_int_equal(f->registry.refusals, 1);
	assert_int_equal(f->t->request_count, 3);
}

static void test_basic_with_a_stored_password_is_final_after_two_tries(void **state)
{
	struct fixture *f = *state;

	f->registry.basic = true;
	f->registry.good[0] = "SECRET-other";
	f->source.stored = true;
	fixture_connect_and_learn(f);
	assert_false(fixture_ask(f));
	assert_int_equal(f->registry.requests, 2);
	assert_true(fake_since_start(&f->fake) < 2000);
	assert_int_equal(f->fake.err.code, ERR_REFUSED);
}

static void test_basic_with_a_renewed_credential_goes_on(void **state)
{
	struct fixture *f = *state;

	f->registry.basic = true;
	f->registry.good[0] = "SECRET-password";
	f->registry.good[1] = "SECRET-second";
	f->registry.good_until_ms = 1000;
	f->source.values[1] = (struct fake_value){ 8000, "SECRET-second" };
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 2000);
	assert_asks(f);
	assert_true(fake_since_start(&f->fake) >= 8000 && fake_since_start(&f->fake) < 9500);
	assert_asks(f);
}

/* What ends a wait */

static void test_cancel_ends_a_wait_for_another_credential(void **state)
{
	struct fixture *f = *state;

	f->registry.good[0] = "SECRET-other";
	f->fake.cancel_at_sleep = 5;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_err(&f->fake.err, ERR_CANCELLED, "SIGTERM");
}

static void test_deadline_ends_a_wait_for_another_credential(void **state)
{
	struct fixture *f = *state;

	f->registry.good[0] = "SECRET-other";
	f->fake.world.deadline_ms = BOOT_START_MS + 5000;
	fixture_connect(f);
	assert_false(fixture_ask(f));
	assert_int_equal(fake_since_start(&f->fake), 5000);
	assert_err(&f->fake.err, ERR_TIMEOUT, "time is up");
}

static void test_endpoint_that_is_away_for_a_while_is_waited_for(void **state)
{
	struct fixture *f = *state;

	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 3600000);
	f->t->serve = NULL;
	fake_expect(f->t, (struct fake_answer){ .status = 503, .url = REALM, .times = 20 });
	fake_expect(f->t, (struct fake_answer){ .status = 200,
						.url = REALM,
						.body = "{\"access_token\":\"SECRET-8\"}" });
	fake_expect(f->t, (struct fake_answer){ .status = 200, .url = "/v2/" });
	assert_asks(f);
	assert_script_done(f->t);
}

static void test_what_is_told_knows_tokens_by_their_fingerprints(void **state)
{
	struct fixture *f = *state;

	f->registry.real_life_ms = 20000;
	fixture_connect(f);
	assert_asks(f);
	fake_advance(&f->fake, 30000);
	assert_asks(f);
	assert_int_equal(f->fake.told_of[EVENT_TOKEN], 3); /* the credential and two tokens */
	assert_int_equal(f->fake.told_of[EVENT_REFUSED], 2);
	assert_non_null(strstr(buf_str(&f->fake.told), "fake:source"));
	assert_non_null(strstr(buf_str(&f->fake.told), "authentication required"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_first_request_learns_and_asks_once),
		CASE(test_challenge_heard_before_saves_a_refusal),
		CASE(test_open_registry_is_asked_without),
		CASE(test_token_is_renewed_before_it_expires),
		CASE(test_token_is_renewed_before_a_request_it_would_not_outlive),
		CASE(test_token_that_dies_before_its_time_is_renewed_after_the_refusal),
		CASE(test_suspend_makes_tokens_old),
		CASE(test_wall_clock_set_back_changes_nothing),
		CASE(test_life_counts_from_when_it_was_asked_for),
		CASE(test_tokens_of_a_second_are_enough),
		CASE(test_no_life_said_is_a_minute),
		CASE(test_each_scope_has_a_token_of_its_own),
		CASE(test_credential_of_known_life_is_asked_for_anew),
		CASE(test_source_that_repeats_a_dead_token_is_waited_for),
		CASE(test_source_that_never_renews_ends_after_the_wait),
		CASE(test_stored_password_is_final_at_once),
		CASE(test_a_token_that_will_not_live_is_no_beginning),
		CASE(test_a_token_that_gets_old_is_used_to_its_end),
		CASE(test_endpoint_that_hiccups_once_is_forgiven),
		CASE(test_fresh_credential_refused_twice_is_final),
		CASE(test_fresh_token_refused_at_its_first_use_is_final),
		CASE(test_token_refused_once_is_no_verdict),
		CASE(test_challenge_is_no_refusal_of_a_token),
		CASE(test_denied_is_said_as_such),
		CASE(test_endpoint_that_denies_is_asked_twice),
		CASE(test_endpoint_that_repeats_a_dead_token_is_waited_for),
		CASE(test_endpoint_that_only_repeats_ends_after_the_wait),
		CASE(test_token_good_for_one_request_makes_progress),
		CASE(test_nothing_from_any_source_is_no_credential),
		CASE(test_broken_source_is_no_reason_to_go_on_anonymously),
		CASE(test_source_that_breaks_for_a_moment_is_waited_for),
		CASE(test_anonymous_where_it_is_allowed),
		CASE(test_anonymous_and_refused_says_how_to_log_in),
		CASE(test_first_source_that_has_something_counts),
		CASE(test_basic_shows_the_credential_itself),
		CASE(test_basic_with_a_stored_password_is_final_after_two_tries),
		CASE(test_basic_with_a_renewed_credential_goes_on),
		CASE(test_cancel_ends_a_wait_for_another_credential),
		CASE(test_deadline_ends_a_wait_for_another_credential),
		CASE(test_endpoint_that_is_away_for_a_while_is_waited_for),
		CASE(test_what_is_told_knows_tokens_by_their_fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
