/* WWW-Authenticate in all the shapes in which registries and proxies write it (RFC 9110 §11.6.1). */
#include "base/fake_world.h"

#include "http/challenge.h"

/* One line per case: each challenge as scheme{name=value|name=value}, in order. */
static char *text_of(const struct challenges *list)
{
	struct buf text = BUF_INIT(64 * KIB);

	for (size_t i = 0; i < list->count; i++) {
		buf_printf(&text, "%s{", list->at[i].scheme);
		for (size_t k = 0; k < list->at[i].param_count; k++)
			buf_printf(&text, "%s%s=%s", k ? "|" : "", list->at[i].params[k].name,
				   list->at[i].params[k].value);
		buf_puts(&text, "}");
	}
	return buf_take(&text);
}

static const struct {
	const char *value, *read;
} cases[] = {
	{ "", "" },
	{ " ", "" },
	{ ",,, ,", "" },
	{ "=", "" },
	{ "\"\"", "" },
	{ "\"Bearer\" realm=\"x\"", "" },
	{ "Bearer=x", "" },
	{ "realm=\"x\"", "" },
	{ "B\xc3\xa4rer realm=\"x\"", "" },
	{ "Bearer realm=\"never closed", "bearer{}" },
	{ "Bearer realm=\"ends in an escape\\", "bearer{}" },
	{ "Bearer service=\"s\",realm=\"never closed", "bearer{service=s}" },
	{ "Basic realm=\"x\", Bearer realm=\"never closed, Digest realm=\"y\"",
	  "basic{realm=x}bearer{realm=never closed, Digest realm=}" },
	{ "Basic realm=\"a\" ; Bearer realm=\"b\"", "basic{realm=a}" },

	/* what registries say */
	{ "Bearer realm=\"https://us-docker.pkg.dev/v2/token\",service=\"us-docker.pkg.dev\","
	  "scope=\"repository:P/R/IMG:pull\"",
	  "bearer{realm=https://us-docker.pkg.dev/v2/token|service=us-docker.pkg.dev|"
	  "scope=repository:P/R/IMG:pull}" },
	{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	  "scope=\"repository:a/b:pull,push\",error=\"insufficient_scope\"",
	  "bearer{realm=https://auth.docker.io/token|service=registry.docker.io|"
	  "scope=repository:a/b:pull,push|error=insufficient_scope}" },
	{ "Basic realm=\"https://1.dkr.ecr.eu-central-1.amazonaws.com/\",service=\"ecr.amazonaws.com\"",
	  "basic{realm=https://1.dkr.ecr.eu-central-1.amazonaws.com/|service=ecr.amazonaws.com}" },
	{ "Bearer realm=\"https://x/token?service=a&scope=b,c\",service=\"\"",
	  "bearer{realm=https://x/token?service=a&scope=b,c|service=}" },
	{ "BASIC realm=\"Registry Realm\"", "basic{realm=Registry Realm}" },
	{ "bEARER Realm=\"X\",SERVICE=\"Y\"", "bearer{realm=X|service=Y}" },

	/* any order, any space, none */
	{ "Bearer service=\"s\",realm=\"r\"", "bearer{service=s|realm=r}" },
	{ "Bearer realm = \"r\" , service\t=\t\"s\"", "bearer{realm=r|service=s}" },
	{ "  Bearer   realm=\"r\"  ", "bearer{realm=r}" },
	{ "Bearer realm=\"r\",,,service=\"s\",", "bearer{realm=r|service=s}" },
	{ "Bearer realm=\"r\" service=\"s\"", "bearer{realm=r|service=s}" },
	{ "Bearer realm=https://x/token,service=s", "bearer{realm=https://x/token|service=s}" },
	{ "Bearer realm=r", "bearer{realm=r}" },

	/* quoted strings */
	{ "Bearer realm=\"a\\\"b\\\\c\",service=\"s\"", "bearer{realm=a\"b\\c|service=s}" },
	{ "Bearer realm=\"a, Basic realm=b\"", "bearer{realm=a, Basic realm=b}" },
	{ "Bearer realm=\"\"", "bearer{realm=}" },
	{ "Bearer realm=\"\xc3\xa4\"", "bearer{realm=\xc3\xa4}" },

	/* the first of two counts */
	{ "Bearer realm=\"first\",realm=\"second\",REALM=\"third\"", "bearer{realm=first}" },

	/* several in one header: the examples of RFC 9110 and RFC 7235 */
	{ "Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
	  "basic{realm=simple}newauth{realm=apps|type=1|title=Login to \"apps\"}" },
	{ "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
	  "newauth{realm=apps|type=1|title=Login to \"apps\"}basic{realm=simple}" },
	{ "Basic, Bearer realm=\"r\"", "basic{}bearer{realm=r}" },
	{ "Negotiate, Bearer realm=\"r\"", "negotiate{}bearer{realm=r}" },
	{ "Bearer realm=\"r\", Negotiate", "bearer{realm=r}negotiate{}" },
	{ "Bearer realm=\"r\",Basic realm=\"b\"", "bearer{realm=r}basic{realm=b}" },

	/* token68 */
	{ "Negotiate a87421000492aa874209af8bc028==, Bearer realm=\"r\"",
	  "negotiate{}bearer{realm=r}" },
	{ "NTLM TlRMTVNTUAACAAAA, Basic realm=\"b\"", "ntlm{}basic{realm=b}" },
	{ "Negotiate YQ==", "negotiate{}" },
	{ "Bearer realm=\"r\", Negotiate YQ==, Basic realm=\"b\"",
	  "bearer{realm=r}negotiate{}basic{realm=b}" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct challenges list = { 0 };
		CLEANUP(mem_freep) char *read = NULL;

		challenges_parse(&list, cases[i].value);
		read = text_of(&list);
		if (strcmp(read, cases[i].read) != 0)
			fail_msg("%s\n read as %s\n and not %s", cases[i].value, read,
				 cases[i].read);
		challenges_clear(&list);
	}
}

