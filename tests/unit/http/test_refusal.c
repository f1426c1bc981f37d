/* What the words of a refusal mean: the texts are those of real registries. */
#include "base/fake_world.h"

#include "http/refusal.h"

enum reading { NO_REFUSAL, SILENT, UNAUTHENTICATED, DENIED };

#define GAR_ANONYMOUS                                                                       \
	"denied: Unauthenticated request. Unauthenticated requests do not have permission " \
	"\"artifactregistry.repositories.uploadArtifacts\" on resource "                    \
	"\"projects/P/locations/L/repositories/R\" (or it may not exist)"
#define GAR_DENIED                                                                        \
	"denied: Permission \"artifactregistry.repositories.uploadArtifacts\" denied on " \
	"resource \"projects/P/locations/L/repositories/R\" (or it may not exist)"
#define GAR_DENIED_2026                                                                   \
	"DENIED: Permission 'artifactregistry.repositories.uploadArtifacts' denied on "   \
	"resource '//artifactregistry.googleapis.com/projects/P' (or it may not exist). " \
	"Remediate access with this Troubleshooter URL"
#define ECR_EXPIRED "DENIED: Your Authorization Token has expired. Please run 'aws ecr get-login'"
#define HARBOR                                                                 \
	"UNAUTHORIZED: unauthorized to access repository: a/b, action: push: " \
	"unauthorized to access repository: a/b, action: push"

static const struct {
	int status;
	const char *words;
	enum reading reading;
} readings[] = {
	{ 404, "NAME_UNKNOWN: repository name not known to registry", NO_REFUSAL },
	{ 404, "unauthorized", NO_REFUSAL },
	{ 400, "", NO_REFUSAL },
	{ 400, "MANIFEST_INVALID: manifest invalid", NO_REFUSAL },
	{ 400, "DENIED: permission denied", NO_REFUSAL },
	{ 405, "UNSUPPORTED: the operation is unsupported", NO_REFUSAL },
	{ 500, "unauthenticated", NO_REFUSAL },
	{ 200, "", NO_REFUSAL },
	{ 429, "TOOMANYREQUESTS: access limit", NO_REFUSAL },
	{ 401, "", SILENT },
	{ 403, "", SILENT },
	{ 403, "<html>403</html>", SILENT },
	{ 401, GAR_ANONYMOUS, UNAUTHENTICATED },
	{ 403, GAR_ANONYMOUS, UNAUTHENTICATED },
	{ 403, GAR_DENIED, DENIED },
	{ 403, GAR_DENIED_2026, DENIED },
	{ 401, GAR_DENIED, DENIED },
	{ 401, "UNAUTHORIZED: authentication required", UNAUTHENTICATED },
	{ 401, "UNAUTHORIZED: No valid credential was supplied.", UNAUTHENTICATED },
	{ 403, ECR_EXPIRED, UNAUTHENTICATED },
	{ 400, ECR_EXPIRED, UNAUTHENTICATED },
	{ 400, "Your Authorization Token is invalid.", UNAUTHENTICATED },
	{ 401, "Not Authorized", DENIED },
	{ 401, HARBOR, UNAUTHENTICATED },
	{ 403, "denied: requested access to the resource is denied", DENIED },
	{ 401, "unauthorized: incorrect username or password", UNAUTHENTICATED },
	{ 403, "HTTP Basic: Access denied. bad credentials", UNAUTHENTICATED },
};

static enum reading read_it(int status, const char *words, const char *const *challenges)
{
	struct http_refusal r;

	if (!refusal_read(status, words, challenges, &r))
		return NO_REFUSAL;
	assert_int_equal(r.status, status);
	assert_ptr_equal(r.words, words);
	assert_ptr_equal(r.challenges, challenges);
	assert_false(r.says_denied && r.says_unauthenticated);
	if (r.says_denied)
		return DENIED;
	return r.says_unauthenticated ? UNAUTHENTICATED : SILENT;
}

static void test_readings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		enum reading reading = read_it(readings[i].status, readings[i].words, NULL);

		if (reading != readings[i].reading)
			fail_msg("%d %s: read as %d", readings[i].status, readings[i].words,
				 reading);
	}
}

/* RFC 6750 §3.1: the token is alive, but not good for this. */
static void test_insufficient_scope_is_denied_whatever_the_words(void **state)
{
	static const char *const other[] = { "Basic realm=\"x\"", NULL };
	static const char *const scope[] = { "Basic realm=\"x\"",
					     "Bearer realm=\"x\",error=\"insufficient_scope\"",
					     NULL };

	(void)state;
	assert_int_equal(read_it(401, "UNAUTHORIZED: authentication required", scope), DENIED);
	assert_int_equal(read_it(401, "", scope), DENIED);
	assert_int_equal(read_it(404, "", scope), NO_REFUSAL);
	assert_int_equal(read_it(401, "authentication required", other), UNAUTHENTICATED);
}

