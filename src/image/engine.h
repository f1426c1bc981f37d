/*
 * A container engine, spoken to over its API (Docker Engine API 1.24 to 1.48, and podman's compatible one): what it says
 * of its images, and their bytes as `docker save` writes them. Nothing is kept between requests and nothing is tried
 * again: who asks for an image on this machine wants to hear at once why there is none.
 *
 * Every error says where the engine is and why it is this one. From any thread, several requests at a time.
 */
#ifndef IMAGE_ENGINE_H
#define IMAGE_ENGINE_H

#include "base/stream.h"
#include "base/world.h"
#include "image/engine_image.h"
#include "image/engine_place.h"

struct engine;

/*
 * Asks who is there, and settles which version of the API is spoken: ours or theirs, whichever is older. Fails with
 * ERR_NO_SOURCE when nobody answers or no engine does, ERR_LOCAL when this machine does not let us connect.
 */
MUST_USE bool engine_open(const struct world *w, const struct engine_place *place,
			  struct engine **ret, struct err *err);
void engine_free(struct engine *e);
DEFINE_FREEP(struct engine, engine_free)

/* "Docker/20.10.24 (linux)", and whose API it is: 41 is 1.41. Live as long as E. */
const char *engine_product(const struct engine *e);
int engine_api_minor(const struct engine *e);
bool engine_is_podman(const struct engine *e);

/*
 * NAME is a reference or an image ID, whole or its first digits. ERR_USAGE when it is neither, ERR_NO_SOURCE when there is
 * no such image, ERR_CORRUPT when the answer makes no sense. RET must be cleared by the caller also after a failure.
 */
MUST_USE bool engine_inspect(struct engine *e, const struct world *w, const char *name,
			     struct engine_image *ret, struct err *err);

/* All images that have a name or none, as the engine lists them; RET as above. */
MUST_USE bool engine_images(struct engine *e, const struct world *w, struct engine_list *ret,
			    struct err *err);

/*
 * The archive that `docker save NAME` writes, in one pass. PLATFORM may be NULL and only matters to an engine that keeps
 * several (containerd's store, API 1.48 on). The first byte may take minutes: engines write a copy first.
 *
 * A read fails with ERR_CORRUPT when the engine goes away, says in the middle that it failed, or ends before the
 * archive does: so read to the end, also behind what a tar reader takes. The stream must be freed before E, and W's parts
 * must outlive it.
 */
MUST_USE bool engine_export(struct engine *e, const struct world *w, const char *name,
			    const struct platform *platform, struct stream **ret, struct err *err);

#endif
