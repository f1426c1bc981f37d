#include "cli/fixture.h"

#include "cli/opt.h"

enum form { FORM_TEXT, FORM_JSON };

struct inner {
	int64_t wait_ms;
	char *path;
};

struct settings {
	bool flag;
	int count;
	char *text;
	struct strings list;
	int64_t number;
	int64_t size_bytes;
	enum form form;
	struct inner inner;
};

static const char *const form_words[] = { "text", "json", NULL };

static const struct opt outer_options[] = {
	{ .name = "flag",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct settings, flag),
	  .help = "" },
	{ .name = "verbose",
	  .letter = 'v',
	  .kind = OPT_COUNT,
	  .offset = offsetof(struct settings, count),
	  .help = "" },
	{ .name = "text",
	  .letter = 't',
	  .kind = OPT_STRING,
	  .offset = offsetof(struct settings, text),
	  .argument = "TEXT",
	  .help = "" },
	{ .name = "list-item",
	  .kind = OPT_STRINGS,
	  .offset = offsetof(struct settings, list),
	  .argument = "ITEM",
	  .help = "" },
	{ .name = "number",
	  .letter = 'n',
	  .kind = OPT_INTEGER,
	  .offset = offsetof(struct settings, number),
	  .argument = "N",
	  .fallback = "4",
	  .least = 1,
	  .most = 64,
	  .help = "" },
	{ .name = "size",
	  .kind = OPT_SIZE,
	  .offset = offsetof(struct settings, size_bytes),
	  .argument = "SIZE",
	  .help = "" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPT_CHOICE,
	  .offset = offsetof(struct settings, form),
	  .argument = "FORM",
	  .fallback = "text",
	  .words = form_words,
	  .help = "" },
};
static const struct opt inner_options[] = {
	{ .name = "wait-time",
	  .kind = OPT_DURATION,
	  .offset = offsetof(struct inner, wait_ms),
	  .argument = "TIME",
	  .fallback = "30s",
	  .least = 100,
	  .most = 3600000,
	  .help = "" },
	{ .name = "path",
	  .kind = OPT_STRING,
	  .offset = offsetof(struct inner, path),
	  .argument = "FILE",
	  .help = "" },
};
static const struct opt foreign_options[] = {
	{ .name = "elsewhere", .kind = OPT_FLAG, .help = "" },
};

static const struct opt_group outer_group = { "Outer", outer_options, ARRAY_SIZE(outer_options) };
static const struct opt_group inner_group = { "Inner", inner_options, ARRAY_SIZE(inner_options) };
static const struct opt_group foreign_group = { "Foreign", foreign_options, 1 };
static const struct opt_use uses_at[] = {
	{ &outer_group, 0 },
	{ &inner_group, offsetof(struct settings, inner) },
};
static const struct opt_use foreign_use = { &foreign_group, 0 };
static const struct opt_uses uses = { uses_at, ARRAY_SIZE(uses_at) };
static const struct opt_uses all_uses[] = { { uses_at, ARRAY_SIZE(uses_at) }, { &foreign_use, 1 } };

#define ARGUMENTS_MAX 12

/* One call of the parser: what is said where, and what comes of it. */
struct call {
	const char *line[ARGUMENTS_MAX]; /* behind the command's name */
	const char *(*environment)(const char *name);
	const char *config; /* text of the file; NULL: none */
	bool stop_at_operand;

	struct settings settings;
	struct err err;
	enum opt_wish wish;
	char *argv[ARGUMENTS_MAX + 2];
	int argc;
	int operand;
	bool ok;
};

