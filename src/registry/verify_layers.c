/*
 * Whether layers are what the image's config says: each blob, unpacked, has the diff ID that stands at its place. Digests of
 * blobs do not show it, and a push that adopts what other images have believes it.
 */
#include "registry/verify_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/pool.h"
#include "image/unpack.h"

#include <stdlib.h>
#include <string.h>

void verify_layers_clear(struct verification *v)
{
	for (size_t i = 0; v->configs && i < v->manifest_count; i++)
		saved_config_clear(&v->configs[i]);
	free(v->configs);
	free(v->claims);
}

/* Configs */

static void begin_text(void *arg)
{
	buf_clear(arg);
}

static void add_text(void *arg, const void *bytes, size_t len)
{
	if (!buf_add(arg, bytes, len))
		return; /* the length will show it */
}

static bool has_config(const struct manifest *m)
{
	const char *type = m->entry_count ? m->entries[0].media_type : "";

	return m->kind == MANIFEST_IMAGE && m->entry_count > 1 &&
	       m->entries[0].size_bytes <= (int64_t)MANIFEST_CEILING &&
	       (strcmp(type, MEDIA_OCI_CONFIG) == 0 || strcmp(type, MEDIA_DOCKER_CONFIG) == 0);
}

/* Kept only if it says as much as there are layers: so all of them are bounded as these are. */
static void take_config(const struct manifest *m, const struct buf *bytes, struct saved_config *ret)
{
	struct err ignored = ERR_INIT;
	bool is_taken = saved_config_parse(buf_str(bytes), bytes->len, ret, &ignored) &&
			ret->count == m->entry_count - 1;

	if (!is_taken)
		saved_config_clear(ret);
	err_clear(&ignored);
}

/* One that is missing, or other bytes, is found by who asks for all blobs. */
static bool read_config(const struct world *w, void *arg, size_t i, struct err *err)
{
	struct verification *v = arg;
	const struct manifest *m = v->manifests[i];
	CLEANUP(buf_clear) struct buf bytes = BUF_INIT(MANIFEST_CEILING);
	const struct blob_reader reader = { begin_text, add_text, &bytes };
	enum blob_state state;

	if (!has_config(m))
		return true;
	if (!blob_check_bytes(w, v->s, &m->entries[0], &reader, &state, err))
		return false;
	if (state == BLOB_PRESENT && (int64_t)bytes.len == m->entries[0].size_bytes)
		take_config(m, &bytes, &v->configs[i]);
	return true;
}

/* Claims */

static struct needed_blob *find_blob(const struct verification *v, const struct digest *d)
{
	const struct needed_blob key = { .descriptor.digest = *d };

	return v->blob_count ? bsearch(&key, v->blobs, v->blob_count, sizeof(*v->blobs),
				       needed_blob_order)
			     : NULL;
}

static void add_claim(struct verification *v, const struct manifest *m, size_t index,
		      const struct digest *diff_id)
{
	const struct descriptor *layer = &m->entries[index + 1];
	struct needed_blob *b = find_blob(v, &layer->digest);

	if (!b || descriptor_layer_form(layer) == LAYER_FORM_OTHER)
		return;
	if (!b->named)
		b->named = diff_id;
	v->claims[v->claim_count++] = (struct layer_claim){ m, index, diff_id, b };
}

static void collect_claims(struct verification *v)
{
	size_t room = 0;

	for (size_t i = 0; i < v->manifest_count; i++)
		room += v->configs[i].count;
	v->claims = mem_alloc((room + 1) * sizeof(*v->claims));
	for (size_t i = 0; i < v->manifest_count; i++)
		for (size_t k = 0; k < v->configs[i].count; k++)
			add_claim(v, v->manifests[i], k, &v->configs[i].diff_ids[k]);
}

bool verify_read_configs(struct verification *v, struct err *err)
{
	v->configs = mem_alloc(v->manifest_count * sizeof(*v->configs));
	if (!pool_run(v->w, v->jobs, v->manifest_count, read_config, v, err))
		return false;
	collect_claims(v);
	return true;
}

/* Blobs */

static void begin_unpacking(void *arg)
{
	unpack_reset(arg);
}

static void unpack_more(void *arg, const void *bytes, size_t len)
{
	unpack_add(arg, bytes, len);
}

static bool keep_diff_id(struct needed_blob *b, struct unpack *u, struct err *err)
{
	struct err failed = ERR_INIT;

	if (unpack_end(u, &b->diff_id, &failed))
		return true;
	if (failed.code != ERR_CORRUPT) {
		err_move(err, &failed);
		return false;
	}
	b->unpack_failed = TAKE(failed.message);
	b->is_too_wide = unpack_is_too_wide(u);
	err_clear(&failed);
	return true;
}

bool verify_read_blob(struct verification *v, const struct world *w, struct needed_blob *b,
		      struct err *err)
{
	CLEANUP(unpack_freep) struct unpack *u = b->named ? unpack_new(w, b->named) : NULL;
	const struct blob_reader reader = { begin_unpacking, unpack_more, u };

	return blob_check_bytes(w, v->s, &b->descriptor, u ? &reader : NULL, &b->state, err) &&
	       (!u || b->state != BLOB_PRESENT || keep_diff_id(b, u, err));
}

/* The comparison */

static bool is_false(const struct verification *v, const struct layer_claim *c, struct err *err)
{
	CLEANUP(mem_freep) char *name = reference_name(v->ref);
	const struct needed_blob *b = c->blob;

	v->proof->has_false_layer = true;
	err_set(err, ERR_CORRUPT, "layers[%zu] of '%s@%s' is not what the image's config says",
		c->index, name, c->image->digest.text);
	err_evidence(err, "blob %s %s%s, the config %s says %s", b->descriptor.digest.text,
		     b->unpack_failed ? "cannot be unpacked: " : "unpacks to ",
		     b->unpack_failed ? b->unpack_failed : b->diff_id.text,
		     c->image->entries[0].digest.text, c->diff_id->text);
	return false;
}

/* One blob is unpacked once: what another algorithm says of it as well is not looked at. */
static bool is_comparable(const struct layer_claim *c)
{
	return !c->blob->is_too_wide &&
	       digest_algorithm_len(c->diff_id) == digest_algorithm_len(c->blob->named);
}

bool verify_layers(struct verification *v, struct err *err)
{
	for (size_t i = 0; i < v->claim_count; i++) {
		const struct layer_claim *c = &v->claims[i];

		if (c->blob->is_too_wide)
			world_note(v->w, EVENT_NOTE, "layer %s is not compared with the config: %s",
				   c->blob->descriptor.digest.text, c->blob->unpack_failed);
		if (!is_comparable(c))
			continue;
		if (!digest_same(&c->blob->diff_id, c->diff_id))
			return is_false(v, c, err);
		v->proof->diff_id_count++;
	}
	return true;
}
