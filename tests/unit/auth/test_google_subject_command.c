/* Subject tokens from a command: what it may write, what it is told, and what an earlier run has left. */
#include "auth/bare_fixture.h"

#include "auth/google_subject.h"

#define JWT "'token_type':'urn:ietf:params:oauth:token-type:jwt'"
#define ID_TOKEN "'token_type':'urn:ietf:params:oauth:token-type:id_token'"
#define SAML "'token_type':'urn:ietf:params:oauth:token-type:saml2'"
#define OK "'version':1,'success':true,"

/* Words of a command line */

static const char *const bad_lines[] = { "",	 "  \t\r\n", "''",   "\"\" a",	"'",
					 "a 'b", "a \"b",    "a \\", "\"a\\\"", "'a\\" };

static void test_bad_lines(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		CLEANUP(strings_clear) struct strings words = { 0 };

		if (google_subject_words(bad_lines[i], &words, &d->fake.err))
			fail_msg("taken: %s", bad_lines[i]);
		assert_no_credential(d, "'command'");
	}
}

static const struct {
	const char *line;
	const char *words[5];
} lines[] = {
	{ "a", { "a" } },
	{ " /bin/x  --a\tb\n", { "/bin/x", "--a", "b" } },
	{ "'/my programs/x' \"a 'b'\" c", { "/my programs/x", "a 'b'", "c" } },
	{ "a '' \"\" b", { "a", "", "", "b" } },
	{ "a'b'\"c\"d\\ e", { "abcd e" } },
	{ "a '\\' \"\\\\\\\"\\n\" \\n", { "a", "\\", "\\\"\\n", "n" } },
	{ "a ; $(b) | `c`", { "a", ";", "$(b)", "|", "`c`" } },
};

static void test_lines(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CLEANUP(strings_clear) struct strings words = { 0 };
		size_t owed = 0;

		while (owed < ARRAY_SIZE(lines[i].words) && lines[i].words[owed])
			owed++;
		assert_true(google_subject_words(lines[i].line, &words, &d->fake.err));
		assert_int_equal(words.count, owed);
		for (size_t k = 0; k < owed; k++)
			assert_string_equal(words.at[k], lines[i].words[k]);
	}
}

/* Answers */

static const struct {
	const char *json;
	const char *words;
} bad_answers[] = {
	{ "", "JSON" },
	{ "SECRET", "JSON" },
	{ "[]", "" },
	{ "{}", "version" },
	{ "{'version':1}", "success" },
	{ "{'version':'1','success':true," JWT ",'id_token':'SECRET'}", "version" },
	{ "{'version':2,'success':true," JWT ",'id_token':'SECRET'}", "version is 2" },
	{ "{'version':0,'success':true," JWT ",'id_token':'SECRET'}", "version is 0" },
	{ "{'version':1,'success':'true'," JWT ",'id_token':'SECRET'}", "success" },
	{ "{'version':1,'success':1," JWT ",'id_token':'SECRET'}", "success" },
	{ "{" OK "'id_token':'SECRET'}", "token_type is ''" },
	{ "{" OK "'token_type':'jwt','id_token':'SECRET'}", "token_type is 'jwt'" },
	{ "{" OK JWT "}", "no id_token" },
	{ "{" OK JWT ",'id_token':''}", "no id_token" },
	{ "{" OK JWT ",'id_token':7}", "id_token" },
	{ "{" OK JWT ",'saml_response':'SECRET'}", "no id_token" },
	{ "{" OK SAML ",'id_token':'SECRET'}", "no saml_response" },
	{ "{" OK JWT ",'id_token':'SECRET','expiration_time':'soon'}", "expiration_time" },
	{ "{" OK JWT ",'id_token':'SECRET','expiration_time':1.5}", "expiration_time" },
	{ "{'version':1,'success':false}", "no subject token" },
	{ "{'version':1,'success':false," JWT ",'id_token':'SECRET'}", "no subject token" },
};

static bool parse(struct desk *d, const char *json, struct secret **ret, int64_t *ret_expires_ms)
{
	CLEANUP(mem_freep) char *text = double_quoted(json);

	return google_subject_answer_parse(text, strlen(text), ret, ret_expires_ms, &d->fake.err);
}

static void test_bad_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		struct secret *token = NULL;
		int64_t expires_ms;

		if (parse(d, bad_answers[i].json, &token, &expires_ms))
			fail_msg("taken: %s", bad_answers[i].json);
		assert_null(token);
		assert_no_credential(d, bad_answers[i].words);
	}
}

static const struct {
	const char *json;
	int64_t expires_ms;
} answers[] = {
	{ "{" OK JWT ",'id_token':'SECRET'}", -1 },
	{ "{" OK ID_TOKEN ",'id_token':'SECRET','expiration_time':1795528801}", 1795528801000 },
	{ "{" OK SAML ",'saml_response':'SECRET','id_token':'x','expiration_time':null}", -1 },
	{ "{" OK JWT ",'id_token':'SECRET','expiration_time':0,'code':7}", 0 },
	{ "{" OK JWT ",'id_token':'SECRET','expiration_time':-5}", 0 },
	{ "{" OK JWT ",'id_token':'SECRET','expiration_time':9223372036854775806}", 0 },
};