static void call(struct call *c)
{
	char path[] = "/tmp/landed-test-opt-XXXXXX";
	struct opt_places places = { .environment = c->environment,
				     .known = all_uses,
				     .known_count = ARRAY_SIZE(all_uses) };
	struct err err = ERR_INIT;
	int fd;

	if (c->config) {
		fd = mkstemp(path);
		assert_true(fd >= 0);
		assert_true(write(fd, c->config, strlen(c->config)) == (ssize_t)strlen(c->config));
		close(fd);
		places.config_path = path;
	}
	c->argv[c->argc++] = mem_strdup("command");
	for (size_t i = 0; c->line[i]; i++)
		c->argv[c->argc++] = mem_strdup(c->line[i]);
	c->ok = opt_parse(&uses, &places, c->stop_at_operand, c->argc, c->argv, &c->settings,
			  &c->operand, &c->wish, &err);
	err_move(&c->err, &err);
	if (c->config)
		unlink(path);
}

static void call_clear(struct call *c)
{
	opt_clear(&uses, &c->settings);
	err_clear(&c->err);
	for (int i = 0; i < c->argc; i++)
		free(c->argv[i]);
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *line[4];
		const char *says;
	} table[] = {
		{ { "--nonsense" }, "unknown option '--nonsense'" },
		{ { "--wait-tme", "3" },
		  "unknown option '--wait-tme', did you mean '--wait-time'?" },
		{ { "--tetx=a" }, "unknown option '--tetx', did you mean '--text'?" },
		{ { "--numb", "3" }, "unknown option '--numb', did you mean '--number'?" },
		{ { "--numb=3" }, "unknown option '--numb', did you mean '--number'?" },
		{ { "--outpu" }, "unknown option '--outpu', did you mean '--output'?" },
		{ { "--hel" }, "unknown option '--hel', did you mean '--help'?" },
		{ { "--help=me" }, "unknown option '--help'" },
		{ { "-x" }, "unknown option '-x'" },
		{ { "-vx" }, "unknown option '-x'" },
		{ { "--text" }, "option '--text' needs a value" },
		{ { "-t" }, "option '-t' needs a value" },
		{ { "--text=" }, "--text: the value is empty" },
		{ { "--list-item", "" }, "--list-item: the value is empty" },
		{ { "--flag=perhaps" }, "--flag: 'perhaps' is neither yes nor no" },
		{ { "--number", "0" }, "--number: '0' is not between 1 and 64" },
		{ { "--number", "65" }, "--number: '65' is not between 1 and 64" },
		{ { "--number", "-1" }, "--number: '-1' is not between 1 and 64" },
		{ { "--number", "3x" }, "--number: '3x' is not a whole number" },
		{ { "--number", "99999999999999999999" },
		  "--number: '99999999999999999999' is not a whole number" },
		{ { "-o", "yaml" }, "--output: 'yaml' is none of text, json" },
		{ { "--wait-time", "soon" },
		  "--wait-time: 'soon' is not a duration like 30s, 2m or 1h30m" },
		{ { "--wait-time", "2h" }, "--wait-time: '2h' is not between 0 and 3600 seconds" },
		{ { "--verbose=10" }, "--verbose: '10' is not a number up to 9" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct call c = { 0 };

		memcpy(c.line, table[i].line, sizeof(table[i].line));
		call(&c);
		assert_false(c.ok);
		assert_int_equal(c.err.code, ERR_USAGE);
		if (!strstr(c.err.message, table[i].says))
			fail_msg("'%s' says '%s'", table[i].line[0], c.err.message);
		call_clear(&c);
	}
}

