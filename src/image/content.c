#include "image/content.h"

#include <string.h>

bool content_has(struct content *c, const struct descriptor *d, bool *ret, struct err *err)
{
	int64_t size_bytes;

	if (!content_size(c, &d->digest, &size_bytes, err))
		return false;
	*ret = size_bytes != CONTENT_ABSENT;
	if (*ret && size_bytes != d->size_bytes)
		return err_set(err, ERR_CORRUPT, "%s has %lld bytes, its descriptor says %lld",
			       d->digest.text, (long long)size_bytes, (long long)d->size_bytes);
	return true;
}

static bool check_hash(const struct descriptor *d, const struct buf *bytes, struct err *err)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(&d->digest);
	struct digest found;

	hasher_add(h, buf_str(bytes), bytes->len);
	found = hasher_finish(h);
	if (!digest_same(&found, &d->digest))
		return err_set(err, ERR_CORRUPT, "%s is damaged: its bytes have %s", d->digest.text,
			       found.text);
	return true;
}

bool content_read(struct content *c, const struct descriptor *d, struct buf *out, struct err *err)
{
	CLEANUP(stream_freep) struct stream *s = NULL;

	if (d->size_bytes > (int64_t)out->ceiling)
		return err_set(err, ERR_CORRUPT,
			       "%s has %lld bytes, more than the %zu that are read", d->digest.text,
			       (long long)d->size_bytes, out->ceiling);
	if (!content_open(c, &d->digest, &s, err))
		return false;
	if (!stream_read_all(s, out, ERR_CORRUPT, err))
		return err_wrap(err, "%s", d->digest.text);
	if ((int64_t)out->len != d->size_bytes)
		return err_set(err, ERR_CORRUPT, "%s has %zu bytes, its descriptor says %lld",
			       d->digest.text, out->len, (long long)d->size_bytes);
	return check_hash(d, out, err);
}

bool content_manifest(struct content *c, const struct descriptor *d, struct manifest **ret,
		      struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);

	if (!content_read(c, d, &bytes, err))
		return err_wrap(err, "manifest");
	return manifest_parse(buf_str(&bytes), bytes.len, d->media_type, &d->digest, ERR_CORRUPT,
			      ret, err) ||
	       err_wrap(err, "%s", d->digest.text);
}
