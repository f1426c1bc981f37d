#include "image/fixture.h"

#include "image/reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text;
	const char *words; /* in the message */
} bad[] = {
	{ "", "empty" },
	{ "/", "'/' is not a valid repository" },
	{ "/app", "not a valid" },
	{ "app/", "'app/' is not a valid repository" },
	{ "a//b", "'a//b' is not a valid repository" },
	{ ":1", "repository is missing" },
	{ "@sha256:" HEX64, "repository is missing" },
	{ "app:", "tag is empty" },
	{ "app:-1", "'-1' is not a valid tag" },
	{ "app:.1", "'.1' is not a valid tag" },
	{ "app:a b", "'a b' is not a valid tag" },
	{ "app:1:2", "'1:2' is not a valid tag" },
	{ "app:1\n", "not a valid tag" },
	{ "app:" A50 A50 A50, "tag is longer than 128" },
	{ "MyOrg/app", "repository 'MyOrg/app' must be lower case" },
	{ "App", "repository 'App' must be lower case" },
	{ "gcr.io/My/App:1", "repository 'My/App' must be lower case" },
	{ "gcr.io/a..b", "'a..b' is not a valid repository" },
	{ "gcr.io/a___b", "'a___b' is not a valid repository" },
	{ "gcr.io/-a", "'-a' is not a valid repository" },
	{ "gcr.io/a-", "'a-' is not a valid repository" },
	{ "gcr.io/a/../b", "'a/../b' is not a valid repository" },
	{ "gcr.io/a%2fb", "not a valid repository" },
	{ "gcr.io/a b", "not a valid repository" },
	{ "gcr.io/\xc3\xa4", "not a valid repository" },
	{ "gcr.io/", "repository is missing" },
	{ "gcr.io/" A50 A50 A50 A50 A50 A50, "repository is longer than 255" },
	{ A50 A50 A50 A50 A50, "repository is longer than 255" }, /* with library/ */
	{ "app@", "'' is not a sha256" },
	{ "app@sha256:", "is not a sha256" },
	{ "app@sha256:" HEX64 "0", "is not a sha256" },
	{ "app@sha256:../../etc/passwd", "is not a valid host" },
	{ "gcr.io/app@sha256:../../etc/passwd", "is not a sha256" },
	{ "app@md5:0123", "is not a sha256" },
	{ "app@sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
	  "not a sha256" },
	{ "app@sha256:" HEX64 "@sha256:" HEX64, "is not a sha256" },
	{ HEX64, "is the ID of an image" },
	{ "https://gcr.io/app", "leave out 'https://'" },
	{ "docker://gcr.io/app", "leave out 'docker://'" },
	{ "host:/app", "'host:' is not a valid host" },
	{ "host:0/app", "'host:0' is not a valid host" },
	{ "host:65536/app", "'host:65536' is not a valid host" },
	{ "host:123456789012345678901/app", "is not a valid host" },
	{ "host:x/app", "is not a valid host" },
	{ "host:1:2/app", "is not a valid host" },
	{ ".com/app", "is not a valid host" },
	{ "a..com/app", "is not a valid host" },
	{ "gcr.io./app", "is not a valid host" },
	{ "-a.com/app", "is not a valid host" },
	{ "a-.com/app", "is not a valid host" },
	{ "my_host:5000/app", "is not a valid host" },
	{ "user@host.com/app", "is not a valid host" },
	{ "[::1/app", "is not a valid host" },
	{ "[]/app", "is not a valid host" },
	{ "[::1]x/app", "is not a valid host" },
	{ "[::1]:/app", "is not a valid host" },
	{ "[::1]:99999/app", "is not a valid host" },
	{ "[12.0.0.1]/app", "is not a valid host" },
	{ "[::1%eth0]/app", "is not a valid host" },
	{ A50 A50 A50 A50 A50 A50 ".com/app", "host is longer than 255" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct reference r;
		struct err err = ERR_INIT;

		if (reference_parse(bad[i].text, &r, &err))
			fail_msg("'%s' was taken", bad[i].text);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.message, bad[i].words))
			fail_msg("'%s': '%s' says nothing of '%s'", bad[i].text, err.message,
				 bad[i].words);
		reference_clear(&r);
		err_clear(&err);
	}
}