static void test_values(void **state)
{
	static const struct opt duration = { .name = "d", .kind = OPT_DURATION };
	static const struct opt size = { .name = "s", .kind = OPT_SIZE };
	static const struct {
		const struct opt *opt;
		const char *text;
		int64_t value; /* -1: refused */
	} table[] = {
		{ &duration, "", -1 },
		{ &duration, "s", -1 },
		{ &duration, "-1s", -1 },
		{ &duration, "1.5s", -1 },
		{ &duration, "30m1h", -1 },
		{ &duration, "1s1s", -1 },
		{ &duration, "1h30", -1 },
		{ &duration, "1 s", -1 },
		{ &duration, "1d", -1 },
		{ &duration, "9223372036854775807h", -1 },
		{ &duration, "0", 0 },
		{ &duration, "7", 7000 },
		{ &duration, "500ms", 500 },
		{ &duration, "30s", 30000 },
		{ &duration, "2m", 120000 },
		{ &duration, "1h30m", 5400000 },
		{ &duration, "1h2m3s4ms", 3723004 },
		{ &duration, "1M", 60000 },
		{ &size, "", -1 },
		{ &size, "MB", -1 },
		{ &size, "1XB", -1 },
		{ &size, "1MBs", -1 },
		{ &size, "9223372036854775807GB", -1 },
		{ &size, "0", 0 },
		{ &size, "4096", 4096 },
		{ &size, "10MB", 10000000 },
		{ &size, "8MiB", 8388608 },
		{ &size, "5k", 5000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct err err = ERR_INIT;
		int64_t value = -1;

		assert_int_equal(opt_store(table[i].opt, &value, table[i].text, &err),
				 table[i].value >= 0);
		if (value != table[i].value)
			fail_msg("'%s' is %ld", table[i].text, (long)value);
		err_clear(&err);
	}
}

static void test_every_kind(void **state)
{
	struct call c = { .line = { "a", "-fvv", "--text=x y", "--list-item", "1,2", "-n", "7",
				    "--list-item=3", "b", "--", "--number" } };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_int_equal(c.wish, OPT_WISH_RUN);
	assert_true(c.settings.flag);
	assert_int_equal(c.settings.count, 2);
	assert_string_equal(c.settings.text, "x y");
	assert_int_equal(c.settings.list.count, 2);
	assert_string_equal(c.settings.list.at[0], "1,2"); /* on the line a comma is a comma */
	assert_int_equal(c.settings.number, 7);
	assert_int_equal(c.settings.form, FORM_TEXT);
	assert_int_equal(c.settings.inner.wait_ms, 30000);
	assert_int_equal(c.argc - c.operand, 3);
	assert_string_equal(c.argv[c.operand], "a");
	assert_string_equal(c.argv[c.operand + 1], "b");
	assert_string_equal(c.argv[c.operand + 2], "--number");
	call_clear(&c);
}

static void test_long_counts_and_flags(void **state)
{
	struct call c = { .line = { "--verbose", "--verbose", "--flag", "--flag=no", "-", "-o",
				    "json" } };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_int_equal(c.settings.count, 2);
	assert_false(c.settings.flag);
	assert_int_equal(c.settings.form, FORM_JSON);
	assert_string_equal(c.argv[c.operand], "-");
	call_clear(&c);
}

static void test_stop_at_operand(void **state)
{
	struct call c = { .line = { "-v", "docker", "push", "--flag" }, .stop_at_operand = true };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_false(c.settings.flag);
	assert_int_equal(c.argc - c.operand, 3);
	call_clear(&c);
}

static void test_help(void **state)
{
	static const char *const lines[][3] = { { "--help" },
						{ "-h" },
						{ "x", "-vh", "--nonsense" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		/* a broken configuration is no reason not to help */
		struct call c = { .config = "nonsense\n" };

		memcpy(c.line, lines[i], sizeof(lines[i]));
		call(&c);
		assert_true(c.ok);
		assert_int_equal(c.wish, OPT_WISH_HELP);
		call_clear(&c);
	}
}

static const char *environment_good(const char *name)
{
	static const char *const table[][2] = {
		{ "LANDED_NUMBER", "9" },
		{ "LANDED_WAIT_TIME", "1m" },
		{ "LANDED_LIST_ITEM", "a,b,,c" },
		{ "LANDED_FLAG", "TRUE" },
		{ "LANDED_VERBOSE", "3" },
		{ "LANDED_TEXT", "" },
		{ "LANDED_PATH", "/from/environment" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!strcmp(name, table[i][0]))
			return table[i][1];
	}
	return NULL;
}

static const char *environment_of_lines(const char *name)
{
	return strcmp(name, "LANDED_LIST_ITEM") ? NULL : "exec:mint --scopes=a,b\n";
}

static const char *environment_bad(const char *name)
{
	return strcmp(name, "LANDED_NUMBER") ? NULL : "many";
}

static const char config[] = "# a comment\n"
			     "\n"
			     "  number = 11  \n"
			     "list-item = x,y\r\n"
			     "list-item = z = 1\n"
			     "text = from file\n"
			     "elsewhere = yes\n"
			     "path=/from/file";

static void test_precedence(void **state)
{
	struct call c = { .environment = environment_good,
			  .config = config,
			  .line = { "--number", "13", "-v" } };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_int_equal(c.settings.number, 13); /* line over environment over file */
	assert_int_equal(c.settings.count, 1);
	assert_string_equal(c.settings.inner.path, "/from/environment");
	assert_string_equal(c.settings.text, "from file"); /* an empty variable says nothing */
	assert_int_equal(c.settings.inner.wait_ms, 60000);
	assert_true(c.settings.flag);
	assert_int_equal(c.settings.list.count, 3); /* not joined with the file's */
	assert_string_equal(c.settings.list.at[2], "c");
	call_clear(&c);
}

static void test_config_alone(void **state)
{
	struct call c = { .config = config };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_int_equal(c.settings.number, 11);
	assert_int_equal(c.settings.list.count, 2);
	assert_string_equal(c.settings.list.at[0], "x,y");
	assert_string_equal(c.settings.list.at[1], "z = 1");
	call_clear(&c);
}

static void test_environment_of_lines(void **state)
{
	struct call c = { .environment = environment_of_lines };

	(void)state;
	call(&c);
	assert_true(c.ok);
	assert_int_equal(c.settings.list.count, 1);
	assert_string_equal(c.settings.list.at[0], "exec:mint --scopes=a,b");
	call_clear(&c);
}

static void test_bad_environment(void **state)
{
	struct call c = { .environment = environment_bad };

	(void)state;
	call(&c);
	assert_false(c.ok);
	assert_string_equal(c.err.message, "LANDED_NUMBER: 'many' is not a whole number");
	call_clear(&c);
}

static void test_bad_config(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "number\n", ":1: 'number' is not 'long-name = value'" },
		{ "= 3\n", ":1: '= 3' is not 'long-name = value'" },
		{ "\n#\nnumbre = 3\n", ":3: there is no option 'numbre'" },
		{ "number = many\n", ":1: number: 'many' is not a whole number" },
		{ "text =\n", ":1: text: the value is empty" },
		{ "help = yes\n", ":1: there is no option 'help'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct call c = { .config = table[i].text };

		call(&c);
		assert_false(c.ok);
		assert_int_equal(c.err.code, ERR_USAGE);
		if (!strstr(c.err.message, table[i].says))
			fail_msg("'%s' says '%s'", table[i].text, c.err.message);
		call_clear(&c);
	}
}

static void test_config_that_is_not_there(void **state)
{
	struct opt_places places = { .config_path = "/nonexistent/landed/config" };
	char *argv[] = { (char[]){ "command" }, NULL };
	struct settings settings = { 0 };
	struct err err = ERR_INIT;
	enum opt_wish wish;
	int operand;

	(void)state;
	assert_true(opt_parse(&uses, &places, false, 1, argv, &settings, &operand, &wish, &err));
	assert_int_equal(settings.number, 4);
	opt_clear(&uses, &settings);
	places.config_path = "/";
	assert_false(opt_parse(&uses, &places, false, 1, argv, &settings, &operand, &wish, &err));
	opt_clear(&uses, &settings);
	err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_bad_environment),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_long_counts_and_flags),
		cmocka_unit_test(test_stop_at_operand),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_config_alone),
		cmocka_unit_test(test_environment_of_lines),
		cmocka_unit_test(test_config_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
