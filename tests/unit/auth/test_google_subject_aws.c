/* Subject tokens out of an AWS role: where keys and region come from, in which order, and what is signed. */
#include "auth/bare_fixture.h"

#include "auth/google_subject.h"
#include "http/url.h"

#define META "http://169.254.169.254/latest/"
#define VERIFY "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
#define PLACES                                                \
	"'url':'" META "meta-data/iam/security-credentials'," \
	"'region_url':'" META "meta-data/placement/availability-zone',"
#define SOURCE(more) \
	"{'environment_id':'aws1'," more "'regional_cred_verification_url':'" VERIFY "'}"
#define IMDS1 SOURCE(PLACES)
#define IMDS2 SOURCE(PLACES "'imdsv2_session_token_url':'" META "api/token',")

#define AUDIENCE \
	"//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"

static const struct google_subject_use use = { .audience = AUDIENCE, .token_type = "urn:aws" };

static struct google_subject *open_aws(struct desk *d, const char *json)
{
	CLEANUP(js_freep) struct js *j = js_of_single_quoted(json);
	struct google_subject *s = NULL;

	if (!google_subject_new(j, &use, &d->options, &s, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return s;
}

static void have_environment(void)
{
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "SECRET-key", 1);
	setenv("AWS_SESSION_TOKEN", "SECRET-session", 1);
	setenv("AWS_REGION", "eu-west-1", 1);
}

/* The caller frees. */
static struct js *get_request(struct desk *d, struct google_subject *s)
{
	CLEANUP(secret_freep) struct secret *token = NULL;
	CLEANUP(mem_freep) char *text = NULL;

	if (!google_subject_get(s, &d->fake.world, &token, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	assert_int_equal(strspn(secret_reveal(token), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
						      "stuvwxyz0123456789-._~%"),
			 secret_len(token));
	text = url_decode(secret_reveal(token));
	for (char *c = text; *c; c++)
		if (*c == '\'')
			fail_msg("this test's JSON cannot have a quote in it");
	return js_of_single_quoted(text);
}

static const char *signed_header(const struct js *request, const char *key)
{
	const struct js *headers = js_get(request, "headers");

	for (size_t i = 0; i < js_count(headers); i++)
		if (strcmp(js_string(js_get(js_at(headers, i), "key")), key) == 0)
			return js_string(js_get(js_at(headers, i), "value"));
	return NULL;
}

static void assert_gives_not(struct desk *d, struct google_subject *s, const char *words)
{
	struct secret *token = NULL;

	assert_false(google_subject_get(s, &d->fake.world, &token, &d->fake.err));
	assert_null(token);
	assert_no_credential(d, words);
}

/* The signature is the one that test_aws_sigv4 knows. */
static void test_environment(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS2);
	CLEANUP(js_freep) struct js *request = NULL;

	have_environment();
	request = get_request(d, s);
	assert_string_equal(js_string(js_get(request, "url")),
			    "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity"
			    "&Version=2011-06-15");
	assert_string_equal(js_string(js_get(request, "method")), "POST");
	assert_int_equal(js_count(js_get(request, "headers")), 5);
	assert_string_equal(signed_header(request, "host"), "sts.eu-west-1.amazonaws.com");
	assert_string_equal(signed_header(request, "x-amz-date"), "20261124T140000Z");
	assert_string_equal(signed_header(request, "x-amz-security-token"), "SECRET-session");
	assert_string_equal(signed_header(request, "x-goog-cloud-target-resource"), AUDIENCE);
	assert_string_equal(
		signed_header(request, "Authorization"),
		"AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-1/sts/aws4_request, "
		"SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource, "
		"Signature=3ba921f4843f18dfd1f2888edba8b4953f0efcef5c5a03899a462d76f6d71100");
}

static void test_environment_without_a_session(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, SOURCE(""));
	CLEANUP(js_freep) struct js *request = NULL;

	have_environment();
	setenv("AWS_SESSION_TOKEN", "", 1);
	unsetenv("AWS_REGION");
	setenv("AWS_DEFAULT_REGION", "us-gov-west-1", 1);
	request = get_request(d, s);
	assert_string_equal(signed_header(request, "host"), "sts.us-gov-west-1.amazonaws.com");
	assert_null(signed_header(request, "x-amz-security-token"));
	assert_non_null(strstr(signed_header(request, "Authorization"),
			       "SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource,"));
}

static void test_every_token_is_signed_anew(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, SOURCE(""));
	CLEANUP(js_freep) struct js *first = NULL;
	CLEANUP(js_freep) struct js *second = NULL;

