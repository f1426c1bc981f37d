/*
 * The private directory that a wrapped command takes for docker's and podman's configuration: theirs in everything,
 * but for the registries concerned our own credential helper is asked. Mode 0700 in $XDG_RUNTIME_DIR, else $TMPDIR.
 *
 *	config.json	the user's, with a credHelpers entry for each host
 *	auth.json	the same for podman, buildah and skopeo, which read REGISTRY_AUTH_FILE alone
 *	bin/		docker-credential-landed-exec, a link to this program: goes first on PATH
 *	*		links to whatever else the user's directory has: contexts, cli-plugins, buildx, ...
 *
 * The helper is this program itself, and it is told where credentials come from by the environment (exec_helper.h): it
 * needs no second executable, and asks the very sources that the options of `landed exec` name.
 */
#ifndef CLI_EXEC_CONFIG_H
#define CLI_EXEC_CONFIG_H

#include "base/err.h"
#include "base/strings.h"

#define EXEC_HELPER "landed-exec"

struct private_config {
	char *directory;
	struct strings environment; /* "NAME=VALUE" for the command */
};

/* ERR_WRAPPER: no directory can be made, or the user's configuration cannot be read. */
MUST_USE bool private_config_new(const struct strings *hosts, struct private_config **ret,
				 struct err *err);

/* Removes the directory with all that is in it; what links point to stays. */
void private_config_free(struct private_config *p);
DEFINE_FREEP(struct private_config, private_config_free)

/*
 * A configuration as the user has it (LEN 0: none) with the helper named for HOSTS, as docker writes them or, FOR_PODMAN,
 * as podman does. The caller wipes and frees *ret. ERR_WRAPPER when the text is no configuration.
 */
MUST_USE bool private_config_text(const char *bytes, size_t len, const struct strings *hosts,
				  bool for_podman, char **ret, struct err *err);

#endif
