/* landed(1) in scdoc's language: the tables, and around them what no table knows. */
#include "cli/docs.h"

#include "base/mem.h"
#include "cli/exit.h"
#include "cli/help.h"

#include <string.h>

/* scdoc marks with these. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\#`~<>", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void print_option(FILE *out, const struct opt *o)
{
	CLEANUP(mem_freep) char *values = help_values(o);

	if (o->letter)
		fprintf(out, "*-%c*, ", o->letter);
	fprintf(out, "*--%s*", o->name);
	if (o->argument)
		fprintf(out, " _%s_", o->argument);
	fputs("\n\t", out);
	print_escaped(out, o->help);
	if (values) {
		fputs(" (", out);
		print_escaped(out, values);
		fputc(')', out);
	}
	fputs(".\n\n", out);
}

static void print_group(FILE *out, const struct opt_group *g)
{
	fprintf(out, "## %s\n\n", g->title);
	for (size_t i = 0; i < g->count; i++)
		print_option(out, &g->options[i]);
}

/* Groups that are not the command's own are described once, under OPTIONS. */
static bool is_common(const struct opt_group *g)
{
	return g == &common_proof || g == &common_output || g == &common_limits ||
	       g == &common_credentials || g == &common_connection;
}

static void print_command(FILE *out, const struct command *c)
{
	fprintf(out, "## landed %s [OPTION...] ", c->name);
	print_escaped(out, c->operands);
	fputs("\n\n", out);
	print_escaped(out, c->description);
	fputs("\n\n", out);
	for (size_t u = 0; u < c->options.count; u++) {
		const struct opt_group *g = c->options.at[u].group;

		for (size_t i = 0; !is_common(g) && i < g->count; i++)
			print_option(out, &g->options[i]);
	}
}

static void print_commands(FILE *out)
{
	const struct command *c;

	fputs("# COMMANDS\n\n", out);
	for (size_t i = 0; (c = command_at(i)); i++)
		print_command(out, c);
	fputs("## landed help [COMMAND]\n\n"
	      "Shows what landed, or one of its commands, can be told: *landed* _COMMAND_ *--help* does "
	      "the same. *landed --version* shows the version.\n\n",
	      out);
}

static void print_options(FILE *out)
{
	const struct opt_group *const groups[] = { &common_proof, &common_output, &common_limits,
						   &common_credentials, &common_connection };

	fputs("# OPTIONS\n\nThese are known to all commands that have a use for them. Options and operands may stand in any "
	      "order; *--* ends the options. Names are never abbreviated. Durations are written like "
	      "500ms, 30s, 2m or 1h30m; a plain number is seconds.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		print_group(out, groups[i]);
}

static void print_exits(FILE *out)
{
	const struct exit_class *e;

	fputs("# EXIT STATUS\n\nTens are classes. In brackets: the verdict in JSON, and whether the same "
	      "command, run again, may succeed.\n\n",
	      out);
	for (size_t i = 0; (e = exit_at(i)); i++) {
		fprintf(out, "*%d*\n\t", e->code);
		print_escaped(out, e->meaning);
		fprintf(out, " (%s; again: %s).\n\n", e->name, exit_again_text(e->again));
	}
}

static void print_examples(FILE *out)
{
	const struct command *c;

	fputs("# EXAMPLES\n\n", out);
	for (size_t i = 0; (c = command_at(i)); i++) {
		for (size_t k = 0; k < c->example_count; k++) {
			print_escaped(out, c->examples[k].what);
			fputs(":\n\n\t", out);
			print_escaped(out, c->examples[k].line);
			fputs("\n\n", out);
		}
	}
}

static const char head[] = "landed(1)\n\n"
			   "# NAME\n\n"
			   "landed - push container images and prove that they are there\n\n"
			   "# SYNOPSIS\n\n";

static const char description[] =
	"# DESCRIPTION\n\n"
	"*landed* exits 0 only when the registry itself has shown that the whole image is there, under "
	"that name. A token that expires is never the reason for a failure: every attempt of every "
	"request asks for the credential anew, and a refused or dying token is renewed.\n\n"
	"Standard output carries the result and nothing else, so that commands nest; its last line is "
	"_repository@digest_. All else goes to standard error.\n\n";

static const char environment[] =
	"# ENVIRONMENT\n\n"
	"Each long option has a variable: *LANDED\\_* and its name in capitals with underscores, for "
	"instance *LANDED\\_STALL\\_TIMEOUT*. Flags are yes or no. An option that may be repeated takes "
	"several values, one a line, or else separated by commas; a value that holds a comma needs the "
	"form with lines (end it with a line break). The command line comes first, then the environment, "
	"then the configuration file, then the default; the first that says anything about an option "
	"decides it alone.\n\n"
	"Besides: *HTTPS\\_PROXY*, *HTTP\\_PROXY* and *NO\\_PROXY*; *DOCKER\\_CONFIG* and "
	"*REGISTRY\\_AUTH\\_FILE* for docker-config; *TMPDIR*; *NO\\_COLOR*, *FORCE\\_COLOR* and *TERM*; "
	"*XDG\\_CONFIG\\_HOME*.\n\n";

static const char files[] =
	"# FILES\n\n"
	"_$XDG\\_CONFIG\\_HOME/landed/config_, else _~/.config/landed/config_\n"
	"\tLines of the form _long-name = value_; an option that may be repeated has a line for each "
	"value; lines that begin with # are comments. A name that no command knows is an error.\n\n";

static const char notes[] =
	"# NOTES\n\n"
	"*Secrets* are never options: they come from a file, a command, the environment or docker's "
	"configuration, as said by *--cred*.\n\n"
	"*Interrupting*: the first signal ends the work in good order; if the manifest was sent already, "
	"up to 5 seconds go into finding out what became of it. The second signal ends at once. The same "
	"command again sends only what is missing.\n\n"
	"*JSON results* (*--output* json): one object a line for each REF, failures too, with \"schema\": "
	"\"landed/1\" and \"verdict\"; fields may be added, those that are there stay.\n\n"
	"*JSON progress* (*--progress* json): one object a line on standard error, each with \"event\" "
	"(phase, note, request, token, refused, wait, blob, proof), \"at\" and \"ms\".\n\n"
	"*Receipts* are in-toto statements with the predicate SVR v0.2. They say what was seen when, not "
	"how an image was built, and are not signed: cosign can do that.\n\n";

void docs_man(FILE *out)
{
	const struct command *c;

	fputs(head, out);
	for (size_t i = 0; (c = command_at(i)); i++) {
		fprintf(out, "*landed %s* [_OPTION_...] ", c->name);
		print_escaped(out, c->operands);
		fputs(command_at(i + 1) ? "++\n" : "\n\n", out);
	}
	fputs(description, out);
	print_commands(out);
	print_options(out);
	fputs(environment, out);
	fputs(files, out);
	print_exits(out);
	print_examples(out);
	fputs(notes, out);
}
