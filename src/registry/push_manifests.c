/* Children before the root, the tag last; and what is done when the registry then denies blobs that it had. */
#include "registry/push_private.h"

#include <string.h>

static enum manifest_outcome put_children(struct push *p, struct err *err)
{
	enum manifest_outcome outcome = MANIFEST_TAKEN;

	for (size_t i = 0; i + 1 < p->image->manifest_count && outcome == MANIFEST_TAKEN; i++) {
		const struct manifest *m = p->image->manifests[i];

		outcome = manifest_put(p->w, p->s, m, m->digest.text, NULL, err);
	}
	return outcome;
}

/*
 * That there is nothing under the tag is looked at twice, the second time right before it is written: a 404 may be a
 * replica's that is behind. Whoever is found there later has pushed meanwhile, and is not overwritten.
 */
static void look_again(struct push *p)
{
	CLEANUP(manifest_freep) struct manifest *there = NULL;
	struct err ignored = ERR_INIT;

	if (!p->ref->tag || !p->result->before_is_known || p->result->before.text[0])
		return;
	p->result->before_is_known = manifest_get(p->w, p->s, p->ref->tag,
						  &image_root(p->image)->digest, &there, &ignored);
	if (there)
		p->result->before = there->digest;
	err_clear(&ignored);
}

static enum manifest_outcome put_root(struct push *p, struct err *err)
{
	const struct manifest *root = image_root(p->image);
	const struct strings *more = p->options->additional_tags;
	const char *reference = p->ref->tag ? p->ref->tag : root->digest.text;
	enum manifest_outcome outcome;

	world_note(p->w, EVENT_PHASE, "manifest");
	if (!p->result->manifest_sent)
		look_again(p);
	outcome = manifest_put(p->w, p->s, root, reference, push_before(p), err);
	p->result->manifest_sent |= outcome == MANIFEST_TAKEN || outcome == MANIFEST_UNKNOWN;
	for (size_t i = 0; more && i < more->count && outcome == MANIFEST_TAKEN; i++) {
		outcome = manifest_put(p->w, p->s, root, more->at[i], NULL, err);
		if (outcome != MANIFEST_TAKEN)
			err_wrap(err, "'%s' was taken, additional tag '%s' was not", reference,
				 more->at[i]);
	}
	return outcome;
}

static enum manifest_outcome put_manifests(struct push *p, struct err *err)
{
	enum manifest_outcome outcome = put_children(p, err);

	return outcome == MANIFEST_TAKEN ? put_root(p, err) : outcome;
}

static bool names_unknown_blobs(const struct err *err)
{
	return err->evidence && strcasestr(err->evidence, "unknown");
}

/*
 * A registry that has just said it holds a blob may deny it when the manifest comes: garbage collection, or a
 * replica that is behind. First what it now admits to be missing is sent, then everything.
 */
enum manifest_outcome push_put_manifests(struct push *p, struct err *err)
{
	static const enum trust trusts[] = { TRUST_EXISTENCE, TRUST_NOTHING };
	enum manifest_outcome outcome = put_manifests(p, err);

	for (size_t i = 0; i < ARRAY_SIZE(trusts) && outcome == MANIFEST_BLOBS_MISSING; i++) {
		struct err failed = ERR_INIT;

		/* "invalid" may mean many things: no reason to send all of it again */
		if (trusts[i] == TRUST_NOTHING && !names_unknown_blobs(err))
			break;

		world_note(p->w, EVENT_NOTE,
			   "the registry misses blobs of the manifest: sending them again (%s)",
			   err->evidence ? err->evidence : err->message);
		if (!push_send_blobs(p, trusts[i], NULL, &failed)) {
			err_move(err, &failed);
			return MANIFEST_REFUSED;
		}
		err_clear(err);
		outcome = put_manifests(p, err);
	}
	if (outcome == MANIFEST_BLOBS_MISSING)
		err->code = names_unknown_blobs(err) ? ERR_INCOMPLETE : ERR_UNEXPECTED;
	return outcome;
}
