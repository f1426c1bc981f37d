/*
 * What image/engine does, on a command line of its own, so that tests can hold it against engines:
 *
 *	landed-engine-client open | images | inspect NAME | export NAME [PLATFORM]
 *
 * The engine is where this process's environment says. Standard output is JSON, or the archive; a failure is JSON on
 * standard error, exit code 1. ENGINE_TIMEOUT_MS is the deadline of all of it, SIGTERM cancels.
 */
#include "base/cancel.h"
#include "base/mem.h"
#include "image/engine.h"
#include "wire/js.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct cancel *cancel;

static void on_signal(int signal_number)
{
	cancel_fire(cancel, signal_number);
}

static const char *const code_names[] = {
	[ERR_USAGE] = "usage",	   [ERR_TIMEOUT] = "timeout", [ERR_NO_SOURCE] = "no-source",
	[ERR_CORRUPT] = "corrupt", [ERR_LOCAL] = "local",     [ERR_CANCELLED] = "cancelled",
};

static void print(FILE *to, struct js *j)
{
	CLEANUP(mem_freep) char *text = js_text(j, JS_INDENTED);

	fprintf(to, "%s\n", text);
	js_free(j);
}

static int tell(const struct err *err)
{
	struct js *j = js_object();
	size_t code = (size_t)err->code;
	const char *name = code < ARRAY_SIZE(code_names) ? code_names[code] : NULL;

	js_put_string(j, "code", name ? name : "another");
	js_put_string(j, "message", err->message);
	js_put_string(j, "evidence", err->evidence);
	js_put_string(j, "cause", err->cause);
	js_put_string(j, "hint", err->hint);
	print(stderr, j);
	return 1;
}

static struct js *texts(const struct strings *list)
{
	struct js *j = js_array();

	for (size_t i = 0; i < list->count; i++)
		js_append_string(j, list->at[i]);
	return j;
}

static bool do_open(struct engine *e, const struct engine_place *place)
{
	struct js *j = js_object();

	js_put_string(j, "host", place->host);
	js_put_string(j, "why", place->why);
	js_put_string(j, "product", engine_product(e));
	js_put_integer(j, "api_minor", engine_api_minor(e));
	js_put_bool(j, "is_podman", engine_is_podman(e));
	print(stdout, j);
	return true;
}

static struct js *descriptor_json(const struct descriptor *d)
{
	struct js *j = js_object();

	js_put_string(j, "mediaType", d->media_type);
	js_put_string(j, "digest", d->digest.text);
	js_put_integer(j, "size", d->size_bytes);
	return j;
}

static bool do_inspect(struct engine *e, const struct world *w, const char *name, struct err *err)
{
	CLEANUP(engine_image_clear) struct engine_image i = { 0 };
	CLEANUP(mem_freep) char *platform = NULL;
	struct js *j, *diff_ids;

	if (!engine_inspect(e, w, name, &i, err))
		return false;
	j = js_object();
	diff_ids = js_array();
	platform = platform_text(&i.platform);
	for (size_t k = 0; k < i.diff_id_count; k++)
		js_append_string(diff_ids, i.diff_ids[k].text);
	js_put_string(j, "id", i.id.text);
	js_put(j, "repo_tags", texts(&i.repo_tags));
	js_put(j, "repo_digests", texts(&i.repo_digests));
	js_put(j, "diff_ids", diff_ids);
	js_put_string(j, "platform", platform);
	js_put_integer(j, "size_bytes", i.size_bytes);
	if (i.descriptor.media_type)
		js_put(j, "descriptor", descriptor_json(&i.descriptor));
	print(stdout, j);
	return true;
}

static bool do_images(struct engine *e, const struct world *w, struct err *err)
{
	CLEANUP(engine_list_clear) struct engine_list list = { 0 };
	struct js *j;

	if (!engine_images(e, w, &list, err))
		return false;
	j = js_array();
	for (size_t i = 0; i < list.count; i++) {
		struct js *one = js_object();

		js_put_string(one, "id", list.at[i].id.text);
		js_put(one, "repo_tags", texts(&list.at[i].repo_tags));
		js_put(one, "repo_digests", texts(&list.at[i].repo_digests));
		js_append(j, one);
	}
	print(stdout, j);
	return true;
}

static bool do_export(struct engine *e, const struct world *w, const char *name,
		      const char *platform_words, struct err *err)
{
	CLEANUP(platform_clear) struct platform platform = { 0 };
	CLEANUP(stream_freep) struct stream *s = NULL;
	static char chunk[64 * KIB];
	size_t len = 1;

	if (platform_words && !platform_parse(platform_words, &platform, err))
		return false;
	if (!engine_export(e, w, name, platform_words ? &platform : NULL, &s, err))
		return false;
	while (len) {
		if (!stream_read(s, chunk, sizeof(chunk), &len, err))
			return false;
		if (fwrite(chunk, 1, len, stdout) != len)
			return err_set(err, ERR_LOCAL, "standard output is closed");
	}
	return true;
}

static bool run(const struct world *w, char **args, struct err *err)
{
	CLEANUP(engine_place_clear) struct engine_place place = { 0 };
	CLEANUP(engine_freep) struct engine *e = NULL;
	const struct engine_environment env = engine_environment_of_process();

	if (!engine_place_find(&env, &place, err) || !engine_open(w, &place, &e, err))
		return false;
	if (strcmp(args[0], "open") == 0)
		return do_open(e, &place);
	if (strcmp(args[0], "images") == 0)
		return do_images(e, w, err);
	if (strcmp(args[0], "inspect") == 0 && args[1])
		return do_inspect(e, w, args[1], err);
	if (strcmp(args[0], "export") == 0 && args[1])
		return do_export(e, w, args[1], args[2], err);
	return err_set(err, ERR_USAGE, "no such word");
}

int main(int argc, char **argv)
{
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	const char *timeout = getenv("ENGINE_TIMEOUT_MS");
	struct err err = ERR_INIT;
	struct world w = { .clock = &clock, .sched = &sched };
	int code = 0;

	if (argc < 2 || !cancel_new(NULL, &cancel, &err))
		return 2;
	signal(SIGTERM, on_signal);
	w.cancel = cancel;
	w.deadline_ms = clock_after(clock_boot_ms(&clock), timeout ? atoll(timeout) : 60000);
	if (!run(&w, argv + 1, &err))
		code = tell(&err);
	err_clear(&err);
	cancel_free(cancel);
	return code;
}
