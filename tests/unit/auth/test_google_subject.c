/* Subject tokens: what a file and a URL may hold, and which places and sources are none. */
#include "auth/bare_fixture.h"

#include "auth/google_subject.h"

static const struct google_subject_use use = { .audience = "//iam.example/aud",
					       .token_type = "urn:jwt" };

static bool open_source(struct desk *d, const char *json, struct google_subject **ret)
{
	CLEANUP(js_freep) struct js *j = js_of_single_quoted(json);

	*ret = NULL;
	err_clear(&d->fake.err);
	return google_subject_new(j, &use, &d->options, ret, &d->fake.err);
}

/* Sources */

static const struct {
	const char *json;
	const char *words;
} bad_sources[] = {
	{ "{}", "names neither file, url" },
	{ "{'headers':{},'format':{}}", "names neither file, url" },
	{ "{'certificate':{}}", "not supported" },
	{ "{'certificate':{'use_default_certificate_config':true},'file':'/x'}", "not supported" },
	{ "{'file':''}", "'file' is not the name" },
	{ "{'file':7}", "'file' is not the name" },
	{ "{'file':'/x','format':{'type':'xml'}}", "not 'xml'" },
	{ "{'file':'/x','format':{'type':7}}", "format" },
	{ "{'file':'/x','format':'json'}", "format" },
	{ "{'file':'/x','format':{'type':'json'}}", "no subject_token_field_name" },
	{ "{'file':'/x','format':{'type':'json','subject_token_field_name':''}}",
	  "no subject_token_field_name" },
	{ "{'file':'/x','format':{'type':'json','subject_token_field_name':7}}",
	  "no subject_token_field_name" },
	{ "{'url':''}", "no http URL" },
	{ "{'url':7}", "no http URL" },
	{ "{'url':'oidc.example'}", "no http URL" },
	{ "{'url':'file:///etc/shadow'}", "no http URL" },
	{ "{'url':'ftp://oidc.example/'}", "no http URL" },
	{ "{'url':'https://'}", "no http URL" },
	{ "{'url':'http://oidc.example/?t=SECRET'}", "neither https nor inside" },
	{ "{'url':'http://10.0.0.1/'}", "neither https nor inside" },
	{ "{'url':'http://127.0.0.1.example/'}", "neither https nor inside" },
	{ "{'url':'https://oidc.example/','headers':[]}", "'headers'" },
	{ "{'url':'https://oidc.example/','headers':{'A':7}}", "'headers'" },
	{ "{'url':'https://oidc.example/','headers':{'':'x'}}", "'headers'" },
	{ "{'url':'https://oidc.example/','headers':{'A:b':'x'}}", "'headers'" },
	{ "{'url':'https://oidc.example/','headers':{'A':'SECRET\\r\\nB: c'}}", "'headers'" },
	{ "{'url':'https://oidc.example/','headers':{'a':'','b':'','c':'','d':'','e':'','f':'',"
	  "'g':'','h':'','i':'','j':'','k':'','l':'','m':'','n':'','o':'','p':'','q':''}}",
	  "'headers'" },
	{ "{'executable':{}}", "no command" },
	{ "{'executable':'x'}", "no command" },
	{ "{'executable':{'command':'  '}}", "no command" },
	{ "{'executable':{'command':'\\'\\''}}", "credential_source" },
	{ "{'executable':{'command':'x','timeout_millis':4999}}", "timeout_millis" },
	{ "{'executable':{'command':'x','timeout_millis':120001}}", "timeout_millis" },
	{ "{'executable':{'command':'x','timeout_millis':'5000'}}", "timeout_millis" },
	{ "{'executable':{'command':'x','timeout_millis':-1}}", "timeout_millis" },
	{ "{'environment_id':'aws2','regional_cred_verification_url':'https://s'}", "'aws2'" },
	{ "{'environment_id':'azure','regional_cred_verification_url':'https://s'}", "'azure'" },
	{ "{'environment_id':7,'regional_cred_verification_url':'https://s'}", "only 'aws1'" },
	{ "{'environment_id':'aws1'}", "regional_cred_verification_url" },
	{ "{'environment_id':'aws1','regional_cred_verification_url':'http://s'}", "no https" },
	{ "{'environment_id':'aws1','regional_cred_verification_url':'https://s',"
	  "'url':'http://meta.example/'}",
	  "neither https nor inside" },
	{ "{'environment_id':'aws1','regional_cred_verification_url':'https://s',"
	  "'region_url':'gopher://x'}",
	  "'region_url' is no http URL" },
	{ "{'environment_id':'aws1','regional_cred_verification_url':'https://s',"
	  "'imdsv2_session_token_url':'http://8.8.8.8/'}",
	  "'imdsv2_session_token_url' is neither" },
};

