#include "registry/known.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void known_clear(struct known *k)
{
	for (size_t i = 0; i < k->count; i++) {
		descriptor_clear(&k->at[i].blob);
		free(k->at[i].repository);
	}
	free(k->at);
	*k = (struct known){ .at = NULL };
}

static bool is_same_place(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void known_add(struct known *k, const struct digest *diff_id, const struct descriptor *blob,
	       const char *repository)
{
	struct known_blob *b;

	for (size_t i = 0; i < k->count; i++)
		if (digest_same(&k->at[i].diff_id, diff_id) &&
		    digest_same(&k->at[i].blob.digest, &blob->digest) &&
		    is_same_place(k->at[i].repository, repository))
			return;
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 16;
		k->at = mem_realloc(k->at, k->room, sizeof(*k->at));
	}
	b = &k->at[k->count++];
	*b = (struct known_blob){ .diff_id = *diff_id };
	descriptor_copy(&b->blob, blob);
	b->repository = mem_strdup_or_null(repository);
}

bool known_add_image(struct known *k, const struct manifest *m, const struct saved_config *config,
		     const char *repository)
{
	if (m->kind != MANIFEST_IMAGE || m->entry_count != config->count + 1)
		return false;
	for (size_t i = 0; i < config->count; i++)
		if (!descriptor_is_nondistributable(&m->entries[i + 1]))
			known_add(k, &config->diff_ids[i], &m->entries[i + 1], repository);
	return true;
}

const struct known_blob *known_next(const struct known *k, const struct digest *diff_id,
				    const struct known_blob *previous)
{
	for (size_t i = previous ? (size_t)(previous - k->at) + 1 : 0; i < k->count; i++)
		if (digest_same(&k->at[i].diff_id, diff_id))
			return &k->at[i];
	return NULL;
}
