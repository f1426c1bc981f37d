/* JSON of others: what is not exactly one whole text within its limits is refused; readers take anything for absent. */
#include "base/fake_world.h"

#include "wire/js.h"

/* A literal with its length, so that it may hold a NUL. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
	const char *text;
	size_t len;
} bad[] = {
	{ TEXT("") },
	{ TEXT(" ") },
	{ TEXT("{") },
	{ TEXT("}") },
	{ TEXT("[1,]") },
	{ TEXT("{\"a\":1,}") },
	{ TEXT("{'a':1}") },
	{ TEXT("{a:1}") },
	{ TEXT("\"text\"") }, /* a JSON text, but no answer of anybody's */
	{ TEXT("12") },
	{ TEXT("null") },
	{ TEXT("{} {}") },
	{ TEXT("{}x") },
	{ TEXT("{}\0") },
	{ TEXT("\0{}") },
	{ TEXT("[]]") },
	{ TEXT("\xef\xbb\xbf{}") },
	{ TEXT("{\"a\":1,\"a\":1}") },
	{ TEXT("{\"a\":{\"b\":1,\"b\":2}}") },
	{ TEXT("{\"a\":1,\"\\u0061\":2}") },
	{ TEXT("[\"\\u0000\"]") },
	{ TEXT("[\"a\\u0000b\"]") },
	{ TEXT("{\"a\\u0000b\":1}") },
	{ TEXT("[\"a\0b\"]") },
	{ TEXT("[\"\n\"]") },
	{ TEXT("[\"\\x\"]") },
	{ TEXT("[\"\\ud800\"]") },
	{ TEXT("[\"\xff\"]") },
	{ TEXT("[\"\xc0\x80\"]") },
	{ TEXT("[\"\xed\xa0\x80\"]") },
	{ TEXT("[99999999999999999999]") },
	{ TEXT("[1e999]") },
	{ TEXT("[01]") },
	{ TEXT("[+1]") },
	{ TEXT("[NaN]") },
	{ TEXT("[True]") },
	{ TEXT("[1] // text") },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;
		struct js *j = NULL;

		if (js_parse(bad[i].text, bad[i].len, 1 * KIB, ERR_CORRUPT, &j, &err))
			fail_msg("taken for JSON: %s", bad[i].text);
		assert_null(j);
		assert_err(&err, ERR_CORRUPT, "not valid JSON");
	}
}

/* Without the text around it: bytes behind LEN are not looked at. */
static void test_reads_no_byte_beyond_the_length(void **state)
{
	char *exact = mem_alloc(2);
	struct err err = ERR_INIT;
	struct js *j;

	(void)state;
	memcpy(exact, "[]", 2);
	assert_true(js_parse(exact, 2, 2, ERR_CORRUPT, &j, &err));
	js_free(j);
	assert_false(js_parse(exact, 1, 2, ERR_CORRUPT, &j, &err));
	err_clear(&err);
	free(exact);
}

static void test_ceiling_is_exact(void **state)
{
	struct err err = ERR_INIT;
	struct js *j;

	(void)state;
	assert_false(js_parse("[123]", 5, 4, ERR_NET, &j, &err));
	assert_err(&err, ERR_NET, "longer than 4");
	assert_true(js_parse("[123]", 5, 5, ERR_NET, &j, &err));
	js_free(j);
}

static bool nested(size_t depth, char open, char close)
{
	char *text = mem_alloc(2 * depth + 1);
	struct err err = ERR_INIT;
	struct js *j = NULL;
	bool ok;

	memset(text, open, depth);
	memset(text + depth, close, depth);
	ok = js_parse(text, 2 * depth, 8 * MIB, ERR_CORRUPT, &j, &err);
	js_free(j);
	err_clear(&err);
	free(text);
	return ok;
}

static void test_nesting_has_a_limit(void **state)
{
	(void)state;
	assert_false(nested(2049, '[', ']'));
	assert_false(nested(1000000, '[', ']'));
	assert_true(nested(2048, '[', ']'));
}

