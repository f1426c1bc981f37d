/* The configuration file: "long-name = value", one a line, '#' begins a comment line. */
#include "cli/opt.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

/* The text without blanks around it, in place. */
static char *trimmed(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

bool opt_config_parse(const char *text, const char *path,
		      bool (*each)(void *arg, const char *name, const char *value, int line,
				   struct err *err),
		      void *arg, struct err *err)
{
	for (int number = 1; *text; number++) {
		size_t len = strcspn(text, "\n");
		CLEANUP(mem_freep) char *copy = mem_strndup(text, len);
		char *line = trimmed(copy), *equals = strchr(line, '=');

		text += len + (text[len] == '\n');
		if (!*line || *line == '#')
			continue;
		if (!equals || equals == line) {
			return err_set(err, ERR_USAGE, "%s:%d: '%s' is not 'long-name = value'",
				       path, number, line);
		}
		*equals = '\0';
		if (!each(arg, trimmed(line), trimmed(equals + 1), number, err))
			return false;
	}
	return true;
}
