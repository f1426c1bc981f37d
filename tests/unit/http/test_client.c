/* A request until it has an answer: what is tried again, when, and with whose permission. */
#include "http/fake_transport.h"

#include "http/client.h"

#include "http/fake_transport.c"

#define ORIGIN "https://r.example"
#define URL ORIGIN "/v2/a/blobs/x"

/* An authorizer that counts: its nth ticket is "Bearer SECRET-n". */
struct fake_authorizer {
	struct authorizer authorizer;
	int tickets, refused, verdicts_left;
	int64_t need_ms;
	size_t refusals_said;
	bool said_unauthenticated, said_denied, freed_early;
	bool no_ticket;
};

struct desk {
	struct fake_world fake;
	struct fake_transport *t;
	struct fake_authorizer *a;
	struct http_client *c;
	struct http_answer answer;
};

static bool fake_ticket(struct authorizer *authorizer, const struct world *w,
			const struct http_scope *scope, int64_t need_ms, size_t refusals,
			struct http_ticket *ret, struct err *err)
{
	struct fake_authorizer *a = (struct fake_authorizer *)authorizer;
	char text[32];

	(void)w;
	(void)scope;
	if (a->no_ticket)
		return err_set(err, ERR_NO_CREDENTIAL, "there is none");
	a->need_ms = need_ms;
	a->refusals_said = refusals;
	snprintf(text, sizeof(text), "Bearer SECRET-%d", ++a->tickets);
	*ret = (struct http_ticket){ .authorization = secret_new(text, strlen(text)),
				     .token_serial = a->tickets,
				     .expires_ms = NEVER_MS,
				     .fingerprint = "f1n9e4" };
	return true;
}

static enum auth_verdict fake_refused(struct authorizer *authorizer, const struct world *w,
				      const struct http_scope *scope,
				      const struct http_ticket *shown,
				      const struct http_refusal *refusal, size_t nth,
				      struct err *err)
{
	struct fake_authorizer *a = (struct fake_authorizer *)authorizer;

	(void)w;
	(void)scope;
	assert_int_equal(shown->token_serial, a->tickets);
	assert_int_equal(nth, ++a->refused);
	a->said_unauthenticated = refusal->says_unauthenticated;
	a->said_denied = refusal->says_denied;
	if (a->verdicts_left-- > 0)
		return AUTH_TRY_AGAIN;
	err_set(err, ERR_DENIED, "final: %s", refusal->words);
	return AUTH_FINAL;
}

static void fake_challenged(struct authorizer *a, const char *const *challenges)
{
	(void)a;
	(void)challenges;
}

static void fake_authorizer_free(struct authorizer *a)
{
	free(a);
}

static const struct authorizer_ops fake_authorizer_ops = { fake_ticket, fake_refused,
							   fake_challenged, fake_authorizer_free };

static int setup(void **state)
{
	const struct retry_policy policy = RETRY_POLICY_DEFAULT;
	struct desk *d = NEW(struct desk);

	fake_world_init(&d->fake);
	d->t = fake_transport_new(&d->fake);
	d->a = NEW(struct fake_authorizer);
	d->a->authorizer.ops = &fake_authorizer_ops;
	d->a->verdicts_left = 1;
	d->c = http_client_new(&d->t->transport, &d->a->authorizer, ORIGIN, &policy);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;

	http_answer_clear(&d->answer);
	http_client_free(d->c);
	fake_world_clear(&d->fake);
	free(d);
	return 0;
}

static struct http_call get(const char *url)
{
	return (struct http_call){ .what = "blob", .method = "GET", .url = url };
}

static bool call(struct desk *d, const struct http_call *c)
{
	http_answer_clear(&d->answer);
	err_clear(&d->fake.err);
	return http_call(d->c, &d->fake.world, c, &d->answer, &d->fake.err);
}

static void assert_answered(struct desk *d, const struct http_call *c, int status)
{
	if (!call(d, c))
		fail_msg("%s", d->fake.err.message);
	assert_int_equal(d->answer.status, status);
	assert_script_done(d->t);
}

static void assert_fails(struct desk *d, const struct http_call *c, enum err_code code,
			 const char *words)
{
	assert_false(call(d, c));
	assert_err(&d->fake.err, code, words);
	assert_script_done(d->t);
}

/* Redirects */

