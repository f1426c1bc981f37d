/* Where a Location leads, what counts as the same place, and which places are inside. */
#include "base/fake_world.h"

#include "http/url.h"

#define BASE "https://r.example/v2/a/b/blobs/uploads/"

static const char *const unresolvable[] = {
	"ftp://r.example/x",	    "file:///etc/passwd", "javascript:alert(1)",
	"gopher://r.example/",	    "data:text/plain,x",  "http://",
	"https://r.example:99999/", "https://[::1/",	  "http://a b/",
	"https://r.example:x/",
};

static void test_what_is_no_http_url_is_not_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unresolvable); i++) {
		struct err err = ERR_INIT;
		char *url = NULL;

		if (url_resolve(BASE, unresolvable[i], &url, &err))
			fail_msg("'%s' was taken for '%s'", unresolvable[i], url);
		assert_err(&err, ERR_NET, "is no URL that can be followed");
	}
}

static const struct {
	const char *base, *target, *url;
} resolved[] = {
	{ BASE, "https://other.example/x?y=z", "https://other.example/x?y=z" },
	{ BASE, "http://r.example/x", "http://r.example/x" },
	{ BASE, "HTTPS://r.example/x", "https://r.example/x" },
	{ BASE, "//other.example/x", "https://other.example/x" },
	{ BASE, "/artifacts-uploads/n/u?s=1", "https://r.example/artifacts-uploads/n/u?s=1" },
	{ BASE, "uuid", BASE "uuid" },
	{ BASE "uuid?_state=1", "?_state=2", BASE "uuid?_state=2" },
	{ BASE "uuid?_state=1", "other?_state=2", BASE "other?_state=2" },
	{ BASE "uuid?_state=1", "/x", "https://r.example/x" },
	{ "https://r.example:5000/a", "/x", "https://r.example:5000/x" },
	{ "http://[::1]:5000/a", "/x", "http://[::1]:5000/x" },
	{ BASE, "/x?digest=sha256%3Aabc%2F", "https://r.example/x?digest=sha256%3Aabc%2F" },
	{ BASE, "/x%2Fy", "https://r.example/x%2Fy" },
};

static void test_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(resolved); i++) {
		struct err err = ERR_INIT;
		char *url = NULL;

		if (!url_resolve(resolved[i].base, resolved[i].target, &url, &err))
			fail_msg("'%s': %s", resolved[i].target, err.message);
		assert_string_equal(url, resolved[i].url);
		free(url);
	}
}

static const struct {
	const char *a, *b;
	bool same;
} origins[] = {
	{ "https://r.example/", "http://r.example/", false },
	{ "https://r.example/", "https://r.example:444/", false },
	{ "https://r.example/", "https://r.example.evil.test/", false },
	{ "https://r.example/", "https://r.example@evil.test/", false },
	{ "https://r.example/", "https://evil.test/r.example", false },
	{ "https://r.example/", "https://evil.test#r.example", false },
	{ "https://r.example/", "https://sub.r.example/", false },
	{ "https://r.example:443/", "http://r.example:443/", false },
	{ "http://127.0.0.1:5000/", "http://localhost:5000/", false },
	{ "https://r.example/", "", false },
	{ "", "", false },
	{ "x", "x", false },
	{ "https://r.example", "https://r.example/v2/x?y#z", true },
	{ "https://r.example/", "https://r.example:443/", true },
	{ "http://r.example:80/", "http://r.example/", true },
	{ "https://R.Example/", "HTTPS://r.eXAMPLE/", true },
	{ "https://user:pw@r.example/", "https://r.example/", true },
	{ "http://[::1]:5000/", "http://[::1]:5000/x", true },
};

static void test_same_origin(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++)
		if (url_same_origin(origins[i].a, origins[i].b) != origins[i].same ||
		    url_same_origin(origins[i].b, origins[i].a) != origins[i].same)
			fail_msg("'%s' and '%s'", origins[i].a, origins[i].b);
}