	have_environment();
	first = get_request(d, s);
	fake_advance(&d->fake, 61000);
	second = get_request(d, s);
	assert_string_equal(signed_header(second, "x-amz-date"), "20261124T140101Z");
	assert_string_not_equal(signed_header(first, "Authorization"),
				signed_header(second, "Authorization"));
}

static const char keys[] = "{\"Code\":\"Success\",\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":"
			   "\"SECRET-key\",\"Token\":\"SECRET-session\"}";

static void expect(struct desk *d, const char *method, const char *url, const char *body)
{
	fake_expect(d->bare, (struct fake_answer){
				     .method = method, .url = url, .status = 200, .body = body });
}

static void test_metadata_in_order(void **state)
{
	static const struct {
		const char *method, *url, *headers;
	} owed[] = {
		{ "PUT", META "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300\n" },
		{ "GET", META "meta-data/iam/security-credentials",
		  "X-aws-ec2-metadata-token: SECRET-imds\n" },
		{ "GET", META "meta-data/iam/security-credentials/my%2Brole",
		  "X-aws-ec2-metadata-token: SECRET-imds\n" },
		{ "GET", META "meta-data/placement/availability-zone",
		  "X-aws-ec2-metadata-token: SECRET-imds\n" },
	};
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS2);
	CLEANUP(js_freep) struct js *request = NULL;

	expect(d, "PUT", "api/token", "SECRET-imds");
	expect(d, "GET", "security-credentials/", keys);
	expect(d, "GET", "security-credentials", "my+role\n");
	expect(d, "GET", "availability-zone", "eu-west-1c");
	request = get_request(d, s);
	assert_string_equal(signed_header(request, "host"), "sts.eu-west-1.amazonaws.com");
	assert_string_equal(signed_header(request, "x-amz-security-token"), "SECRET-session");
	assert_int_equal(d->bare->request_count, ARRAY_SIZE(owed));
	for (size_t i = 0; i < ARRAY_SIZE(owed); i++) {
		const struct fake_request *r = fake_request_at(d->bare, i);

		assert_string_equal(r->method, owed[i].method);
		assert_string_equal(r->url, owed[i].url);
		assert_string_equal(r->headers, owed[i].headers);
	}
	assert_int_equal(d->t->request_count, 0);
}

static void test_metadata_of_the_first_version(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS1);
	CLEANUP(js_freep) struct js *request = NULL;

	setenv("AWS_DEFAULT_REGION", "eu-west-3", 1);
	setenv("AWS_ACCESS_KEY_ID", "half a pair is none", 1);
	expect(d, "GET", "security-credentials/", keys);
	expect(d, "GET", "security-credentials", "role");
	request = get_request(d, s);
	assert_string_equal(signed_header(request, "host"), "sts.eu-west-3.amazonaws.com");
	assert_string_equal(fake_request_at(d->bare, 0)->headers, "");
}

static void test_only_the_region_is_asked_for(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS2);
	CLEANUP(js_freep) struct js *request = NULL;

	have_environment();
	unsetenv("AWS_REGION");
	expect(d, "PUT", "api/token", "SECRET-imds");
	expect(d, "GET", "availability-zone", "ap-south-1a\n");
	request = get_request(d, s);
	assert_string_equal(signed_header(request, "host"), "sts.ap-south-1.amazonaws.com");
}

static void test_nothing_to_ask(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, SOURCE(""));

	assert_gives_not(d, s, "there is no AWS_ACCESS_KEY_ID, and no 'url'");
	have_environment();
	unsetenv("AWS_REGION");
	assert_gives_not(d, s, "there is no AWS_REGION, and no 'region_url'");
	setenv("AWS_REGION", "evil.example/", 1);
	assert_gives_not(d, s, "is no AWS region");
}

