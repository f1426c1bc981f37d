#include "cli/help.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

#define WIDTH 80
#define OPTION_COLUMN 30

/* TEXT in lines of at most WIDTH columns, each begun at INDENT; the cursor stands at COLUMN. */
static void print_wrapped(FILE *out, const char *text, int column, int indent)
{
	bool line_begins = true;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (!line_begins && column + 1 + len > WIDTH) {
			fputc('\n', out);
			column = 0;
			line_begins = true;
		}
		if (line_begins && column < indent)
			column += fprintf(out, "%*s", indent - column, "");
		column += fprintf(out, "%s%.*s", line_begins ? "" : " ", len, text);
		line_begins = false;
		text += len;
		if (*text == '\n') {
			fputc('\n', out);
			column = 0;
			line_begins = true;
		}
		text += *text != '\0';
	}
	fputc('\n', out);
}

char *help_values(const struct opt *o)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t i = 0; o->words && o->words[i]; i++)
		buf_printf(&text, "%s%s", i ? ", " : "one of ", o->words[i]);
	if (o->fallback)
		buf_printf(&text, "%sdefault %s", text.len ? "; " : "", o->fallback);
	return text.len ? buf_take(&text) : NULL;
}

static void print_option(FILE *out, const struct opt *o)
{
	CLEANUP(mem_freep) char *values = help_values(o);
	CLEANUP(mem_freep) char *text = NULL;
	int column;

	if (o->letter)
		column = fprintf(out, "  -%c, --%s", o->letter, o->name);
	else
		column = fprintf(out, "      --%s", o->name);
	if (o->argument)
		column += fprintf(out, " %s", o->argument);
	if (column > OPTION_COLUMN - 2) {
		fputc('\n', out);
		column = 0;
	}
	text = values ? mem_printf("%s (%s)", o->help, values) : mem_strdup(o->help);
	print_wrapped(out, text, column, OPTION_COLUMN);
}

void help_command(FILE *out, const struct command *c)
{
	const char *title = "";

	fprintf(out, "usage: landed %s [OPTION...] %s\n\n", c->name, c->operands);
	print_wrapped(out, c->description, 0, 0);
	for (size_t u = 0; u < c->options.count; u++) {
		const struct opt_group *g = c->options.at[u].group;

		if (strcmp(g->title, title) != 0)
			fprintf(out, "\n%s:\n", g->title);
		title = g->title;
		for (size_t i = 0; i < g->count; i++)
			print_option(out, &g->options[i]);
	}
	fputs("\nExamples:\n", out);
	for (size_t i = 0; i < c->example_count; i++)
		fprintf(out, "  # %s\n  %s\n", c->examples[i].what, c->examples[i].line);
	fputs("\nEach option has an environment variable LANDED_LONG_NAME and a line in\n"
	      "~/.config/landed/config: see landed(1), which also lists the exit codes.\n",
	      out);
}

void help_group(FILE *out, const char *word)
{
	const struct command *c;

	fprintf(out, "usage: landed %s COMMAND [OPTION...] ...\n\nCommands:\n", word);
	for (size_t i = 0; (c = command_at(i)); i++)
		if (command_is_in(c, word))
			fprintf(out, "  %-17s  %s\n", c->name, c->summary);
}

void help_front(FILE *out)
{
	const struct command *c;

	fputs("usage: landed COMMAND [OPTION...] ...\n\n"
	      "Pushes container images and exits 0 only when the registry itself has shown that\n"
	      "the whole image is there. A token that expires is never the reason for a failure.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; (c = command_at(i)); i++)
		fprintf(out, "  %-17s  %s\n", c->name, c->summary);
	fputs("  help               show this, or with a COMMAND what it can be told\n\n"
	      "Options:\n"
	      "      --help     show this; behind a command, what it can be told\n"
	      "      --version  show the version\n",
	      out);
}
