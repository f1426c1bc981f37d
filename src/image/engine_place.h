/*
 * Where the container engine is that `docker` on this command line would speak to, and why it is this one. Found out by
 * docker's own rules: $DOCKER_HOST, else the context that $DOCKER_CONTEXT or config.json chooses, else the sockets that
 * engines have by default. Only files are read; whether anybody listens is seen by who connects (engine.h).
 */
#ifndef IMAGE_ENGINE_PLACE_H
#define IMAGE_ENGINE_PLACE_H

#include "base/buf.h"
#include "base/err.h"

#define ENGINE_CONFIG_CEILING (1 * MIB)	  /* config.json */
#define ENGINE_CONTEXT_CEILING (64 * KIB) /* a context's meta.json */

/* What decides. NULL and "" are the same. */
struct engine_environment {
	const char *docker_host;
	const char *docker_context;
	const char *docker_config; /* the directory */
	const char *docker_tls;
	const char *docker_tls_verify;
	const char *docker_cert_path;
	const char *home;
	const char *xdg_runtime_dir;
	const char *root; /* before /var/run and /run: of tests */
};

struct engine_environment engine_environment_of_process(void);

enum engine_way {
	ENGINE_BY_DEFAULT,
	ENGINE_BY_HOST, /* DOCKER_HOST */
	ENGINE_BY_CONTEXT,
};

struct engine_place {
	enum engine_way way;
	char *host; /* as it is written: "unix:///var/run/docker.sock" */
	char *why;  /* for people: "DOCKER_HOST", "docker's context 'remote'", "the default" */

	char *socket; /* its path; NULL: the network */
	char *url;    /* what requests begin with, without a last slash: "https://host:2376" */

	/* TLS; NULL: none */
	char *cacert; /* trusted alone; NULL: what the system trusts */
	char *cert;
	char *key;
	bool insecure; /* certificates are not checked */
};

/*
 * Fails with ERR_USAGE for what cannot be an engine's address or is one that is not spoken to (ssh, npipe), ERR_NO_SOURCE
 * for a context that is not there, ERR_LOCAL for files that cannot be read. Without any hint it is docker's default
 * socket, there or not. RET must be cleared by the caller also after a failure.
 */
MUST_USE bool engine_place_find(const struct engine_environment *env, struct engine_place *ret,
				struct err *err);
void engine_place_clear(struct engine_place *p);

/*
 * HOST in docker's forms: unix://PATH, tcp://HOST[:PORT][/PATH] (with TLS or not), http://, https://, or HOST:PORT alone.
 * Fills socket and url, nothing else. ERR_USAGE.
 */
MUST_USE bool engine_place_parse(const char *host, bool tls, struct engine_place *ret,
				 struct err *err);

/* A context's meta.json. *ret_host is the caller's to free. ERR_LOCAL. */
MUST_USE bool engine_context_parse(const char *bytes, size_t len, char **ret_host,
				   bool *ret_skip_tls_verify, struct err *err);

/* The context that config.json chooses: NULL for the default one, and where it does not say. The caller frees. */
char *engine_context_chosen(const char *bytes, size_t len);

/* The sockets that engines have by default, in the order in which they are looked for; ended by NULL. */
#define ENGINE_SOCKETS_MAX 5
void engine_default_sockets(const struct engine_environment *env, char *ret[ENGINE_SOCKETS_MAX]);

#endif