static void expect_redirect(struct desk *d, int status, const char *to)
{
	fake_expect(d->t,
		    (struct fake_answer){ .status = status, .headers = { { "Location", to } } });
}

static void test_redirect_to_the_same_origin_keeps_the_token(void **state)
{
	static const char *const places[] = { "/v2/other", ORIGIN "/x",
					      "https://R.example:443/x?sig=SECRET" };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		expect_redirect(d, 307, places[i]);
		fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "moved" });
		assert_answered(d, &c, 200);
		assert_true(fake_request_at(d->t, 2 * i)->authorized);
		assert_true(fake_request_at(d->t, 2 * i + 1)->authorized);
		assert_string_equal(d->answer.body, "moved");
	}
}

static void test_redirect_to_another_origin_does_not_get_the_token(void **state)
{
	static const char *const places[] = { "https://storage.example/x", "//evil.test/x",
					      "https://r.example:444/x",
					      "https://r.example@evil.test/",
					      "https://sub.r.example/x" };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		expect_redirect(d, 302, places[i]);
		fake_expect(d->t, (struct fake_answer){ .status = 200 });
		assert_answered(d, &c, 200);
		assert_true(fake_request_at(d->t, 2 * i)->authorized);
		assert_false(fake_request_at(d->t, 2 * i + 1)->authorized);
	}
}

static void test_way_back_to_our_origin_gets_it_again(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	expect_redirect(d, 307, "https://other.example/x");
	expect_redirect(d, 307, ORIGIN "/back");
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_false(fake_request_at(d->t, 1)->authorized);
	assert_true(fake_request_at(d->t, 2)->authorized);
	assert_string_equal(d->answer.url, ORIGIN "/back");
}

static void test_redirect_from_https_to_http_is_not_followed(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	expect_redirect(d, 307, "http://r.example/x");
	assert_answered(d, &c, 307);
	assert_int_equal(d->t->request_count, 1);
}

static void test_redirects_inside_are_refused_for_good(void **state)
{
	static const char *const places[] = {
		"https://169.254.169.254/x",
		"https://metadata.google.internal/x",
		"https://127.0.0.1/x",
		"https://localhost:5000/x",
		"https://[::1]/x",
		"https://[::ffff:127.0.0.1]/x",
		"https://0x7f.1/x",
		"https://[fe80::1]/x",
		"https://2852039166/latest/meta-data/",
		"https://0.0.0.0/x",
	};
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		expect_redirect(d, 307, places[i]);
		assert_fails(d, &c, ERR_NET, "inside this machine or network");
		assert_int_equal(d->t->request_count, i + 1);
	}
	assert_int_equal(atomic_load(&d->fake.sleeps), 0);
}

static void test_location_inside_is_refused_too(void **state)
{
	struct desk *d = *state;
	struct http_call c = get("https://127.0.0.1:5000/upload");

	assert_fails(d, &c, ERR_NET, "inside this machine or network");
	assert_int_equal(d->t->request_count, 0);
}

static void test_registry_on_this_machine_may_lead_to_this_machine(void **state)
{
	struct desk *d = *state;
	struct http_call c = get("http://localhost:5000/x");

	free(d->c->origin);
	d->c->origin = mem_strdup("http://localhost:5000");
	expect_redirect(d, 307, "http://127.0.0.1:6000/x");
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_false(fake_request_at(d->t, 1)->authorized);
	expect_redirect(d, 307, "http://169.254.169.254/x");
	assert_fails(d, &c, ERR_NET, "inside this machine or network");
}

static void test_redirect_loop_ends(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 302,
						.times = FAKE_ALWAYS,
						.headers = { { "Location", URL } } });
	assert_answered(d, &c, 302);
	assert_int_equal(d->t->request_count, HTTP_REDIRECTS_MAX + 1);
}

static void test_303_is_followed_by_a_get_only(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL), put = get(URL);

	expect_redirect(d, 303, "/other");
	fake_expect(d->t, (struct fake_answer){ .method = "GET", .url = "/other", .status = 200 });
	assert_answered(d, &c, 200);
	put.method = "PUT";
	put.bytes = "{}";
	put.size = 2;
	expect_redirect(d, 303, "/other");
	assert_answered(d, &put, 303);
}

