/* Where options stand besides the command line: the process's environment, and its configuration file. */
#ifndef CLI_PLACES_H
#define CLI_PLACES_H

const char *places_environment(const char *name);

/* $XDG_CONFIG_HOME/landed/config, else ~/.config/landed/config; NULL where neither is set. The caller frees. */
char *places_config_path(void);

#endif