static const struct {
	const char *url, *key, *value, *longer;
} queries[] = {
	{ "https://r.example/x", "digest", "sha256:ab", "https://r.example/x?digest=sha256%3aab" },
	{ "https://r.example/x?a=b", "c", "d", "https://r.example/x?a=b&c=d" },
	{ "https://r.example/x?", "c", "d", "https://r.example/x?c=d" },
	{ "https://r.example/x?a=%2F&b=%20", "c", "d", "https://r.example/x?a=%2F&b=%20&c=d" },
	{ "https://r.example", "c", "d", "https://r.example/?c=d" },
	{ "https://r.example/x", "c", "&d=e#f", "https://r.example/x?c=%26d%3de%23f" },
	{ "https://r.example/x", "c", "a+b/c%", "https://r.example/x?c=a%2bb%2fc%25" },
	{ "https://r.example/x", "c", "", "https://r.example/x?c=" },
	{ "https://r.example/x", "c", "\xc3\xa4", "https://r.example/x?c=%c3%a4" },
};

/* Percent signs may be followed by digits of either case. */
static void test_add_query(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		struct err err = ERR_INIT;
		char *url = NULL;

		assert_true(url_add_query(queries[i].url, queries[i].key, queries[i].value, &url,
					  &err));
		if (strcasecmp(url, queries[i].longer) != 0)
			fail_msg("'%s' instead of '%s'", url, queries[i].longer);
		free(url);
	}
}

static void test_add_query_to_no_url(void **state)
{
	struct err err = ERR_INIT;
	char *url = NULL;

	(void)state;
	assert_false(url_add_query("http://a b/", "c", "d", &url, &err));
	assert_err(&err, ERR_NET, "is no URL that can be used");
}

static const struct {
	const char *base, *url, *kept;
} https[] = {
	{ "https://r.example/", "http://other.example/x", "http://other.example/x" },
	{ "https://r.example/", "http://r.example:5000/x", "http://r.example:5000/x" },
	{ "https://r.example:5000/", "http://r.example/x", "http://r.example/x" },
	{ "http://r.example/", "http://r.example/x", "http://r.example/x" },
	{ "https://r.example/", "https://r.example/x", "https://r.example/x" },
	{ "https://r.example/", "", "" },
	{ "https://r.example/", "http://r.example/x?a=b", "https://r.example/x?a=b" },
	{ "https://r.example/", "HTTP://R.example/x", "https://R.example/x" },
	{ "https://r.example:5000/", "http://r.example:5000/x", "https://r.example:5000/x" },
};

static void test_keep_https(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(https); i++) {
		CLEANUP(mem_freep) char *kept = url_keep_https(https[i].base, https[i].url);

		assert_string_equal(kept, https[i].kept);
	}
}

/* A proxy that ends TLS on 443 and passes on to 80: a Location may name either port. */
static void test_keep_https_drops_the_port_of_plain_http(void **state)
{
	CLEANUP(mem_freep)
	char *kept = url_keep_https("https://r.example/", "http://r.example:80/x");

	(void)state;
	assert_true(url_same_origin(kept, "https://r.example/"));
}

static const struct {
	const char *url, *authority;
} authorities[] = {
	{ "", NULL },
	{ "http://a b/", NULL },
	{ "https://r.example/x", "r.example" },
	{ "https://r.example:443/x", "r.example" },
	{ "http://r.example:443/x", "r.example:443" },
	{ "https://r.example:5000", "r.example:5000" },
	{ "https://user:pw@r.example:5000/", "r.example:5000" },
	{ "http://[::1]/", "[::1]" },
	{ "http://[::1]:5000/x", "[::1]:5000" },
	{ "http://127.0.0.1:80/x", "127.0.0.1" },
};

static void test_authority(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(authorities); i++) {
		CLEANUP(mem_freep) char *authority = url_authority(authorities[i].url);

		if (authorities[i].authority)
			assert_string_equal(authority, authorities[i].authority);
		else
			assert_null(authority);
	}
}

