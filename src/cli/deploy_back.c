/*
 * The way back: exactly the images that were replaced, and only while ours are still there. The controller of a
 * StatefulSet never replaces a pod that is broken before it was ready, so that one has to be deleted as well.
 */
#include "cli/deploy.h"

#include "base/mem.h"

#define BACK_MS 30000

bool deploy_is_failure(const struct deploy *d)
{
	if (!d->has_verdict)
		return d->err.code && !d->was_patched && !d->was_unchanged;
	switch (d->end.verdict.kind) {
	case VERDICT_DID_NOT_LAND:
	case VERDICT_INCOMPLETE:
	case VERDICT_NOT_PULLED:
	case VERDICT_NAME_OR_POLICY:
	case VERDICT_CRASHES:
	case VERDICT_NOT_PLACED:
	case VERDICT_STILL_WAITING:
	case VERDICT_REFUSED:
		return !d->was_unchanged;
	default:
		return false;
	}
}

static bool is_still_ours(struct deploy *d, const struct world *w, struct err *err)
{
	struct kube_reply reply = { 0 };
	CLEANUP(workload_clear) struct workload now = { 0 };
	bool ours = kube_get(d->release->connection->client, w, d->path, &reply, err) &&
		    workload_parse_as(reply.object, d->target.kind, &now, err);

	if (ours && !image_changes_are_made(&now, &d->changes))
		ours = err_set(err, ERR_SUPERSEDED, "somebody else has changed the images since");
	kube_reply_clear(&reply);
	return ours;
}

static bool send_back(struct deploy *d, const struct world *w, struct err *err)
{
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	CLEANUP(js_freep) struct js *body = NULL;
	struct kube_change change = { .path = d->path, .content_type = KUBE_PATCH_JSON };
	bool ok;

	image_changes_reverse(&d->changes);
	body = image_changes_patch(&d->workload, &d->changes);
	image_changes_reverse(&d->changes);
	change.body = body;
	ok = kube_patch(d->release->connection->client, w, &change, &reply, err);
	if (!ok && reply.causes)
		err_evidence(err, "%s", reply.causes);
	return ok;
}

static struct js *only_this_one(const char *uid)
{
	struct js *options = js_object(), *preconditions = js_object();

	js_put_string(options, "apiVersion", "v1");
	js_put_string(options, "kind", "DeleteOptions");
	js_put_string(preconditions, "uid", uid);
	js_put(options, "preconditions", preconditions);
	return options;
}

static void delete_broken_pod(struct deploy *d, const struct world *w)
{
	const struct evidence *e = d->end.verdict.evidence;
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	CLEANUP(mem_freep) char *path = NULL;
	CLEANUP(js_freep) struct js *body = NULL;
	struct kube_change change = { 0 };
	struct err err = ERR_INIT;

	if (d->target.kind != WORKLOAD_STATEFULSET || !d->end.verdict.evidence_count || !e->pod ||
	    !e->pod_uid)
		return;
	path = kube_path("v1", d->release->connection->namespace, "pods", e->pod);
	body = only_this_one(e->pod_uid);
	change = (struct kube_change){ .path = path, .body = body };
	if (kube_delete(d->release->connection->client, w, &change, &reply, &err))
		deploy_say(d, "the broken pod was deleted: %s", e->pod);
	else
		deploy_say(d, "the broken pod could not be deleted: %s", err.message);
	err_clear(&err);
}

static void say_restored(const struct deploy *d)
{
	for (size_t i = 0; i < d->changes.count; i++)
		deploy_say(d, "rolled back: '%s' has its image from before: %s",
			   d->changes.at[i].container, d->changes.at[i].from);
}

static void restore(struct deploy *d)
{
	struct world w = d->world;
	struct err err = ERR_INIT;

	if (!d->was_patched || (d->has_verdict && d->end.verdict.kind == VERDICT_SUPERSEDED))
		return;
	w.deadline_ms = world_now_ms(&w) + BACK_MS;
	world_note(&w, EVENT_PHASE, "rolling back");
	if (is_still_ours(d, &w, &err) && send_back(d, &w, &err)) {
		d->was_restored = true;
		say_restored(d);
		delete_broken_pod(d, &w);
	} else {
		deploy_say(d, "not rolled back: %s", err.message);
	}
	err_clear(&err);
}

void release_restore(struct release *r)
{
	bool failed = false;

	for (size_t i = 0; i < r->count; i++)
		failed |= deploy_is_failure(&r->deploys[i]);
	for (size_t i = 0; i < r->count && failed; i++)
		restore(&r->deploys[i]);
}
