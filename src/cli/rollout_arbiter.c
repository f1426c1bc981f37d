#include "cli/rollout_arbiter.h"

#include "base/mem.h"
#include "registry/manifest_io.h"
#include "registry/verify.h"

#define ASK_MS 60000

/* Platforms */

/* Empty where the cluster does not tell: reading nodes is a right of its own. */
static void find_platform(const struct world *w, const struct rollout_wanted *wanted,
			  const char *name, struct platform *ret)
{
	CLEANUP(mem_freep) char *path = kube_path("v1", NULL, "nodes", name);
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	CLEANUP(err_clear) struct err err = ERR_INIT;
	CLEANUP(node_clear) struct node node = { 0 };

	if (!kube_get(wanted->client, w, path, &reply, &err) ||
	    !node_parse(reply.object, &node, &err))
		return;
	ret->os = mem_strdup_or_null(node.os);
	ret->architecture = mem_strdup_or_null(node.arch);
}

/* NULL when none does; what names no platform may serve any. */
static const struct descriptor *child_for(const struct manifest *index,
					  const struct platform *wanted)
{
	const struct descriptor *untold = NULL;

	for (size_t i = 0; i < index->entry_count; i++) {
		const struct descriptor *d = &index->entries[i];

		if (!d->platform.os && !untold)
			untold = d;
		else if (d->platform.os && platform_serves(&d->platform, wanted))
			return d;
	}
	return untold;
}

/* Asking */

static enum arbiter_says says_of(const struct err *err)
{
	switch (err->code) {
	case ERR_ABSENT:
		return ARBITER_ABSENT;
	case ERR_INCOMPLETE:
		return ARBITER_INCOMPLETE;
	case ERR_REFUSED:
	case ERR_DENIED:
	case ERR_NO_CREDENTIAL:
		return ARBITER_DENIED;
	case ERR_NET:
	case ERR_NO_REGISTRY:
	case ERR_TIMEOUT:
	case ERR_RATE_LIMITED:
		return ARBITER_UNREACHABLE;
	default:
		return ARBITER_UNKNOWN;
	}
}

static bool prove(const struct world *w, const struct rollout_wanted *wanted, struct session *s,
		  const struct reference *ref, struct err *err)
{
	CLEANUP(proof_clear) struct proof proof = { 0 };

	return image_verify(w, s, ref, NULL, VERIFY_TREE, wanted->jobs, &proof, err);
}

/* The one child that matters to the node. */
static enum arbiter_says prove_child(const struct world *w, const struct rollout_wanted *wanted,
				     struct session *s, const struct reference *ref,
				     const struct descriptor *child, struct err *err)
{
	const struct reference of_child = {
		.host = ref->host,
		.repository = ref->repository,
		.digest = child->digest,
	};

	if (prove(w, wanted, s, &of_child, err))
		return ARBITER_WHOLE;
	return err->code == ERR_ABSENT ? ARBITER_INCOMPLETE : says_of(err);
}

static enum arbiter_says no_platform(const struct platform *wanted, struct err *err)
{
	CLEANUP(mem_freep) char *text = platform_text(wanted);

	err_set(err, ERR_INCOMPLETE, "no image for %s is in the index", text);
	return ARBITER_NO_PLATFORM;
}

static enum arbiter_says ask(const struct world *w, const struct rollout_wanted *wanted,
			     struct session *s, const struct reference *ref,
			     const struct platform *platform, struct err *err)
{
	const struct digest *digest = *ref->digest.text ? &ref->digest : NULL;
	CLEANUP(manifest_freep) struct manifest *m = NULL;
	const struct descriptor *child;

	if (!manifest_get(w, s, digest ? digest->text : ref->tag, digest, &m, err))
		return says_of(err);
	if (!m) {
		err_set(err, ERR_ABSENT, "no such manifest");
		return ARBITER_ABSENT;
	}
	if (m->kind == MANIFEST_IMAGE || !platform->os || !platform->architecture)
		return prove(w, wanted, s, ref, err) ? ARBITER_WHOLE : says_of(err);
	child = child_for(m, platform);
	return child ? prove_child(w, wanted, s, ref, child, err) : no_platform(platform, err);
}

/* A name with a tag and a digest is pulled by its digest alone. */
static enum arbiter_says ask_for(const struct world *w, const struct rollout_wanted *wanted,
				 const struct question *q, struct err *err)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	CLEANUP(platform_clear) struct platform platform = { 0 };
	CLEANUP(session_freep) struct session *session = NULL;

	if (!reference_parse(q->image, &ref, err))
		return ARBITER_UNKNOWN;
	if (*ref.digest.text)
		free(TAKE(ref.tag));
	if (q->node)
		find_platform(w, wanted, q->node, &platform);
	if (!session_make(wanted->sessions, w, &ref, SESSION_PULL, &session, err))
		return says_of(err);
	return ask(w, wanted, session, &ref, &platform, err);
}

bool rollout_arbiter_ask(const struct world *w, const struct rollout_wanted *wanted,
			 const struct question *q, enum arbiter_says *ret, char **ret_text)
{
	CLEANUP(err_clear) struct err err = ERR_INIT;
	struct world near = *w;

	near.deadline_ms = clock_after(world_now_ms(w), ASK_MS);
	world_note(w, EVENT_NOTE, "asking the registry about '%s'", q->image);
	*ret = ask_for(&near, wanted, q, &err);
	if (err.message)
		*ret_text = mem_strdup(err.evidence ? err.evidence : err.message);
	return err.code != ERR_CANCELLED;
}