/* In a worker, which has a smaller stack than main. */
static void nest_deep(void *arg)
{
	*(bool *)arg = nested(2048, '[', ']') && !nested(1000000, '[', ']');
}

static void test_nesting_fits_a_worker_s_stack(void **state)
{
	struct sched s = sched_threads();
	bool ok = false;

	(void)state;
	sched_join(&s, sched_spawn(&s, nest_deep, &ok));
	assert_true(ok);
}

static struct js *parse(const char *text)
{
	struct err err = ERR_INIT;
	struct js *j = NULL;

	if (!js_parse(text, strlen(text), 64 * KIB, ERR_CORRUPT, &j, &err))
		fail_msg("%s: %s", text, err.message);
	return j;
}

static void assert_reads_as_nothing(const struct js *j)
{
	int64_t integer = 7;
	double number = 7;

	assert_false(js_is_object(j));
	assert_false(js_is_array(j));
	assert_null(js_get(j, "a"));
	assert_null(js_at(j, 0));
	assert_int_equal(js_count(j), 0);
	assert_false(js_integer(j, &integer));
	assert_int_equal(integer, 7);
	assert_false(js_number(j, &number));
	assert_false(js_true(j));
}

static void test_readers_take_absence_and_wrong_types_for_nothing(void **state)
{
	CLEANUP(js_freep) struct js *j = parse("{\"s\":\"text\",\"n\":null,\"f\":false}");

	(void)state;
	assert_reads_as_nothing(NULL);
	assert_reads_as_nothing(js_get(j, "absent"));
	assert_reads_as_nothing(js_get(j, "s"));
	assert_reads_as_nothing(js_get(j, "n"));
	assert_reads_as_nothing(js_get(j, "f"));
	assert_null(js_string(NULL));
	assert_null(js_string(j));
	assert_null(js_string(js_get(j, "n")));
	assert_null(js_at(j, 0));
	js_free(NULL);
}

static void test_numbers(void **state)
{
	CLEANUP(js_freep)
	struct js *j = parse("[9223372036854775807,-9223372036854775808,1.5,3.0,1e3,\"5\"]");
	int64_t i;
	double d;

	(void)state;
	assert_true(js_integer(js_at(j, 0), &i) && i == INT64_MAX);
	assert_true(js_integer(js_at(j, 1), &i) && i == INT64_MIN);
	for (size_t k = 2; k < 6; k++)
		assert_false(js_integer(js_at(j, k), &i));
	assert_true(js_number(js_at(j, 2), &d) && d == 1.5);
	assert_true(js_number(js_at(j, 4), &d) && d == 1000);
	assert_false(js_number(js_at(j, 5), &d));
	assert_null(js_at(j, 6));
	assert_null(js_at(j, SIZE_MAX));
}

struct target {
	const char *s;
	int64_t i;
	bool b;
	const struct js *o;
	const struct js *a;
};

static const struct js_field all_required[] = {
	{ "s", JS_STRING, offsetof(struct target, s), JS_REQUIRED },
	{ "i", JS_INTEGER, offsetof(struct target, i), JS_REQUIRED },
	{ "b", JS_BOOL, offsetof(struct target, b), JS_REQUIRED },
	{ "o", JS_OBJECT, offsetof(struct target, o), JS_REQUIRED },
	{ "a", JS_ARRAY, offsetof(struct target, a), JS_REQUIRED },
};