static void test_put_stays_a_put_with_its_body(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	c.method = "PUT";
	c.bytes = "body";
	c.size = 4;
	expect_redirect(d, 301, "/other");
	fake_expect(d->t, (struct fake_answer){ .method = "PUT", .url = "/other", .status = 201 });
	assert_answered(d, &c, 201);
	assert_string_equal(fake_request_at(d->t, 0)->body, "body");
	assert_string_equal(fake_request_at(d->t, 1)->body, "body");
}

static void test_redirect_that_leads_nowhere_is_an_answer(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL), keep = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 307 });
	assert_answered(d, &c, 307);
	expect_redirect(d, 307, "file:///etc/passwd");
	assert_answered(d, &c, 307);
	expect_redirect(d, 304, "/other");
	assert_answered(d, &c, 304);
	keep.keep_redirect = true;
	expect_redirect(d, 307, "/other?x=y");
	assert_answered(d, &keep, 307);
	assert_string_equal(d->answer.location, ORIGIN "/other?x=y");
}

/* Refusals */

static void test_refusal_leads_to_another_ticket(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	c.need_ms = 1234;
	fake_expect(d->t, (struct fake_answer){ .status = 401, .body = "token expired" });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_int_equal(d->a->refused, 1);
	assert_true(d->a->said_unauthenticated);
	assert_int_equal(d->a->refusals_said, 1);
	assert_int_equal(d->a->need_ms, 1234);
	assert_string_equal(fake_request_at(d->t, 0)->authorization, "Bearer SECRET-1");
	assert_string_equal(fake_request_at(d->t, 1)->authorization, "Bearer SECRET-2");
}

static void test_final_refusal_is_the_authorizers_word(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->a->verdicts_left = 0;
	fake_expect(d->t, (struct fake_answer){ .status = 403, .body = "no permission" });
	assert_fails(d, &c, ERR_DENIED, "final: no permission");
	assert_true(d->a->said_denied);
}

static void test_400_with_words_about_the_token_is_a_refusal(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 400,
						.body = "Your Authorization Token has expired" });
	fake_expect(d->t, (struct fake_answer){ .status = 400, .body = "MANIFEST_INVALID" });
	assert_answered(d, &c, 400);
	assert_int_equal(d->a->refused, 1);
}

static void refuse_elsewhere(struct desk *d, int status, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		expect_redirect(d, 307, "https://storage.example/x?signature=of-a-minute");
		fake_expect(d->t,
			    (struct fake_answer){ .status = status, .body = "token expired" });
	}
}

static void test_refusal_by_another_origin_asks_for_a_new_link(void **state)
{
	static const int statuses[] = { 400, 401, 403 };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse_elsewhere(d, statuses[i], 1);
		expect_redirect(d, 307, "https://storage.example/x?signature=of-now");
		fake_expect(d->t, (struct fake_answer){ .status = 200 });
		assert_answered(d, &c, 200);
	}
	assert_int_equal(d->a->refused, 0);
}

static void test_refusal_by_another_origin_for_ever_is_an_answer(void **state)
{
	static const int statuses[] = { 400, 401, 403 };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse_elsewhere(d, statuses[i], 4);
		assert_answered(d, &c, statuses[i]);
	}
	assert_int_equal(d->a->refused, 0);
}

static void test_anonymous_call_asks_nobody(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	CLEANUP(secret_freep) struct secret *own = secret_new("Basic SECRET", 12);

	c.anonymous = true;
	fake_expect(d->t, (struct fake_answer){ .status = 401 });
	assert_answered(d, &c, 401);
	assert_false(fake_request_at(d->t, 0)->authorized);
	c.authorization = own;
	c.url = "https://elsewhere.example/token";
	expect_redirect(d, 307, "/token2");
	expect_redirect(d, 307, ORIGIN "/token");
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_true(fake_request_at(d->t, 1)->authorized);
	assert_true(fake_request_at(d->t, 2)->authorized);
	assert_false(fake_request_at(d->t, 3)->authorized); /* it was for elsewhere */
	assert_int_equal(d->a->tickets, 0);
}

static void test_no_ticket_no_request(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->a->no_ticket = true;
	assert_fails(d, &c, ERR_NO_CREDENTIAL, "there is none");
	assert_int_equal(d->t->request_count, 0);
}

/* Bodies of answers */

static void test_success_cut_short_is_tried_again(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "ha", .cut = true });
	fake_expect(d->t, (struct fake_answer){ .status = 201, .body = "", .cut = true });
	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "half" });
	assert_answered(d, &c, 200);
	assert_string_equal(d->answer.body, "half");
	assert_int_equal(d->a->tickets, 3); /* each attempt asks */
}

