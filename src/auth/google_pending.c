/* What google_external.c and google_metadata.c bring; this file goes when they come. */
#include "auth/google.h"

#include "base/mem.h"

bool google_external_new(const struct js *file, const struct google_options *options,
			 struct google_minter **ret, struct err *err)
{
	(void)file;
	(void)options;
	(void)ret;
	return err_set(err, ERR_NO_CREDENTIAL, "not supported yet");
}

static bool pending_mint(struct google_minter *m, const struct world *w,
			 const struct google_want *want, struct google_token *ret, struct err *err)
{
	(void)m;
	(void)w;
	(void)want;
	(void)ret;
	return err_set(err, ERR_NO_CREDENTIAL, "metadata servers are not supported yet");
}

static void pending_free(struct google_minter *m)
{
	google_minter_clear(m);
	free(m);
}

static const struct google_minter_ops pending_ops = { pending_mint, pending_free };

struct google_minter *google_metadata_new(const struct google_options *options)
{
	struct google_minter *m = NEW(struct google_minter);

	*m = (struct google_minter){ .ops = &pending_ops, .options = options, .kind = "metadata" };
	m->universe = google_universe_of(NULL);
	return m;
}

bool google_metadata_is_here(const struct google_options *options, const struct world *w, bool *ret,
			     struct err *err)
{
	(void)options;
	(void)w;
	(void)err;
	*ret = false;
	return true;
}
