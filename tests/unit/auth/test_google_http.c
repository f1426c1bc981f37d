/* What Google's minters share: where they may ask, what is tried again, and what an answer's life is. */
#include "auth/google_fixture.h"

#define URL "https://oauth2.example/token"

static int setup(void **state)
{
	struct desk *d;

	desk_setup(state);
	d = *state;
	d->call = (struct http_call){ .what = "token", .method = "POST", .url = URL };
	d->call.bytes = "assertion=SECRET";
	d->call.size = strlen(d->call.bytes);
	return 0;
}

static bool ask(struct desk *d)
{
	http_answer_clear(&d->answer);
	return google_ask(&d->options, &d->fake.world, &d->call, &d->answer, &d->fake.err);
}

/* Where a secret may go */

static const struct {
	const char *url;
	bool with, without; /* a body */
} places[] = {
	{ "", false, false },
	{ "token", false, false },
	{ "ftp://oauth2.example/token", false, false },
	{ "file:///etc/passwd", false, false },
	{ "http://oauth2.example/token", false, false },
	{ "http://10.0.0.1/token", false, false },
	{ "http://127.0.0.1.example/token", false, false },
	{ "http://metadata.google.internal/token", false, true },
	{ "http://169.254.169.254/token", false, true },
	{ "http://127.0.0.1:81/token", true, true },
	{ "http://localhost/token", true, true },
	{ "http://[::1]/token", true, true },
	{ "HTTPS://oauth2.example/token", true, true },
	{ "https://private.example/token", true, true },
};

static void assert_place(struct desk *d, size_t i, bool allowed)
{
	size_t before = d->t->request_count;

	d->call.url = places[i].url;
	if (ask(d) != allowed)
		fail_msg("'%s': %s", places[i].url, allowed ? "not asked" : "asked");
	assert_int_equal(d->t->request_count - before, allowed);
	if (!allowed)
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "no place to ask");
}

static void test_places(void **state)
{
	struct desk *d = *state;

	fake_expect(d->t, (struct fake_answer){ .status = 200, .times = FAKE_ALWAYS });
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const void *body = d->call.bytes;

		assert_place(d, i, places[i].with);
		d->call.bytes = NULL;
		assert_place(d, i, places[i].without);
		d->call.bytes = body;
	}
}

static void test_no_redirect_is_followed(void **state)
{
	static const int statuses[] = { 301, 302, 303, 307, 308 };
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct fake_answer a = { .status = statuses[i] };

		a.headers[0] = (struct http_header){ "Location", "https://elsewhere.example/" };
		fake_expect(d->t, a);
		assert_false(ask(d));
		assert_words(d, "30", "leads elsewhere", NULL);
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "answered with 30");
	}
	assert_int_equal(fake_requests_to(d->t, NULL, "elsewhere"), 0);
}

/* Refusals */

static const struct {
	int status;
	const char *body, *evidence, *hint;
} refusals[] = {
	{ 400, "", "400", NULL },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}",
	  "400: invalid_grant: Invalid JWT Signature.", NULL },
	{ 401, "{\"error\":\"invalid_client\"}", "401: invalid_client", NULL },
	{ 403,
	  "{\"error\":{\"code\":403,\"message\":\"Permission denied on x\",\"status\":"
	  "\"PERMISSION_DENIED\"}}",
	  "403: PERMISSION_DENIED: Permission denied on x", NULL },
	{ 400,
	  "{\"error\":\"invalid_grant\",\"error_description\":\"reauth related error\","
	  "\"error_subtype\":\"invalid_rapt\"}",
	  "reauth", "gcloud auth login" },
	{ 400, "{\"error\":\"rapt_required\"}", "rapt_required", "gcloud auth login" },
	{ 404, "<html>Not <b>here</b></html>", "404: Not here", NULL },
};

static void test_refusals_are_final(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		fake_expect(d->t, (struct fake_answer){ .status = refusals[i].status,
							.body = refusals[i].body });
		assert_false(ask(d));
		assert_words(d, refusals[i].evidence, NULL, refusals[i].hint);
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL,
			   "'oauth2.example' was asked for a token");
	}
	assert_int_equal(d->fake.sleeps, 0);
}

static void test_a_clock_that_is_off_is_the_cause(void **state)
{
	struct desk *d = *state;
	struct fake_answer a = { .status = 400, .body = "{\"error\":\"invalid_grant\"}" };

	a.headers[0] = (struct http_header){ "Date", "Tue, 24 Nov 2026 14:05:00 GMT" };
	fake_expect(d->t, a);
	assert_false(ask(d));
	assert_words(d, "invalid_grant", "300 s behind", NULL);
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "400");
}