static const struct {
	const char *url, *shown;
} shown[] = {
	{ "http://a b/SECRET", "(no URL)" },
	{ "https://r.example/x?sig=SECRET", "https://r.example/x" },
	{ "https://r.example/x?", "https://r.example/x" },
	{ "https://r.example/x#SECRET", "https://r.example/x" },
	{ "https://user:SECRET@r.example/x", "https://r.example/x" },
	{ "https://SECRET@r.example/x", "https://r.example/x" },
	{ "https://u:SECRET@r.example:5000/x?a=SECRET#SECRET", "https://r.example:5000/x" },
	{ "https://r.example/x", "https://r.example/x" },
};

static void test_shown_has_no_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		CLEANUP(mem_freep) char *text = url_shown(shown[i].url);

		assert_string_equal(text, shown[i].shown);
		assert_no_secret(text);
	}
}

static const struct {
	const char *text;
	enum host_kind kind;
} hosts[] = {
	{ "169.254.169.254", HOST_LINK_LOCAL },
	{ "169.254.169.254:80", HOST_LINK_LOCAL },
	{ "http://169.254.169.254/latest/", HOST_LINK_LOCAL },
	{ "https://r.example@169.254.169.254/", HOST_LINK_LOCAL },
	{ "http://169.254.169.254./", HOST_LINK_LOCAL },
	{ "169.254.0.0", HOST_LINK_LOCAL },
	{ "169.254.255.255", HOST_LINK_LOCAL },
	{ "http://2852039166/", HOST_LINK_LOCAL },
	{ "http://0xa9fea9fe/", HOST_LINK_LOCAL },
	{ "http://0xA9.0xFE.0xA9.0xFE/", HOST_LINK_LOCAL },
	{ "http://0251.0376.0251.0376/", HOST_LINK_LOCAL },
	{ "http://169.254.43518/", HOST_LINK_LOCAL },
	{ "0.0.0.0", HOST_LINK_LOCAL },
	{ "http://0/", HOST_LINK_LOCAL },
	{ "0.1.2.3", HOST_LINK_LOCAL },
	{ "[fe80::1]", HOST_LINK_LOCAL },
	{ "http://[fe80::1%25eth0]/", HOST_LINK_LOCAL },
	{ "[febf::1]:5000", HOST_LINK_LOCAL },
	{ "[::]", HOST_LINK_LOCAL },
	{ "http://[::ffff:169.254.169.254]/", HOST_LINK_LOCAL },
	{ "http://[::ffff:a9fe:a9fe]:80/", HOST_LINK_LOCAL },
	{ "http://[0:0:0:0:0:ffff:169.254.169.254]/", HOST_LINK_LOCAL },
	{ "http://[fd00:ec2::254]/latest/", HOST_LINK_LOCAL },
	{ "[fd00:ec2::253]", HOST_ELSEWHERE },
	{ "metadata.google.internal", HOST_LINK_LOCAL },
	{ "http://METADATA.google.internal./computeMetadata/v1/", HOST_LINK_LOCAL },
	{ "metadata:80", HOST_LINK_LOCAL },
	{ "localhost", HOST_LOOPBACK },
	{ "LOCALHOST:5000", HOST_LOOPBACK },
	{ "localhost.", HOST_LOOPBACK },
	{ "a.localhost", HOST_LOOPBACK },
	{ "http://a.b.LocalHost.:5000/", HOST_LOOPBACK },
	{ "127.0.0.1", HOST_LOOPBACK },
	{ "127.255.255.254:1", HOST_LOOPBACK },
	{ "http://127.1/", HOST_LOOPBACK },
	{ "http://0177.0.0.1/", HOST_LOOPBACK },
	{ "http://0x7f000001/", HOST_LOOPBACK },
	{ "http://2130706433/", HOST_LOOPBACK },
	{ "http://user:pw@127.0.0.1/", HOST_LOOPBACK },
	{ "[::1]", HOST_LOOPBACK },
	{ "[::1]:5000", HOST_LOOPBACK },
	{ "http://[0:0:0:0:0:0:0:1]/", HOST_LOOPBACK },
	{ "http://[::ffff:127.0.0.1]/", HOST_LOOPBACK },
	{ "http://[::ffff:7f00:1]/", HOST_LOOPBACK },
	{ "r.example", HOST_ELSEWHERE },
	{ "r.example:5000", HOST_ELSEWHERE },
	{ "localhost.example", HOST_ELSEWHERE },
	{ "notlocalhost", HOST_ELSEWHERE },
	{ "metadata.example", HOST_ELSEWHERE },
	{ "10.0.0.1", HOST_ELSEWHERE },
	{ "128.0.0.1", HOST_ELSEWHERE },
	{ "169.253.1.1", HOST_ELSEWHERE },
	{ "[fec0::1]", HOST_ELSEWHERE },
	{ "[2001:db8::1]:443", HOST_ELSEWHERE },
	{ "[::ffff:8.8.8.8]", HOST_ELSEWHERE },
	{ "https://r.example/127.0.0.1", HOST_ELSEWHERE },
	{ "https://r.example/?u=http://127.0.0.1/", HOST_ELSEWHERE },
};

