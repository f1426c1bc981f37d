/* What a deploy says of itself on stdout: the pinned references, or one object. */
#include "cli/deploy.h"

#include "base/mem.h"
#include "cli/exit.h"

static struct js *change_json(const struct deploy *d, const struct image_change *c)
{
	struct js *object = js_object();
	const struct deploy_image *i = &d->images[c->assignment];

	js_put_string(object, "container", c->container);
	js_put_string(object, "ref", i->words.image);
	js_put_string(object, "before", c->from);
	js_put_string(object, "image", c->to);
	js_put_string(object, "digest", *i->proof.digest.text ? i->proof.digest.text : NULL);
	return object;
}

static void put_object(struct js *object, const struct deploy *d)
{
	struct js *images = js_array();

	js_put_string(object, "schema", "landed/1");
	js_put_string(object, "command", "deploy");
	js_put_string(object, "kind", workload_kind_name(d->target.kind));
	js_put_string(object, "name", d->target.name);
	if (d->connection)
		js_put_string(object, "namespace", d->connection->namespace);
	for (size_t i = 0; i < d->changes.count; i++)
		js_append(images, change_json(d, &d->changes.at[i]));
	js_put(object, "images", images);
	js_put_bool(object, "dryRun", d->settings->dry_run);
	js_put_bool(object, "patched", d->was_patched);
	if (d->was_patched && d->patched.meta.generation)
		js_put_integer(object, "generation", d->patched.meta.generation);
	js_put_bool(object, "rolledBack", d->was_restored);
}

static void print_json(const struct deploy *d, const struct err *err)
{
	CLEANUP(js_freep) struct js *object = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	const struct verdict_subject subject = deploy_subject(d);
	enum err_code code = err ? err->code : ERR_NONE;

	put_object(object, d);
	if (d->has_verdict)
		js_put(object, "rollout", rollout_json(&d->end, &subject));
	js_put_string(object, "verdict", exit_of(code)->name);
	js_put_integer(object, "exit", exit_code(code, cancel_reason(d->run->world->cancel)));
	if (err)
		js_put(object, "error", error_json(err));
	text = js_text(object, JS_COMPACT);
	fprintf(d->run->out, "%s\n", text);
}

/* Each once, in the order of the command line; what no container wants is not there. */
static void print_images(const struct deploy *d)
{
	for (size_t i = 0; i < d->image_count; i++) {
		const struct deploy_image *image = &d->images[i];

		fprintf(d->run->out, "%s\n",
			d->common->output == RESULT_DIGEST ? image->proof.digest.text
							   : image->pinned);
	}
}

void deploy_print(const struct deploy *d, const struct err *err)
{
	if (!d->run->out)
		return;
	if (d->common->output == RESULT_JSON)
		print_json(d, err);
	else if (!err)
		print_images(d);
	fflush(d->run->out); /* main looks whether it arrived */
}
