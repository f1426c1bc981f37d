#include "image/forms.h"

#include "base/mem.h"
#include "image/choice.h"
#include "image/layout.h"
#include "image/packed.h"
#include "image/present.h"

#include <string.h>

/*
 * With these a layer is a plain tar, as `docker save` of the graph drivers writes it since Docker
 * 25.
 */
static bool is_plain_layer(const struct descriptor *d)
{
	return strcmp(d->media_type, "application/vnd.oci.image.layer.v1.tar") == 0 ||
	       strcmp(d->media_type, "application/vnd.docker.image.rootfs.diff.tar") == 0;
}

static bool has_plain_layers(const struct manifest *m)
{
	for (size_t i = 1; m->kind == MANIFEST_IMAGE && i < m->entry_count; i++)
		if (is_plain_layer(&m->entries[i]))
			return true;
	return false;
}

/* The files of a layout's image, as manifest.json would name them. */
static void name_files(const struct manifest *m, struct saved_image *ret)
{
	ret->config = layout_file(&m->entries[0].digest);
	for (size_t i = 1; i < m->entry_count; i++) {
		CLEANUP(mem_freep) char *name = layout_file(&m->entries[i].digest);

		strings_add(&ret->layers, name);
	}
}

/*
 * Packs ROOT, a layout's image with plain layers: their digests are not the ones that registries
 * keep.
 */
static bool pack_layout(const struct world *w, const struct manifest *root,
			const struct image_options *options, struct image *into, struct err *err)
{
	struct saved_image files = { .config = NULL };
	bool packed;

	name_files(root, &files);
	packed = packed_open(w, layout_release(TAKE(into->content)), &files, options, into, err);
	saved_image_clear(&files);
	return packed;
}

static bool read_entry(const struct world *w, struct container *c, const struct descriptor *entry,
		       const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *root = NULL;

	into->content = layout_content(c);
	if (!choose_platforms(into->content, entry, options, &root, err))
		return false;
	/*
	 * An index comes from containerd's store, which keeps what the registry had or will have.
	 */
	if (!media_type_is_index(entry->media_type) && has_plain_layers(root))
		return pack_layout(w, root, options, into, err);
	return tree_read_present(w, entry, TAKE(root), options, into, err);
}

static bool read_saved(const struct world *w, struct container *c, const char *ref,
		       const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(container_freep) struct container *owned = c;
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(SAVED_CEILING);
	CLEANUP(saved_clear) struct saved saved = { .images = NULL };
	const struct saved_image *image;

	if (!container_read(c, "manifest.json", &bytes, err) ||
	    !saved_parse(buf_str(&bytes), bytes.len, &saved, err) ||
	    !saved_choose(&saved, ref, &image, err))
		return false;
	return packed_open(w, TAKE(owned), image, options, into, err);
}

/* *ret_found is false when manifest.json, which knows more names, is to decide. */
static bool find_entry(struct container *c, const char *ref, bool is_saved, struct descriptor *ret,
		       bool *ret_found, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *index = NULL;

	if (!layout_index(c, &index, err))
		return false;
	*ret_found = layout_choose(index, ref, ret, err);
	if (*ret_found || !is_saved)
		return *ret_found;
	err_clear(err);
	return true;
}

bool read_docker(const struct world *w, struct container *c, const char *ref,
		 const struct image_options *options, struct image *into, struct err *err)
{
	CLEANUP(container_freep) struct container *owned = c;
	CLEANUP(descriptor_clear) struct descriptor entry = { .media_type = NULL };
	bool is_layout, is_saved, found = false;

	if (!layout_is_there(c, &is_layout, err) ||
	    !container_has(c, "manifest.json", &is_saved, err))
		return false;
	if (!is_layout && !is_saved)
		return err_set(err, ERR_NO_SOURCE,
			       "not written by `docker save`: it holds neither "
			       "'manifest.json' nor 'index.json'");
	if (is_layout && !find_entry(c, ref, is_saved, &entry, &found, err))
		return false;
	if (found)
		return read_entry(w, TAKE(owned), &entry, options, into, err);
	return read_saved(w, TAKE(owned), ref, options, into, err);
}

bool form_docker_archive(const struct world *w, const char *path, const char *ref,
			 const struct image_options *options, struct image *into, struct err *err)
{
	struct container *c = NULL;

	return archive_open(w, path, options->tmp_dir, &c, err) &&
	       read_docker(w, c, ref, options, into, err);
}
