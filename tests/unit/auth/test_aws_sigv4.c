/*
 * AWS's own vectors (aws-sig-v4-test-suite, and the ListUsers example of the AWS General Reference), and one request
 * as Google's federation wants it, whose signature another implementation of the algorithm has computed.
 */
#include "base/fake_world.h"

#include "auth/aws_sigv4.h"

#define SUITE_HOST "example.amazonaws.com"
#define SUITE_WALL_MS (1440938160 * (int64_t)1000) /* 2015-08-30T12:36:00Z */
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SUITE_TOKEN                                                                           \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMi" \
	"cRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZamp" \
	"KsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD" \
	"0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLx" \
	"BA=="

static const struct {
	const char *name;
	const char *method, *path, *query, *token;
	struct http_header headers[2];
	const char *signed_headers, *signature;
} suite[] = {
	{ .name = "get-vanilla",
	  .method = "GET",
	  .signed_headers = "host;x-amz-date",
	  .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ .name = "post-vanilla",
	  .method = "POST",
	  .signed_headers = "host;x-amz-date",
	  .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ .name = "get-vanilla-query-order-key-case",
	  .method = "GET",
	  .query = "Param2=value2&Param1=value1",
	  .signed_headers = "host;x-amz-date",
	  .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ .name = "get-vanilla-query-unreserved",
	  .method = "GET",
	  .query = UNRESERVED "=" UNRESERVED,
	  .signed_headers = "host;x-amz-date",
	  .signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ .name = "get-vanilla-utf8-query",
	  .method = "GET",
	  .query = "\xe1\x88\xb4=bar",
	  .signed_headers = "host;x-amz-date",
	  .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ .name = "the same, encoded, in lower case",
	  .method = "GET",
	  .query = "%e1%88%b4=b%61r",
	  .signed_headers = "host;x-amz-date",
	  .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ .name = "get-space",
	  .method = "GET",
	  .path = "/example space/",
	  .signed_headers = "host;x-amz-date",
	  .signature = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
	{ .name = "get-utf8",
	  .method = "GET",
	  .path = "/\xe1\x88\xb4",
	  .signed_headers = "host;x-amz-date",
	  .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ .name = "post-vanilla-query",
	  .method = "POST",
	  .query = "Param1=value1",
	  .signed_headers = "host;x-amz-date",
	  .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
	{ .name = "post-header-key-sort",
	  .method = "POST",
	  .headers = { { "my-header1", "value1" } },
	  .signed_headers = "host;my-header1;x-amz-date",
	  .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ .name = "post-header-value-case",
	  .method = "POST",
	  .headers = { { "my-header1", "VALUE1" } },
	  .signed_headers = "host;my-header1;x-amz-date",
	  .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
	{ .name = "get-header-value-trim",
	  .method = "GET",
	  .headers = { { "my-header2", " \"a   b   c\" \t" }, { "my-header1", " value1" } },
	  .signed_headers = "host;my-header1;my-header2;x-amz-date",
	  .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ .name = "post-sts-header-before",
	  .method = "POST",
	  .token = SUITE_TOKEN,
	  .signed_headers = "host;x-amz-date;x-amz-security-token",
	  .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
};

static struct aws_credentials credentials_of(const char *id, const char *key, const char *token)
{
	return (struct aws_credentials){ .key_id = mem_strdup(id),
					 .secret_key = secret_new(key, strlen(key)),
					 .session_token =
						 token ? secret_new(token, strlen(token)) : NULL };
}

/* Whether it is signed so; says how it was signed instead. */
static bool is_signed(const char *name, struct aws_credentials credentials,
		      const struct aws_request *r, const char *date, const char *authorization)
{
	struct aws_signature s;
	bool same;

	aws_sigv4_sign(&credentials, r, &s);
	same = strcmp(secret_reveal(s.authorization), authorization) == 0 &&
	       strcmp(s.date, date) == 0;
	if (!same)
		print_error("%s: %s at %s\n", name, secret_reveal(s.authorization), s.date);
	aws_signature_clear(&s);
	aws_credentials_clear(&credentials);
	return same;
}

static void test_suite(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(suite); i++) {
		struct aws_request r = { .method = suite[i].method,
					 .host = SUITE_HOST,
					 .path = suite[i].path ? suite[i].path : "",
					 .query = suite[i].query ? suite[i].query : "",
					 .region = "us-east-1",
					 .service = "service",
					 .now_wall_ms = SUITE_WALL_MS + 999 };
		CLEANUP(mem_freep)
		char *owed = mem_printf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1"
					"/service/aws4_request, SignedHeaders=%s, Signature=%s",
					suite[i].signed_headers, suite[i].signature);

		memcpy(r.headers, suite[i].headers, sizeof(suite[i].headers));
		wrong += !is_signed(suite[i].name,
				    credentials_of("AKIDEXAMPLE",
						   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
						   suite[i].token),
				    &r, "20150830T123600Z", owed);
	}
	assert_int_equal(wrong, 0);
}

static void test_example_of_the_reference(void **state)
{
	const struct aws_request r = {
		.method = "GET",
		.host = "iam.amazonaws.com",
		.path = "/",
		.query = "Action=ListUsers&Version=2010-05-08",
		.headers = { { "content-type",
			       "application/x-www-form-urlencoded; charset=utf-8" } },
		.region = "us-east-1",
		.service = "iam",
		.now_wall_ms = SUITE_WALL_MS,
	};

	(void)state;
	assert_true(is_signed(
		"ListUsers",
		credentials_of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL), &r,
		"20150830T123600Z",
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date, Signature="
		"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"));
}

static void test_caller_identity_for_google(void **state)
{
	const struct aws_request r = {
		.method = "POST",
		.host = "sts.eu-west-1.amazonaws.com",
		.path = "/",
		.query = "Action=GetCallerIdentity&Version=2011-06-15",
		.headers = { { "x-goog-cloud-target-resource",
			       "//iam.googleapis.com/projects/1/locations/global/"
			       "workloadIdentityPools/p/providers/q" } },
		.region = "eu-west-1",
		.service = "sts",
		.now_wall_ms = WALL_START_MS,
	};

	(void)state;
	assert_true(is_signed(
		"GetCallerIdentity", credentials_of("AKID", "SECRET-key", "SECRET-session"), &r,
		"20261124T140000Z",
		"AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-1/sts/aws4_request, "
		"SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource, "
		"Signature=3ba921f4843f18dfd1f2888edba8b4953f0efcef5c5a03899a462d76f6d71100"));
}

/* By name, then by value: "a-b" comes after "a" although '-' comes before '='. */
static void test_order_of_parameters(void **state)
{
	const char *const spellings[] = { "a=1&a=2&a-b=0&b=", "b&a-b=0&a=2&a=1",
					  "&b=&&a=2&a-b=0&a=1&" };
	struct aws_signature first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		struct aws_credentials c = credentials_of("AKID", "SECRET-key", NULL);
		struct aws_request r = { .method = "GET",
					 .host = SUITE_HOST,
					 .path = "/",
					 .query = spellings[i],
					 .region = "us-east-1",
					 .service = "service",
					 .now_wall_ms = SUITE_WALL_MS };
		struct aws_signature s;

		aws_sigv4_sign(&c, &r, &s);
		aws_credentials_clear(&c);
		if (i == 0) {
			first = s;
			continue;
		}
		assert_true(secret_same(s.authorization, first.authorization));
		aws_signature_clear(&s);
	}
	assert_non_null(strstr(secret_reveal(first.authorization),
			       "f2845651004d426fe313567178d2bbfb5d4de39b33ecc3881a2bb21bd63de124"));
	aws_signature_clear(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite),
		cmocka_unit_test(test_example_of_the_reference),
		cmocka_unit_test(test_caller_identity_for_google),
		cmocka_unit_test(test_order_of_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