static const struct {
	const char *session, *role, *credentials, *zone, *words;
} bad[] = {
	{ "", NULL, NULL, NULL, "no subject token in it" },
	{ "a\nb: c", NULL, NULL, NULL, "is no token" },
	{ "x", "", NULL, NULL, "the AWS role of this machine" },
	{ "x", "<html>\n", NULL, NULL, "is no role" },
	{ "x", "../../user-data", NULL, NULL, "is no role" },
	{ "x", "one\ntwo\n", NULL, NULL, "is no role" },
	{ "x", "r", "SECRET", NULL, "the credentials of AWS role 'r'" },
	{ "x", "r", keys, "", "the AWS region of this machine" },
	{ "x", "r", keys, "x", "is no AWS region" },
	{ "x", "r", keys, "a.b/cd", "is no AWS region" },
	{ "x", "r", keys, "<html>", "is no AWS region" },
};

static void test_bad_metadata(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS2);

		d->bare->script_len = 0;
		memset(d->bare->used, 0, sizeof(d->bare->used));
		expect(d, "PUT", "api/token", bad[i].session);
		if (bad[i].credentials)
			expect(d, "GET", "security-credentials/", bad[i].credentials);
		if (bad[i].role)
			expect(d, "GET", "security-credentials", bad[i].role);
		if (bad[i].zone)
			expect(d, "GET", "availability-zone", bad[i].zone);
		assert_gives_not(d, s, bad[i].words);
		assert_script_done(d->bare);
	}
}

static void test_metadata_that_refuses(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_aws(d, IMDS2);

	fake_expect(d->bare, (struct fake_answer){ .status = 403 });
	assert_gives_not(d, s, "403");
	expect(d, "PUT", "api/token", "SECRET-imds");
	fake_expect(d->bare, (struct fake_answer){ .status = 404 });
	assert_gives_not(d, s, "the AWS role of this machine");
}

/* What EC2 answers for a role */

#define ID "'AccessKeyId':'AKID'"
#define KEY "'SecretAccessKey':'SECRET'"

static const struct {
	const char *json, *words;
} bad_keys[] = {
	{ "", "JSON" },
	{ "SECRET", "JSON" },
	{ "[]", "AccessKeyId" },
	{ "{}", "AccessKeyId" },
	{ "{'Code':'Failed'," ID "," KEY ",'Token':'SECRET'}", "has no credentials" },
	{ "{" KEY ",'Token':'SECRET'}", "AccessKeyId" },
	{ "{'AccessKeyId':''," KEY ",'Token':'SECRET'}", "AccessKeyId" },
	{ "{'AccessKeyId':7," KEY ",'Token':'SECRET'}", "AccessKeyId" },
	{ "{'AccessKeyId':'A\\r\\nB'," KEY ",'Token':'SECRET'}", "AccessKeyId" },
	{ "{" ID ",'Token':'SECRET'}", "SecretAccessKey" },
	{ "{" ID ",'SecretAccessKey':null,'Token':'SECRET'}", "SecretAccessKey" },
	{ "{" ID "," KEY "}", "Token" },
	{ "{" ID "," KEY ",'Token':''}", "Token" },
	{ "{" ID "," KEY ",'Token':'SECRET\\nx: y'}", "Token" },
};

static void test_bad_keys(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_keys); i++) {
		CLEANUP(aws_credentials_clear) struct aws_credentials c = { 0 };
		CLEANUP(mem_freep) char *text = double_quoted(bad_keys[i].json);

		if (aws_credentials_parse(text, strlen(text), &c, &d->fake.err))
			fail_msg("taken: %s", bad_keys[i].json);
		assert_no_credential(d, bad_keys[i].words);
	}
}

static void test_keys(void **state)
{
	CLEANUP(aws_credentials_clear) struct aws_credentials c = { 0 };
	struct desk *d = *state;

	assert_true(aws_credentials_parse(keys, strlen(keys), &c, &d->fake.err));
	assert_string_equal(c.key_id, "AKID");
	assert_string_equal(secret_reveal(c.secret_key), "SECRET-key");
	assert_string_equal(secret_reveal(c.session_token), "SECRET-session");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_CASE(test_environment),
		BARE_CASE(test_environment_without_a_session),
		BARE_CASE(test_every_token_is_signed_anew),
		BARE_CASE(test_metadata_in_order),
		BARE_CASE(test_metadata_of_the_first_version),
		BARE_CASE(test_only_the_region_is_asked_for),
		BARE_CASE(test_nothing_to_ask),
		BARE_CASE(test_bad_metadata),
		BARE_CASE(test_metadata_that_refuses),
		BARE_CASE(test_bad_keys),
		BARE_CASE(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