static void test_refusal_or_absence_cut_short_counts(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 404, .body = "not f", .cut = true });
	assert_answered(d, &c, 404);
	assert_string_equal(d->answer.body, "not f");
	assert_no_err(&d->fake.err);
	fake_expect(d->t, (struct fake_answer){ .status = 401, .cut = true });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
}

static void test_body_fits_its_ceiling_or_is_refused_for_good(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	c.answer_ceiling = 5;
	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "12345" });
	assert_answered(d, &c, 200);
	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "123456" });
	assert_fails(d, &c, ERR_NO_REGISTRY, "longer than 5 bytes");
	c.answer_ceiling = 0;
	fake_expect(d->t,
		    (struct fake_answer){ .status = 200, .endless_bytes = HTTP_ANSWER_CEILING });
	assert_answered(d, &c, 200);
	assert_int_equal(d->answer.body_len, HTTP_ANSWER_CEILING);
	fake_expect(d->t, (struct fake_answer){ .status = 200, .endless_bytes = INT64_MAX });
	assert_fails(d, &c, ERR_NO_REGISTRY, "longer than 65536 bytes");
	assert_true(d->t->read_bytes < 300000);
}

static void test_error_s_endless_body_is_evidence_up_to_the_ceiling(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 404, .endless_bytes = INT64_MAX });
	assert_answered(d, &c, 404);
	assert_true(d->answer.body_len <= HTTP_ANSWER_CEILING);
	assert_no_err(&d->fake.err);
}

static void test_headers_are_read(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){
				  .status = 202,
				  .headers = { { "content-type", "Text/HTML; charset=utf-8" },
					       { "Docker-Content-Digest", "sha256:x" },
					       { "Content-Length", "17" },
					       { "Content-Range", "bytes 0-0/12345" },
					       { "Date", "Tue, 24 Nov 2026 14:00:00 GMT" },
					       { "OCI-Chunk-Min-Length", "1024" } } });
	assert_answered(d, &c, 202);
	assert_string_equal(d->answer.content_type, "text/html");
	assert_int_equal(d->answer.content_length, 17);
	assert_int_equal(d->answer.range_total, 12345);
	assert_int_equal(d->answer.date_wall_ms, WALL_START_MS);
	assert_int_equal(d->answer.chunk_min_bytes, 1024);
}

static void test_a_header_that_the_call_wants(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	const struct fake_answer with = { .status = 404, .headers = { { "flavor", "Sweet" } } };

	fake_expect(d->t, with);
	assert_answered(d, &c, 404);
	assert_null(d->answer.wanted_header);
	c.wanted_header = "Flavor";
	fake_expect(d->t, with);
	assert_answered(d, &c, 404);
	assert_string_equal(d->answer.wanted_header, "Sweet");
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_null(d->answer.wanted_header);
}

static void test_headers_that_make_no_sense_are_as_if_absent(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 200,
						.headers = { { "Content-Length", "-17" },
							     { "Content-Range", "bytes */x" },
							     { "Date", "yesterday" },
							     { "OCI-Chunk-Min-Length", "many" },
							     { "Location", "ftp://x/" } } });
	assert_answered(d, &c, 200);
	assert_int_equal(d->answer.content_length, -1);
	assert_int_equal(d->answer.range_total, -1);
	assert_int_equal(d->answer.date_wall_ms, -1);
	assert_int_equal(d->answer.chunk_min_bytes, 0);
	assert_null(d->answer.location);
	assert_null(d->answer.content_type);
}

/* The library takes any year: milliseconds must not run over. */
static void test_date_of_a_far_year_is_as_if_absent(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 200,
						.headers = { { "Date", "919212021Nov9" } } });
	assert_answered(d, &c, 200);
	assert_int_equal(d->answer.date_wall_ms, -1);
}

static void test_challenges_are_kept_as_many_as_there_is_room(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	c.anonymous = true;
	fake_expect(d->t, (struct fake_answer){ .status = 401,
						.headers = { { "WWW-Authenticate", "Bearer a=b" },
							     { "X", "y" },
							     { "www-authenticate", "Basic" } } });
	assert_answered(d, &c, 401);
	assert_string_equal(d->answer.challenges[0], "Bearer a=b");
	assert_string_equal(d->answer.challenges[1], "Basic");
	assert_null(d->answer.challenges[2]);
}

