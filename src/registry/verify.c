#include "registry/verify_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/pool.h"
#include "registry/manifest_io.h"

#include <string.h>

/* What one proof may pull in: a registry is not trusted with more. */
#define MANIFESTS_MAX 1000
#define LEVELS_MAX 4
#define TREE_BYTES_MAX (64 * MIB)
#define BLOBS_MAX 100000
#define NAMED_IN_MESSAGE 3

void proof_clear(struct proof *p)
{
	free(p->media_type);
	strings_clear(&p->present);
	strings_clear(&p->missing);
	*p = (struct proof){ 0 };
}

static void needed_blob_clear(struct needed_blob *b)
{
	descriptor_clear(&b->descriptor);
	free(b->unpack_failed);
}

static void verification_clear(struct verification *v)
{
	verify_layers_clear(v);
	for (size_t i = 0; i < v->manifest_count; i++)
		manifest_free(v->manifests[i]);
	for (size_t i = 0; i < v->blob_count; i++)
		needed_blob_clear(&v->blobs[i]);
	for (size_t i = 0; i < v->child_count; i++)
		manifest_free(v->child_manifests[i]);
	free(v->manifests);
	free(v->blobs);
	free(v->children);
	free(v->child_manifests);
}

static void add_missing(struct verification *v, const struct digest *d)
{
	if (!strings_have(&v->proof->missing, d->text))
		strings_add(&v->proof->missing, d->text);
}

/* The root */

static bool is_absent(const struct verification *v, const char *reference, struct err *err)
{
	CLEANUP(mem_freep) char *name = reference_name(v->ref);

	return err_set(err, ERR_ABSENT, "'%s' has no '%s'", name, reference);
}

/* 404 for a name that does not exist, or that this identity may not see, sounds the same. */
static bool read_root(struct verification *v, const char *reference, const struct digest *like,
		      struct manifest **ret, struct err *err)
{
	if (!manifest_get(v->w, v->s, reference, like, ret, err))
		return false;
	return *ret || is_absent(v, reference, err);
}

static bool check_digest(const struct verification *v, const struct manifest *root,
			 const char *reference, const struct digest *expect, struct err *err)
{
	CLEANUP(mem_freep) char *name = reference_name(v->ref);

	if (!expect || digest_same(&root->digest, expect))
		return true;
	if (strcmp(reference, expect->text) == 0)
		return err_set(err, ERR_INCOMPLETE,
			       "'%s' answers to '%s' with bytes that hash to '%s'", name, reference,
			       root->digest.text);
	return err_set(err, ERR_OTHER_DIGEST, "'%s:%s' is on '%s', not on '%s'", name, reference,
		       root->digest.text, expect->text);
}

static void keep_root(struct verification *v, struct manifest *root)
{
	v->proof->digest = root->digest;
	v->proof->size_bytes = (int64_t)root->size_bytes;
	mem_replace(&v->proof->media_type, root->media_type);
	v->manifests = mem_alloc(sizeof(*v->manifests));
	v->manifests[v->manifest_count++] = root;
	v->tree_bytes = root->size_bytes;
	v->proof->manifest_count = 1;
}

static bool prove_root(struct verification *v, const struct digest *expect, struct err *err)
{
	const struct digest *wanted = expect		       ? expect
				      : v->ref->digest.text[0] ? &v->ref->digest
							       : NULL;
	const char *reference = v->ref->tag ? v->ref->tag : v->ref->digest.text;
	struct manifest *root = NULL;

	if (!read_root(v, reference, wanted, &root, err))
		return false;
	keep_root(v, root);
	return check_digest(v, root, reference, wanted, err);
}

/* The children, a level at a time */

static bool is_known_manifest(const struct verification *v, const struct digest *d)
{
	for (size_t i = 0; i < v->manifest_count; i++)
		if (digest_same(&v->manifests[i]->digest, d))
			return true;
	for (size_t i = 0; i < v->child_count; i++)
		if (digest_same(&v->children[i]->digest, d))
			return true;
	return false;
}

