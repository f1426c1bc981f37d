#include "cli/places.h"

#include "base/mem.h"

const char *places_environment(const char *name)
{
	return getenv(name);
}

/* XDG base directories: a relative XDG_CONFIG_HOME is no answer. */
char *places_config_path(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return mem_printf("%s/landed/config", xdg);
	return home && *home ? mem_printf("%s/.config/landed/config", home) : NULL;
}
