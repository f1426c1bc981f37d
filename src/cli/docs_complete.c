/* Completions for bash, zsh and fish. */
#include "cli/docs.h"

#include "base/mem.h"

#include <string.h>

static const char *const source_prefixes[] = { "oci:", "oci-archive:", "docker-archive:",
					       "docker-daemon:" };

#define ROLLOUT_KINDS "deployment/ statefulset/ daemonset/"

/* What the first operand begins with; NULL when that is no KIND/NAME. */
static const char *kinds_of(const struct command *c)
{
	if (c->completes == OPERANDS_ROLLOUT)
		return ROLLOUT_KINDS;
	return c->completes == OPERANDS_WORKLOAD_REF ? ROLLOUT_KINDS " cronjob/" : NULL;
}

/* Calls each(out, c, o) for all options of a command. */
static void each_option(FILE *out, const struct command *c,
			void (*each)(FILE *out, const struct command *c, const struct opt *o))
{
	for (size_t u = 0; u < c->options.count; u++) {
		const struct opt_group *g = c->options.at[u].group;

		for (size_t i = 0; i < g->count; i++)
			each(out, c, &g->options[i]);
	}
}

static void print_words(FILE *out, const struct opt *o)
{
	for (size_t i = 0; o->words[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", o->words[i]);
}

static void print_commands(FILE *out)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (command_word_is_new(i))
			fprintf(out, "%.*s ", (int)command_word_len(c), c->name);
	fputs("help", out);
}

static bool is_in_group(const struct command *c)
{
	return c->name[command_word_len(c)] != '\0';
}

/* Calls each(out, i) for the first command of each group. */
static void each_group(FILE *out, void (*each)(FILE *out, size_t first))
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (is_in_group(c) && command_word_is_new(i))
			each(out, i);
}

/* "setup-docker show token": the words behind that of the group. */
static void print_group_words(FILE *out, size_t first)
{
	const struct command *c;

	for (size_t i = first; (c = command_at(i)) && (i == first || !command_word_is_new(i)); i++)
		fprintf(out, "%s%s", i == first ? "" : " ", c->name + command_word_len(c) + 1);
}

static void bash_group(FILE *out, size_t first)
{
	const struct command *c = command_at(first);

	fprintf(out,
		"\tif [ \"$command\" = %.*s ]; then\n"
		"\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
		"\t\t\tCOMPREPLY=($(compgen -W \"",
		(int)command_word_len(c), c->name);
	print_group_words(out, first);
	fputs(" --help\" -- \"$word\"))\n\t\t\treturn\n\t\tfi\n"
	      "\t\tcommand=\"$command ${COMP_WORDS[2]}\"\n\tfi\n",
	      out);
}

static void print_prefixes(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(source_prefixes); i++)
		fprintf(out, "%s%s", i ? " " : "", source_prefixes[i]);
}

static void bash_name(FILE *out, const struct command *c, const struct opt *o)
{
	(void)c;
	fprintf(out, " --%s", o->name);
	if (o->letter)
		fprintf(out, " -%c", o->letter);
}

/* What may stand behind an option: a line of a `case` over the word before. */
static void bash_value(FILE *out, const struct command *c, const struct opt *o)
{
	if (!o->argument)
		return;
	fprintf(out, "\t'%s':--%s", c->name, o->name);
	if (o->letter)
		fprintf(out, "|'%s':-%c", c->name, o->letter);
	fputs(") ", out);
	if (o->words) {
		fputs("COMPREPLY=($(compgen -W \"", out);
		print_words(out, o);
		fputs("\" -- \"$word\"))", out);
	} else if (o->is_path) {
		fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"))", out);
	} else {
		fputs("COMPREPLY=()", out);
	}
	fputs("; return ;;\n", out);
}

/* Behind -- stands another program's line. */
static void bash_command(FILE *out, const struct command *c)
{
	fprintf(out,
		"\tif [ \"$command\" = %s ] && [[ \" ${COMP_WORDS[*]:0:COMP_CWORD} \" == *' -- '* ]]; "
		"then\n\t\tcompopt -o bashdefault -o default\n"
		"\t\tCOMPREPLY=($(compgen -c -- \"$word\"))\n\t\treturn\n\tfi\n\n",
		c->name);
}

/* A KIND/NAME is asked for as long as there is none. */
static void bash_kinds(FILE *out, const struct command *c)
{
	if (!kinds_of(c))
		return;
	fprintf(out,
		"\tif [ \"$command\" = %s ] && [[ $word != -* && $word != *[:=]* ]]; then\n"
		"\t\t[[ \" ${COMP_WORDS[*]:2:COMP_CWORD-2}\" =~ [[:space:]][a-z.]+/ ]] && return\n"
		"\t\tcompopt -o nospace\n"
		"\t\tCOMPREPLY=($(compgen -W \"%s\" -- \"$word\"))\n\t\treturn\n\tfi\n\n",
		c->name, kinds_of(c));
}