/* Faults */

static void test_passing_status_is_waited_for(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .status = 503, .times = 3 });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_true(atomic_load(&d->fake.slept_ms) >= 250 + 500 + 1000);
	assert_true(atomic_load(&d->fake.slept_ms) < 3000);
	assert_int_equal(d->fake.told_of[EVENT_WAIT], 3);
	assert_int_equal(d->fake.told_of[EVENT_REQUEST], 4);
}

static void test_retry_after_is_honoured_on_the_clock(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t,
		    (struct fake_answer){ .status = 429, .headers = { { "Retry-After", "7" } } });
	fake_expect(d->t, (struct fake_answer){
				  .status = 503,
				  .headers = { { "Retry-After", "Tue, 24 Nov 2026 10:00:20 GMT" },
					       { "Date", "Tue, 24 Nov 2026 10:00:00 GMT" } } });
	fake_expect(d->t, (struct fake_answer){ .status = 429,
						.headers = { { "Retry-After", "3600" } } });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_int_equal(fake_request_at(d->t, 1)->at_ms - BOOT_START_MS, 7000);
	assert_int_equal(fake_request_at(d->t, 2)->at_ms - BOOT_START_MS, 27000);
	assert_int_equal(fake_request_at(d->t, 3)->at_ms - BOOT_START_MS, 87000);
}

static void test_lasting_status_is_an_answer(void **state)
{
	static const int statuses[] = { 400, 404, 405, 409, 413, 416, 501, 505 };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		fake_expect(d->t, (struct fake_answer){ .status = statuses[i] });
		assert_answered(d, &c, statuses[i]);
	}
	assert_int_equal(atomic_load(&d->fake.sleeps), 0);
}

static void test_network_failure_is_tried_again(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING });
	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_UNDER_WAY });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	assert_answered(d, &c, 200);
	assert_non_null(strstr(buf_str(&d->fake.told), "the fake network failed"));
}

static void test_failure_for_good_is_told_at_once(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_FOR_GOOD });
	assert_fails(d, &c, ERR_NET, "GET of the blob at 'r.example': the fake network failed");
	assert_int_equal(atomic_load(&d->fake.sleeps), 0);
}

static void test_stranger_is_given_up_sooner_than_whom_we_have_heard(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->fake.world.deadline_ms = BOOT_START_MS + 600000;
	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING,
						.times = FAKE_ALWAYS });
	assert_fails(d, &c, ERR_NET, "the fake network failed");
	assert_true(fake_since_start(&d->fake) >= d->c->policy.stranger_ms);
	assert_true(fake_since_start(&d->fake) < d->c->policy.stranger_ms + 10000);
	atomic_store(&d->c->heard, true);
	assert_fails(d, &c, ERR_TIMEOUT, "time is up");
	assert_int_equal(fake_since_start(&d->fake), 600000);
}

static void test_timeout_says_what_it_was_waiting_for(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->fake.world.deadline_ms = BOOT_START_MS + 5000;
	fake_expect(d->t, (struct fake_answer){ .status = 503, .times = FAKE_ALWAYS });
	assert_false(call(d, &c));
	assert_non_null(strstr(d->fake.err.evidence, "503"));
	assert_err(&d->fake.err, ERR_TIMEOUT, "time is up");
	assert_int_equal(fake_since_start(&d->fake), 5000);
}

/* The lid was closed during a wait: the deadline passed meanwhile, and nothing more is sent. */
static void test_suspend_during_a_wait_ends_it(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->fake.world.deadline_ms = BOOT_START_MS + 900000;
	d->fake.leap_at_sleep_ms = 3600000;
	fake_expect(d->t, (struct fake_answer){ .status = 503 });
	assert_fails(d, &c, ERR_TIMEOUT, "time is up");
}

static void test_retries_zero_means_one_attempt(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->c->policy.retries = 0;
	fake_expect(d->t, (struct fake_answer){ .status = 503 });
	assert_fails(d, &c, ERR_NET, "answered with 503");
	fake_expect(d->t, (struct fake_answer){ .status = 429 });
	assert_fails(d, &c, ERR_RATE_LIMITED, "answered with 429");
	/* a renewal is no retry */
	fake_expect(d->t, (struct fake_answer){ .status = 401 });
	fake_expect(d->t, (struct fake_answer){ .status = 200 });
	d->a->refused = 0;
	assert_answered(d, &c, 200);
}

