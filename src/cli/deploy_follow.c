/* The pods of what was patched, to a verdict: one workload, or several side by side. */
#include "cli/deploy.h"

#include "base/mem.h"
#include "base/pool.h"

/* Each has its watches, and a thread for each of them. */
#define FOLLOWED_AT_ONCE 8

/* What each container is to run: as the cluster has it, which admission may have rewritten. */
static struct rollout_image *wanted_images(const struct deploy *d, const struct workload *w)
{
	struct rollout_image *images = mem_alloc((d->changes.count + 1) * sizeof(*images));

	for (size_t i = 0; i < d->changes.count; i++) {
		const struct image_change *c = &d->changes.at[i];
		const struct template_container *t = template_container(&w->template, c->container);
		const struct identity *identity = &d->release->images[c->assignment].identity;

		images[i] = (struct rollout_image){
			.container = c->container,
			.image = t && t->image ? t->image : c->to,
			.digests = identity->digests,
			.digest_count = identity->digest_count,
		};
	}
	return images;
}

/* W differs from D's in who can cancel it. */
static bool follow(struct deploy *d, const struct world *w, struct err *err)
{
	const struct release *r = d->release;
	const struct workload *now = d->was_unchanged ? &d->workload : &d->patched;
	CLEANUP(mem_freep) struct rollout_image *images = wanted_images(d, now);
	const struct rollout_wanted wanted = {
		.client = r->connection->client,
		.namespace = r->connection->namespace,
		.plan = { .kind = d->target.kind,
			  .name = d->target.name,
			  .uid = now->meta.uid,
			  .generation = now->meta.generation,
			  .sameness = now->template.sameness,
			  .was_unchanged = d->was_unchanged,
			  .images = images,
			  .image_count = d->changes.count,
			  .deadline_ms = w->deadline_ms },
		.sessions = r->sessions,
		.jobs = (size_t)r->common->jobs,
	};

	d->has_verdict = rollout_follow(w, &wanted, &d->end, err);
	return d->has_verdict ||
	       err_wrap(err, d->was_unchanged ? "nothing was changed" : "patched; following");
}

/* Why this one is not followed, if it is not; what was not patched has its error. */
static const char *left_alone(const struct deploy *d)
{
	if (d->target.kind == WORKLOAD_CRONJOB)
		return d->was_unchanged ? "is as it was; its next job runs it"
					: "was patched; its next job runs it, nothing is followed";
	if (d->release->settings->wait)
		return NULL;
	return d->was_unchanged ? "its rollout is not followed"
				: "was patched; its rollout is not followed";
}

/* Of several the first is known long before the last. */
static void tell_verdict(const struct deploy *d, const struct verdict_subject *subject)
{
	CLEANUP(mem_freep) char *headline = verdict_headline(&d->end.verdict, subject);

	if (d->release->count > 1)
		world_note(d->release->run->world, EVENT_PHASE, "%s", headline);
}

/* False ends the following of the others too: all of them are put back then. */
static bool follow_one(const struct world *w, void *arg, size_t index, struct err *err)
{
	struct deploy *d = &((struct release *)arg)->deploys[index];
	const struct verdict_subject subject = deploy_subject(d);
	struct world mine = d->world;

	if (d->err.code || left_alone(d))
		return true;
	mine.cancel = w->cancel;
	if (!follow(d, &mine, &d->err))
		return true;
	tell_verdict(d, &subject);
	if (rollout_check(&d->end, &subject, &d->err) || !d->release->settings->rollback ||
	    !deploy_is_failure(d))
		return true;
	err_copy(err, &d->err);
	return false;
}

static void say_end(const struct deploy *d)
{
	const struct verdict_subject subject = deploy_subject(d);
	const char *why = d->err.code ? NULL : left_alone(d);
	CLEANUP(mem_freep) char *line = NULL;

	if (why)
		deploy_say(d, "%s", why);
	if (!d->has_verdict)
		return;
	rollout_say_evidence(d->release->run, &d->end);
	if (d->err.code)
		return;
	line = verdict_headline(&d->end.verdict, &subject);
	talk_say(d->release->run->talk, line);
}

/* Whoever was not begun, or was stopped, because another one failed. */
static void explain(struct deploy *d)
{
	CLEANUP(mem_freep) char *name = deploy_name(d);
	bool is_over = d->has_verdict || (d->err.code && d->err.code != ERR_CANCELLED);

	if (is_over || left_alone(d) || (d->err.code && cancel_reason(d->world.cancel)))
		return;
	err_clear(&d->err);
	if (cancel_check(d->world.cancel, &d->err))
		err_set(&d->err, ERR_UNPROVEN,
			"%s was not followed to its end, because another one failed", name);
}

static bool is_to_be_undone(const struct release *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->settings->rollback && r->deploys[i].err.code)
			return true;
	return false;
}

void release_follow(struct release *r)
{
	struct err err = ERR_INIT;

	if (!is_to_be_undone(r) &&
	    !pool_run(r->run->world, FOLLOWED_AT_ONCE, r->count, follow_one, r, &err))
		err_clear(&err); /* each has its own */
	for (size_t i = 0; i < r->count; i++) {
		explain(&r->deploys[i]);
		say_end(&r->deploys[i]);
	}
}
