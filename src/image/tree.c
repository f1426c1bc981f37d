#include "image/tree.h"

#include "base/mem.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct tree {
	const struct world *world;
	struct content *content;
	struct image *image;
	void *seen; /* struct known by digest, for tsearch */
	size_t manifest_room;
	size_t blob_room;
	size_t manifest_bytes;
	bool missing;
};

/* What was said of a digest when it was first met. */
struct known {
	struct digest digest;
	int64_t size_bytes;
	bool is_manifest;
};

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->digest.text,
		      ((const struct known *)b)->digest.text);
}

/* *ret_new: it was not met before. Two descriptors of one digest must agree. */
static bool meet(struct tree *t, const struct descriptor *d, bool is_manifest, bool *ret_new,
		 struct err *err)
{
	struct known *k = NEW(struct known);
	const struct known *first;
	void *node;

	*k = (struct known){ d->digest, d->size_bytes, is_manifest };
	node = tsearch(k, &t->seen, by_digest);
	first = node ? *(struct known **)node : k;
	*ret_new = first == k;
	if (first == k)
		return true;
	free(k);
	if (first->size_bytes != d->size_bytes)
		return err_set(err, ERR_CORRUPT, "%s is said to have %lld bytes and %lld bytes",
			       d->digest.text, (long long)first->size_bytes,
			       (long long)d->size_bytes);
	if (first->is_manifest != is_manifest)
		return err_set(err, ERR_CORRUPT, "%s is said to be a manifest and a blob",
			       d->digest.text);
	return true;
}

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 8;
	return mem_realloc(list, *room, size);
}

static void append_manifest(struct tree *t, struct manifest *m)
{
	struct image *i = t->image;

	i->manifests =
		grow(i->manifests, i->manifest_count, &t->manifest_room, sizeof(*i->manifests));
	i->manifests[i->manifest_count++] = m;
}

static struct image_blob *append_blob(struct tree *t, const struct descriptor *d)
{
	struct image *i = t->image;
	struct image_blob *b;

	i->blobs = grow(i->blobs, i->blob_count, &t->blob_room, sizeof(*i->blobs));
	b = &i->blobs[i->blob_count++];
	*b = (struct image_blob){ .nondistributable = descriptor_is_nondistributable(d) };
	descriptor_copy(&b->descriptor, d);
	return b;
}

static bool add_blob(struct tree *t, const struct descriptor *d, struct err *err)
{
	struct image_blob *b;
	bool is_new;

	if (!meet(t, d, false, &is_new, err))
		return false;
	if (!is_new)
		return true;
	b = append_blob(t, d);
	if (!world_check(t->world, err) || !content_has(t->content, d, &b->in_source, err))
		return false;
	if (b->in_source || b->nondistributable)
		return true;
	t->missing = true;
	return err_set(err, ERR_CORRUPT, "blob %s of %lld bytes is missing", d->digest.text,
		       (long long)d->size_bytes);
}

static bool account(struct tree *t, const struct manifest *m, struct err *err)
{
	t->manifest_bytes += m->size_bytes;
	if (t->image->manifest_count >= TREE_MANIFESTS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %d manifests", TREE_MANIFESTS_MAX);
	if (t->manifest_bytes > TREE_MANIFEST_BYTES_MAX)
		return err_set(err, ERR_CORRUPT, "manifests of more than %zu bytes together",
			       TREE_MANIFEST_BYTES_MAX);
	return true;
}

static bool add_manifest(struct tree *t, struct manifest *m, int depth, struct err *err);

static bool add_child(struct tree *t, const struct descriptor *d, int depth, struct err *err)
{
	struct manifest *child = NULL;
	bool is_new, there;

	if (!meet(t, d, true, &is_new, err))
		return false;
	if (!is_new)
		return true;
	if (depth > TREE_DEPTH_MAX)
		return err_set(err, ERR_CORRUPT, "indexes are nested more than %d deep",
			       TREE_DEPTH_MAX);
	if (!world_check(t->world, err) || !content_has(t->content, d, &there, err))
		return false;
	if (!there) {
		CLEANUP(mem_freep) char *platform = platform_text(&d->platform);

		t->missing = true;
		return err_set(err, ERR_CORRUPT, "manifest %s (platform %s) is missing",
			       d->digest.text, platform);
	}
	return content_manifest(t->content, d, &child, err) && add_manifest(t, child, depth, err);
}

/* Takes M. */
static bool add_manifest(struct tree *t, struct manifest *m, int depth, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *owned = m;

	if (!account(t, m, err))
		return false;
	for (size_t i = 0; i < m->entry_count; i++) {
		const struct descriptor *d = &m->entries[i];
		bool is_child = m->kind == MANIFEST_INDEX && media_type_is_manifest(d->media_type);

		if (is_child ? !add_child(t, d, depth + 1, err) : !add_blob(t, d, err))
			return false;
	}
	append_manifest(t, TAKE(owned));
	return true;
}

bool tree_read(const struct world *w, struct content *c, struct manifest *root, struct image *into,
	       bool *ret_missing, struct err *err)
{
	struct tree t = { .world = w, .content = c, .image = into };
	bool whole = add_manifest(&t, root, 1, err);

	tdestroy(t.seen, free);
	if (ret_missing)
		*ret_missing = t.missing;
	return whole;
}

void tree_clear(struct image *i)
{
	for (size_t k = 0; k < i->manifest_count; k++)
		manifest_free(i->manifests[k]);
	for (size_t k = 0; k < i->blob_count; k++)
		descriptor_clear(&i->blobs[k].descriptor);
	free(i->manifests);
	free(i->blobs);
	i->manifests = NULL;
	i->blobs = NULL;
	i->manifest_count = i->blob_count = 0;
}