/* Faults that pass */

static void test_a_passing_fault_is_tried_again(void **state)
{
	static const struct fake_answer faults[] = {
		{ .status = 500 },
		{ .status = 503, .times = 5 },
		{ .status = 429 },
		{ .status = 408 },
		{ .status = 400, .body = "{\"error\":\"internal_failure\"}" },
		{ .status = 400, .body = "{\"error\":\"temporarily_unavailable\"}" },
		{ .failure = HTTP_FAILED_UNDER_WAY },
		{ .failure = HTTP_FAILED_BEFORE_SENDING },
	};
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		fake_expect(d->t, faults[i]);
		fake_expect(d->t, (struct fake_answer){ .status = 200, .body = "{}" });
		if (!ask(d))
			fail_msg("fault %zu: %s", i, d->fake.err.message);
	}
}

static void test_an_error_that_does_not_pass_is_told(void **state)
{
	struct desk *d = *state;

	fake_expect(d->t, (struct fake_answer){ .status = 400,
						.body = "{\"error\":\"server_error\"}",
						.times = 4 });
	assert_false(ask(d));
	assert_words(d, "server_error", NULL, NULL);
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "400");
}

static void test_an_endpoint_that_never_answers_is_left(void **state)
{
	struct desk *d = *state;

	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING,
						.times = FAKE_ALWAYS });
	assert_false(ask(d));
	assert_err(&d->fake.err, ERR_NET, "oauth2.example");
	assert_true(fake_since_start(&d->fake) < 60000);
}

static void test_an_endless_answer_is_none(void **state)
{
	struct desk *d = *state;

	fake_expect(d->t, (struct fake_answer){ .status = 200, .endless_bytes = 1 << 30 });
	assert_false(ask(d));
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "longer than");
	assert_true(d->t->read_bytes < (int64_t)(1 * MIB));
}

static void test_time_is_up(void **state)
{
	struct desk *d = *state;

	d->fake.world.deadline_ms = BOOT_START_MS + 1000;
	fake_expect(d->t, (struct fake_answer){ .status = 503, .times = FAKE_ALWAYS });
	assert_false(ask(d));
	assert_err(&d->fake.err, ERR_TIMEOUT, "time is up");
}

/* Forms */

static void test_form(void **state)
{
	CLEANUP(buf_wipe) struct buf form = BUF_INIT(GOOGLE_FORM_CEILING);
	struct http_call call;

	(void)state;
	google_form_add(&form, "a", "1 +&=%/\xc3\xa4\n");
	google_form_add(&form, "left", NULL);
	google_form_add(&form, "grant_type", "urn:x:y~_-.");
	google_form_add(&form, "empty", "");
	assert_string_equal(buf_str(&form), "a=1%20%2B%26%3D%25%2F%C3%A4%0A"
					    "&grant_type=urn%3Ax%3Ay~_-.&empty=");
	call = google_form_call("token", URL, &form);
	assert_int_equal(call.size, form.len);
}

/* Answers */

#define SENT_MS ((int64_t)5000)
#define NOT_KNOWN (-1)

static const struct {
	const char *body;
	int64_t life_ms;
} oauth[] = {
	{ "{\"access_token\":\"SECRET\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", 3599000 },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":\"3599\"}", 3599000 },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":0.5}", 500 },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":0}", 0 },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":-5}", 0 },
	{ "{\"access_token\":\"SECRET\"}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":null}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":\"soon\"}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":\"\"}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":\"nan\"}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":1e300}", NOT_KNOWN },
	{ "{\"access_token\":\"SECRET\",\"expires_in\":[60]}", NOT_KNOWN },
};

static void assert_life(const struct google_token *t, int64_t life_ms, const char *body)
{
	int64_t expires_ms = life_ms == NOT_KNOWN ? NEVER_MS : SENT_MS + life_ms;

	if (t->life.expires_ms != expires_ms || t->expiry_known != (life_ms != NOT_KNOWN))
		fail_msg("%s: expires at %lld", body, (long long)t->life.expires_ms);
	assert_int_equal(t->life.minted_ms, SENT_MS);
	assert_string_equal(secret_reveal(t->secret), "SECRET");
}

static struct http_answer answer_of(const char *body)
{
	return (struct http_answer){ .status = 200,
				     .body = (char *)body,
				     .body_len = strlen(body),
				     .sent_ms = SENT_MS,
				     .date_wall_ms = -1 };
}

