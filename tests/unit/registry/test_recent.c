/* Lists of tags: Google's, which says when, and plain ones, of which it is guessed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "registry/recent.h"

#include <string.h>

#define G(name, ms) "{\"tag\":[\"" name "\"],\"timeUploadedMs\":\"" ms "\"}"

static void test_no_lists(void **state)
{
	static const char *const table[] = {
		"",
		"{",
		"7",
		"<html>not found</html>",
		"{\"tags\":[\"a\"],\"tags\":[\"b\"]}",
		"{\"tags\":[\"a\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(strings_clear) struct strings tags = { 0 };
		struct err err = ERR_INIT;

		if (recent_tags_parse(table[i], strlen(table[i]), 3, &tags, &err))
			fail_msg("%s was taken", table[i]);
		assert_int_equal(err.code, ERR_NO_REGISTRY);
		assert_int_equal(tags.count, 0);
		err_clear(&err);
	}
}

/* What is chosen, in its order, separated by spaces. */
static void test_lists(void **state)
{
	static const struct {
		const char *json;
		size_t max;
		const char *chosen;
	} table[] = {
		{ "[]", 3, "" },
		{ "{}", 3, "" },
		{ "{\"tags\":null}", 3, "" },
		{ "{\"tags\":{\"a\":\"b\"}}", 3, "" },
		{ "{\"tags\":[1,null,{},[\"x\"]]}", 3, "" },
		{ "{\"tags\":[\"../../x\",\"a?b\",\"a/b\",\"\",\"a b\",\"a\\u000ab\",\"-a\"]}", 3,
		  "" },
		{ "{\"manifest\":{\"d\":" G("../../x", "9") "},\"tags\":[\"a\"]}", 3, "a" },
		{ "{\"tags\":[\"a\",\"b\"]}", 0, "" },
		{ "{\"tags\":[\"a\",1,\"b\"]}", 3, "b a" },
		{ "{\"tags\":[\"1\",\"2\",\"3\",\"4\"]}", 3, "4 3 2" },
		{ "{\"tags\":[\"a\",\"latest\",\"x\",\"y\",\"z\"]}", 3, "latest z y" },
		{ "{\"tags\":[\"latest\",\"main\",\"master\",\"y\",\"z\"]}", 3, "latest main z" },
		{ "{\"tags\":[\"a\",\"a\",\"latest\"]}", 3, "latest a" },
		{ "{\"manifest\":{}, \"tags\":[\"a\"]}", 3, "a" },
		{ "{\"manifest\":[" G("x", "9") "],\"tags\":[\"a\"]}", 3, "a" },
		{ "{\"manifest\":{\"d\":7,\"e\":{},\"f\":{\"tag\":[]}},\"tags\":[\"a\"]}", 3, "a" },
		{ "{\"manifest\":{\"d\":{\"tag\":[\"x\"],\"timeUploadedMs\":5}},\"tags\":[\"a\"]}",
		  3, "a" },
		{ "{\"manifest\":{\"d\":" G("old", "1700000000000") ",\"e\":" G(
			  "new", "1800000000000") ",\"f\":" G("mid",
							      "1750000000000") "},\"tags\":["
									       "\"latest\"]}",
		  2, "new mid" },
		{ "{\"manifest\":{\"d\":" G("a", "") ",\"e\":" G("b", "-1") ",\"f\":" G(
			  "c", "99999999999999999999") "}}",
		  3, "c a b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(strings_clear) struct strings tags = { 0 };
		struct buf chosen = BUF_INIT(BUF_TEXT_CEILING);
		struct err err = ERR_INIT;

		if (!recent_tags_parse(table[i].json, strlen(table[i].json), table[i].max, &tags,
				       &err))
			fail_msg("%s: %s", table[i].json, err.message);
		for (size_t k = 0; k < tags.count; k++)
			buf_printf(&chosen, "%s%s", k ? " " : "", tags.at[k]);
		if (strcmp(buf_str(&chosen), table[i].chosen) != 0)
			fail_msg("%s: '%s' instead of '%s'", table[i].json, buf_str(&chosen),
				 table[i].chosen);
		buf_clear(&chosen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_lists),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
