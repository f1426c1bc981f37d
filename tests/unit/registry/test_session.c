/* The first request: which base is spoken to, and how long a registry that does not answer well is asked again. */
#include "http/fake_transport.h"

#include "registry/session.h"

#include "http/fake_transport.c"

#define PLAIN "http://127.0.0.1:5000"
#define SECURE "https://127.0.0.1:5000"

struct porch {
	struct fake_world fake;
	struct fake_transport *t;
	struct http_answer answer;
	size_t base;
};

static int setup(void **state)
{
	struct porch *p = NEW(struct porch);

	fake_world_init(&p->fake);
	p->t = fake_transport_new(&p->fake);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct porch *p = *state;

	http_answer_clear(&p->answer);
	transport_free(&p->t->transport);
	fake_world_clear(&p->fake);
	free(p);
	return 0;
}

static bool ping(struct porch *p)
{
	static const char *const bases[] = { SECURE, PLAIN };
	const struct retry_policy policy = RETRY_POLICY_DEFAULT;

	return registry_ping(&p->fake.world, &p->t->transport, &policy, bases, ARRAY_SIZE(bases),
			     &p->base, &p->answer, &p->fake.err);
}

static void expect(struct porch *p, const char *base, int status, enum http_failure failure,
		   size_t times)
{
	fake_expect(p->t,
		    (struct fake_answer){
			    .url = base, .status = status, .failure = failure, .times = times });
}

static void test_https_is_preferred(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 401, 0, 1);
	assert_true(ping(p));
	assert_int_equal(p->base, 0);
	assert_script_done(p->t);
}

static void test_plain_http_is_found(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 0, HTTP_FAILED_BEFORE_SENDING, 1);
	expect(p, PLAIN, 200, 0, 1);
	assert_true(ping(p));
	assert_int_equal(p->base, 1);
	assert_script_done(p->t);
}

/* A server that wants TLS says 400 to plain http: that is no reason to try a bad certificate again. */
static void test_a_bad_certificate_is_final(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 0, HTTP_FAILED_FOR_GOOD, 1);
	expect(p, PLAIN, 400, 0, 1);
	assert_false(ping(p));
	assert_int_equal(p->fake.err.code, ERR_NET);
	assert_script_done(p->t);
}

static void test_a_registry_that_starts_is_waited_for(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 0, HTTP_FAILED_BEFORE_SENDING, 4);
	expect(p, PLAIN, 0, HTTP_FAILED_BEFORE_SENDING, 1);
	expect(p, PLAIN, 503, 0, 2);
	expect(p, PLAIN, 200, 0, 1);
	assert_true(ping(p));
	assert_script_done(p->t);
}

static void test_a_stranger_is_not_waited_for_long(void **state)
{
	struct porch *p = *state;

	expect(p, NULL, 0, HTTP_FAILED_BEFORE_SENDING, FAKE_ALWAYS);
	assert_false(ping(p));
	assert_int_equal(p->fake.err.code, ERR_NET);
	assert_true(fake_since_start(&p->fake) < 60000);
}

static void test_what_is_no_registry_is_asked_four_times(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 0, HTTP_FAILED_BEFORE_SENDING, 4);
	expect(p, PLAIN, 404, 0, 4);
	assert_false(ping(p));
	assert_int_equal(p->fake.err.code, ERR_NO_REGISTRY);
	assert_script_done(p->t);
}

static void test_retry_after_is_obeyed(void **state)
{
	struct porch *p = *state;

	expect(p, SECURE, 0, HTTP_FAILED_BEFORE_SENDING, 1);
	fake_expect(p->t, (struct fake_answer){ .url = PLAIN,
						.status = 429,
						.headers = { { "Retry-After", "7" } } });
	expect(p, SECURE, 401, 0, 1);
	assert_true(ping(p));
	assert_int_equal(fake_since_start(&p->fake), 7000);
	assert_script_done(p->t);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_https_is_preferred),
		CASE(test_plain_http_is_found),
		CASE(test_a_bad_certificate_is_final),
		CASE(test_a_registry_that_starts_is_waited_for),
		CASE(test_a_stranger_is_not_waited_for_long),
		CASE(test_what_is_no_registry_is_asked_four_times),
		CASE(test_retry_after_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