static void test_answers(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(secret_freep) struct secret *token = NULL;
		int64_t expires_ms = 77;

		if (!parse(d, answers[i].json, &token, &expires_ms))
			fail_msg("%s: %s", answers[i].json, d->fake.err.message);
		assert_string_equal(secret_reveal(token), "SECRET");
		assert_int_equal(expires_ms, answers[i].expires_ms);
	}
}

static const struct {
	const char *json, *evidence;
} refusals[] = {
	{ "{'version':1,'success':false}", NULL },
	{ "{'version':1,'success':false,'code':'401','message':'who are you'}",
	  "401: who are you" },
	{ "{'version':1,'success':false,'code':401,'message':'who are you'}", "401: who are you" },
	{ "{'version':1,'success':false,'code':'401'}", "401: " },
	{ "{'version':1,'success':false,'message':'who are you'}", "who are you" },
};

static void test_refusals_say_why(void **state)
{
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct secret *token = NULL;
		int64_t expires_ms;

		assert_false(parse(d, refusals[i].json, &token, &expires_ms));
		if (refusals[i].evidence)
			assert_string_equal(d->fake.err.evidence, refusals[i].evidence);
		else
			assert_null(d->fake.err.evidence);
		err_clear(&d->fake.err);
	}
}

/* Running it, for real but on the fake clock */

static struct google_subject_use use = { .audience = "//iam.example/aud", .token_type = "urn:jwt" };

static struct google_subject *open_command(struct desk *d, const char *script, const char *more)
{
	CLEANUP(mem_freep) char *path = fake_dir_write(&d->home, "command", script, 0700);
	CLEANUP(mem_freep)
	char *json =
		mem_printf("{'executable':{'command':'%s one \\\"two three\\\"'%s}}", path, more);
	CLEANUP(js_freep) struct js *j = js_of_single_quoted(json);
	struct google_subject *s = NULL;

	if (!google_subject_new(j, &use, &d->options, &s, &d->fake.err))
		fail_msg("%s", d->fake.err.message);
	return s;
}

static void allow(void)
{
	setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1", 1);
}

static bool get(struct desk *d, struct google_subject *s, struct secret **ret)
{
	*ret = NULL;
	return google_subject_get(s, &d->fake.world, ret, &d->fake.err);
}

static void assert_gives(struct desk *d, struct google_subject *s, const char *owed)
{
	CLEANUP(secret_freep) struct secret *token = NULL;

	if (!get(d, s, &token))
		fail_msg("%s; %s", d->fake.err.message,
			 d->fake.err.evidence ? d->fake.err.evidence : "");
	assert_string_equal(secret_reveal(token), owed);
}

#define SAY_ARGUMENTS                                                                           \
	"#!/bin/sh\n"                                                                           \
	"printf '{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:oauth:token-" \
	"type:jwt\",\"id_token\":\"%s\"}' \"$#/$1/$2/$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE/"        \
	"$GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE/$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE/"             \
	"${GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL-unset}/"                                  \
	"${GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE-unset}\"\n"

static void test_runs_only_where_allowed(void **state)
{
	static const char *const no[] = { NULL, "", "0", "true", "11", " 1" };
	struct desk *d = *state;
	CLEANUP(google_subject_freep)
	struct google_subject *s = open_command(d, "#!/bin/sh\ntouch \"$0.ran\"\n", "");
	CLEANUP(mem_freep) char *ran = fake_dir_path(&d->home, "command.ran");

	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		struct secret *token;

		if (no[i])
			setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", no[i], 1);
		assert_false(get(d, s, &token));
		assert_non_null(strstr(d->fake.err.hint, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_"));
		assert_no_credential(d, "nobody allowed");
		assert_int_not_equal(access(ran, F_OK), 0);
	}
}

static void test_what_it_is_told(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep) struct google_subject *s = open_command(d, SAY_ARGUMENTS, "");

	allow();
	setenv("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", "/somebody/elses", 1);
	setenv("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", "somebody@else", 1);
	assert_gives(d, s, "2/one/two three///iam.example/aud/urn:jwt/0/unset/unset");
}

static void test_what_it_is_told_when_impersonating(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep)
	struct google_subject *s = open_command(d, SAY_ARGUMENTS, ",'output_file':'/no/such'");

	allow();
	use.email = "sa@p.iam.gserviceaccount.com";
	assert_gives(d, s,
		     "2/one/two three///iam.example/aud/urn:jwt/0/sa@p.iam.gserviceaccount.com/"
		     "/no/such");
	use.email = NULL;
}