static void test_bad_sources(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_sources); i++) {
		struct google_subject *s;

		if (open_source(d, bad_sources[i].json, &s))
			fail_msg("taken: %s", bad_sources[i].json);
		assert_null(s);
		assert_no_credential(d, bad_sources[i].words);
	}
}

static void test_no_source(void **state)
{
	struct desk *d = *state;
	struct google_subject *s = NULL;

	assert_false(google_subject_new(NULL, &use, &d->options, &s, &d->fake.err));
	assert_null(s);
	assert_no_credential(d, "names neither");
}

static const char *const good_sources[] = {
	"{'file':'relative/path'}",
	"{'file':'/x','format':{}}",
	"{'file':'/x','format':{'type':'text'}}",
	"{'url':'https://oidc.example:8443/x?y'}",
	"{'url':'HTTPS://oidc.example'}",
	"{'url':'http://localhost:8080/'}",
	"{'url':'http://[::1]/'}",
	"{'url':'http://169.254.169.254/metadata/identity/oauth2/token?resource=x'}",
	"{'executable':{'command':'x','timeout_millis':5000}}",
	"{'executable':{'command':'x','timeout_millis':120000}}",
	"{'environment_id':'aws1','regional_cred_verification_url':'https://s'}",
	"{'environment_id':'aws1','regional_cred_verification_url':'https://s',"
	"'url':'http://[fd00:ec2::254]/latest/meta-data/iam/security-credentials'}",
};

static void test_good_sources(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good_sources); i++) {
		CLEANUP(google_subject_freep) struct google_subject *s = NULL;
		struct desk *d = *state;

		if (!open_source(d, good_sources[i], &s))
			fail_msg("%s: %s", good_sources[i], d->fake.err.message);
	}
}

/* Formats */

#define FIELD "value"

static const struct {
	bool json;
	const char *text;
	size_t len; /* 0: of the text */
	const char *words;
} bad_texts[] = {
	{ false, "", 0, "no subject token in it" },
	{ false, " \r\n\t", 0, "no subject token in it" },
	{ false, "SECRET\0SECRET", 13, "binary" },
	{ true, "", 0, "JSON" },
	{ true, "SECRET", 0, "JSON" },
	{ true, "{'value':'SECRET'", 0, "JSON" },
	{ true, "[]", 0, "no text 'value'" },
	{ true, "{}", 0, "no text 'value'" },
	{ true, "{'value':7}", 0, "no text 'value'" },
	{ true, "{'value':null}", 0, "no text 'value'" },
	{ true, "{'value':{'value':'SECRET'}}", 0, "no text 'value'" },
	{ true, "{'value':''}", 0, "no subject token in it" },
	{ true, "{'value':' \\n'}", 0, "no subject token in it" },
	{ true, "{'value':'SECRET','value':'SECRET'}", 0, "JSON" },
};

static bool parse(struct desk *d, bool json, const char *text, size_t len, struct secret **ret)
{
	const struct google_subject_format format = { .field = json ? (char *)FIELD : NULL };
	CLEANUP(mem_freep) char *bytes = mem_alloc(len + strlen(text) + 1);

	memcpy(bytes, text, len ? len : strlen(text));
	for (size_t i = 0; json && bytes[i]; i++)
		if (bytes[i] == '\'')
			bytes[i] = '"';
	return google_subject_parse(bytes, len ? len : strlen(text), &format, ret, &d->fake.err);
}

static void test_bad_texts(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_texts); i++) {
		struct secret *token = NULL;

		if (parse(d, bad_texts[i].json, bad_texts[i].text, bad_texts[i].len, &token))
			fail_msg("taken: %s", bad_texts[i].text);
		assert_null(token);
		assert_no_credential(d, bad_texts[i].words);
	}
}

