#include "cli/command.h"

#include "cli/suggest.h"

#include <string.h>

static const struct command *const commands[] = {
	&command_doctor,
	&command_push,
	&command_verify,
};

const struct command *command_at(size_t index)
{
	return index < ARRAY_SIZE(commands) ? commands[index] : NULL;
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
