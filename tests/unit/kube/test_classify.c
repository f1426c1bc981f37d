/* What nodes write, held against the table: the corpus is messages.txt beside this file. */
#include "base/fake_world.h"

#include "kube/classify.h"

#include <stdio.h>

#define CORPUS "tests/unit/kube/messages.txt"
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Names that try to be causes: none of them may decide. */
static const char *const references[] = {
	"127.0.0.1:5500/app:nosuch",
	"europe-docker.pkg.dev/p/r/app:v2@" DIGEST,
	"registry.example/denied/no-such-host/manifest-unknown:404",
	"x509:unauthorized",
};

static char *filled(const char *line, const char *reference)
{
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	for (const char *at = line; *at; at++) {
		bool alone =
			(at == line ||
			 !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", at[-1])) &&
			!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'",
				at[1] ? at[1] : '.');

		if (at[0] == '\\' && at[1] == 'n') {
			buf_putc(&b, '\n');
			at++;
		} else if (alone && *at == 'R') {
			buf_puts(&b, reference);
		} else if (alone && *at == 'D') {
			buf_puts(&b, DIGEST);
		} else {
			buf_putc(&b, *at);
		}
	}
	return buf_take(&b);
}

static size_t check_line(const char *cause, const char *reason, const char *line, size_t number)
{
	size_t wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
		CLEANUP(mem_freep) char *message = filled(line, references[i]);
		enum cause found = classify(strcmp(reason, "-") ? reason : NULL,
					    strcmp(line, "-") ? message : NULL);

		if (strcmp(cause_looks[found].word, cause) == 0)
			continue;
		print_error(CORPUS ":%zu: '%s', not '%s'\n\t%s\n", number, cause_looks[found].word,
			    cause, message);
		wrong++;
	}
	return wrong;
}

static void test_corpus(void **state)
{
	FILE *f = fopen(CORPUS, "r");
	char line[2048], cause[64] = "", reason[64] = "";
	size_t number = 0, cases = 0, wrong = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (sscanf(line, "= %63s %63s", cause, reason) == 2)
			continue;
		wrong += check_line(cause, reason, line, number);
		cases++;
	}
	fclose(f);
	assert_true(cases > 100);
	assert_int_equal(wrong, 0);
}

/* Every cause has its words, and a cause that no line of the corpus shows is one that nobody has seen. */
static void test_every_cause(void **state)
{
	(void)state;
	for (int c = 0; c < CAUSES; c++) {
		assert_non_null(cause_looks[c].word);
		assert_non_null(cause_looks[c].says);
		assert_non_null(cause_looks[c].proof);
		for (int other = 0; other < c; other++)
			assert_string_not_equal(cause_looks[c].word, cause_looks[other].word);
	}
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(classify(NULL, NULL), CAUSE_NONE);
	assert_int_equal(classify(NULL, ""), CAUSE_NONE);
	assert_int_equal(classify("ErrImagePull", NULL), CAUSE_BACK_OFF);
	assert_int_equal(classify("ErrImagePull", " \n\t "), CAUSE_BACK_OFF);
	assert_int_equal(classify("NeverHeardOf", "a text"), CAUSE_UNCLASSIFIED);
}

/* The cause stands at the end; a text as long as a status may be hides it in no way. */
static void test_long(void **state)
{
	struct buf b = BUF_INIT(BUF_TEXT_CEILING);

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_puts(&b, "word ");
	buf_puts(&b, "403 Forbidden");
	assert_int_equal(classify("ErrImagePull", buf_str(&b)), CAUSE_DENIED);
	buf_clear(&b);
	for (int i = 0; i < 200000; i++)
		buf_putc(&b, '"');
	assert_int_equal(classify("ErrImagePull", buf_str(&b)), CAUSE_UNCLASSIFIED);
	buf_clear(&b);
}

static void test_better(void **state)
{
	(void)state;
	assert_true(cause_is_better(CAUSE_NONE, CAUSE_BACK_OFF));
	assert_true(cause_is_better(CAUSE_BACK_OFF, CAUSE_UNCLASSIFIED));
	assert_true(cause_is_better(CAUSE_UNCLASSIFIED, CAUSE_DENIED));
	assert_true(cause_is_better(CAUSE_QPS, CAUSE_NOT_FOUND));
	assert_false(cause_is_better(CAUSE_NOT_FOUND, CAUSE_BACK_OFF));
	assert_false(cause_is_better(CAUSE_NOT_FOUND, CAUSE_NONE));
	assert_false(cause_is_better(CAUSE_UNCLASSIFIED, CAUSE_BACK_OFF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),	cmocka_unit_test(test_every_cause),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_long),
		cmocka_unit_test(test_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
