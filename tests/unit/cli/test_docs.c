/* Whatever a table says, the manual, the help and the completions say as well. */
#include "cli/fixture.h"

#include "cli/docs.h"
#include "cli/exit.h"
#include "cli/help.h"

#include <ctype.h>

static char *help_of(const struct command *c)
{
	CLEANUP(mem_freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	help_command(out, c);
	fclose(out);
	return mem_strdup(text);
}

/* NEEDLE with nothing behind it that would make it another name. */
static bool has_name(const char *text, const char *needle)
{
	size_t len = strlen(needle);

	for (const char *p = text; (p = strstr(p, needle)); p++) {
		if (!isalnum((unsigned char)p[len]) && p[len] != '-')
			return true;
	}
	return false;
}

static void assert_named(const char *where, const char *text, const char *name)
{
	if (!has_name(text, name))
		fail_msg("%s does not name %s", where, name);
}

static void check_option(const struct command *c, const struct opt *o)
{
	CLEANUP(mem_freep) char *man = printed(docs_man);
	CLEANUP(mem_freep) char *bash = printed(docs_bash);
	CLEANUP(mem_freep) char *zsh = printed(docs_zsh);
	CLEANUP(mem_freep) char *fish = printed(docs_fish);
	CLEANUP(mem_freep) char *help = help_of(c);
	CLEANUP(mem_freep) char *name = mem_printf("--%s", o->name);
	CLEANUP(mem_freep) char *fish_name = mem_printf("-l %s", o->name);

	assert_named("the manual", man, name);
	assert_named("bash", bash, name);
	assert_named("zsh", zsh, name);
	assert_named("fish", fish, fish_name);
	assert_named("--help", help, name);
	for (size_t i = 0; o->words && o->words[i]; i++) {
		assert_named("bash", bash, o->words[i]);
		assert_named("zsh", zsh, o->words[i]);
		assert_named("fish", fish, o->words[i]);
	}
}

/* What a table must hold for the rest to work. */
static void check_table(const struct command *c, const struct opt *o)
{
	union {
		bool flag;
		int count;
		int64_t number;
		char *text;
		struct strings list;
	} value = { 0 };
	struct err err = ERR_INIT;

	assert_ptr_equal(opt_find(&c->options, o->name), o); /* no name twice */
	assert_true(islower((unsigned char)o->name[0]));
	assert_true(o->help && *o->help);
	assert_int_equal(o->argument != NULL, o->kind != OPT_FLAG && o->kind != OPT_COUNT);
	assert_int_equal(o->words != NULL, o->kind == OPT_CHOICE);
	if (o->fallback && !opt_store_list(o, &value, o->fallback, &err))
		fail_msg("--%s: the default is refused: %s", o->name, err.message);
	opt_unset(o, &value);
	assert_false(strcasestr(o->name, "password"));
	/* no option takes a token; how long one lives is none */
	assert_false(strcasestr(o->name, "token") && o->kind != OPT_DURATION);
}

static void each_option(void (*check)(const struct command *c, const struct opt *o))
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		for (size_t u = 0; u < c->options.count; u++) {
			const struct opt_group *g = c->options.at[u].group;

			for (size_t k = 0; k < g->count; k++)
				check(c, &g->options[k]);
		}
	}
}

static void test_tables(void **state)
{
	(void)state;
	each_option(check_table);
}

static void test_options_are_documented(void **state)
{
	(void)state;
	each_option(check_option);
}

static void test_letters_are_not_used_twice(void **state)
{
	const struct command *c;

	(void)state;
	for (size_t i = 0; (c = command_at(i)); i++) {
		int seen[128] = { ['h'] = 1 };

		for (size_t u = 0; u < c->options.count; u++) {
			const struct opt_group *g = c->options.at[u].group;

			for (size_t k = 0; k < g->count; k++) {
				int letter = g->options[k].letter;

				assert_true(letter >= 0);
				assert_false(letter && seen[letter]++);
			}
		}
	}
}

static void test_commands(void **state)
{
	CLEANUP(mem_freep) char *front = printed(help_front);
	const char *nearest = NULL;
	const struct command *c;

	(void)state;
	assert_null(command_find("psuh", &nearest));
	assert_string_equal(nearest, "push");
	for (size_t i = 0; (c = command_at(i)); i++) {
		assert_ptr_equal(command_find(c->name, NULL), c);
		assert_named("landed --help", front, c->name);
		assert_true(i == 0 || strcmp(command_at(i - 1)->name, c->name) < 0);
		assert_true(c->settings_size >= sizeof(struct common_settings));
	}
}

static void test_exit_codes_are_in_the_manual(void **state)
{
	CLEANUP(mem_freep) char *man = printed(docs_man);
	const struct exit_class *e;

	(void)state;
	for (size_t i = 0; (e = exit_at(i)); i++) {
		CLEANUP(mem_freep) char *entry = mem_printf("*%d*\n\t", e->code);

		assert_non_null(strstr(man, entry));
		assert_named("the manual", man, e->name);
	}
}

/* Examples are not wrapped: they are to be copied. */
static void assert_narrow(char *help)
{
	char *examples = strstr(help, "\nExamples:");

	assert_non_null(examples);
	*examples = '\0';
	for (const char *line = help; *line;
	     line += strcspn(line, "\n") + (line[strcspn(line, "\n")] != '\0'))
		assert_true(strcspn(line, "\n") <= 80);
}

static void test_help_is_not_too_wide(void **state)
{
	const struct command *c;

	(void)state;
	for (size_t i = 0; (c = command_at(i)); i++) {
		char *help = help_of(c);

		assert_narrow(help);
		free(help);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_letters_are_not_used_twice),
		cmocka_unit_test(test_options_are_documented),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_exit_codes_are_in_the_manual),
		cmocka_unit_test(test_help_is_not_too_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
