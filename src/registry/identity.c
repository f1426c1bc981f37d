#include "registry/identity.h"

#include "base/buf.h"
#include "base/mem.h"
#include "image/choice.h"
#include "registry/blob.h"
#include "registry/manifest_io.h"

#include <string.h>

/* Of an index in an index, and of all that one image is made of. */
#define LEVELS_MAX 4
#define DIGESTS_MAX 2000
#define CONFIG_CEILING (8 * MIB)

struct reading {
	const struct world *w;
	struct session *s;
	struct identity *identity;
};

void identity_clear(struct identity *i)
{
	for (size_t k = 0; k < i->platform_count; k++)
		platform_clear(&i->platforms[k]);
	free(i->platforms);
	free(i->digests);
	*i = (struct identity){ 0 };
}

static bool is_known(const struct identity *i, const struct digest *d)
{
	for (size_t k = 0; k < i->digest_count; k++)
		if (digest_same(&i->digests[k], d))
			return true;
	return false;
}

static bool add_digest(struct identity *i, const struct digest *d, struct err *err)
{
	if (is_known(i, d))
		return true;
	if (i->digest_count == DIGESTS_MAX)
		return err_set(err, ERR_INCOMPLETE, "the image is wider than can be looked at");
	i->digests = mem_realloc(i->digests, i->digest_count + 1, sizeof(*i->digests));
	i->digests[i->digest_count++] = *d;
	return true;
}

/* What is said to be for nobody is no image to run, but something about one. */
static bool is_for_somebody(const struct platform *p)
{
	return p->os && p->architecture && strcmp(p->os, "unknown") != 0;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* P is empty afterwards. */
static void add_platform(struct identity *i, struct platform *p)
{
	for (size_t k = 0; k < i->platform_count; k++)
		if (is_same_text(i->platforms[k].os, p->os) &&
		    is_same_text(i->platforms[k].architecture, p->architecture) &&
		    is_same_text(i->platforms[k].variant, p->variant))
			return platform_clear(p);
	i->platforms = mem_realloc(i->platforms, i->platform_count + 1, sizeof(*i->platforms));
	i->platforms[i->platform_count] = (struct platform){ 0 };
	platform_move(&i->platforms[i->platform_count++], p);
}

static void copy_platform(struct identity *i, const struct descriptor *d)
{
	CLEANUP(descriptor_clear) struct descriptor copy = { 0 };

	descriptor_copy(&copy, d);
	add_platform(i, &copy.platform);
}

static bool is_config(const struct descriptor *d)
{
	return is_same_text(d->media_type, MEDIA_OCI_CONFIG) ||
	       is_same_text(d->media_type, MEDIA_DOCKER_CONFIG);
}

static bool read_config(struct reading *r, const struct descriptor *config, struct err *err)
{
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(CONFIG_CEILING);
	struct platform platform = { 0 };
	bool found, ok;

	if (!blob_read(r->w, r->s, &config->digest, &bytes, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_INCOMPLETE, "the config '%s' is missing",
			       config->digest.text);
	ok = config_platform(buf_str(&bytes), bytes.len, &platform, err);
	if (ok && is_for_somebody(&platform))
		add_platform(r->identity, &platform);
	platform_clear(&platform);
	return ok;
}

static bool add_image(struct reading *r, const struct manifest *m, bool platform_is_known,
		      struct err *err)
{
	const struct descriptor *config = m->entry_count ? &m->entries[0] : NULL;

	if (!config || !is_config(config))
		return true;
	return add_digest(r->identity, &config->digest, err) &&
	       (platform_is_known || read_config(r, config, err));
}

static bool read_manifest(struct reading *r, const struct digest *d, struct manifest **ret,
			  struct err *err)
{
	bool is_root = r->identity->digest_count == 0;

	if (!world_check(r->w, err) || !manifest_get(r->w, r->s, d->text, d, ret, err))
		return false;
	if (*ret)
		return add_digest(r->identity, d, err);
	return err_set(err, is_root ? ERR_ABSENT : ERR_INCOMPLETE, "the manifest '%s' is missing",
		       d->text);
}

static bool add_tree(struct reading *r, const struct digest *d, bool platform_is_known, int level,
		     struct err *err);

static bool add_child(struct reading *r, const struct descriptor *d, int level, struct err *err)
{
	bool says = is_for_somebody(&d->platform);

	if (d->platform.os && !says)
		return true;
	if (says && !media_type_is_index(d->media_type))
		copy_platform(r->identity, d);
	return is_known(r->identity, &d->digest) || add_tree(r, &d->digest, says, level + 1, err);
}

static bool add_tree(struct reading *r, const struct digest *d, bool platform_is_known, int level,
		     struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *m = NULL;

	if (level > LEVELS_MAX)
		return err_set(err, ERR_INCOMPLETE, "the index is deeper than can be looked at");
	if (!read_manifest(r, d, &m, err))
		return false;
	if (m->kind == MANIFEST_IMAGE)
		return add_image(r, m, platform_is_known, err);
	for (size_t i = 0; i < m->entry_count; i++)
		if (!add_child(r, &m->entries[i], level, err))
			return false;
	return true;
}

bool identity_read(const struct world *w, struct session *s, const struct digest *root,
		   struct identity *ret, struct err *err)
{
	struct reading r = { w, s, ret };

	*ret = (struct identity){ 0 };
	return add_tree(&r, root, false, 0, err);
}

bool identity_serves(const struct identity *i, const struct platform *wanted)
{
	for (size_t k = 0; k < i->platform_count; k++)
		if (platform_serves(&i->platforms[k], wanted))
			return true;
	return i->platform_count == 0;
}

char *identity_platforms(const struct identity *i)
{
	struct buf list = BUF_INIT(BUF_TEXT_CEILING);

	for (size_t k = 0; k < i->platform_count; k++) {
		CLEANUP(mem_freep) char *text = platform_text(&i->platforms[k]);

		buf_printf(&list, "%s%s", k ? ", " : "", text);
	}
	return buf_take(&list);
}