/* What a descriptor says may be absurd: then it is too much, without overflow. */
static size_t counted_bytes(const struct descriptor *d)
{
	return d->size_bytes > (int64_t)TREE_BYTES_MAX ? TREE_BYTES_MAX : (size_t)d->size_bytes;
}

static void collect_children(struct verification *v, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		const struct manifest *m = v->manifests[i];

		for (size_t k = 0; m->kind == MANIFEST_INDEX && k < m->entry_count; k++) {
			if (is_known_manifest(v, &m->entries[k].digest))
				continue;
			v->children =
				mem_realloc(v->children, v->child_count + 1, sizeof(*v->children));
			v->children[v->child_count++] = &m->entries[k];
		}
	}
	for (size_t i = 0; i < v->child_count; i++)
		v->tree_bytes += counted_bytes(v->children[i]);
	v->child_manifests = mem_alloc((v->child_count + 1) * sizeof(*v->child_manifests));
}

static bool read_child(const struct world *w, void *arg, size_t i, struct err *err)
{
	struct verification *v = arg;
	const struct descriptor *d = v->children[i];
	CLEANUP(manifest_freep) struct manifest *m = NULL;

	if (!manifest_get(w, v->s, d->digest.text, &d->digest, &m, err))
		return false;
	if (m && digest_same(&m->digest, &d->digest) && (int64_t)m->size_bytes == d->size_bytes)
		v->child_manifests[i] = TAKE(m);
	return true;
}

static void keep_children(struct verification *v)
{
	v->manifests = mem_realloc(v->manifests, v->manifest_count + v->child_count,
				   sizeof(*v->manifests));
	for (size_t i = 0; i < v->child_count; i++) {
		struct manifest *m = TAKE(v->child_manifests[i]);

		if (!m) {
			add_missing(v, &v->children[i]->digest);
			continue;
		}
		v->manifests[v->manifest_count++] = m;
		v->proof->manifest_count++;
	}
	free(TAKE(v->children));
	free(TAKE(v->child_manifests));
	v->child_count = 0;
}

static bool prove_children(struct verification *v, struct err *err)
{
	size_t first = 0;

	for (int level = 1;; level++) {
		size_t end = v->manifest_count;

		collect_children(v, first, end);
		if (v->child_count == 0)
			return true;
		if (level > LEVELS_MAX || v->manifest_count + v->child_count > MANIFESTS_MAX ||
		    v->tree_bytes > TREE_BYTES_MAX)
			return err_set(err, ERR_INCOMPLETE,
				       "the index is deeper or wider than can be proven");
		if (!pool_run(v->w, v->jobs, v->child_count, read_child, v, err))
			return false;
		keep_children(v);
		first = end;
	}
}

/* The blobs */

static void collect_blob(struct verification *v, const struct descriptor *d)
{
	if (descriptor_is_nondistributable(d)) {
		v->proof->elsewhere_count++;
		return;
	}
	if (v->blob_count == v->blob_room) {
		v->blob_room = v->blob_room ? v->blob_room * 2 : 64;
		v->blobs = mem_realloc(v->blobs, v->blob_room, sizeof(*v->blobs));
	}
	v->blobs[v->blob_count] = (struct needed_blob){ .size_there = -1 };
	descriptor_copy(&v->blobs[v->blob_count++].descriptor, d);
}

int needed_blob_order(const void *a, const void *b)
{
	const struct needed_blob *one = a, *other = b;

	return strcmp(one->descriptor.digest.text, other->descriptor.digest.text);
}

/* Each is asked for once, however many images share it. */
static void drop_duplicates(struct verification *v)
{
	size_t kept = 0;

	if (v->blob_count)
		qsort(v->blobs, v->blob_count, sizeof(*v->blobs), needed_blob_order);
	for (size_t i = 0; i < v->blob_count; i++) {
		if (kept && needed_blob_order(&v->blobs[kept - 1], &v->blobs[i]) == 0)
			descriptor_clear(&v->blobs[i].descriptor);
		else
			v->blobs[kept++] = v->blobs[i];
	}
	v->blob_count = kept;
}

