/*
 * landed push IMAGE, landed push SOURCE REF...: an image into one or more places, each of them proven.
 */
#include "base/mem.h"
#include "cli/push.h"
#include "image/image.h"

struct settings {
	struct common_settings common;
	struct push_settings push;
};

static const struct opt_use push_uses[] = {
	{ &push_platforms, offsetof(struct settings, push) },
	{ &push_options, offsetof(struct settings, push) },
	{ &push_mounts, 0 },
	COMMON_USES,
};

static const struct command_example push_examples[] = {
	{ "instead of docker push", "landed push registry.example/team/app:1.4" },
	{ "from the engine, under another name",
	  "landed push docker-daemon:app:dev registry.example/team/app:1.4" },
	{ "what docker save writes, from a pipe",
	  "docker save app:1.4 | landed push docker-archive:- registry.example/team/app:1.4" },
	{ "an OCI layout, under two tags",
	  "landed push oci:build/app:1.4 registry.example/team/app:1.4 --additional-tag latest" },
	{ "the digest for the next step",
	  "image=$(landed push -q oci-archive:app.tar registry.example/team/app:1.4)" },
};

/* Where the image is, and from which operand on the references stand. */
struct way {
	char *source;
	size_t first_ref;
};

static void way_clear(struct way *w)
{
	free(w->source);
}

static bool refuse_two_images(const struct run *run, struct err *err)
{
	const char *image = run->operands[0];

	err_set(err, ERR_USAGE, "'%s' is not a source, and one image is pushed at a time", image);
	err_hint(err, "landed push docker-daemon:%s %s", image, run->operands[1]);
	return false;
}

/* An image's name alone is docker's way: it is where it goes to as well. */
static bool read_operands(const struct run *run, struct way *ret, struct err *err)
{
	const char *first = run->operand_count ? run->operands[0] : NULL;

	if (!first) {
		err_set(err, ERR_USAGE, "push needs an IMAGE, or a SOURCE and a REF");
		err_hint(err, "landed push --help");
		return false;
	}
	if (!image_is_source(first)) {
		ret->source = mem_printf("docker-daemon:%s", first);
		return run->operand_count == 1 || refuse_two_images(run, err);
	}
	if (run->operand_count < 2) {
		err_set(err, ERR_USAGE, "push needs a REF to push '%s' to", first);
		err_hint(err, "landed push %s registry.example/repository:tag", first);
		return false;
	}
	*ret = (struct way){ mem_strdup(first), 1 };
	return true;
}

static bool cmd_push(const struct run *run, struct err *err)
{
	const struct settings *settings = run->settings;
	CLEANUP(way_clear) struct way way = { .source = NULL };

	return read_operands(run, &way, err) &&
	       push_run(run, &settings->push, way.source, way.first_ref, NULL, err);
}

const struct command command_push = {
	.name = "push",
	.operands = "IMAGE | SOURCE REF...",
	.summary = "send an image to a registry and prove that it is there",
	.description =
		"Sends what the registry does not have, the tag last, then asks the registry over "
		"new connections and with a new token whether all of it is there. Only then the exit "
		"code is 0. A token that expires on the way is renewed and is never the reason for a "
		"failure. After any failure the same command again sends only what is missing.\n\n"
		"IMAGE is the name of an image in the local container engine, and where it goes to, as with "
		"docker push. The engine is the one that docker speaks to: DOCKER_HOST, docker's context, or "
		"the usual sockets of Docker and podman. SOURCE is docker-daemon:IMAGE, oci:DIR[:REF], "
		"oci-archive:FILE[:REF] or docker-archive:FILE[:REF]; FILE - "
		"is standard input. With several REFs all are tried, and the exit code is that of the "
		"first that failed. A REF with a digest is pushed to only if the image has that digest.",
	.completes = OPERANDS_SOURCE_REF,
	.options = { push_uses, ARRAY_SIZE(push_uses) },
	.settings_size = sizeof(struct settings),
	.examples = push_examples,
	.example_count = ARRAY_SIZE(push_examples),
	.run = cmd_push,
};
