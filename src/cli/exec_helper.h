/*
 * The credential helper inside `landed exec`: this program under the name docker-credential-landed-exec, by a link that
 * stands in the private directory. Speaks docker's protocol (get, store, erase, list) and asks the sources that the
 * options of `landed exec` named, anew every time; for any registry that the command is about, and for no other one: a
 * token must not reach the registry that a base image happens to come from.
 *
 * What it has to know comes by the environment, paths and words of options and never a secret:
 *	LANDED_CRED, ...	the options, as every command of landed takes them
 *	LANDED_EXEC_...		the private directory, the registries, and what was where before
 *
 * A login of the command's own (`docker login` in a script) is kept in the private directory and goes first, unless
 * --cred or --impersonate said where credentials come from.
 */
#ifndef CLI_EXEC_HELPER_H
#define CLI_EXEC_HELPER_H

#include "base/strings.h"
#include "cli/common.h"

/* Whether this program was called as that helper. */
bool exec_helper_is_called(const char *argv0);

/* The helper's whole life; returns its exit code. */
int exec_helper_main(int argc, char **argv);

/* What it will need, added to the environment of the command. */
void exec_helper_environment(const struct common_settings *settings, const struct strings *hosts,
			     const char *directory, struct strings *environment);

/* "https://index.docker.io/v1/", "host/", "host:5000\n": the registry's name as references have it. The caller frees. */
char *exec_helper_host(const char *server);

#endif
