/*
 * Options, each said once. A `struct opt` is all there is to an option: what the command line, the environment
 * and the configuration file may say, --help, the manual and the completions are all read from it.
 *
 * An option is looked for in four places; the first that says anything wins, also for one that can be repeated:
 *	1. the command line	--long-name VALUE, --long-name=VALUE, -x VALUE; never an abbreviation
 *	2. the environment	LANDED_LONG_NAME; empty is not said
 *	3. the configuration	"long-name = value" in $XDG_CONFIG_HOME/landed/config, or ~/.config/landed/config
 *	4. `fallback`		in the table
 * A flag given on the command line may be taken back: --long-name=no. A secret is never an option.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "base/err.h"
#include "base/strings.h"

#include <stdint.h>

/* The kind says what stands at `offset`. */
enum opt_kind {
	OPT_FLAG,     /* bool */
	OPT_COUNT,    /* int: how often it was given */
	OPT_STRING,   /* char *, NULL when not given */
	OPT_STRINGS,  /* struct strings: may be repeated */
	OPT_INTEGER,  /* int64_t */
	OPT_DURATION, /* int64_t, milliseconds: "500ms", "30s", "1h30m"; a plain number is seconds */
	OPT_SIZE,     /* int64_t, bytes: "4096", "10MB", "8MiB" */
	OPT_CHOICE,   /* an int or enum: the place in `words` */
};

struct opt {
	const char *name; /* the long one, without its dashes: this is the contract */
	char letter;	  /* 0: none */
	enum opt_kind kind;
	size_t offset;		  /* in the struct that the group is about */
	const char *argument;	  /* its name in the help; NULL for flags and counts */
	const char *fallback;	  /* as somebody would type it; NULL: false, zero, nothing */
	int64_t least, most;	  /* of numbers; both 0: whatever is not negative */
	const char *const *words; /* of a choice, ended by NULL */
	bool is_path;		  /* the argument names a file */
	const char *help;	  /* starts lower case, no full stop */
};

struct opt_group {
	const char *title;
	const struct opt *options;
	size_t count;
};

/* A group in a command's settings: where in them the struct lies that the group is about. */
struct opt_use {
	const struct opt_group *group;
	size_t offset;
};

struct opt_uses {
	const struct opt_use *at;
	size_t count;
};

/* What the user wants beyond options and operands. */
enum opt_wish { OPT_WISH_RUN, OPT_WISH_HELP };

/* Where options are said besides the command line; tests bring their own. */
struct opt_places {
	const char *(*environment)(const char *name); /* NULL: nothing there */
	const char *config_path;		      /* NULL: there is no file */
	const struct opt_uses *known; /* what the file may name: the options of all commands */
	size_t known_count;
	bool others_read_it; /* the file: what is not known here is somebody else's */
};

/*
 * Fills SETTINGS from all four places. ARGV has the command's name first; it is reordered so that the operands
 * stand from *ret_operand on. Stops at the first operand if STOP_AT_OPERAND (the rest is another program's line).
 * With OPT_WISH_HELP (--help, -h) nothing else was done. SETTINGS must be zeroed before and opt_clear-ed after,
 * whatever comes out. Fails with ERR_USAGE; ERR_LOCAL when the file is there and cannot be read.
 */
MUST_USE bool opt_parse(const struct opt_uses *uses, const struct opt_places *places,
			bool stop_at_operand, int argc, char **argv, void *settings,
			int *ret_operand, enum opt_wish *ret_wish, struct err *err);
void opt_clear(const struct opt_uses *uses, void *settings);

/* One value of O into the field at PLACE; a repeatable one is added. ERR_USAGE, without saying which option. */
MUST_USE bool opt_store(const struct opt *o, void *place, const char *text, struct err *err);

/* A value of the environment: a repeatable one holds several, one a line, or else separated by commas. */
MUST_USE bool opt_store_list(const struct opt *o, void *place, const char *text, struct err *err);
void opt_unset(const struct opt *o, void *place);

/* "LANDED_LONG_NAME"; the caller frees. */
char *opt_environment_name(const struct opt *o);

/* The option of that long name among USES, NULL when there is none. */
const struct opt *opt_find(const struct opt_uses *uses, const char *name);

/*
 * Calls each(arg, name, value, line) for every line of a configuration file's TEXT that says something, until
 * it returns false. Fails with ERR_USAGE for a line that is no "name = value", naming PATH and the line.
 */
MUST_USE bool opt_config_parse(const char *text, const char *path,
			       bool (*each)(void *arg, const char *name, const char *value,
					    int line, struct err *err),
			       void *arg, struct err *err);

#endif
