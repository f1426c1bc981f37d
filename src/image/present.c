#include "image/present.h"

#include "base/mem.h"
#include "image/choice.h"
#include "image/tree.h"

static bool image_is_whole(const struct world *w, struct content *c, const struct descriptor *d,
			   bool *ret, struct err *err)
{
	struct image probe = { .manifests = NULL };
	struct manifest *m = NULL;
	bool missing = false;

	if (!content_has(c, d, ret, err))
		return false;
	if (!*ret)
		return true;
	if (!content_manifest(c, d, &m, err))
		return false;
	*ret = tree_read(w, c, m, &probe, &missing, err);
	tree_clear(&probe);
	if (missing)
		err_clear(err);
	return *ret || missing;
}

/* Keeps of the leaves only the images that are whole. */
static bool drop_incomplete(const struct world *w, struct content *c, struct leaves *leaves,
			    struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		struct leaf *l = &leaves->at[i];
		bool whole = false;

		if (!leaf_is_attestation(l) && !image_is_whole(w, c, &l->descriptor, &whole, err))
			return false;
		if (whole) {
			struct leaf first = leaves->at[kept];

			leaves->at[kept++] = *l;
			*l = first;
		}
	}
	leaves_truncate(leaves, kept);
	return true;
}

static bool refuse_incomplete(const struct leaves *whole, struct err *err)
{
	CLEANUP(mem_freep) char *platforms = leaves_platforms(whole);

	err_set(err, ERR_NO_SOURCE, "only a part of the index is in the archive; whole in it: %s",
		platforms);
	if (whole->count > 0)
		err_hint(err, "choose one of them with --platform");
	return false;
}

/*
 * Docker with containerd's image store saves the index as it was pulled, but of its children only
 * those that are on this machine, most often one. An index with absent children cannot be pushed.
 */
static bool read_what_is_whole(const struct world *w, const struct descriptor *root,
			       struct image *into, struct err *err)
{
	CLEANUP(leaves_clear) struct leaves leaves = { .at = NULL };
	CLEANUP(mem_freep) char *platform = NULL;
	struct manifest *m = NULL;

	if (!leaves_collect(into->content, root, &leaves, err) ||
	    !drop_incomplete(w, into->content, &leaves, err))
		return false;
	if (leaves.count != 1)
		return refuse_incomplete(&leaves, err);
	platform = platform_text(&leaves.at[0].platform);
	world_note(w, EVENT_NOTE, "the archive holds only %s of its index: that image is sent",
		   platform);
	return content_manifest(into->content, &leaves.at[0].descriptor, &m, err) &&
	       tree_read(w, into->content, m, into, NULL, err);
}

bool tree_read_present(const struct world *w, const struct descriptor *entry, struct manifest *root,
		       const struct image_options *options, struct image *into, struct err *err)
{
	bool is_index = root->kind == MANIFEST_INDEX, missing = false;

	if (tree_read(w, into->content, root, into, &missing, err))
		return true;
	if (!missing || !is_index || options->platform_count > 0)
		return false;
	err_clear(err);
	tree_clear(into);
	return read_what_is_whole(w, entry, into, err);
}
