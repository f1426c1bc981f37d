#include "sim/sim_image.h"

#include "base/mem.h"
#include "image/content.h"

#include <string.h>

struct piece {
	struct digest digest;
	char *bytes;
	size_t len;
	enum sim_damage damage;
};

struct sim_content {
	struct content content;
	struct piece *pieces;
	size_t count;
};

static struct sim_content *content_of(const struct image *i)
{
	return (struct sim_content *)i->content;
}

static struct piece *piece_find(struct sim_content *c, const struct digest *d)
{
	for (size_t i = 0; i < c->count; i++)
		if (digest_same(&c->pieces[i].digest, d))
			return &c->pieces[i];
	return NULL;
}

static bool sim_content_size(struct content *content, const struct digest *d, int64_t *ret,
			     struct err *err)
{
	const struct piece *p = piece_find((struct sim_content *)content, d);

	(void)err;
	*ret = p ? (int64_t)p->len : CONTENT_ABSENT;
	return true;
}

static size_t length_shown(const struct piece *p)
{
	if (p->damage == SIM_SHORT)
		return p->len ? p->len - 1 : 0;
	return p->damage == SIM_LONG ? p->len + 1 : p->len; /* bytes end with a NUL more */
}

static bool sim_content_open(struct content *content, const struct digest *d, struct stream **ret,
			     struct err *err)
{
	struct piece *p = piece_find((struct sim_content *)content, d);

	if (!p || p->damage == SIM_MISSING)
		return err_set(err, ERR_CORRUPT, "'%s' is missing", d->text);
	*ret = stream_of_bytes(p->bytes, length_shown(p));
	return true;
}

static void sim_content_free(struct content *content)
{
	struct sim_content *c = (struct sim_content *)content;

	for (size_t i = 0; i < c->count; i++)
		free(c->pieces[i].bytes);
	free(c->pieces);
	free(c);
}

static const struct content_ops sim_content_ops = {
	.size = sim_content_size,
	.open = sim_content_open,
	.free = sim_content_free,
};

/* Building */

static struct digest add_piece(struct sim_content *c, char *bytes, size_t len)
{
	struct digest d = digest_of(bytes, len);

	if (piece_find(c, &d)) {
		free(bytes);
		return d;
	}
	c->pieces = mem_realloc(c->pieces, c->count + 1, sizeof(*c->pieces));
	c->pieces[c->count++] = (struct piece){ .digest = d, .bytes = bytes, .len = len };
	return d;
}

static struct digest add_random(struct sim_content *c, struct sim_rng *rng, size_t len)
{
	char *bytes = mem_alloc(len + 9); /* a NUL more, and room for the last word */

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = sim_rng_next(rng);

		memcpy(bytes + i, &word, 8);
	}
	bytes[len] = '\0';
	return add_piece(c, bytes, len);
}

static void add_blob(struct image *i, const struct descriptor *d)
{
	struct image_blob *b;

	for (size_t k = 0; k < i->blob_count; k++)
		if (digest_same(&i->blobs[k].descriptor.digest, &d->digest))
			return;
	i->blobs = mem_realloc(i->blobs, i->blob_count + 1, sizeof(*i->blobs));
	b = &i->blobs[i->blob_count++];
	*b = (struct image_blob){ 0 };
	descriptor_copy(&b->descriptor, d);
	b->nondistributable = descriptor_is_nondistributable(d);
	b->in_source = piece_find(content_of(i), &d->digest) != NULL;
}

static const struct manifest *add_manifest(struct image *i, const struct buf *json)
{
	struct err err = ERR_INIT;
	struct manifest *m = NULL;

	if (!manifest_parse(buf_str(json), json->len, NULL, NULL, ERR_CORRUPT, &m, &err))
		abort();
	i->manifests = mem_realloc(i->manifests, i->manifest_count + 1, sizeof(struct manifest *));
	i->manifests[i->manifest_count++] = m;
	for (size_t k = 0; m->kind == MANIFEST_IMAGE && k < m->entry_count; k++)
		add_blob(i, &m->entries[k]);
	return m;
}

static void put_descriptor(struct buf *json, const char *type, const struct digest *d, size_t len)
{
	buf_printf(json, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", type, d->text,
		   len);
}

struct build {
	struct image *image;
	struct sim_rng *rng;
	const struct sim_image_options *options;
	struct digest shared;
};