static void test_cancel_during_a_wait_ends_it(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->fake.cancel_at_sleep = 2;
	fake_expect(d->t, (struct fake_answer){ .status = 503, .times = 2 });
	assert_fails(d, &c, ERR_CANCELLED, "SIGTERM");
}

static void test_nothing_is_sent_after_a_cancel(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	cancel_fire(d->fake.cancel, 2);
	assert_fails(d, &c, ERR_CANCELLED, "SIGINT");
	assert_int_equal(d->t->request_count, 0);
	assert_int_equal(d->a->tickets, 0);
}

/* Streams */

static void test_stream_that_passes_once_is_the_callers_to_repeat(void **state)
{
	static const struct fake_answer answers[] = {
		{ .status = 503 },
		{ .status = 401, .body = "expired" },
		{ .status = 401, .takes_no_body = true },
		{ .failure = HTTP_FAILED_UNDER_WAY, .takes_body_bytes = 3 },
	};
	struct desk *d = *state;
	struct http_history history = { 0 };

	d->a->verdicts_left = 10;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(stream_freep) struct stream *s = stream_of_bytes("one pass", 8);
		struct http_call c = get(URL);

		c.method = "PATCH";
		c.stream = s;
		c.stream_bytes = 8;
		fake_expect(d->t, answers[i]);
		assert_int_equal(http_attempt(d->c, &d->fake.world, &c, &history, &d->answer,
					      &d->fake.err),
				 HTTP_AGAIN);
		assert_no_err(&d->fake.err);
		assert_true(fake_request_at(d->t, i)->large);
		http_answer_clear(&d->answer);
	}
	assert_script_done(d->t);
	assert_int_equal(history.attempts, 4);
	assert_int_equal(history.refusals, 2);
}

/* Each time a little further is a slow way to arrive, as far as before is a fault that stays. */
static void test_body_that_gets_further_is_no_repeated_fault(void **state)
{
	static const struct {
		int64_t bytes;
		enum http_outcome outcome;
	} attempts[] = {
		{ 2, HTTP_AGAIN }, { 3, HTTP_AGAIN }, { 7, HTTP_AGAIN }, { 7, HTTP_OVER }
	};
	struct desk *d = *state;
	struct http_history history = { 0 };

	d->c->policy.retries = 1;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		CLEANUP(stream_freep) struct stream *s = stream_of_bytes("one pass", 8);
		struct http_call c = get(URL);

		c.method = "PATCH";
		c.stream = s;
		c.stream_bytes = 8;
		fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_UNDER_WAY,
							.takes_body_bytes = attempts[i].bytes });
		assert_int_equal(http_attempt(d->c, &d->fake.world, &c, &history, &d->answer,
					      &d->fake.err),
				 attempts[i].outcome);
		http_answer_clear(&d->answer);
	}
	assert_err(&d->fake.err, ERR_NET, "the fake network failed");
	assert_script_done(d->t);
}

static void test_stream_that_has_begun_to_flow_is_not_redirected(void **state)
{
	struct desk *d = *state;
	CLEANUP(stream_freep) struct stream *s = stream_of_bytes("one pass", 8);
	struct http_call c = get(URL);
	struct http_history history = { 0 };

	c.method = "PATCH";
	c.stream = s;
	c.stream_bytes = 8;
	fake_expect(d->t, (struct fake_answer){ .status = 307,
						.takes_no_body = true,
						.headers = { { "Location", "/other" } } });
	expect_redirect(d, 307, "/third");
	assert_int_equal(http_attempt(d->c, &d->fake.world, &c, &history, &d->answer, &d->fake.err),
			 HTTP_ANSWERED);
	assert_int_equal(d->answer.status, 307);
	assert_string_equal(fake_request_at(d->t, 1)->body, "one pass");
	assert_script_done(d->t);
}

static void count_bytes(void *arg, int64_t sent_bytes)
{
	*(int64_t *)arg = sent_bytes;
}

static void test_progress_is_told(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	int64_t sent = 0;

	c.method = "PUT";
	c.bytes = "12345";
	c.size = 5;
	c.sending = count_bytes;
	c.sending_arg = &sent;
	fake_expect(d->t, (struct fake_answer){ .status = 201 });
	assert_answered(d, &c, 201);
	assert_int_equal(sent, 5);
}