void docs_bash(FILE *out)
{
	const struct command *c;

	fputs("# bash completion for landed; made from its option tables\n\n"
	      "_landed()\n{\n"
	      "\tlocal word before command options= prefix path\n"
	      "\t# a colon splits words in bash: put SOURCE and --opt=value together again\n"
	      "\tif declare -F _get_comp_words_by_ref >/dev/null; then\n"
	      "\t\tlocal cur prev\n"
	      "\t\t_get_comp_words_by_ref -n := cur prev\n"
	      "\t\tword=$cur before=$prev\n"
	      "\telse\n"
	      "\t\tword=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tfi\n"
	      "\tcommand=${COMP_WORDS[1]}\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      out);
	print_commands(out);
	fputs(" --help --version\" -- \"$word\"))\n\t\treturn\n\tfi\n", out);
	each_group(out, bash_group);
	fputs("\n\tcase $command:$before in\n"
	      "\thelp:*) COMPREPLY=($(compgen -W \"",
	      out);
	print_commands(out);
	fputs("\" -- \"$word\")); return ;;\n", out);
	for (size_t i = 0; (c = command_at(i)); i++)
		each_option(out, c, bash_value);
	fputs("\tesac\n\n\tcase $command in\n", out);
	for (size_t i = 0; (c = command_at(i)); i++) {
		fprintf(out, "\t'%s') options=\"--help", c->name);
		each_option(out, c, bash_name);
		fputs("\" ;;\n", out);
	}
	fputs("\tesac\n\n", out);
	for (size_t i = 0; (c = command_at(i)); i++)
		if (c->completes == OPERANDS_COMMAND)
			bash_command(out, c);
	for (size_t i = 0; (c = command_at(i)); i++)
		bash_kinds(out, c);
	fputs("\tcase $word in\n"
	      "\t-*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
	      "\t*:*)\n"
	      "\t\tprefix=${word%%:*}: path=${word#*:}\n"
	      "\t\tcompopt -o nospace\n"
	      "\t\tCOMPREPLY=($(compgen -f -P \"$prefix\" -- \"$path\"))\n"
	      "\t\tdeclare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions \"$word\"\n"
	      "\t\t;;\n"
	      "\t*)\n"
	      "\t\tif [ \"$command\" = push ]; then\n"
	      "\t\t\tcompopt -o nospace\n"
	      "\t\t\tCOMPREPLY=($(compgen -W \"",
	      out);
	print_prefixes(out);
	fputs("\" -- \"$word\"))\n\t\tfi\n\t\t;;\n\tesac\n}\n\ncomplete -F _landed landed\n", out);
}

/* Inside '...[help]' of _arguments: brackets, colons and quotes have a meaning. */
static void zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void zsh_value(FILE *out, const struct opt *o)
{
	if (!o->argument)
		return;
	fprintf(out, ":%s:", o->argument);
	if (o->words) {
		fputc('(', out);
		print_words(out, o);
		fputc(')', out);
	} else if (o->is_path) {
		fputs("_files", out);
	}
}

static void zsh_spec(FILE *out, const struct opt *o, bool by_letter)
{
	bool repeats = o->kind == OPT_STRINGS || o->kind == OPT_COUNT;

	fprintf(out, "\t\t\t'%s", repeats ? "*" : "");
	if (by_letter)
		fprintf(out, "-%c[", o->letter);
	else
		fprintf(out, "--%s%s[", o->name, o->argument ? "=" : "");
	zsh_text(out, o->help);
	fputc(']', out);
	zsh_value(out, o);
	fputs("' \\\n", out);
}

static void zsh_option(FILE *out, const struct command *c, const struct opt *o)
{
	(void)c;
	zsh_spec(out, o, false);
	if (o->letter)
		zsh_spec(out, o, true);
}

static void zsh_group(FILE *out, size_t first)
{
	const struct command *c = command_at(first);

	fprintf(out,
		"\tif [[ $command = %.*s ]]; then\n"
		"\t\tif (( CURRENT == 2 )); then\n\t\t\tcompadd -- ",
		(int)command_word_len(c), c->name);
	print_group_words(out, first);
	fputs("\n\t\t\treturn\n\t\tfi\n"
	      "\t\tcommand=\"$command $words[2]\"\n"
	      "\t\tshift words\n\t\t(( CURRENT-- ))\n\tfi\n",
	      out);
}

/* A line of what may stand first; a group is described by its words. */
static void zsh_word(FILE *out, size_t index)
{
	const struct command *c = command_at(index);

	if (!command_word_is_new(index))
		return;
	fprintf(out, "\t\t'%.*s:", (int)command_word_len(c), c->name);
	if (is_in_group(c))
		print_group_words(out, index);
	else
		zsh_text(out, c->summary);
	fputs("'\n", out);
}

void docs_zsh(FILE *out)
{
	const struct command *c;

	fputs("#compdef landed\n# zsh completion for landed; made from its option tables\n\n"
	      "_landed_source()\n{\n"
	      "\tif compset -P '*:'; then\n\t\t_files\n\telse\n\t\tcompadd -S '' -- ",
	      out);
	print_prefixes(out);
	fputs("\n\tfi\n}\n\n_landed()\n{\n\tlocal -a commands\n\tcommands=(\n", out);
	for (size_t i = 0; command_at(i); i++)
		zsh_word(out, i);
	fputs("\t\t'help:show what landed or a command can be told'\n\t)\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\t_describe command commands\n"
	      "\t\tcompadd -- --help --version\n"
	      "\t\treturn\n\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\tshift words\n\t(( CURRENT-- ))\n",
	      out);
	each_group(out, zsh_group);
	fputs("\tcase $command in\n\thelp)\n\t\t_describe command commands\n\t\t;;\n", out);
	for (size_t i = 0; (c = command_at(i)); i++) {
		fprintf(out, "\t'%s')\n\t\t_arguments -s -S \\\n", c->name);
		each_option(out, c, zsh_option);
		fputs("\t\t\t'--help[show what the command can be told]' \\\n", out);
		if (c->completes == OPERANDS_SOURCE_REF)
			fputs("\t\t\t'1:SOURCE:_landed_source' \\\n", out);
		if (kinds_of(c))
			fprintf(out, "\t\t\t'1:KIND/NAME:{compadd -S \"\" -- %s}' \\\n",
				kinds_of(c));
		fputs(c->completes == OPERANDS_COMMAND ? "\t\t\t'*::COMMAND:_normal'\n\t\t;;\n"
						       : "\t\t\t'*:REF:'\n\t\t;;\n",
		      out);
	}
	fputs("\tesac\n}\n\n_landed \"$@\"\n", out);
}

static void fish_text(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

/* The condition under which C is being typed. */
static void fish_seen(FILE *out, const struct command *c)
{
	int len = (int)command_word_len(c);

	fprintf(out, "'__fish_seen_subcommand_from %.*s", len, c->name);
	if (is_in_group(c))
		fprintf(out, "; and __fish_seen_subcommand_from %s", c->name + len + 1);
	fputc('\'', out);
}

static void fish_group(FILE *out, size_t first)
{
	const struct command *c = command_at(first);
	int len = (int)command_word_len(c);

	fprintf(out,
		"complete -c landed -n __fish_use_subcommand -a %.*s\n"
		"complete -c landed -n '__fish_seen_subcommand_from %.*s; and not "
		"__fish_seen_subcommand_from ",
		len, c->name, len, c->name);
	print_group_words(out, first);
	fputs("' -a '", out);
	print_group_words(out, first);
	fputs("'\n", out);
}

/* That C may be typed; the words of a group have been offered together. */
static void fish_word(FILE *out, const struct command *c)
{
	if (is_in_group(c))
		return;
	fprintf(out, "complete -c landed -n __fish_use_subcommand -a %s -d ", c->name);
	fish_text(out, c->summary);
	fputc('\n', out);
}

static void fish_option(FILE *out, const struct command *c, const struct opt *o)
{
	fputs("complete -c landed -n ", out);
	fish_seen(out, c);
	fprintf(out, " -l %s", o->name);
	if (o->letter)
		fprintf(out, " -s %c", o->letter);
	if (o->argument)
		fputs(o->is_path ? " -r -F" : " -x", out);
	if (o->words) {
		fputs(" -a '", out);
		print_words(out, o);
		fputc('\'', out);
	}
	fputs(" -d ", out);
	fish_text(out, o->help);
	fputc('\n', out);
}

void docs_fish(FILE *out)
{
	const struct command *c;

	fputs("# fish completion for landed; made from its option tables\n\n"
	      "complete -c landed -f\n"
	      "complete -c landed -n __fish_use_subcommand -l help -d 'show help'\n"
	      "complete -c landed -n __fish_use_subcommand -l version -d 'show the version'\n"
	      "complete -c landed -n __fish_use_subcommand -a help -d 'show help'\n"
	      "complete -c landed -n '__fish_seen_subcommand_from help' -a '",
	      out);
	print_commands(out);
	fputs("'\n", out);
	each_group(out, fish_group);
	for (size_t i = 0; (c = command_at(i)); i++) {
		fputc('\n', out);
		fish_word(out, c);
		fputs("complete -c landed -n ", out);
		fish_seen(out, c);
		fputs(" -l help -d 'show help'\n", out);
		if (c->completes == OPERANDS_SOURCE_REF) {
			fprintf(out, "complete -c landed -n '__fish_seen_subcommand_from %s' -a '",
				c->name);
			print_prefixes(out);
			fputs("'\n", out);
		}
		if (kinds_of(c))
			fprintf(out,
				"complete -c landed -n '__fish_seen_subcommand_from %s; and not string "
				"match -qr \"^[a-z.]+/\" -- (commandline -opc)' -a '%s'\n",
				c->name, kinds_of(c));
		if (c->completes == OPERANDS_COMMAND)
			fprintf(out,
				"complete -c landed -n '__fish_seen_subcommand_from %s' -a "
				"'(__fish_complete_subcommand)'\n",
				c->name);
		each_option(out, c, fish_option);
	}
}
