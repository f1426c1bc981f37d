#include "image/forms.h"

#include "image/choice.h"
#include "image/layout.h"
#include "image/tree.h"

bool read_oci(const struct world *w, struct container *c, const char *ref,
	      const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(descriptor_clear) struct descriptor entry = { .media_type = NULL };
	CLEANUP(manifest_freep) struct manifest *index = NULL, *root = NULL;

	into->content = layout_content(c);
	if (!layout_index(c, &index, err) || !layout_choose(index, ref, &entry, err))
		return false;
	return choose_platforms(into->content, &entry, options, &root, err) &&
	       tree_read(w, into->content, TAKE(root), into, NULL, err);
}

bool form_oci(const struct world *w, const char *path, const char *ref,
	      const struct image_options *options, struct image *into, struct err *err)
{
	struct container *c = NULL;

	return directory_open(path, &c, err) && read_oci(w, c, ref, options, into, err);
}

bool form_oci_archive(const struct world *w, const char *path, const char *ref,
		      const struct image_options *options, struct image *into, struct err *err)
{
	struct container *c = NULL;

	return archive_open(w, path, options->tmp_dir, &c, err) &&
	       read_oci(w, c, ref, options, into, err);
}