static bool collect_blobs(struct verification *v, struct err *err)
{
	for (size_t i = 0; i < v->manifest_count; i++) {
		const struct manifest *m = v->manifests[i];

		if (!world_check(v->w, err))
			return false;
		if (m->kind == MANIFEST_IMAGE && v->blob_count + m->entry_count > BLOBS_MAX)
			return err_set(err, ERR_INCOMPLETE, "more than %d blobs: too many to prove",
				       BLOBS_MAX);
		for (size_t k = 0; m->kind == MANIFEST_IMAGE && k < m->entry_count; k++)
			collect_blob(v, &m->entries[k]);
	}
	drop_duplicates(v);
	return true;
}

static bool prove_blob(const struct world *w, void *arg, size_t i, struct err *err)
{
	struct verification *v = arg;
	struct needed_blob *b = &v->blobs[i];

	if (v->depth == VERIFY_BYTES)
		return verify_read_blob(v, w, b, err);
	if (!blob_exists(w, v->s, &b->descriptor, &b->state, &b->size_there, err))
		return false;
	/* said once, it may be a replica that is behind */
	return b->state == BLOB_PRESENT ||
	       blob_exists(w, v->s, &b->descriptor, &b->state, &b->size_there, err);
}

static bool prove_blobs(struct verification *v, struct err *err)
{
	if (!collect_blobs(v, err) || (v->depth == VERIFY_BYTES && !verify_read_configs(v, err)) ||
	    !pool_run(v->w, v->jobs, v->blob_count, prove_blob, v, err))
		return false;
	for (size_t i = 0; i < v->blob_count; i++) {
		const struct needed_blob *b = &v->blobs[i];

		if (b->state != BLOB_PRESENT) {
			add_missing(v, &b->descriptor.digest);
			v->proof->has_wrong_bytes |=
				v->depth == VERIFY_BYTES && b->state == BLOB_OTHER_SIZE;
			continue;
		}
		strings_add(&v->proof->present, b->descriptor.digest.text);
		v->proof->blob_count++;
		v->proof->blob_bytes += b->descriptor.size_bytes;
	}
	return true;
}

static bool is_whole(const struct verification *v, struct err *err)
{
	CLEANUP(mem_freep) char *name = reference_name(v->ref);
	const struct strings *missing = &v->proof->missing;
	struct buf list = BUF_INIT(BUF_TEXT_CEILING);

	if (missing->count == 0)
		return true;
	for (size_t i = 0; i < missing->count && i < NAMED_IN_MESSAGE; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", missing->at[i]);
	if (missing->count > NAMED_IN_MESSAGE)
		buf_printf(&list, " and %zu more", missing->count - NAMED_IN_MESSAGE);
	err_set(err, ERR_INCOMPLETE, "'%s' has the manifest '%s', but not all that it names", name,
		v->proof->digest.text);
	err_evidence(err, "missing or of another size: %s", buf_str(&list));
	buf_clear(&list);
	return false;
}

bool image_verify(const struct world *w, struct session *s, const struct reference *ref,
		  const struct digest *expect, enum verify_depth depth, size_t jobs,
		  struct proof *ret, struct err *err)
{
	CLEANUP(verification_clear)
	struct verification v = {
		.w = w, .s = s, .ref = ref, .depth = depth, .jobs = jobs, .proof = ret
	};
	int64_t begun_ms = world_now_ms(w);
	bool proven;

	ret->depth = depth;
	proven = prove_root(&v, expect, err) &&
		 (depth == VERIFY_MANIFEST ||
		  (prove_children(&v, err) && prove_blobs(&v, err) && is_whole(&v, err) &&
		   (depth < VERIFY_BYTES || verify_layers(&v, err))));
	if (proven)
		world_note(w, EVENT_PROOF, "%zu manifests read back and hashed, %zu blobs there",
			   ret->manifest_count, ret->blob_count);
	ret->took_ms = world_now_ms(w) - begun_ms;
	ret->proven_wall_ms = clock_wall_ms(w->clock);
	return proven;
}
