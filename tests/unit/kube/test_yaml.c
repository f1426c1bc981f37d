/* YAML as kubectl reads it, held against JSON. */
#include "base/fake_world.h"

#include "kube/yaml.h"

static const struct {
	const char *yaml;
	const char *json; /* NULL: nothing there */
} readable[] = {
	{ "", NULL },
	{ "# only this\n", NULL },
	{ "~", NULL },
	{ "null", NULL },
	{ "{}", "{}" },
	{ "{\"a\": [1, true, null, \"x\"]}", "{\"a\":[1,true,null,\"x\"]}" },
	{ "a: b\nc:\n- d\n- e: f\n", "{\"a\":\"b\",\"c\":[\"d\",{\"e\":\"f\"}]}" },
	{ "[y, Yes, ON, true, n, No, off, FALSE]",
	  "[true,true,true,true,false,false,false,false]" },
	{ "[yEs, oN, tRUE, nope]", "[\"yEs\",\"oN\",\"tRUE\",\"nope\"]" },
	{ "[~, null, NULL, nUll]", "[null,null,null,\"nUll\"]" },
	{ "a:", "{\"a\":null}" },
	{ "[0, -7, +7, 0x1F, 017, 0o17, 0b11, 1_000]", "[0,-7,7,31,15,15,3,1000]" },
	{ "[08, 1.5, 1e3, -.5, 1.]", "[8,1.5,1000.0,-0.5,1.0]" },
	{ "[1:30, 2001-01-01, 1.2.3, 0x, '-', +, 1a, 9e9e9, '12', \"no\"]",
	  "[\"1:30\",\"2001-01-01\",\"1.2.3\",\"0x\",\"-\",\"+\",\"1a\",\"9e9e9\",\"12\",\"no\"]" },
	{ "18446744073709551616", "1.84467e19" },
	{ "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
	{ "a: !!str 12\nb: !!int \"12\"\nc: !mine yes\n", "{\"a\":\"12\",\"b\":12,\"c\":\"yes\"}" },
	{ "a: 1\na: 2\n", "{\"a\":2}" },
	{ "a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
	{ "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
	  "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"b\":1}}" },
	{ "a: {<<: [{b: 1}, {b: 2, c: 3}]}", "{\"a\":{\"b\":1,\"c\":3}}" },
	{ "\"<<\": 1", "{\"<<\":1}" },
	{ "{1: a, yes: b}", "{\"1\":\"a\",\"yes\":\"b\"}" },
	{ "a: 1\n---\nb: [\n", "{\"a\":1}" },
	{ "\xef\xbb\xbf{a: 1}", "{\"a\":1}" },
	{ "a: \xc3\xa4\r\nb: 1\r\n", "{\"a\":\"\xc3\xa4\",\"b\":1}" },
};

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
		CLEANUP(js_freep) struct js *j = NULL;
		CLEANUP(mem_freep) char *text = NULL;
		struct err err = ERR_INIT;

		if (!yaml_parse(readable[i].yaml, strlen(readable[i].yaml), 4096, ERR_USAGE, &j,
				&err))
			fail_msg("'%s': %s", readable[i].yaml, err.message);
		text = j ? js_text(j, JS_COMPACT) : NULL;
		if (!readable[i].json)
			assert_null(text);
		else
			assert_string_equal(text, readable[i].json);
	}
}

static const struct {
	const char *yaml;
	const char *words;
} unreadable[] = {
	{ "a: [1", "not valid YAML" },
	{ "\ta: 1", "not valid YAML" },
	{ "a: b: c", "not valid YAML" },
	{ "{a: 1", "(line " },
	{ "- a\nb: 1", "not valid YAML" },
	{ "a: *x", "an alias of nothing" },
	{ "a: &x [*x]", "an alias of nothing" },
	{ "{[1]: 2}", "a key that is no text" },
	{ "a: .inf", "a number without an end" },
	{ "a: \"x\\0y\"", "a NUL in a text" },
	{ "\"x\\0y\": 1", "a key that is no text" },
	{ "{<<: 3}", "no mapping" },
	{ "a: \xff\xfe\xfd", "not valid YAML" },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++) {
		struct js *j = NULL;
		struct err err = ERR_INIT;

		if (yaml_parse(unreadable[i].yaml, strlen(unreadable[i].yaml), 4096, ERR_CORRUPT,
			       &j, &err))
			fail_msg("'%s' was read", unreadable[i].yaml);
		assert_null(j);
		assert_err(&err, ERR_CORRUPT, unreadable[i].words);
	}
}

static void assert_too_much(const struct buf *text, const char *words)
{
	struct js *j = NULL;
	struct err err = ERR_INIT;

	assert_false(yaml_parse(text->data, text->len, MIB, ERR_USAGE, &j, &err));
	assert_err(&err, ERR_USAGE, words);
}

static void ceilings(void **state)
{
	struct buf deep = BUF_INIT(MIB), laughs = BUF_INIT(MIB), texts = BUF_INIT(MIB),
		   anchors = BUF_INIT(MIB);
	struct err err = ERR_INIT;
	struct js *j = NULL;

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "[");
	assert_too_much(&deep, "too deep");

	buf_puts(&laughs, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++) {
		buf_printf(&laughs, "a%d: &a%d [", i, i);
		for (int n = 0; n < 10; n++)
			buf_printf(&laughs, "*a%d,", i - 1);
		buf_puts(&laughs, "]\n");
	}
	assert_too_much(&laughs, "too many values");

	buf_puts(&texts, "a: &a \"");
	for (int i = 0; i < 100000; i++)
		buf_puts(&texts, "x");
	buf_puts(&texts, "\"\nb: [");
	for (int i = 0; i < 1000; i++)
		buf_puts(&texts, "*a,");
	buf_puts(&texts, "]\n");
	assert_too_much(&texts, "too many values");

	for (int i = 0; i < 100; i++)
		buf_printf(&anchors, "- &a%d x\n", i);
	assert_too_much(&anchors, "too many anchors");

	assert_false(yaml_parse("a: 1", 4, 3, ERR_USAGE, &j, &err));
	assert_err(&err, ERR_USAGE, "longer than 3");
	buf_clear(&deep);
	buf_clear(&laughs);
	buf_clear(&texts);
	buf_clear(&anchors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(ceilings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
