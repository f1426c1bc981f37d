/* What a deploy says of itself on stdout: the pinned references, or an object for each workload. */
#include "cli/deploy.h"

#include "base/mem.h"
#include "cli/exit.h"

static struct js *change_json(const struct deploy *d, const struct image_change *c)
{
	struct js *object = js_object();
	const struct deploy_image *i = &d->release->images[c->assignment];

	js_put_string(object, "container", c->container);
	js_put_string(object, "ref", i->words->image);
	js_put_string(object, "before", c->from);
	js_put_string(object, "image", c->to);
	js_put_string(object, "digest", *i->proof.digest.text ? i->proof.digest.text : NULL);
	return object;
}

static void put_deploy(struct js *object, const struct deploy *d)
{
	const struct verdict_subject subject = deploy_subject(d);
	struct js *images = js_array();

	js_put_string(object, "kind", workload_kind_name(d->target.kind));
	js_put_string(object, "name", d->target.name);
	if (d->release->connection)
		js_put_string(object, "namespace", d->release->connection->namespace);
	for (size_t i = 0; i < d->changes.count; i++)
		js_append(images, change_json(d, &d->changes.at[i]));
	js_put(object, "images", images);
	js_put_bool(object, "dryRun", d->release->settings->dry_run);
	js_put_bool(object, "patched", d->was_patched);
	if (d->was_patched && d->patched.meta.generation)
		js_put_integer(object, "generation", d->patched.meta.generation);
	js_put_bool(object, "rolledBack", d->was_restored);
	if (d->has_verdict)
		js_put(object, "rollout", rollout_json(&d->end, &subject));
}

/* D is NULL when no workload was found. */
static void print_json(const struct release *r, const struct deploy *d, const struct err *err)
{
	CLEANUP(js_freep) struct js *object = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	enum err_code code = err ? err->code : ERR_NONE;

	js_put_string(object, "schema", "landed/1");
	js_put_string(object, "command", "deploy");
	if (d)
		put_deploy(object, d);
	js_put_string(object, "verdict", exit_of(code)->name);
	js_put_integer(object, "exit", exit_code(code, cancel_reason(r->run->world->cancel)));
	if (err)
		js_put(object, "error", error_json(err));
	text = js_text(object, JS_COMPACT);
	fprintf(r->run->out, "%s\n", text);
}

/* What failed before anything was changed is the error of all. */
static void print_all(const struct release *r, const struct err *err)
{
	bool each_has_its_own = false;

	for (size_t i = 0; i < r->count; i++)
		each_has_its_own |= r->deploys[i].err.code != ERR_NONE;
	if (!r->count)
		print_json(r, NULL, err);
	for (size_t i = 0; i < r->count; i++) {
		const struct err *own = &r->deploys[i].err;

		if (!each_has_its_own)
			own = err;
		print_json(r, &r->deploys[i], own && own->code ? own : NULL);
	}
}

/* Each once, in the order of the command line; what no container wants is not there. */
static void print_images(const struct release *r)
{
	for (size_t i = 0; i < r->image_count; i++) {
		const struct deploy_image *image = &r->images[i];

		fprintf(r->run->out, "%s\n",
			r->common->output == RESULT_DIGEST ? image->proof.digest.text
							   : image->pinned);
	}
}

void release_print(const struct release *r, const struct err *err)
{
	if (!r->run->out)
		return;
	if (r->common->output == RESULT_JSON)
		print_all(r, err);
	else if (!err)
		print_images(r);
	fflush(r->run->out); /* main looks whether it arrived */
}