static const struct {
	bool json;
	const char *text, *token;
} texts[] = {
	{ false, "a", "a" },
	{ false, " \tSECRET.jwt.x\r\n\n", "SECRET.jwt.x" },
	{ false, "line\nline\n", "line\nline" },
	{ false, "{'value':'x'}", "{'value':'x'}" },
	{ true, " {'other':[1],'value':'SECRET.jwt\\n'}\n", "SECRET.jwt" },
};

static void test_texts(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(secret_freep) struct secret *token = NULL;

		if (!parse(d, texts[i].json, texts[i].text, 0, &token))
			fail_msg("%s: %s", texts[i].text, d->fake.err.message);
		assert_string_equal(secret_reveal(token), texts[i].token);
	}
}

/* Files and URLs */

static void assert_gives(struct desk *d, struct google_subject *s, const char *owed)
{
	CLEANUP(secret_freep) struct secret *token = NULL;

	if (!google_subject_get(s, &d->fake.world, &token, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	assert_string_equal(secret_reveal(token), owed);
}

static void assert_gives_not(struct desk *d, struct google_subject *s, enum err_code code,
			     const char *words)
{
	struct secret *token = NULL;

	assert_false(google_subject_get(s, &d->fake.world, &token, &d->fake.err));
	assert_null(token);
	assert_err(&d->fake.err, code, words);
}

static void test_file_is_read_again_each_time(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = NULL;
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, "subject");
	CLEANUP(mem_freep) char *json = mem_printf("{'file':'%s'}", path);

	assert_true(open_source(d, json, &s));
	assert_gives_not(d, s, ERR_NO_CREDENTIAL, "subject");
	free(fake_dir_write(&d->home, "subject", "SECRET-one\n", 0600));
	assert_gives(d, s, "SECRET-one");
	free(fake_dir_write(&d->home, "subject", "SECRET-two\n", 0600));
	assert_gives(d, s, "SECRET-two");
	assert_gives(d, s, "SECRET-two");
	free(fake_dir_write(&d->home, "subject", "\n", 0600));
	assert_gives_not(d, s, ERR_NO_CREDENTIAL, "no subject token in it");
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_gives_not(d, s, ERR_NO_CREDENTIAL, "subject");
}

static void test_file_too_long(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = NULL;
	CLEANUP(mem_freep) char *text = mem_alloc(GOOGLE_SUBJECT_CEILING + 2);
	CLEANUP(mem_freep) char *path = NULL;
	CLEANUP(mem_freep) char *json = NULL;

	memset(text, 'x', GOOGLE_SUBJECT_CEILING + 1);
	path = fake_dir_write(&d->home, "subject", text, 0600);
	json = mem_printf("{'file':'%s'}", path);
	assert_true(open_source(d, json, &s));
	assert_gives_not(d, s, ERR_NO_CREDENTIAL, "subject");
}

static void test_cancelled(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *file = NULL;
	CLEANUP(google_subject_freep) struct google_subject *url = NULL;

	assert_true(open_source(d, "{'file':'/x'}", &file));
	assert_true(open_source(d, "{'url':'https://oidc.example/'}", &url));
	cancel_fire(d->fake.cancel, 15);
	assert_gives_not(d, file, ERR_CANCELLED, "");
	assert_gives_not(d, url, ERR_CANCELLED, "");
}

#define GITHUB                                                                             \
	"{'url':'https://oidc.example/token?api=2&audience=x','headers':{'Authorization':" \
	"'Bearer SECRET-gh','Accept':'application/json'},'format':{'type':'json',"         \
	"'subject_token_field_name':'value'}}"

static void test_url_with_headers(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = NULL;
	const struct fake_request *r;

	assert_true(open_source(d, GITHUB, &s));
	fake_expect(d->t,
		    (struct fake_answer){ .status = 200, .body = "{\"value\":\"SECRET-1\"}" });
	fake_expect(d->t,
		    (struct fake_answer){ .status = 200, .body = "{\"value\":\"SECRET-2\"}" });
	assert_gives(d, s, "SECRET-1");
	assert_gives(d, s, "SECRET-2");
	r = fake_request_at(d->t, 0);
	assert_string_equal(r->method, "GET");
	assert_string_equal(r->url, "https://oidc.example/token?api=2&audience=x");
	assert_string_equal(r->authorization, "Bearer SECRET-gh");
	assert_string_equal(r->headers, "Accept: application/json\n");
	assert_null(r->body);
	assert_int_equal(d->bare->request_count, 0);
}

/* Azure's has no other address, and a proxy could not reach it. */
static void test_url_inside_this_machine_uses_no_proxy(void **state)
{
	static const char *const urls[] = { "http://169.254.169.254/metadata/identity",
					    "http://127.0.0.1:2375/x", "https://localhost/x" };
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(google_subject_freep) struct google_subject *s = NULL;
		CLEANUP(mem_freep)
		char *json = mem_printf("{'url':'%s','headers':{'Metadata':'True'}}", urls[i]);

		assert_true(open_source(d, json, &s));
		fake_expect(d->bare, (struct fake_answer){ .status = 200, .body = "SECRET\n" });
		assert_gives(d, s, "SECRET");
		assert_string_equal(fake_request_at(d->bare, i)->headers, "Metadata: True\n");
	}
	assert_int_equal(d->t->request_count, 0);
}

