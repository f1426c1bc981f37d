/*
 * Any bytes as a manifest; the first one says as which media type they came.
 */
#include "image/manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const medias[] = { NULL,
				      MEDIA_OCI_MANIFEST,
				      MEDIA_OCI_INDEX,
				      MEDIA_DOCKER_MANIFEST,
				      MEDIA_DOCKER_LIST,
				      "application/json",
				      "text/html" };

static void check(const struct manifest *m, const void *bytes, size_t len)
{
	if (m->size_bytes != len || memcmp(m->bytes, bytes, len) != 0)
		__builtin_trap();
	if (!media_type_is_manifest(m->media_type) || !digest_is_valid(m->digest.text) ||
	    (m->kind == MANIFEST_INDEX) != media_type_is_index(m->media_type))
		__builtin_trap();
	for (size_t i = 0; i < m->entry_count; i++)
		if (m->entries[i].size_bytes < 0 || !digest_is_valid(m->entries[i].digest.text))
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	struct err err = ERR_INIT;

	if (len == 0)
		return 0;
	if (manifest_parse((const char *)bytes + 1, len - 1, medias[bytes[0] % ARRAY_SIZE(medias)],
			   NULL, ERR_CORRUPT, &m, &err))
		check(m, bytes + 1, len - 1);
	else if (err.code != ERR_CORRUPT || m)
		__builtin_trap();
	err_clear(&err);
	return 0;
}
