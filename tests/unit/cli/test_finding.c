/* Findings as a list, as lines and as JSON. */
#include "cli/fixture.h"

#include "cli/finding.h"

static struct findings three(void)
{
	struct findings f = { .check = "first" };
	struct finding *n;

	finding_ok(&f, "all is %s", "well");
	f.check = "second";
	n = finding_error(&f, ERR_DENIED, "no\033[31m");
	finding_evidence(n, "%s", "403");
	finding_fix(n, "ask for %s", "it");
	finding_error(&f, ERR_NET, "gone");
	return f;
}

static char *lines(const struct findings *f, bool quiet)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	findings_print(f, out, quiet);
	fclose(out);
	return text;
}

static void test_lines(void **state)
{
	static const char errors[] = "error     second         no?[31m\n"
				     "                         seen: 403\n"
				     "                         fix: ask for it\n"
				     "error     second         gone\n";
	struct findings f = three();
	CLEANUP(mem_freep) char *all = lines(&f, false);
	CLEANUP(mem_freep) char *few = lines(&f, true);

	(void)state;
	assert_string_equal(few, errors);
	assert_non_null(strstr(all, "ok        first          all is well\n"));
	assert_non_null(strstr(all, errors));
	findings_clear(&f);
}

static void test_json(void **state)
{
	struct findings f = three();
	CLEANUP(js_freep) struct js *j = findings_json(&f);
	CLEANUP(mem_freep) char *text = js_text(j, JS_COMPACT);

	(void)state;
	assert_string_equal(
		text,
		"[{\"check\":\"first\",\"severity\":\"ok\",\"found\":\"all is well\"},"
		"{\"check\":\"second\",\"severity\":\"error\",\"found\":\"no\\u001B[31m\","
		"\"evidence\":\"403\",\"fix\":\"ask for it\",\"exit\":21},"
		"{\"check\":\"second\",\"severity\":\"error\",\"found\":\"gone\",\"exit\":30}]");
	findings_clear(&f);
}

static void test_worst_is_the_first(void **state)
{
	struct findings f = three(), more = { .check = "more" };
	size_t count;

	(void)state;
	assert_int_equal(findings_worst(&f, &count)->cause, ERR_DENIED);
	assert_int_equal(count, 2);
	finding_error(&more, ERR_USAGE, "late");
	findings_move(&f, &more);
	assert_int_equal(more.count, 0);
	assert_int_equal(findings_worst(&f, &count)->cause, ERR_DENIED);
	assert_int_equal(count, 3);
	findings_clear(&f);
	finding_warning(&f, "a trap");
	assert_null(findings_worst(&f, &count));
	findings_clear(&f);
}

static void test_of_an_error(void **state)
{
	struct findings f = { .check = "x" };
	struct err err = ERR_INIT;
	struct finding *n;

	(void)state;
	err_set(&err, ERR_TIMEOUT, "too late");
	err_cause(&err, "slow");
	err_hint(&err, "wait");
	n = finding_of_err(&f, FINDING_ERROR, &err);
	assert_int_equal(n->cause, ERR_TIMEOUT);
	assert_string_equal(n->evidence, "slow");
	assert_string_equal(n->fix, "wait");
	n = finding_of_err(&f, FINDING_NOTE, &err);
	assert_int_equal(n->cause, ERR_NONE);
	err_clear(&err);
	findings_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_worst_is_the_first),
		cmocka_unit_test(test_of_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
