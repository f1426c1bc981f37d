#include "cli/deploy.h"

#include "base/mem.h"

#include <stdarg.h>

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
		  "else has changed them; of several workloads when one of them fails" },
	{ .name = "selector",
	  .letter = 'l',
	  .kind = OPT_STRING,
	  .offset = offsetof(struct deploy_settings, selector),
	  .argument = "LABELS",
	  .help = "all workloads of KIND that have these labels, as kubectl takes them: app=web,tier!=db" },
	{ .name = "platform",
	  .kind = OPT_STRINGS,
	  .offset = offsetof(struct deploy_settings, platforms),
	  .argument = "OS/ARCH",
	  .help = "the image must serve this platform, whatever nodes there are; may be repeated" },
};
const struct opt_group deploy_options = { "Deploy", option_table, ARRAY_SIZE(option_table) };

char *deploy_name(const struct deploy *d)
{
	return mem_printf("%s/%s", workload_kind_name(d->target.kind), d->target.name);
}

struct verdict_subject deploy_subject(const struct deploy *d)
{
	return (struct verdict_subject){
		.kind = d->target.kind,
		.name = d->target.name,
		.namespace = d->release->settings->cluster.namespace,
	};
}

void deploy_say(const struct deploy *d, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *name = deploy_name(d);
	CLEANUP(mem_freep) char *what = NULL;
	CLEANUP(mem_freep) char *line = NULL;
	va_list args;

	va_start(args, fmt);
	what = mem_vprintf(fmt, args);
	va_end(args);
	line = mem_printf("%s: %s", name, what);
	talk_say(d->release->run->talk, line);
}

void deploy_clear(struct deploy *d)
{
	err_clear(&d->err);
	rollout_end_clear(&d->end);
	workload_clear(&d->patched);
	kube_reply_clear(&d->after);
	placement_clear(&d->placement);
	image_changes_clear(&d->changes);
	workload_clear(&d->workload);
	kube_reply_clear(&d->before);
	free(d->path);
	target_clear(&d->target);
}

static void release_clear(struct release *r)
{
	for (size_t i = 0; i < r->count; i++)
		deploy_clear(&r->deploys[i]);
	free(r->deploys);
	for (size_t i = 0; i < r->image_count; i++) {
		reference_clear(&r->images[i].ref);
		proof_clear(&r->images[i].proof);
		identity_clear(&r->images[i].identity);
		free(r->images[i].pinned);
	}
	free(r->images);
	kube_connection_free(r->connection);
	connect_free(r->sessions);
}

/* The beginning: words, connections, workloads */

static bool read_words(struct release *r, const struct assignment *words, size_t count,
		       struct err *err)
{
	r->images = mem_alloc((count + 1) * sizeof(*r->images));
	for (size_t i = 0; i < count; i++) {
		struct deploy_image *image = &r->images[r->image_count++];

		image->words = &words[i];
		if (!reference_parse(words[i].image, &image->ref, err))
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

static bool connect_both(struct release *r, struct err *err)
{
	const struct world *w = r->run->world;

	return connect_new(&r->common->connect, w, &r->sessions, err) &&
	       kube_connect(&r->settings->cluster, &r->common->connect, w, &r->connection, err);
}

static bool look(struct release *r, const char *target, const struct assignment *words,
		 size_t count, struct err *err)
{
	if (!check_platform_words(r->settings, err) || !release_name(r, target, err) ||
	    !read_words(r, words, count, err) || !connect_both(r, err) ||
	    !release_find(r, target, err))
		return false;
	for (size_t i = 0; i < r->count; i++)
		if (!deploy_read(&r->deploys[i], err))
			return false;
	return true;
}

/* The middle: until here a failure has changed nothing */

static bool rehearse(struct release *r, struct err *err)
{
	for (size_t i = 0; i < r->count; i++) {
		struct deploy *d = &r->deploys[i];

		d->was_unchanged = image_changes_are_made(&d->workload, &d->changes);
		if (d->was_unchanged) {
			deploy_say(d, "has these images already: nothing to change");
			continue;
		}
		deploy_check_way_back(d);
		if (!deploy_rehearse(d, err))
			return false;
		if (r->settings->dry_run)
			deploy_say(d,
				   "would be taken by the cluster; dry run, nothing was changed");
	}
	return true;
}

static bool prepare(struct release *r, const char *target, const struct assignment *words,
		    size_t count, struct err *err)
{
	return look(r, target, words, count, err) && release_prove(r, err) && rehearse(r, err);
}

/* The end: every workload has its own */

/* After one that could not be patched no other one is. */
static void patch_all(struct release *r)
{
	const char *failed = NULL;

	for (size_t i = 0; i < r->count; i++) {
		struct deploy *d = &r->deploys[i];

		if (d->was_unchanged)
			continue;
		if (failed)
			err_set(&d->err, ERR_UNPROVEN, "%s/%s was not changed, because %s was not",
				workload_kind_name(d->target.kind), d->target.name, failed);
		else if (!deploy_patch(d, &d->err))
			failed = d->target.name;
	}
}

static bool sum_up(const struct release *r, struct err *err)
{
	const struct deploy *first = NULL;
	size_t failed = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (!r->deploys[i].err.code)
			continue;
		if (!failed++)
			first = &r->deploys[i];
		if (r->count > 1)
			talk_error(r->run->talk, &r->deploys[i].err);
	}
	if (!failed)
		return true;
	if (r->count == 1)
		err_copy(err, &first->err);
	else
		err_set(err, first->err.code, "%zu of %zu workloads failed", failed, r->count);
	return false;
}

static bool carry_out(struct release *r, struct err *err)
{
	if (r->settings->dry_run)
		return true;
	patch_all(r);
	release_follow(r);
	if (r->settings->rollback)
		release_restore(r);
	return sum_up(r, err);
}

static struct release release_of(const struct run *run, const struct deploy_settings *settings)
{
	return (struct release){ .run = run, .settings = settings, .common = run->settings };
}

bool deploy_look(const struct run *run, const struct deploy_settings *settings, const char *target,
		 const struct assignment *words, size_t count, struct err *err)
{
	CLEANUP(release_clear) struct release r = release_of(run, settings);

	if (look(&r, target, words, count, err))
		return true;
	release_print(&r, err);
	return false;
}

bool deploy_run(const struct run *run, const struct deploy_settings *settings, const char *target,
		const struct assignment *words, size_t count, struct err *err)
{
	CLEANUP(release_clear) struct release r = release_of(run, settings);
	bool ok;

	talk_title(run->talk, settings->selector ? settings->selector : target);
	ok = prepare(&r, target, words, count, err) && carry_out(&r, err);
	release_print(&r, ok ? NULL : err);
	return ok;
}
