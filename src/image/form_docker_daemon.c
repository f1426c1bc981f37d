#include "image/forms.h"

#include "base/mem.h"
#include "image/exported.h"
#include "image/reference.h"

#include <string.h>

/* An engine knows IMAGE@ID by the ID alone, unless that is a digest under which it was pulled. */
static const char *id_of(const char *name)
{
	const char *at = strchr(name, '@');

	return at && digest_is_valid(at + 1) ? at + 1 : NULL;
}

static bool open_by_id(const struct world *w, const struct engine_place *place, const char *id,
		       const struct image_options *options, struct image *into, struct err *err)
{
	struct engine *engine = NULL;

	return engine_open(w, place, &engine, err) &&
	       exported_open(w, engine, id, options, into, err);
}

static bool open_by_name(const struct world *w, const struct engine_place *place, const char *name,
			 const struct image_options *options, struct image *into, struct err *err)
{
	struct err unknown = ERR_INIT;

	if (open_by_id(w, place, name, options, into, &unknown))
		return true;
	if (unknown.code != ERR_NO_SOURCE || !id_of(name) ||
	    !open_by_id(w, place, id_of(name), options, into, err)) {
		err_clear(err);
		err_move(err, &unknown);
		return false;
	}
	err_clear(&unknown);
	return true;
}

bool form_docker_daemon(const struct world *w, const char *name, const char *ref,
			const struct image_options *options, struct image *into, struct err *err)
{
	struct engine_environment env = engine_environment_of_process();
	CLEANUP(engine_place_clear) struct engine_place place = { .host = NULL };

	(void)ref;
	return engine_place_find(&env, &place, err) &&
	       open_by_name(w, &place, name, options, into, err);
}