static const struct {
	const char *field; /* that is of another type, or missing, in the text */
	const char *text;
	bool missing;
} dispatch_bad[] = {
	{ "s", "{\"i\":1,\"b\":true,\"o\":{},\"a\":[]}", true },
	{ "s", "{\"s\":null,\"i\":1,\"b\":true,\"o\":{},\"a\":[]}", true },
	{ "s", "{\"s\":1,\"i\":1,\"b\":true,\"o\":{},\"a\":[]}", false },
	{ "s", "{\"s\":[\"x\"],\"i\":1,\"b\":true,\"o\":{},\"a\":[]}", false },
	{ "i", "{\"s\":\"x\",\"b\":true,\"o\":{},\"a\":[]}", true },
	{ "i", "{\"s\":\"x\",\"i\":\"1\",\"b\":true,\"o\":{},\"a\":[]}", false },
	{ "i", "{\"s\":\"x\",\"i\":1.0,\"b\":true,\"o\":{},\"a\":[]}", false },
	{ "i", "{\"s\":\"x\",\"i\":true,\"b\":true,\"o\":{},\"a\":[]}", false },
	{ "b", "{\"s\":\"x\",\"i\":1,\"o\":{},\"a\":[]}", true },
	{ "b", "{\"s\":\"x\",\"i\":1,\"b\":1,\"o\":{},\"a\":[]}", false },
	{ "b", "{\"s\":\"x\",\"i\":1,\"b\":\"true\",\"o\":{},\"a\":[]}", false },
	{ "o", "{\"s\":\"x\",\"i\":1,\"b\":true,\"a\":[]}", true },
	{ "o", "{\"s\":\"x\",\"i\":1,\"b\":true,\"o\":[],\"a\":[]}", false },
	{ "a", "{\"s\":\"x\",\"i\":1,\"b\":true,\"o\":{}}", true },
	{ "a", "{\"s\":\"x\",\"i\":1,\"b\":true,\"o\":{},\"a\":{}}", false },
};

static void test_dispatch_names_the_field_that_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dispatch_bad); i++) {
		CLEANUP(js_freep) struct js *j = parse(dispatch_bad[i].text);
		char *words = mem_printf("field '%s' is %s", dispatch_bad[i].field,
					 dispatch_bad[i].missing ? "missing" : "not");
		struct target t = { 0 };
		struct err err = ERR_INIT;

		assert_false(
			js_dispatch(j, all_required, ARRAY_SIZE(all_required), ERR_NET, &t, &err));
		assert_err(&err, ERR_NET, words);
		free(words);
	}
}

static void test_dispatch_of_no_object(void **state)
{
	CLEANUP(js_freep) struct js *j = parse("[]");
	struct target t = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_false(js_dispatch(j, all_required, 5, ERR_NET, &t, &err));
	assert_err(&err, ERR_NET, "not a JSON object");
	assert_false(js_dispatch(NULL, all_required, 5, ERR_NET, &t, &err));
	assert_err(&err, ERR_NET, "not a JSON object");
}

static void test_dispatch_fills_every_type_and_ignores_the_rest(void **state)
{
	CLEANUP(js_freep)
	struct js *j =
		parse("{\"a\":[1],\"more\":{\"s\":1},\"s\":\"\",\"i\":-3,\"b\":true,\"o\":{}}");
	struct target t = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(js_dispatch(j, all_required, ARRAY_SIZE(all_required), ERR_NET, &t, &err));
	assert_string_equal(t.s, "");
	assert_int_equal(t.i, -3);
	assert_true(t.b);
	assert_true(js_is_object(t.o));
	assert_int_equal(js_count(t.a), 1);
}

static void test_dispatch_leaves_what_is_optional_and_absent(void **state)
{
	static const struct js_field optional[] = {
		{ "s", JS_STRING, offsetof(struct target, s), JS_OPTIONAL },
		{ "i", JS_INTEGER, offsetof(struct target, i), JS_OPTIONAL },
	};
	CLEANUP(js_freep) struct js *j = parse("{\"s\":null}");
	CLEANUP(js_freep) struct js *wrong = parse("{\"s\":false}");
	struct target t = { .s = "before", .i = 9 };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(js_dispatch(j, optional, ARRAY_SIZE(optional), ERR_NET, &t, &err));
	assert_string_equal(t.s, "before");
	assert_int_equal(t.i, 9);
	assert_false(js_dispatch(wrong, optional, ARRAY_SIZE(optional), ERR_NET, &t, &err));
	assert_err(&err, ERR_NET, "field 's' is not a string");
}