static void test_body_s_own_error_is_told_and_not_tried_again(void **state)
{
	struct desk *d = *state;
	CLEANUP(stream_freep) struct stream *s = stream_of_fd(-1, -1, "layer");
	struct http_call c = get(URL);
	struct http_history history = { 0 };

	c.method = "PATCH";
	c.stream = s;
	c.stream_bytes = 8;
	fake_expect(d->t, (struct fake_answer){ .status = 202 });
	assert_int_equal(http_attempt(d->c, &d->fake.world, &c, &history, &d->answer, &d->fake.err),
			 HTTP_OVER);
	assert_err(&d->fake.err, ERR_LOCAL, "reading 'layer'");
}

static void test_answer_worth_another_attempt_is_the_callers_word(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	struct http_history history = { 0 };
	struct http_answer answer = { .status = 404 };

	answer.body = mem_strdup("");
	d->c->policy.retries = 1;
	assert_int_equal(http_again(d->c, &d->fake.world, &c, &history, &answer, &d->fake.err),
			 HTTP_AGAIN);
	assert_no_err(&d->fake.err);
	assert_int_equal(http_again(d->c, &d->fake.world, &c, &history, &answer, &d->fake.err),
			 HTTP_OVER);
	assert_err(&d->fake.err, ERR_NET, "answered with 404");
	http_answer_clear(&answer);
}

/* "200" says nothing of what is odd about an answer; who has read it does. */
static void test_what_is_odd_about_an_answer_is_told_by_who_read_it(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	struct http_history history = { 0 };
	struct http_answer answer = { .status = 200 };
	struct err *err = &d->fake.err;

	answer.body = mem_strdup("");
	d->c->policy.retries = 0;
	err_set(err, ERR_NO_REGISTRY, "that is a page");
	assert_int_equal(http_again(d->c, &d->fake.world, &c, &history, &answer, err), HTTP_OVER);
	assert_err(err, ERR_NO_REGISTRY, "that is a page");
	http_answer_clear(&answer);
}

static void test_retry_after_counts_for_every_answer_that_is_tried_again(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	struct http_history history = { 0 };

	fake_expect(d->t,
		    (struct fake_answer){ .status = 404, .headers = { { "Retry-After", "7" } } });
	assert_int_equal(http_attempt(d->c, &d->fake.world, &c, &history, &d->answer, &d->fake.err),
			 HTTP_ANSWERED);
	assert_int_equal(http_again(d->c, &d->fake.world, &c, &history, &d->answer, &d->fake.err),
			 HTTP_AGAIN);
	assert_int_equal(fake_since_start(&d->fake), 7000);
}

static void test_open_hands_out_a_success_and_reads_the_rest(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	struct http_exchange *x = (struct http_exchange *)d;
	char text[16] = "";
	size_t len;

	fake_expect(d->t, (struct fake_answer){ .status = 404, .body = "no" });
	assert_true(http_call_open(d->c, &d->fake.world, &c, &x, &d->answer, &d->fake.err));
	assert_null(x);
	assert_string_equal(d->answer.body, "no");
	http_answer_clear(&d->answer);
	fake_expect(d->t, (struct fake_answer){ .status = 503 });
	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "stream" });
	assert_true(http_call_open(d->c, &d->fake.world, &c, &x, &d->answer, &d->fake.err));
	assert_true(http_read(x, &d->fake.world, text, sizeof(text), &len, &d->fake.err));
	assert_string_equal(text, "stream");
	http_close(x);
	assert_script_done(d->t);
}

static void test_cancel_ends_a_long_stream(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);
	struct http_exchange *x = NULL;
	char piece[1024];
	size_t len = 1;
	int reads = 0;

	fake_expect(d->t, (struct fake_answer){ .status = 200,
						.endless_bytes = INT64_MAX,
						.piece_bytes = 1000,
						.piece_ms = 10,
						.cancel_at_read = 50 });
	assert_true(http_call_open(d->c, &d->fake.world, &c, &x, &d->answer, &d->fake.err));
	while (len && http_read(x, &d->fake.world, piece, sizeof(piece), &len, &d->fake.err))
		reads++;
	http_close(x);
	assert_int_equal(reads, 49);
	assert_err(&d->fake.err, ERR_CANCELLED, "SIGTERM");
}