#define SAY(text) "#!/bin/sh\ncat <<'end'\n" text "\nend\n"
#define TOKEN(token, more)                                                        \
	"{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:oauth:" \
	"token-type:jwt\",\"id_token\":\"" token "\"" more "}"

static const struct {
	const char *script, *words, *evidence;
} failures[] = {
	{ SAY("SECRET"), "the answer of '", NULL },
	{ SAY("{\"version\":1,\"success\":false,\"code\":\"9\",\"message\":\"late\"}"),
	  "says that it has no subject token", "9: late" },
	{ SAY("{\"version\":1,\"success\":false,\"code\":\"9\",\"message\":\"late\"}") "exit 3\n",
	  "failed with exit code 3", "9: late" },
	{ SAY(TOKEN("SECRET", "")) "echo sorry >&2; echo more >&2; exit 4\n",
	  "failed with exit code 4", "sorry" },
	{ "#!/bin/sh\nkill -9 $$\n", "failed with exit code 137", NULL },
	{ "#!/bin/sh\n", "the answer of '", NULL },
	{ SAY(TOKEN("SECRET", ",\"expiration_time\":1795528800")), "has expired", NULL },
	{ "#!/no/such/interpreter\n", "cannot run '", NULL },
};

static void test_failures(void **state)
{
	struct desk *d = *state;

	allow();
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		CLEANUP(google_subject_freep)
		struct google_subject *s = open_command(d, failures[i].script, "");
		struct secret *token;

		assert_false(get(d, s, &token));
		assert_null(token);
		if (failures[i].evidence)
			assert_string_equal(d->fake.err.evidence, failures[i].evidence);
		assert_null(strstr(d->fake.err.message, "two three"));
		assert_no_credential(d, failures[i].words);
	}
}

static void test_takes_longer_than_the_file_allows(void **state)
{
	struct desk *d = *state;
	CLEANUP(google_subject_freep)
	struct google_subject *s = open_command(d, "#!/bin/sh\nexec >&- 2>&-; exec sleep 1000\n",
						",'timeout_millis':7000");
	struct secret *token;

	allow();
	assert_false(get(d, s, &token));
	assert_no_credential(d, "took longer than 7 s");
}

/* What it leaves */

static void write_kept(struct desk *d, const char *token, int64_t expires_s)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:"
				"oauth:token-type:jwt\",\"id_token\":\"%s\","
				"\"expiration_time\":%lld}",
				token, (long long)expires_s);

	free(fake_dir_write(&d->home, "kept", text, 0600));
}

static void test_kept_answer(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, "kept");
	CLEANUP(mem_freep) char *more = mem_printf(",'output_file':'%s'", path);
	CLEANUP(google_subject_freep)
	struct google_subject *s = open_command(d, SAY(TOKEN("SECRET-new", "")), more);
	int64_t now_s = WALL_START_MS / 1000;

	allow();
	assert_gives(d, s, "SECRET-new");
	write_kept(d, "SECRET-kept", now_s + 31);
	assert_gives(d, s, "SECRET-kept");
	fake_advance(&d->fake, 2000);
	assert_gives(d, s, "SECRET-new");
	write_kept(d, "SECRET-kept", now_s - 1);
	assert_gives(d, s, "SECRET-new");
	free(fake_dir_write(&d->home, "kept", TOKEN("SECRET-kept", ""), 0600));
	assert_gives(d, s, "SECRET-new");
	free(fake_dir_write(&d->home, "kept", "", 0600));
	assert_gives(d, s, "SECRET-new");
	free(fake_dir_write(&d->home, "kept", "{\"version\":1,\"succ", 0600));
	assert_gives(d, s, "SECRET-new");
	write_kept(d, "SECRET-kept", now_s + 3600);
	assert_gives(d, s, "SECRET-kept");
}

/* Whoever may not run a command gets nothing of its either. */
static void test_kept_answer_needs_permission_too(void **state)
{
	struct desk *d = *state;
	CLEANUP(mem_freep) char *path = fake_dir_path(&d->home, "kept");
	CLEANUP(mem_freep) char *more = mem_printf(",'output_file':'%s'", path);
	CLEANUP(google_subject_freep) struct google_subject *s = open_command(d, SAY(""), more);
	struct secret *token;

	write_kept(d, "SECRET-kept", WALL_START_MS / 1000 + 3600);
	assert_false(get(d, s, &token));
	assert_no_credential(d, "nobody allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_CASE(test_bad_lines),
		BARE_CASE(test_lines),
		BARE_CASE(test_bad_answers),
		BARE_CASE(test_answers),
		BARE_CASE(test_refusals_say_why),
		BARE_CASE(test_runs_only_where_allowed),
		BARE_CASE(test_what_it_is_told),
		BARE_CASE(test_what_it_is_told_when_impersonating),
		BARE_CASE(test_failures),
		BARE_CASE(test_takes_longer_than_the_file_allows),
		BARE_CASE(test_kept_answer),
		BARE_CASE(test_kept_answer_needs_permission_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