static void test_several_headers_add_up(void **state)
{
	struct challenges list = { 0 };
	const struct challenge *bearer;

	(void)state;
	challenges_parse(&list, "Bearer realm=\"never closed");
	challenges_parse(&list, "Basic realm=\"b\"");
	challenges_parse(&list, "Bearer realm=\"second\"");
	assert_int_equal(list.count, 3);
	bearer = challenges_find(&list, "bearer");
	assert_ptr_equal(bearer, &list.at[0]);
	assert_null(challenge_param(bearer, "realm"));
	assert_string_equal(challenge_param(challenges_find(&list, "basic"), "realm"), "b");
	assert_null(challenges_find(&list, "digest"));
	challenges_clear(&list);
	assert_int_equal(list.count, 0);
	challenges_clear(&list);
}

static void test_challenges_have_a_ceiling(void **state)
{
	struct challenges list = { 0 };
	struct buf text = BUF_INIT(64 * KIB);

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_printf(&text, "S%d realm=\"%d\", ", i, i);
	challenges_parse(&list, buf_str(&text));
	challenges_parse(&list, buf_str(&text));
	assert_int_equal(list.count, CHALLENGES_MAX);
	assert_string_equal(list.at[CHALLENGES_MAX - 1].scheme, "s7");
	challenges_clear(&list);
	buf_clear(&text);
}

static void test_parameters_have_a_ceiling(void **state)
{
	struct challenges list = { 0 };
	struct buf text = BUF_INIT(64 * KIB);

	(void)state;
	buf_puts(&text, "Bearer p=\"\"");
	for (int i = 0; i < 100; i++)
		buf_printf(&text, ",p%d=%d", i, i);
	buf_puts(&text, ", Basic realm=\"b\"");
	challenges_parse(&list, buf_str(&text));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.at[0].param_count, CHALLENGE_PARAMS_MAX);
	assert_string_equal(challenge_param(&list.at[1], "realm"), "b");
	challenges_clear(&list);
	buf_clear(&text);
}

/* A realm that was cut off would be another URL. */
static void test_value_too_long_is_no_value(void **state)
{
	struct challenges list = { 0 };
	struct buf text = BUF_INIT(64 * KIB);
	const char *realm;

	(void)state;
	buf_puts(&text, "Bearer realm=\"https://x/");
	for (int i = 0; i < 9000; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\"");
	challenges_parse(&list, buf_str(&text));
	realm = list.count ? challenge_param(&list.at[0], "realm") : NULL;
	assert_true(!realm || strlen(realm) == strlen("https://x/") + 9000);
	challenges_clear(&list);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_several_headers_add_up),
		cmocka_unit_test(test_challenges_have_a_ceiling),
		cmocka_unit_test(test_parameters_have_a_ceiling),
		cmocka_unit_test(test_value_too_long_is_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
