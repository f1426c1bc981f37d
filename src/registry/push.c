#include "registry/push_private.h"

#include "base/mem.h"
#include "base/pool.h"
#include "registry/blob.h"
#include "registry/manifest_io.h"

#include <string.h>

void push_result_clear(struct push_result *r)
{
	proof_clear(&r->proof);
	*r = (struct push_result){ 0 };
}

/* Blobs */

static void tell_blob(const struct world *w, enum blob_stage stage, const struct descriptor *d)
{
	world_tell(w, &(struct event){ .kind = EVENT_BLOB,
				       .blob = { .stage = stage,
						 .digest = d->digest.text,
						 .size_bytes = d->size_bytes } });
}

void push_count_blob(struct push *p, const struct world *w, enum blob_stage stage,
		     const struct descriptor *d)
{
	struct push_result *r = p->result;

	monitor_enter(w->sched, p->monitor);
	switch (stage) {
	case BLOB_STAGE_SENT:
		r->blobs_sent++;
		r->bytes_sent += d->size_bytes;
		break;
	case BLOB_STAGE_MOUNTED:
		r->blobs_mounted++;
		r->bytes_existing += d->size_bytes;
		break;
	case BLOB_STAGE_EXISTS:
		if (p->times_sent_again)
			break; /* it was counted the first time */
		r->blobs_existing++;
		r->bytes_existing += d->size_bytes;
		break;
	default:
		r->blobs_elsewhere++;
	}
	if (!image_is_settled(p->image))
		strings_add(&p->settled, d->digest.text);
	monitor_leave(w->sched, p->monitor);
	tell_blob(w, stage, d);
}

bool push_mount(struct push *p, const struct world *w, const struct descriptor *d,
		const char *repository, bool *ret_mounted, struct err *err)
{
	return blob_mount(w, p->s, d, repository, ret_mounted, err);
}

static bool mount_from_any(struct push *p, const struct world *w, const struct descriptor *d,
			   bool *ret_mounted, struct err *err)
{
	const struct strings *repositories = p->options->mount_from;

	*ret_mounted = false;
	for (size_t i = 0; repositories && i < repositories->count && !*ret_mounted; i++)
		if (!push_mount(p, w, d, repositories->at[i], ret_mounted, err))
			return false;
	return true;
}

/* True with *ret_stage when nothing needs to be sent. */
static bool is_had(struct push *p, const struct world *w, const struct descriptor *d, bool *ret_had,
		   struct err *err)
{
	enum blob_state state;
	int64_t size;
	bool mounted;

	*ret_had = false;
	if (p->trust == TRUST_NOTHING)
		return true;
	if (!blob_exists(w, p->s, d, &state, &size, err))
		return false;
	if (state == BLOB_PRESENT) {
		*ret_had = true;
		push_count_blob(p, w, BLOB_STAGE_EXISTS, d);
		return true;
	}
	if (!mount_from_any(p, w, d, &mounted, err))
		return false;
	if (mounted) {
		*ret_had = true;
		push_count_blob(p, w, BLOB_STAGE_MOUNTED, d);
	}
	return true;
}

/* What was adopted has no bytes here: the layer must be packed after all. */
static bool refuse_adopted(struct push *p, const struct descriptor *d, struct err *err)
{
	monitor_enter(p->w->sched, p->monitor);
	p->needs_source = true;
	monitor_leave(p->w->sched, p->monitor);
	return err_set(err, ERR_INCOMPLETE, "the registry was known to have %s and does not",
		       d->digest.text);
}

bool push_send_blob(struct push *p, const struct world *w, const struct image_blob *b,
		    struct err *err)
{
	const struct descriptor *d = &b->descriptor;
	bool had;

	if (b->nondistributable) {
		push_count_blob(p, w, BLOB_STAGE_SKIPPED, d);
		return true;
	}
	if (!is_had(p, w, d, &had, err))
		return false;
	if (had)
		return true;
	if (!b->in_source)
		return refuse_adopted(p, d, err);
	if (!blob_upload(w, p->s, p->image, d, p->trust == TRUST_NOTHING, err))
		return err_wrap(err, "sending '%s'", d->digest.text);
	push_count_blob(p, w, BLOB_STAGE_SENT, d);
	return true;
}

static bool send_one(const struct world *w, void *arg, size_t i, struct err *err)
{
	struct push *p = arg;
	const struct image_blob *b = &p->image->blobs[i];
	const char *digest = b->descriptor.digest.text;

	if (p->only && !strings_have(p->only, digest))
		return true;
	return strings_have(&p->settled, digest) || push_send_blob(p, w, b, err);
}

bool push_send_blobs(struct push *p, enum trust trust, const struct strings *only, struct err *err)
{
	p->trust = trust;
	p->only = only;
	return pool_run(p->w, p->options->jobs, p->image->blob_count, send_one, p, err);
}

/* What was found or sent while the image was settled is not looked at again before the proof. */
static bool send_the_rest(struct push *p, struct err *err)
{
	bool sent = push_send_blobs(p, TRUST_EXISTENCE, NULL, err);

	strings_clear(&p->settled);
	return sent;
}

static void plan_blobs(struct push *p)
{
	for (size_t i = 0; i < p->image->blob_count; i++)
		tell_blob(p->w, BLOB_STAGE_PLANNED, &p->image->blobs[i].descriptor);
}

/* The whole */

