/*
 * What an image in a registry is called and where it runs: the digests under which a container runtime may report it
 * (its index, the manifests of that, their configs), and the platforms that it serves. No proof: blobs are not asked for.
 */
#ifndef REGISTRY_IDENTITY_H
#define REGISTRY_IDENTITY_H

#include "image/manifest.h"
#include "registry/session.h"

struct identity {
	struct digest *digests; /* the root first */
	size_t digest_count;
	struct platform *platforms; /* each once; none when nobody says */
	size_t platform_count;
};

/*
 * Reads the manifests below ROOT and, where no index says the platform, the configs. Fails with ERR_ABSENT when ROOT is
 * not there and ERR_INCOMPLETE when something that it names is not.
 */
MUST_USE bool identity_read(const struct world *w, struct session *s, const struct digest *root,
			    struct identity *ret, struct err *err);
void identity_clear(struct identity *i);

/* Whether a node of PLATFORM ("linux/amd64") can run it; true when the image does not say where it runs. */
bool identity_serves(const struct identity *i, const struct platform *wanted);

/* "linux/amd64, linux/arm64/v8"; the caller frees. */
char *identity_platforms(const struct identity *i);

#endif