static void test_host_kinds(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		enum host_kind kind = host_kind_of(hosts[i].text);

		if (kind != hosts[i].kind) {
			print_error("'%s' is said to be %d\n", hosts[i].text, kind);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void test_path_and_query(void **state)
{
	static const struct {
		const char *url, *path, *query;
	} urls[] = {
		{ "", NULL, NULL },
		{ "http://[", NULL, NULL },
		{ "https://sts.example", "/", "" },
		{ "https://sts.example?Action=x&b", "/", "Action=x&b" },
		{ "https://u:p@sts.example:8/a%20b/../c/?#frag", "/a%20b/../c/", "" },
		{ "https://sts.example/a?b=%2F&c=d?e#f", "/a", "b=%2F&c=d?e" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(mem_freep) char *path = url_path(urls[i].url);
		CLEANUP(mem_freep) char *query = url_query(urls[i].url);

		if (!urls[i].path) {
			assert_null(path);
			assert_null(query);
			continue;
		}
		assert_string_equal(path, urls[i].path);
		assert_string_equal(query, urls[i].query);
	}
}

static void test_encode(void **state)
{
	CLEANUP(mem_freep) char *nothing = url_encode("");
	CLEANUP(mem_freep) char *encoded = url_encode("a-._~ 1+/=&%\xe1\n\"");
	CLEANUP(mem_freep) char *decoded = url_decode(encoded);
	CLEANUP(mem_freep) char *odd = url_decode("%zz%4+%");
	CLEANUP(mem_freep) char *empty = url_decode("");

	(void)state;
	assert_string_equal(nothing, "");
	assert_string_equal(encoded, "a-._~%201%2B%2F%3D%26%25%E1%0A%22");
	assert_string_equal(decoded, "a-._~ 1+/=&%\xe1\n\"");
	assert_string_equal(odd, "%zz%4+%");
	assert_string_equal(empty, "");
}

/* As a connection reports whom it reached: an IPv6 address without brackets. */
static void test_host_kinds_of_bare_addresses(void **state)
{
	(void)state;
	assert_int_equal(host_kind_of("2001:db8::1"), HOST_ELSEWHERE);
	assert_int_equal(host_kind_of("::1"), HOST_LOOPBACK);
	assert_int_equal(host_kind_of("fe80::1"), HOST_LINK_LOCAL);
	assert_int_equal(host_kind_of("fe80::1%eth0"), HOST_LINK_LOCAL);
	assert_int_equal(host_kind_of("::ffff:169.254.169.254"), HOST_LINK_LOCAL);
	assert_int_equal(host_kind_of("::"), HOST_LINK_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_no_http_url_is_not_followed),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_same_origin),
		cmocka_unit_test(test_add_query),
		cmocka_unit_test(test_add_query_to_no_url),
		cmocka_unit_test(test_keep_https),
		cmocka_unit_test(test_keep_https_drops_the_port_of_plain_http),
		cmocka_unit_test(test_authority),
		cmocka_unit_test(test_shown_has_no_secrets),
		cmocka_unit_test(test_path_and_query),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_host_kinds),
		cmocka_unit_test(test_host_kinds_of_bare_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