static size_t draw_length(struct build *b)
{
	size_t max = b->options->layer_bytes_max;

	if (b->options->layers_are_full)
		return max;
	switch (sim_rng_below(b->rng, 8)) {
	case 0:
		return 1;
	case 1:
		return max;
	default:
		return 1 + (size_t)sim_rng_below(b->rng, max);
	}
}

static void put_layers(struct build *b, struct buf *json)
{
	const char *type = b->options->docker_types ? MEDIA_DOCKER_LAYER
						    : "application/vnd.oci.image.layer.v1.tar+gzip";
	struct sim_content *c = content_of(b->image);

	for (size_t i = 0; i < b->options->layers; i++) {
		bool shared = i == 0 && b->options->layers_are_shared && b->shared.text[0];
		struct digest d = shared ? b->shared : add_random(c, b->rng, draw_length(b));

		if (i == 0)
			b->shared = d;
		if (i)
			buf_putc(json, ',');
		put_descriptor(json, type, &d, piece_find(c, &d)->len);
	}
	if (b->options->has_elsewhere) {
		struct digest d = digest_of("elsewhere", 9);

		buf_puts(json, b->options->layers ? "," : "");
		put_descriptor(json, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			       &d, 9);
	}
}

static const struct manifest *build_one(struct build *b, size_t number)
{
	struct sim_content *c = content_of(b->image);
	struct buf json = BUF_INIT(1 * MIB);
	char *config_bytes = mem_printf("{\"os\":\"linux\",\"n\":%zu,\"salt\":%llu}", number,
					(unsigned long long)sim_rng_next(b->rng));
	size_t config_len = strlen(config_bytes);
	struct digest config = add_piece(c, config_bytes, config_len);
	const struct manifest *m;

	buf_printf(&json, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":",
		   b->options->docker_types ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST);
	put_descriptor(&json, b->options->docker_types ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG,
		       &config, config_len);
	buf_puts(&json, ",\"layers\":[");
	put_layers(b, &json);
	buf_puts(&json, "]}");
	m = add_manifest(b->image, &json);
	buf_clear(&json);
	return m;
}

static void build_index(struct build *b)
{
	struct buf json = BUF_INIT(4 * MIB);

	buf_printf(&json, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[",
		   b->options->docker_types ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX);
	for (size_t i = 0; i < b->options->platforms; i++) {
		const struct manifest *m = build_one(b, i);

		buf_puts(&json, i ? "," : "");
		buf_printf(
			&json,
			"{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":"
			"\"linux\",\"architecture\":\"a%zu\"}}",
			m->media_type, m->digest.text, m->size_bytes, i);
	}
	buf_puts(&json, "]}");
	add_manifest(b->image, &json);
	buf_clear(&json);
}

struct image *sim_image_new(struct sim_rng *rng, const struct sim_image_options *options)
{
	struct sim_content *c = NEW(struct sim_content);
	struct image *i = NEW(struct image);
	struct build b = { .image = i, .rng = rng, .options = options };

	c->content.ops = &sim_content_ops;
	i->content = &c->content;
	if (options->platforms)
		build_index(&b);
	else
		build_one(&b, 0);
	return i;
}

void sim_image_damage(struct image *i, const struct digest *d, enum sim_damage damage)
{
	struct piece *p = piece_find(content_of(i), d);

	p->damage = damage;
	if (damage == SIM_FLIPPED)
		p->bytes[p->len / 2] ^= 1;
}

const struct descriptor *sim_image_largest(const struct image *i)
{
	const struct descriptor *largest = &i->blobs[0].descriptor;

	for (size_t k = 1; k < i->blob_count; k++)
		if (i->blobs[k].in_source &&
		    i->blobs[k].descriptor.size_bytes > largest->size_bytes)
			largest = &i->blobs[k].descriptor;
	return largest;
}

void sim_image_store(const struct image *i, struct sim_registry *r, const char *repo,
		     const char *tag)
{
	struct sim_repo *into = sim_store_repo(&r->store, repo);
	const struct sim_content *c = content_of(i);

	for (size_t k = 0; k < c->count; k++)
		sim_blob_put(into, &c->pieces[k].digest, c->pieces[k].bytes, c->pieces[k].len, 0);
	for (size_t k = 0; k < i->manifest_count; k++) {
		const struct manifest *m = i->manifests[k];

		sim_manifest_put(into, &m->digest, m->media_type, m->bytes, m->size_bytes, 0);
	}
	sim_tag_put(into, tag, &image_root(i)->digest, 0, 0);
}