static const struct {
	const char *text, *host, *repository, *tag, *again;
} good[] = {
	{ "alpine", "docker.io", "library/alpine", "latest", "docker.io/library/alpine:latest" },
	{ "alpine:3.20", "docker.io", "library/alpine", "3.20", "docker.io/library/alpine:3.20" },
	{ "me/app", "docker.io", "me/app", "latest", "docker.io/me/app:latest" },
	{ "docker.io/alpine", "docker.io", "library/alpine", "latest",
	  "docker.io/library/alpine:latest" },
	{ "index.docker.io/me/app", "docker.io", "me/app", "latest", "docker.io/me/app:latest" },
	{ "index.docker.io/app", "docker.io", "library/app", "latest",
	  "docker.io/library/app:latest" },
	{ "localhost:5000", "docker.io", "library/localhost", "5000",
	  "docker.io/library/localhost:5000" },
	{ "localhost/app", "localhost", "app", "latest", "localhost/app:latest" },
	{ "localhost:5000/app:1", "localhost:5000", "app", "1", "localhost:5000/app:1" },
	{ "host:5000/app", "host:5000", "app", "latest", "host:5000/app:latest" },
	{ "GCR.io/p/app:V1", "gcr.io", "p/app", "V1", "gcr.io/p/app:V1" },
	{ "[::1]:5000/app:1", "[::1]:5000", "app", "1", "[::1]:5000/app:1" },
	{ "[FE80::1]/a/b", "[fe80::1]", "a/b", "latest", "[fe80::1]/a/b:latest" },
	{ "127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest", "127.0.0.1:5000/a:latest" },
	{ "europe-docker.pkg.dev/p-1/r/a_b__c.d---e:x", "europe-docker.pkg.dev",
	  "p-1/r/a_b__c.d---e", "x", "europe-docker.pkg.dev/p-1/r/a_b__c.d---e:x" },
	{ "app@sha256:" HEX64, "docker.io", "library/app", NULL,
	  "docker.io/library/app@sha256:" HEX64 },
	{ "gcr.io/a:t@sha256:" HEX64, "gcr.io", "a", "t", "gcr.io/a:t@sha256:" HEX64 },
	{ "gcr.io/a@sha512:" HEX64 HEX64, "gcr.io", "a", NULL, "gcr.io/a@sha512:" HEX64 HEX64 },
	{ "gcr.io/" HEX64, "gcr.io", HEX64, "latest", "gcr.io/" HEX64 ":latest" },
	{ "gcr.io/" A50 A50 A50 A50 A50, "gcr.io", A50 A50 A50 A50 A50, "latest",
	  "gcr.io/" A50 A50 A50 A50 A50 ":latest" },
	{ "app:_" A50 A50, "docker.io", "library/app", "_" A50 A50,
	  "docker.io/library/app:_" A50 A50 },
};

static void assert_parsed(const struct reference *r, size_t i)
{
	CLEANUP(mem_freep) char *again = reference_text(r);

	assert_string_equal(r->host, good[i].host);
	assert_string_equal(r->repository, good[i].repository);
	if (good[i].tag)
		assert_string_equal(r->tag, good[i].tag);
	else
		assert_null(r->tag);
	assert_string_equal(again, good[i].again);
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct reference r, second;
		struct err err = ERR_INIT;

		if (!reference_parse(good[i].text, &r, &err))
			fail_msg("'%s': %s", good[i].text, err.message);
		assert_parsed(&r, i);
		assert_true(reference_parse(good[i].again, &second, &err));
		assert_parsed(&second, i);
		reference_clear(&r);
		reference_clear(&second);
	}
}

static void test_hint_writes_it_in_lower_case(void **state)
{
	struct reference r;
	struct err err = ERR_INIT;

	(void)state;
	assert_false(reference_parse("gcr.io/My/App:V1", &r, &err));
	assert_string_equal(err.hint, "write 'my/app'");
	reference_clear(&r);
	err_clear(&err);
}

static void test_names(void **state)
{
	struct reference r;
	struct err err = ERR_INIT;
	struct digest d = digest_of("", 0);
	char *name, *full;

	(void)state;
	assert_true(reference_parse("GCR.io/p/a:1@sha256:" HEX64, &r, &err));
	name = reference_name(&r);
	full = reference_with_digest(&r, &d);
	assert_string_equal(name, "gcr.io/p/a");
	assert_string_equal(full,
			    "gcr.io/p/a@sha256:"
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	free(name);
	free(full);
	reference_clear(&r);
}

static void test_parts(void **state)
{
	(void)state;
	assert_true(reference_tag_is_valid("v1.0_x-Y"));
	assert_false(reference_tag_is_valid(""));
	assert_false(reference_tag_is_valid("a/b"));
	assert_true(reference_repository_is_valid("a/b-c"));
	assert_false(reference_repository_is_valid(""));
	assert_false(reference_repository_is_valid("/a"));
	assert_false(reference_repository_is_valid("A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_hint_writes_it_in_lower_case),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
