#include "cli/command.h"

#include "cli/suggest.h"

#include <string.h>

static const struct command *const commands[] = {
	&command_auth_setup_docker,
	&command_auth_show,
	&command_auth_token,
	&command_deploy,
	&command_doctor,
	&command_exec,
	&command_push,
	&command_ship,
	&command_verify,
	&command_watch,
};

const struct command *command_at(size_t index)
{
	return index < ARRAY_SIZE(commands) ? commands[index] : NULL;
}

size_t command_word_len(const struct command *c)
{
	return strcspn(c->name, " ");
}

bool command_is_in(const struct command *c, const char *word)
{
	size_t len = command_word_len(c);

	return c->name[len] && strlen(word) == len && strncmp(c->name, word, len) == 0;
}

bool command_is_group(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (command_is_in(commands[i], word))
			return true;
	return false;
}

bool command_word_is_new(size_t index)
{
	size_t len = command_word_len(commands[index]);

	return index == 0 || command_word_len(commands[index - 1]) != len ||
	       strncmp(commands[index - 1]->name, commands[index]->name, len) != 0;
}

const struct command *command_find(const char *name, const char **ret_nearest)
{
	struct suggest s = SUGGEST_INIT(name);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
		suggest_consider(&s, commands[i]->name);
	}
	suggest_consider(&s, "help");
	if (ret_nearest)
		*ret_nearest = s.best;
	return NULL;
}
