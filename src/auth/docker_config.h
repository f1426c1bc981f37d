/*
 * docker's config.json and podman's auth.json, parsed from bytes: who is to be asked, or what is stored, for one
 * registry. Running a credential helper is source_docker_config.c's work.
 */
#ifndef AUTH_DOCKER_CONFIG_H
#define AUTH_DOCKER_CONFIG_H

#include "auth/source.h"

#define DOCKER_CONFIG_CEILING (1 * MIB)

struct docker_config_entry {
	char *helper;		/* docker-credential-HELPER is to be asked; NULL: none */
	bool helper_is_default; /* credsStore: what it does not know may still be stored below */
	char *user;		/* stored; NULL with an identity token, or when nothing is stored */
	struct secret *secret;
	bool is_identity_token;
};

/*
 * What the file says of TARGET: podman's keys with a path are tried from the most specific one up, then the host;
 * docker.io is also known as https://index.docker.io/v1/. Fails with ERR_NO_CREDENTIAL for what cannot be read.
 */
MUST_USE bool docker_config_lookup(const char *bytes, size_t len,
				   const struct credential_target *target,
				   struct docker_config_entry *ret, struct err *err);
void docker_config_entry_clear(struct docker_config_entry *e);

/* The name by which credential helpers know HOST. */
const char *docker_config_server(const char *host);

#endif