/* A literal with its length, so that it may hold a NUL. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
	const char *body;
	size_t len;
	const char *words;
} bodies[] = {
	{ NULL, 0, "" },
	{ TEXT(" \r\n\t"), "" },
	{ TEXT("\0\0\0"), "" },
	{ TEXT("plain text\n"), "plain text" },
	{ TEXT("a\r\n\tb"), "a b" },
	{ TEXT("a\x1b[31mred\x07"), "a [31mred" },
	{ TEXT("a\0b"), "a b" },
	{ TEXT("a\xff\xfe\xc3\xa4z"), "a z" },
	{ TEXT("{\"errors\":"), "{\"errors\":" },
	{ TEXT("<html><head><title>403 Forbidden</title></head><body>no</body></html>"),
	  "403 Forbidden no" },
	{ TEXT("<html><br"), "" },
	{ TEXT("{}"), "{}" },
	{ TEXT("[]"), "[]" },
	{ TEXT("{\"errors\":[]}"), "{\"errors\":[]}" },
	{ TEXT("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"},{\"code\":\"X\"}]}"),
	  "DENIED: no" },
	{ TEXT("{\"errors\":[{\"code\":\"DENIED\"}]}"), "DENIED" },
	{ TEXT("{\"error\":\"invalid_grant\",\"error_description\":\"expired\"}"),
	  "invalid_grant: expired" },
	{ TEXT("{\"details\":\"incorrect username or password\"}"),
	  "incorrect username or password" },
	{ TEXT("{\"message\":\"Not Authorized\"}"), "Not Authorized" },
	{ TEXT("{\"errors\":[{\"code\":7,\"message\":\"a\\u001b\\u0007b\\nc\"}]}"), "a b c" },
	{ TEXT("{\"errors\":[{\"message\":\"\xc3\xa4\"}],\"message\":\"\"}"), NULL },
};

static void test_words_are_one_printable_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const char *body = bodies[i].body ? bodies[i].body : "";
		CLEANUP(mem_freep) char *words = refusal_words(body, bodies[i].len);

		for (const char *c = words; *c; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
		if (bodies[i].words)
			assert_string_equal(words, bodies[i].words);
	}
}

static void test_words_are_short(void **state)
{
	CLEANUP(mem_freep) char *body = mem_alloc(200001);
	CLEANUP(mem_freep) char *words = NULL;
	CLEANUP(mem_freep) char *json = NULL;
	CLEANUP(mem_freep) char *json_words = NULL;

	(void)state;
	memset(body, 'w', 200000);
	words = refusal_words(body, 200000);
	assert_true(strlen(words) > 100 && strlen(words) <= 800);
	body[30000] = '\0';
	json = mem_printf("{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}", body, body);
	json_words = refusal_words(json, strlen(json));
	assert_true(strlen(json_words) > 100 && strlen(json_words) <= 800);
}

/* An identity in angle brackets is no tag: without it the sentence says less than the registry did. */
static void test_json_text_keeps_what_only_looks_like_a_tag(void **state)
{
	static const char body[] = "{\"errors\":[{\"code\":\"DENIED\",\"message\":"
				   "\"user <ci@p.example> lacks permission\"}]}";
	CLEANUP(mem_freep) char *words = refusal_words(body, strlen(body));

	(void)state;
	assert_string_equal(words, "DENIED: user <ci@p.example> lacks permission");
}

static void test_google_s_words_survive_the_way_through_json(void **state)
{
	static const char body[] =
		"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"Unauthenticated request. "
		"Unauthenticated requests do not have permission "
		"\\\"artifactregistry.repositories.uploadArtifacts\\\" on resource "
		"\\\"projects/P/locations/L/repositories/R\\\" (or it may not exist)\"}]}";
	CLEANUP(mem_freep) char *words = refusal_words(body, strlen(body));

	(void)state;
	assert_non_null(strstr(words, "DENIED: Unauthenticated request."));
	assert_int_equal(read_it(403, words, NULL), UNAUTHENTICATED);
}

static const struct {
	const char *words;
	const char *role; /* NULL: nothing is named */
} roles[] = {
	{ "", NULL },
	{ "denied: requested access to the resource is denied", NULL },
	{ "Permission \"artifactregistry.repositories.get\" denied", NULL },
	{ GAR_DENIED, "'roles/artifactregistry.writer'" },
	{ GAR_DENIED_2026, "'roles/artifactregistry.writer'" },
	{ "Permission \"artifactregistry.repositories.downloadArtifacts\" denied",
	  "'roles/artifactregistry.reader'" },
	{ "Permission \"artifactregistry.repositories.createOnPush\" denied",
	  "'roles/artifactregistry.createOnPushWriter'" },
};

static void test_the_role_that_is_lacking_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		struct err err = ERR_INIT;

		err_set(&err, ERR_DENIED, "no");
		refusal_name_role(roles[i].words, &err);
		if (!roles[i].role)
			assert_null(err.hint);
		else
			assert_non_null(strstr(err.hint, roles[i].role));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readings),
		cmocka_unit_test(test_insufficient_scope_is_denied_whatever_the_words),
		cmocka_unit_test(test_words_are_one_printable_line),
		cmocka_unit_test(test_words_are_short),
		cmocka_unit_test(test_json_text_keeps_what_only_looks_like_a_tag),
		cmocka_unit_test(test_google_s_words_survive_the_way_through_json),
		cmocka_unit_test(test_the_role_that_is_lacking_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
