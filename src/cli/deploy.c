#include "cli/deploy.h"

#include "base/mem.h"

static const struct opt option_table[] = {
	{ .name = "dry-run",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct deploy_settings, dry_run),
	  .help = "prove the images and ask the cluster whether it would take them; change nothing" },
	{ .name = "wait",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct deploy_settings, wait),
	  .fallback = "yes",
	  .help = "follow the rollout to its end; --wait=no ends once the cluster has taken the change" },
	{ .name = "rollback-on-failure",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct deploy_settings, rollback),
	  .help = "when the rollout fails, put the images back that were there before, as long as nobody "
		  "else has changed them" },
	{ .name = "platform",
	  .kind = OPT_STRINGS,
	  .offset = offsetof(struct deploy_settings, platforms),
	  .argument = "OS/ARCH",
	  .help = "the image must serve this platform, whatever nodes there are; may be repeated" },
};
const struct opt_group deploy_options = { "Deploy", option_table, ARRAY_SIZE(option_table) };

struct verdict_subject deploy_subject(const struct deploy *d)
{
	return (struct verdict_subject){
		.kind = d->target.kind,
		.name = d->target.name,
		.namespace = d->settings->cluster.namespace,
	};
}

void deploy_clear(struct deploy *d)
{
	rollout_end_clear(&d->end);
	workload_clear(&d->patched);
	kube_reply_clear(&d->after);
	image_changes_clear(&d->changes);
	workload_clear(&d->workload);
	kube_reply_clear(&d->before);
	for (size_t i = 0; i < d->image_count; i++) {
		assignment_clear(&d->images[i].words);
		reference_clear(&d->images[i].ref);
		proof_clear(&d->images[i].proof);
		identity_clear(&d->images[i].identity);
		free(d->images[i].pinned);
	}
	free(d->images);
	free(d->path);
	kube_connection_free(d->connection);
	connect_free(d->sessions);
	target_clear(&d->target);
}

static bool read_words(struct deploy *d, const char *target, char *const *words, size_t count,
		       struct err *err)
{
	if (!target_parse(target, &d->target, err))
		return false;
	d->images = mem_alloc((count + 1) * sizeof(*d->images));
	for (size_t i = 0; i < count; i++) {
		struct deploy_image *image = &d->images[d->image_count++];

		if (!assignment_parse(words[i], &image->words, err) ||
		    !reference_parse(image->words.image, &image->ref, err))
			return false;
	}
	return true;
}

static bool check_platform_words(const struct deploy_settings *s, struct err *err)
{
	for (size_t i = 0; i < s->platforms.count; i++) {
		CLEANUP(platform_clear) struct platform platform = { 0 };

		if (!platform_parse(s->platforms.at[i], &platform, err))
			return err_wrap(err, "--platform");
	}
	return true;
}

static bool connect_both(struct deploy *d, struct err *err)
{
	const struct world *w = d->run->world;

	if (!connect_new(&d->common->connect, w, &d->sessions, err) ||
	    !kube_connect(&d->settings->cluster, &d->common->connect, w, &d->connection, err))
		return false;
	d->path = target_path(&d->target, d->connection->namespace);
	return true;
}

static void say(const struct deploy *d, const char *what)
{
	CLEANUP(mem_freep)
	char *line =
		mem_printf("%s/%s %s", workload_kind_name(d->target.kind), d->target.name, what);

	talk_say(d->run->talk, line);
}

/* Following */

/* What each container is to run: as the cluster has it, which admission may have rewritten. */
static struct rollout_image *wanted_images(const struct deploy *d, const struct workload *w)
{
	struct rollout_image *images = mem_alloc((d->changes.count + 1) * sizeof(*images));

	for (size_t i = 0; i < d->changes.count; i++) {
		const struct image_change *c = &d->changes.at[i];
		const struct template_container *t = template_container(&w->template, c->container);
		const struct identity *identity = &d->images[c->assignment].identity;

		images[i] = (struct rollout_image){
			.container = c->container,
			.image = t && t->image ? t->image : c->to,
			.digests = identity->digests,
			.digest_count = identity->digest_count,
		};
	}
	return images;
}

static bool follow(struct deploy *d, struct err *err)
{
	const struct workload *w = d->was_unchanged ? &d->workload : &d->patched;
	CLEANUP(mem_freep) struct rollout_image *images = wanted_images(d, w);
	const struct verdict_subject subject = deploy_subject(d);
	const struct rollout_wanted wanted = {
		.client = d->connection->client,
		.namespace = d->connection->namespace,
		.plan = { .kind = d->target.kind,
			  .name = d->target.name,
			  .uid = w->meta.uid,
			  .generation = w->meta.generation,
			  .sameness = w->template.sameness,
			  .was_unchanged = d->was_unchanged,
			  .images = images,
			  .image_count = d->changes.count,
			  .deadline_ms = d->run->world->deadline_ms },
		.sessions = d->sessions,
		.jobs = (size_t)d->common->jobs,
	};

	if (!rollout_follow(d->run->world, &wanted, &d->end, err))
		return err_wrap(err,
				d->was_unchanged ? "nothing was changed" : "patched; following");
	d->has_verdict = true;
	rollout_say_evidence(d->run, &d->end);
	if (d->settings->rollback)
		deploy_restore(d);
	return rollout_check(&d->end, &subject, err);
}

static void say_running(const struct deploy *d)
{
	const struct verdict_subject subject = deploy_subject(d);
	CLEANUP(mem_freep) char *line = verdict_headline(&d->end.verdict, &subject);

	talk_say(d->run->talk, line);
}

/* The whole */

static bool change(struct deploy *d, struct err *err)
{
	deploy_check_way_back(d);
	if (!deploy_rehearse(d, err))
		return false;
	if (d->settings->dry_run) {
		say(d, "would be taken by the cluster; dry run, nothing was changed");
		return true;
	}
	return deploy_patch(d, err);
}

static bool finish(struct deploy *d, struct err *err)
{
	if (d->settings->dry_run)
		return true;
	if (d->target.kind == WORKLOAD_CRONJOB) {
		say(d, d->was_unchanged ? "is as it was; its next job runs it"
					: "was patched; its next job runs it, nothing is followed");
		return true;
	}
	if (!d->settings->wait) {
		if (!d->was_unchanged)
			say(d, "was patched; its rollout is not followed");
		return true;
	}
	if (!follow(d, err))
		return false;
	say_running(d);
	return true;
}

static bool deploy(struct deploy *d, struct err *err)
{
	if (!connect_both(d, err) || !deploy_read(d, err) || !deploy_prove(d, err))
		return false;
	d->was_unchanged = image_changes_are_made(&d->workload, &d->changes);
	if (d->was_unchanged)
		say(d, "has these images already: nothing to change");
	else if (!change(d, err))
		return false;
	return finish(d, err);
}

bool deploy_run(const struct run *run, const struct deploy_settings *settings, const char *target,
		char *const *words, size_t count, struct err *err)
{
	CLEANUP(deploy_clear)
	struct deploy d = { .run = run, .settings = settings, .common = run->settings };
	bool ok;

	if (!check_platform_words(settings, err) || !read_words(&d, target, words, count, err))
		return false;
	talk_title(run->talk, target);
	ok = deploy(&d, err);
	deploy_print(&d, ok ? NULL : err);
	return ok;
}
