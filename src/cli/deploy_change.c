/* The cluster's side of a deploy: the object is read, the change rehearsed, then made if nobody was faster. */
#include "cli/deploy.h"

#include "base/mem.h"

#include <string.h>

#define UNPROCESSABLE 422
#define BAD_REQUEST 400

static bool read_object(struct deploy *d, struct kube_reply *reply, struct workload *ret,
			struct err *err)
{
	return kube_get(d->release->connection->client, &d->world, d->path, reply, err) &&
	       workload_parse_as(reply->object, d->target.kind, ret, err);
}

static bool plan(struct deploy *d, struct err *err)
{
	const struct release *r = d->release;
	CLEANUP(mem_freep)
	struct assignment *words = mem_alloc((r->image_count + 1) * sizeof(*words));

	for (size_t i = 0; i < r->image_count; i++)
		words[i] = *r->images[i].words;
	return image_changes_plan(&d->workload, words, r->image_count, &d->changes, err);
}

bool deploy_read(struct deploy *d, struct err *err)
{
	CLEANUP(mem_freep) char *name = deploy_name(d);

	world_note(&d->world, EVENT_PHASE, "reading the workload");
	if (!read_object(d, &d->before, &d->workload, err))
		return err_wrap(err, "reading %s in namespace '%s'", name,
				d->release->connection->namespace);
	return plan(d, err);
}

/* The patch */

static bool send(struct deploy *d, bool dry_run, struct kube_reply *reply, struct err *err)
{
	CLEANUP(js_freep) struct js *body = image_changes_patch(&d->workload, &d->changes);
	const struct kube_change change = {
		.path = d->path,
		.content_type = KUBE_PATCH_JSON,
		.body = body,
		.dry_run = dry_run,
	};

	return kube_patch(d->release->connection->client, &d->world, &change, reply, err);
}

/* Who lost the race is told against whom: NOW is what is there instead. */
static bool is_overtaken(const struct deploy *d, const struct workload *now, struct err *err)
{
	CLEANUP(mem_freep) char *name = deploy_name(d);

	if (now->meta.uid && d->workload.meta.uid &&
	    strcmp(now->meta.uid, d->workload.meta.uid) != 0) {
		err_clear(err);
		err_set(err, ERR_SUPERSEDED, "%s was deleted and made anew in between", name);
		return true;
	}
	for (size_t i = 0; i < d->changes.count; i++) {
		const struct image_change *c = &d->changes.at[i];
		const struct template_container *t =
			template_container(&now->template, c->container);
		const char *image = t && t->image ? t->image : "";

		if (t && c->from && strcmp(image, c->from) == 0)
			continue;
		err_clear(err);
		err_set(err, ERR_SUPERSEDED,
			"somebody else has changed %s in between, nothing was overwritten", name);
		err_cause(err, "container '%s' had '%s' and now has '%s'", c->container,
			  c->from ? c->from : "", image);
		err_hint(err, "the same command again, if yours is to win");
		return true;
	}
	return false;
}

/*
 * The answer was no, or none: what does the object say? True when it has our images, because an attempt whose answer was
 * lost got through.
 */
static bool look_again(struct deploy *d, int code, struct err *err)
{
	struct err why = ERR_INIT;
	bool is_lost = code == 0 || code >= 500, read;

	kube_reply_clear(&d->after);
	read = read_object(d, &d->after, &d->patched, &why);
	if (read && image_changes_are_made(&d->patched, &d->changes)) {
		err_clear(err);
		return true;
	}
	if (!read && is_lost) {
		err->code = ERR_UNPROVEN;
		err_cause(err, "nobody has said whether the patch was taken");
	}
	if (read && code == UNPROCESSABLE)
		is_overtaken(d, &d->patched, err);
	err_clear(&why);
	return false;
}

static bool tell_refusal(struct deploy *d, const struct kube_reply *reply, struct err *err)
{
	CLEANUP(mem_freep) char *name = deploy_name(d);

	if (err->code == ERR_SUPERSEDED)
		return false;
	if (reply->causes)
		err_evidence(err, "%s", reply->causes);
	return err_wrap(err, "the change of %s was not made", name);
}

/* A webhook may be unable to rehearse; that is no refusal. */
static bool cannot_rehearse(const struct kube_reply *reply)
{
	return reply->code == BAD_REQUEST && reply->message &&
	       strstr(reply->message, "does not support dry run");
}

static bool overtaken_in_rehearsal(struct deploy *d, struct err *err)
{
	struct kube_reply reply = { 0 };
	CLEANUP(workload_clear) struct workload now = { 0 };
	struct err why = ERR_INIT;
	bool overtaken = read_object(d, &reply, &now, &why) && is_overtaken(d, &now, err);

	kube_reply_clear(&reply);
	err_clear(&why);
	return overtaken;
}

bool deploy_rehearse(struct deploy *d, struct err *err)
{
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };

	world_note(&d->world, EVENT_PHASE, "asking the cluster whether it would take the change");
	if (send(d, true, &reply, err)) {
		if (reply.warning)
			deploy_say(d, "warning of the cluster: %s", reply.warning);
		return true;
	}
	if (cannot_rehearse(&reply)) {
		world_note(&d->world, EVENT_NOTE, "no dry run: %s", reply.message);
		err_clear(err);
		return true;
	}
	if (reply.code == UNPROCESSABLE && overtaken_in_rehearsal(d, err))
		return false;
	return tell_refusal(d, &reply, err);
}

/* Admission may have put another image there, a mirror's say: then that one is to run. */
static void say_rewritten(const struct deploy *d)
{
	for (size_t i = 0; i < d->changes.count; i++) {
		const struct image_change *c = &d->changes.at[i];
		const struct template_container *t =
			template_container(&d->patched.template, c->container);

		if (t && t->image && strcmp(t->image, c->to) != 0)
			world_note(&d->world, EVENT_NOTE,
				   "the cluster has made '%s' of the image of '%s'", t->image,
				   c->container);
	}
}

bool deploy_patch(struct deploy *d, struct err *err)
{
	world_note(&d->world, EVENT_PHASE, "patching");
	if (!send(d, false, &d->after, err)) {
		CLEANUP(kube_reply_clear) struct kube_reply refusal = d->after;

		d->after = (struct kube_reply){ 0 };
		if (!look_again(d, refusal.code, err))
			return tell_refusal(d, &refusal, err);
		d->was_patched = true;
		return true;
	}
	d->was_patched = true;
	if (!workload_parse_as(d->after.object, d->target.kind, &d->patched, err))
		return err_wrap(err, "the patch was taken, its answer");
	say_rewritten(d);
	return true;
}