static void test_oauth_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(oauth); i++) {
		CLEANUP(google_token_clear) struct google_token t = { 0 };
		struct http_answer a = answer_of(oauth[i].body);
		struct err err = ERR_INIT;

		if (!google_oauth_answer(&a, &t, &err))
			fail_msg("%s: %s", oauth[i].body, err.message);
		assert_life(&t, oauth[i].life_ms, oauth[i].body);
	}
}

static const char *const no_answers[] = {
	"",
	"SECRET",
	"[]",
	"{}",
	"{\"token\":\"SECRET\"}",
	"{\"id_token\":\"SECRET\"}",
	"{\"access_token\":\"\",\"accessToken\":\"\"}",
	"{\"access_token\":7,\"accessToken\":7}",
	"{\"access_token\":\"SECRET SECRET\",\"accessToken\":\"SECRET\\nX: y\"}",
	"{\"access_token\":\"SECRET\\u0000\"}",
};

static void test_no_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(no_answers); i++) {
		struct google_token t = { 0 };
		struct http_answer a = answer_of(no_answers[i]);

		assert_false(google_oauth_answer(&a, &t, &d->fake.err));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "the token endpoint's answer");
		assert_false(google_iam_answer(&a, &d->fake.world, &t, &d->fake.err));
		assert_err(&d->fake.err, ERR_NO_CREDENTIAL, "the token endpoint's answer");
		assert_null(t.secret);
	}
}

/* 2026-11-24T14:00:00Z is what the answers' Date says, however our clock goes. */
static const struct {
	const char *moment;
	int64_t life_ms;
} iam[] = {
	{ "\"2026-11-24T15:00:00Z\"", 3600000 },
	{ "\"2026-11-24T15:00:00.25Z\"", 3600250 },
	{ "\"2026-11-24T15:00:00.123456789+00:00\"", 3600123 },
	{ "\"2026-11-24T16:00:00+01:00\"", 3600000 },
	{ "\"2026-11-24T13:00:00Z\"", 0 },
	{ "\"2026-11-24 15:00\"", NOT_KNOWN },
	{ "\"\"", NOT_KNOWN },
	{ "1795532400", NOT_KNOWN },
	{ "null", NOT_KNOWN },
};

static void test_iam_answers(void **state)
{
	struct desk *d = *state;

	atomic_fetch_add(&d->fake.wall_ms, 86400000);
	for (size_t i = 0; i < ARRAY_SIZE(iam); i++) {
		CLEANUP(mem_freep)
		char *body =
			mem_printf("{\"accessToken\":\"SECRET\",\"expireTime\":%s}", iam[i].moment);
		CLEANUP(google_token_clear) struct google_token t = { 0 };
		struct http_answer a = answer_of(body);

		a.date_wall_ms = WALL_START_MS;
		assert_true(google_iam_answer(&a, &d->fake.world, &t, &d->fake.err));
		assert_life(&t, iam[i].life_ms, body);
	}
}

static void test_iam_answer_without_a_date_counts_from_when_it_was_asked_for(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };
	const char *body = "{\"accessToken\":\"SECRET\",\"expireTime\":\"2026-11-24T15:00:00Z\"}";
	struct http_answer a = answer_of(body);

	a.sent_ms = BOOT_START_MS;
	fake_advance(&d->fake, 7000);
	assert_true(google_iam_answer(&a, &d->fake.world, &t, &d->fake.err));
	assert_int_equal(t.life.expires_ms, BOOT_START_MS + 3600000);
}

static void test_large_token(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_token_clear) struct google_token t = { 0 };
	char token[20001], body[20100];

	memset(token, 'x', sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"expires_in\":60}", token);
	fake_expect(d->t, (struct fake_answer){ .status = 200, .body = body });
	assert_true(ask(d));
	assert_true(google_oauth_answer(&d->answer, &t, &d->fake.err));
	assert_string_equal(secret_reveal(t.secret), token);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),
		TEST(test_no_redirect_is_followed),
		TEST(test_refusals_are_final),
		TEST(test_a_clock_that_is_off_is_the_cause),
		TEST(test_a_passing_fault_is_tried_again),
		TEST(test_an_error_that_does_not_pass_is_told),
		TEST(test_an_endpoint_that_never_answers_is_left),
		TEST(test_an_endless_answer_is_none),
		TEST(test_time_is_up),
		TEST(test_form),
		TEST(test_oauth_answers),
		TEST(test_no_answers),
		TEST(test_iam_answers),
		TEST(test_iam_answer_without_a_date_counts_from_when_it_was_asked_for),
		TEST(test_large_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