static void test_cancel_while_an_answer_is_read_is_a_cancel(void **state)
{
	static const int statuses[] = { 200, 404 };
	struct desk *d = *state;
	struct http_call c = get(URL);

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		setup(state);
		d = *state;
		fake_expect(d->t, (struct fake_answer){ .status = statuses[i],
							.body = "0123456789",
							.piece_bytes = 1,
							.cancel_at_read = 3 });
		assert_fails(d, &c, ERR_CANCELLED, "SIGTERM");
		teardown(state);
	}
}

static void test_slow_answer_beyond_the_deadline_is_a_timeout(void **state)
{
	struct desk *d = *state;
	struct http_call c = get(URL);

	d->fake.world.deadline_ms = BOOT_START_MS + 60000;
	fake_expect(d->t, (struct fake_answer){ .status = 200,
						.endless_bytes = INT64_MAX,
						.piece_bytes = 1,
						.piece_ms = 1000 });
	assert_fails(d, &c, ERR_TIMEOUT, "time is up");
	assert_int_equal(fake_since_start(&d->fake), 60000);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_redirect_to_the_same_origin_keeps_the_token),
		CASE(test_redirect_to_another_origin_does_not_get_the_token),
		CASE(test_way_back_to_our_origin_gets_it_again),
		CASE(test_redirect_from_https_to_http_is_not_followed),
		CASE(test_redirects_inside_are_refused_for_good),
		CASE(test_location_inside_is_refused_too),
		CASE(test_registry_on_this_machine_may_lead_to_this_machine),
		CASE(test_redirect_loop_ends),
		CASE(test_303_is_followed_by_a_get_only),
		CASE(test_put_stays_a_put_with_its_body),
		CASE(test_redirect_that_leads_nowhere_is_an_answer),
		CASE(test_refusal_leads_to_another_ticket),
		CASE(test_final_refusal_is_the_authorizers_word),
		CASE(test_400_with_words_about_the_token_is_a_refusal),
		CASE(test_refusal_by_another_origin_asks_for_a_new_link),
		CASE(test_refusal_by_another_origin_for_ever_is_an_answer),
		CASE(test_anonymous_call_asks_nobody),
		CASE(test_no_ticket_no_request),
		CASE(test_success_cut_short_is_tried_again),
		CASE(test_refusal_or_absence_cut_short_counts),
		CASE(test_body_fits_its_ceiling_or_is_refused_for_good),
		CASE(test_error_s_endless_body_is_evidence_up_to_the_ceiling),
		CASE(test_headers_are_read),
		CASE(test_a_header_that_the_call_wants),
		CASE(test_headers_that_make_no_sense_are_as_if_absent),
		CASE(test_date_of_a_far_year_is_as_if_absent),
		CASE(test_challenges_are_kept_as_many_as_there_is_room),
		CASE(test_passing_status_is_waited_for),
		CASE(test_retry_after_is_honoured_on_the_clock),
		CASE(test_lasting_status_is_an_answer),
		CASE(test_network_failure_is_tried_again),
		CASE(test_failure_for_good_is_told_at_once),
		CASE(test_stranger_is_given_up_sooner_than_whom_we_have_heard),
		CASE(test_timeout_says_what_it_was_waiting_for),
		CASE(test_suspend_during_a_wait_ends_it),
		CASE(test_retries_zero_means_one_attempt),
		CASE(test_cancel_during_a_wait_ends_it),
		CASE(test_nothing_is_sent_after_a_cancel),
		CASE(test_stream_that_passes_once_is_the_callers_to_repeat),
		CASE(test_body_that_gets_further_is_no_repeated_fault),
		CASE(test_stream_that_has_begun_to_flow_is_not_redirected),
		CASE(test_progress_is_told),
		CASE(test_body_s_own_error_is_told_and_not_tried_again),
		CASE(test_answer_worth_another_attempt_is_the_callers_word),
		CASE(test_what_is_odd_about_an_answer_is_told_by_who_read_it),
		CASE(test_retry_after_counts_for_every_answer_that_is_tried_again),
		CASE(test_open_hands_out_a_success_and_reads_the_rest),
		CASE(test_cancel_ends_a_long_stream),
		cmocka_unit_test(test_cancel_while_an_answer_is_read_is_a_cancel),
		CASE(test_slow_answer_beyond_the_deadline_is_a_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
