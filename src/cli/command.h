/*
 * A command of `landed`: one entry of the table, one file cmd_X.c. From the entry come its help, its page in the
 * manual and its completions.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/world.h"
#include "cli/common.h"
#include "cli/talk.h"

/* What a command is run with. */
struct run {
	const struct world *world;
	struct talk *talk;
	const void *settings; /* the command's own struct, which begins with common_settings */
	char *const *operands;
	size_t operand_count;
	FILE *out; /* the result, and nothing else */
	int *passed_on; /* set it to end with a wrapped command's own exit code, and fail without an error */
};

struct command_example {
	const char *what;
	const char *line;
};

/* What completions offer where no option stands. */
enum command_operands {
	OPERANDS_SOURCE_REF,
	OPERANDS_REF,
	OPERANDS_COMMAND,
	OPERANDS_ROLLOUT,      /* KIND/NAME of what has one */
	OPERANDS_WORKLOAD_REF, /* KIND/NAME CONTAINER=REF... */
};

struct command {
	const char *name;	 /* one word, or a group and a word: "auth show" */
	const char *operands;	 /* for the usage line */
	const char *summary;	 /* one line, starts lower case, no full stop */
	const char *description; /* paragraphs, an empty line between them */
	enum command_operands completes;
	struct opt_uses options;
	size_t settings_size;
	const struct command_example *examples;
	size_t example_count;
	bool wraps; /* operands are another program's line, and a slip in the options is ERR_WRAPPER */
	bool (*run)(const struct run *run, struct err *err);
};

extern const struct command command_auth_setup_docker;
extern const struct command command_auth_show;
extern const struct command command_auth_token;
extern const struct command command_deploy;
extern const struct command command_doctor;
extern const struct command command_exec;
extern const struct command command_push;
extern const struct command command_ship;
extern const struct command command_verify;
extern const struct command command_watch;

/* Sorted by name; NULL behind the last. */
const struct command *command_at(size_t index);

/* NULL when there is none of that name; *ret_nearest, if wanted, is then one that may be meant, or NULL. */
const struct command *command_find(const char *name, const char **ret_nearest);

/* Whether C is in the group WORD: "auth show" is in "auth". */
bool command_is_in(const struct command *c, const char *word);

/* Whether there is a group of that name. */
bool command_is_group(const char *word);

/* How long C's first word is, and whether the command before it in the table begins with the same. */
size_t command_word_len(const struct command *c);
bool command_word_is_new(size_t index);

#endif
