/* What the requests to an engine share, and nobody else sees. */
#ifndef IMAGE_ENGINE_PRIVATE_H
#define IMAGE_ENGINE_PRIVATE_H

#include "http/transport.h"
#include "image/engine.h"

struct engine {
	struct transport *transport;
	enum engine_way way;
	char *shown; /* "'unix:///var/run/docker.sock' (DOCKER_HOST)" */
	char *url;   /* what every request begins with: "http://localhost", later with "/v1.41" */
	char *product;
	int api_minor;
	bool is_podman;
	bool is_tls;
};

/* How long an engine may be silent. */
struct engine_patience {
	int64_t first_byte_ms;
	int64_t stall_ms;
};

/*
 * GET of PATH. True with any answer, open; else ERR_NO_SOURCE, ERR_LOCAL, or what cut it short, with the place and a way
 * out.
 */
MUST_USE bool engine_get(struct engine *e, const struct world *w, const char *path,
			 const struct engine_patience *patience, struct http_exchange **ret,
			 struct err *err);

/* ERR out of an answer that is no 2xx, read to its end. NAME: of the image that was asked for, or NULL. */
bool engine_refused(struct engine *e, const struct world *w, struct http_exchange *x,
		    const char *name, struct err *err);

/* Whether NAME can stand in a path as it is: a reference or an ID, no way to another place of the API. ERR_USAGE. */
MUST_USE bool engine_name_check(const char *name, struct err *err);

#endif