static bool append_key(void *arg, const char *key, const struct js *value)
{
	int64_t number;

	assert_true(js_integer(value, &number));
	buf_printf(arg, "%s=%lld ", key, (long long)number);
	return number != 3;
}

static void test_each_goes_in_the_documents_order_until_told_to_stop(void **state)
{
	CLEANUP(js_freep) struct js *j = parse("{\"z\":1,\"a\":2,\"m\":4}");
	CLEANUP(js_freep) struct js *stops = parse("{\"z\":1,\"a\":3,\"m\":4}");
	struct buf seen = BUF_INIT(1 * KIB);

	(void)state;
	assert_true(js_each(j, append_key, &seen));
	assert_false(js_each(stops, append_key, &seen));
	assert_string_equal(buf_str(&seen), "z=1 a=2 m=4 z=1 a=3 ");
	assert_true(js_each(NULL, append_key, &seen));
	assert_true(js_each(js_get(j, "z"), append_key, &seen));
	buf_clear(&seen);
}

static struct js *compose(void)
{
	struct js *j = js_object(), *list = js_array();

	js_put_string(j, "text", "\"quoted\"\n\xc3\xa4");
	js_put_string(j, "left out", NULL);
	js_put_integer(j, "number", INT64_MIN);
	js_put_bool(j, "yes", true);
	js_append_string(list, "a");
	js_append(list, js_object());
	js_put(j, "list", list);
	return j;
}

static void test_composed_reads_back_as_it_was_put(void **state)
{
	CLEANUP(js_freep) struct js *j = compose();
	CLEANUP(mem_freep) char *text = js_text(j, JS_COMPACT);
	CLEANUP(js_freep) struct js *again = parse(text);
	CLEANUP(mem_freep) char *indented = js_text(j, JS_INDENTED);
	CLEANUP(js_freep) struct js *third = parse(indented);
	CLEANUP(mem_freep) char *last = js_text(third, JS_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"text\":\"\\\"quoted\\\"\\n\xc3\xa4\",\"number\":"
				  "-9223372036854775808,\"yes\":true,\"list\":[\"a\",{}]}");
	assert_string_equal(last, text);
	assert_non_null(strchr(indented, '\n'));
	assert_string_equal(js_string(js_get(again, "text")), "\"quoted\"\n\xc3\xa4");
}

static void test_copy_lives_on_its_own(void **state)
{
	struct js *j = compose();
	CLEANUP(js_freep) struct js *outer = js_object();
	CLEANUP(mem_freep) char *text = NULL;

	(void)state;
	js_put(outer, "copy", js_copy(js_get(j, "list")));
	js_free(j);
	text = js_text(outer, JS_COMPACT);
	assert_string_equal(text, "{\"copy\":[\"a\",{}]}");
}

static void test_text_that_is_not_utf8_is_said_to_be_so(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();
	CLEANUP(mem_freep) char *text = NULL;

	(void)state;
	js_put_string(j, "a", "\xff\xfe");
	text = js_text(j, JS_COMPACT);
	assert_string_equal(text, "{\"a\":\"(not UTF-8)\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_reads_no_byte_beyond_the_length),
		cmocka_unit_test(test_ceiling_is_exact),
		cmocka_unit_test(test_nesting_has_a_limit),
		cmocka_unit_test(test_nesting_fits_a_worker_s_stack),
		cmocka_unit_test(test_readers_take_absence_and_wrong_types_for_nothing),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_dispatch_names_the_field_that_is_bad),
		cmocka_unit_test(test_dispatch_of_no_object),
		cmocka_unit_test(test_dispatch_fills_every_type_and_ignores_the_rest),
		cmocka_unit_test(test_dispatch_leaves_what_is_optional_and_absent),
		cmocka_unit_test(test_each_goes_in_the_documents_order_until_told_to_stop),
		cmocka_unit_test(test_composed_reads_back_as_it_was_put),
		cmocka_unit_test(test_copy_lives_on_its_own),
		cmocka_unit_test(test_text_that_is_not_utf8_is_said_to_be_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