static const struct {
	int status;
	const char *body;
	enum err_code code;
	const char *words;
} bad_answers[] = {
	{ 200, "", ERR_NO_CREDENTIAL, "JSON" },
	{ 200, "SECRET", ERR_NO_CREDENTIAL, "JSON" },
	{ 200, "{\"value\":[]}", ERR_NO_CREDENTIAL, "no text 'value'" },
	{ 204, "", ERR_NO_CREDENTIAL, "" },
	{ 302, "", ERR_NO_CREDENTIAL, "302" },
	{ 400, "bad", ERR_NO_CREDENTIAL, "400" },
	{ 401, "who", ERR_NO_CREDENTIAL, "401" },
	{ 403, "no", ERR_NO_CREDENTIAL, "403" },
	{ 404, "", ERR_NO_CREDENTIAL, "404" },
};

static void test_bad_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		CLEANUP(google_subject_freep) struct google_subject *s = NULL;

		assert_true(open_source(d, GITHUB, &s));
		fake_expect(d->t, (struct fake_answer){
					  .status = bad_answers[i].status,
					  .body = bad_answers[i].body,
					  .headers = { { "Location", "https://evil.example/" } } });
		assert_gives_not(d, s, bad_answers[i].code, bad_answers[i].words);
	}
	assert_int_equal(fake_requests_to(d->t, NULL, "evil"), 0);
}

static void test_passing_faults_are_tried_again(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = NULL;

	assert_true(open_source(d, GITHUB, &s));
	fake_expect(d->t, (struct fake_answer){ .failure = HTTP_FAILED_BEFORE_SENDING });
	fake_expect(d->t, (struct fake_answer){ .status = 503 });
	fake_expect(d->t, (struct fake_answer){ .status = 500 });
	fake_expect(d->t,
		    (struct fake_answer){ .status = 200, .body = "{\"value\":\"SECRET-1\"}" });
	assert_gives(d, s, "SECRET-1");
}

static void test_answer_too_long(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = NULL;

	assert_true(open_source(d, "{'url':'https://oidc.example/'}", &s));
	fake_expect(d->t, (struct fake_answer){ .status = 200,
						.endless_bytes = GOOGLE_SUBJECT_CEILING + 1 });
	assert_gives_not(d, s, ERR_NO_CREDENTIAL, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_CASE(test_bad_sources),
		BARE_CASE(test_no_source),
		BARE_CASE(test_good_sources),
		BARE_CASE(test_bad_texts),
		BARE_CASE(test_texts),
		BARE_CASE(test_file_is_read_again_each_time),
		BARE_CASE(test_file_too_long),
		BARE_CASE(test_cancelled),
		BARE_CASE(test_url_with_headers),
		BARE_CASE(test_url_inside_this_machine_uses_no_proxy),
		BARE_CASE(test_bad_answers),
		BARE_CASE(test_passing_faults_are_tried_again),
		BARE_CASE(test_answer_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
