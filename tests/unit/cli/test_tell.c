#include "cli/fixture.h"

#include "cli/tell.h"

static char *told(const struct err *err, bool colour)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	tell_error(out, colour, err);
	fclose(out);
	return text;
}

static void test_all_parts(void **state)
{
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	text = told(&err, false);
	assert_string_equal(text, "landed: failed\n");
	free(text);
	err_set(&err, ERR_REFUSED, "pushing 'a': refused");
	err_evidence(&err, "403 \033[31mdenied\033[0m");
	err_cause(&err, "the token died");
	err_hint(&err, "landed push a");
	text = told(&err, false);
	assert_string_equal(text, "landed: pushing 'a': refused\n"
				  "  evidence: 403 ?[31mdenied?[0m\n"
				  "  cause: the token died\n"
				  "  try: landed push a\n");
	free(text);
	text = told(&err, true);
	assert_non_null(strstr(text, "\033[1;31mlanded:\033[0m pushing"));
	free(text);
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