/* What the tag is on now; that it cannot be read is no reason not to push. */
static bool look_before(struct push *p, struct err *err)
{
	const struct digest *like =
		image_is_settled(p->image) ? &image_root(p->image)->digest : NULL;
	struct err failed = ERR_INIT;

	if (!p->ref->tag)
		return true;
	if (manifest_get(p->w, p->s, p->ref->tag, like, &p->there, &failed)) {
		p->result->before_is_known = true;
		if (p->there)
			p->result->before = p->there->digest;
		return true;
	}
	/* what is there may be unreadable, or not ours to read: it is to be replaced */
	if (failed.code == ERR_DENIED || failed.code == ERR_NET || failed.code == ERR_NO_REGISTRY) {
		err_clear(&failed);
		return true;
	}
	err_move(err, &failed);
	return false;
}

/* The same digest under the tag already: then the proof is all there is to do. */
static bool has_landed_earlier(struct push *p, struct err *err)
{
	if (!digest_same(&p->result->before, &image_root(p->image)->digest) ||
	    !push_prove_once(p->w, p, err)) {
		/* sent again, the same blobs would be as false */
		if (!push_was_cut_short(err) && !p->result->proof.has_false_layer) {
			proof_clear(&p->result->proof);
			err_clear(err);
		}
		return false;
	}
	p->result->landed_earlier = true;
	for (size_t i = 0; i < p->image->blob_count; i++) {
		const struct image_blob *b = &p->image->blobs[i];

		if (!strings_have(&p->settled, b->descriptor.digest.text))
			push_count_blob(p, p->w,
					b->nondistributable ? BLOB_STAGE_SKIPPED
							    : BLOB_STAGE_EXISTS,
					&b->descriptor);
	}
	return true;
}

bool push_is_wanted(const struct image *image, const struct reference *ref, struct err *err)
{
	const struct digest *wanted = &ref->digest, *found = &image_root(image)->digest;

	if (!*wanted->text || digest_same(wanted, found))
		return true;
	return err_set(err, ERR_OTHER_DIGEST,
		       "the image to send is %s, not %s; no name was touched", found->text,
		       wanted->text);
}

static bool push_and_prove(struct push *p, struct err *err)
{
	if (!push_settle(p, err) || !push_is_wanted(p->image, p->ref, err))
		return false;
	plan_blobs(p);
	if (has_landed_earlier(p, err))
		return true;
	if (err->code != ERR_NONE)
		return false;
	world_note(p->w, EVENT_PHASE, "blobs");
	if (!send_the_rest(p, err))
		return false;
	switch (push_put_manifests(p, err)) {
	case MANIFEST_TAKEN:
		return push_prove(p, err);
	case MANIFEST_UNKNOWN:
		return p->result->manifest_sent ? push_verdict(p, err) : false;
	case MANIFEST_BLOBS_MISSING:
	case MANIFEST_REFUSED: /* of an additional tag: the first one was taken */
		break;
	}
	return push_not_proven(p, err);
}

/* What others have packed was not there after all: everything is packed here. */
static bool push_without_adopting(struct push *p, struct err *err)
{
	struct push_result *r = p->result;

	world_note(p->w, EVENT_NOTE, "%s: packing all layers", err->message);
	err_clear(err);
	if (r->manifest_sent)
		p->given_up = image_root(p->image)->digest;
	pending_reopen(p->image);
	p->adopts = p->needs_source = false;
	p->times_sent_again = 0; /* of this manifest nothing was */
	strings_clear(&p->doubted);
	r->layers_adopted = r->blobs_existing = r->blobs_mounted = 0;
	r->bytes_existing = 0;
	return push_and_prove(p, err);
}

/* Of an index that was taken as the registry has it the children are not here: they cannot be sent again. */
static bool is_taken_index(const struct push *p)
{
	return p->adopts && p->image->manifest_count == 1 &&
	       image_root(p->image)->kind == MANIFEST_INDEX;
}

/* Somebody's config names another layer's diff ID for the blob. */
static bool has_adopted_false_layer(const struct push *p)
{
	return p->adopts && p->result->layers_adopted > 0 && p->result->proof.has_false_layer;
}

static bool may_pack_after_all(const struct push *p, const struct err *err)
{
	return image_pending(p->image) && (p->needs_source || has_adopted_false_layer(p) ||
					   (err->code == ERR_INCOMPLETE && is_taken_index(p)));
}

static bool begin_and_push(struct push *p, struct err *err)
{
	if (!session_make(p->sessions, p->w, p->ref, SESSION_PUSH, &p->s, err) ||
	    !look_before(p, err))
		return false;
	return push_and_prove(p, err) ||
	       (may_pack_after_all(p, err) && push_without_adopting(p, err));
}

static void push_clear(struct push *p)
{
	known_clear(&p->known);
	strings_clear(&p->settled);
	strings_clear(&p->doubted);
	manifest_free(p->there);
	session_free(p->s);
	monitor_free(p->w->sched, p->monitor);
}

bool image_push(const struct world *w, struct session_maker *sessions, struct image *image,
		const struct reference *ref, const struct push_options *options,
		struct push_result *ret, struct err *err)
{
	CLEANUP(push_clear)
	struct push p = {
		.w = w,
		.sessions = sessions,
		.image = image,
		.ref = ref,
		.options = options,
		.result = ret,
		.monitor = monitor_new(w->sched),
		.adopts = options->adopts,
	};
	int64_t begun_ms = world_now_ms(w);
	bool landed = begin_and_push(&p, err);

	if (landed)
		push_note_down(&p);
	ret->took_ms = world_now_ms(w) - begun_ms;
	return landed;
}
