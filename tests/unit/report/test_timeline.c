#include "report/fixture.h"

#include "report/timeline.h"

static const struct look plain_look = { .columns = 76, .rows = 24, .fd = -1 };

/* Draws without sanitizing anything: what is golden is what people see. */
static char *draw(struct timeline *t, const struct look *look)
{
	struct buf out = BUF_INIT(BUF_TEXT_CEILING);

	timeline_draw(t, look, &out);
	return out.len ? buf_take(&out) : mem_strdup("");
}

/* A push of 100 s; the first credential ends after 50 s, just when the manifest is due. */
static void tell_push(struct still *s)
{
	struct event refused = token_event("credential", "aaaa1111", 0);

	refused.kind = EVENT_REFUSED;
	refused.text = "Unauthenticated request";
	tell_at(s, 0, token_event("credential", "aaaa1111", 50000));
	tell_at(s, 3000, request_event("HEAD", "blob", 404, 0, 3000));
	tell_at(s, 48000, request_event("PATCH", "blob", 202, 4000, 48000));
	tell_at(s, 55000, request_event("PUT", "manifest", 401, 54000, 55000));
	tell_at(s, 55100, refused);
	tell_at(s, 56000, token_event("credential", "bbbb2222", 300000));
	tell_at(s, 60000, request_event("PUT", "manifest", 201, 57000, 60000));
	tell_at(s, 80000, request_event("GET", "manifest", 503, 70000, 80000));
	tell_at(s, 100000, request_event("GET", "manifest", 200, 90000, 100000));
}

static void test_golden_ascii(void **state)
{
	static const char golden[] =
		"HEAD blob             |#                                | 1\n"
		"PATCH blob            | ###############                 | 1\n"
		"PUT manifest          |                 xx#             | 2\n"
		"GET manifest          |                       !!!!  ####| 2\n"
		"A credential          |================X                | refused 14:00:55\n"
		"B credential          |                  ===============| until 14:05:00\n"
		"with one login        |................X                | ends here\n"
		"  would come too late |                 ^^    ^     ^   | 4 requests\n"
		"                       14:00:00                 14:01:40\n";
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	tell_push(&s);
	text = draw(t, &plain_look);
	assert_string_equal(text, golden);
	timeline_free(t);
}

static void test_unicode_and_colour(void **state)
{
	const struct look look = {
		.columns = 76, .rows = 24, .fd = -1, .utf8 = true, .colour = true
	};
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	tell_push(&s);
	text = draw(t, &look);
	assert_non_null(strstr(text, "\033[31m✗✗\033[0m█"));
	assert_non_null(strstr(text, "\033[32m▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄\033[31m┃\033[0m"));
	timeline_free(t);
}

static void test_nothing_to_draw(void **state)
{
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	text = draw(t, &plain_look);
	assert_string_equal(text, "");
	tell_at(&s, 0, token_event("credential", "aaaa1111", 50000));
	mem_replace(&text, NULL);
	text = draw(t, &plain_look);
	assert_string_equal(text, "");
	timeline_free(t);
}

/* A token that outlives the run has no ghost: one login would have done. */
static void test_no_ghost(void **state)
{
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	tell_at(&s, 0, token_event("credential", "aaaa1111", 3600000));
	tell_at(&s, 30, request_event("HEAD", "blob", 200, 10, 30));
	text = draw(t, &plain_look);
	assert_null(strstr(text, "one login"));
	assert_non_null(strstr(text, "until 15:00:00"));
	timeline_free(t);
}

/* However long it runs: no request is lost from the counts, no line is too wide, and it is drawn in no time. */
static void test_long_run(void **state)
{
	enum { REQUESTS = 20 * TIMELINE_REQUESTS_MAX };
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;
	char expected[32], what[16], fingerprint[16];

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	for (int i = 0; i < REQUESTS; i++) {
		tell_at(&s, i * 10,
			request_event("HEAD", "blob", i % 977 ? 200 : 401, i * 10 - 5, i * 10));
		if (i % 1000 == 0) {
			snprintf(fingerprint, sizeof(fingerprint), "f%d", i);
			tell_at(&s, i * 10, token_event("credential", fingerprint, i * 10 + 9000));
			snprintf(what, sizeof(what), "kind %d", i / 1000);
			tell_at(&s, i * 10 + 1,
				request_event("GET", what, 200, i * 10, i * 10 + 1));
		}
	}
	text = draw(t, &plain_look);
	snprintf(expected, sizeof(expected), "| %d\n", REQUESTS);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "other"));
	assert_non_null(strstr(text, " more "));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 76);
	timeline_free(t);
}

static void test_narrow(void **state)
{
	const struct look look = { .columns = 1, .rows = 1, .fd = -1 };
	CLEANUP(mem_freep) char *text = NULL;
	struct timeline *t;
	struct still s;

	(void)state;
	still_init(&s);
	t = timeline_new(&s.world);
	s.world.observer = timeline_observer(t);
	tell_push(&s);
	text = draw(t, &look);
	assert_non_null(strstr(text, "PATCH blob            |########        |"));
	timeline_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_draw),	   cmocka_unit_test(test_golden_ascii),
		cmocka_unit_test(test_unicode_and_colour), cmocka_unit_test(test_no_ghost),
		cmocka_unit_test(test_long_run),	   cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
