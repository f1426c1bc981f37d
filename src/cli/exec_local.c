#include "cli/exec_local.h"

#include "auth/subprocess.h"
#include "base/mem.h"
#include "image/pending.h"
#include "registry/manifest_io.h"

#include <string.h>
#include <sys/stat.h>

#define ANSWER_CEILING (64 * KIB)
#define DOCKER_SCHEME "docker://"

static void add_id(struct strings *ids, const char *digest)
{
	if (ids->count < IMAGE_IDS_MAX && !strings_have(ids, digest))
		strings_add(ids, digest);
}

static void add_manifest(struct strings *ids, const struct manifest *m)
{
	add_id(ids, m->digest.text);
	if (m->kind == MANIFEST_IMAGE && m->entry_count)
		add_id(ids, m->entries[0].digest.text); /* its config */
}

/* -- a registry */

static bool add_remote(const struct world *w, struct session *s, const char *reference,
		       const struct digest *like, struct manifest **ret, struct strings *ids,
		       struct err *err)
{
	if (!manifest_get(w, s, reference, like, ret, err))
		return false;
	if (!*ret)
		return err_set(err, ERR_ABSENT, "the registry has no manifest '%s'", reference);
	add_manifest(ids, *ret);
	return true;
}

bool remote_image_ids(const struct world *w, struct session *s, const char *reference,
		      struct strings *ret, struct err *err)
{
	CLEANUP(manifest_freep) struct manifest *root = NULL;

	if (!add_remote(w, s, reference, NULL, &root, ret, err))
		return false;
	if (root->kind != MANIFEST_INDEX)
		return true;
	for (size_t i = 0; i < root->entry_count && ret->count < IMAGE_IDS_MAX; i++) {
		const struct digest *d = &root->entries[i].digest;
		CLEANUP(manifest_freep) struct manifest *child = NULL;

		if (!add_remote(w, s, d->text, d, &child, ret, err))
			return false;
	}
	return true;
}

static bool other_registry(const struct world *w, struct session_maker *sessions, const char *text,
			   struct strings *ret, struct err *err)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	CLEANUP(session_freep) struct session *s = NULL;

	return reference_parse(text, &ref, err) &&
	       session_make(sessions, w, &ref, SESSION_PULL, &s, err) &&
	       remote_image_ids(w, s, *ref.digest.text ? ref.digest.text : ref.tag, ret, err);
}

/* -- an engine */

#define ENGINE_WORDS_MAX 32

/* Each engine's own way to say an image's ID. */
static size_t question(const struct claim *claim, const char *ret[ENGINE_WORDS_MAX + 8])
{
	const char *program = strrchr(claim->engine.at[0], '/');
	size_t count = 0;

	program = program ? program + 1 : claim->engine.at[0];
	for (; count < claim->engine.count && count < ENGINE_WORDS_MAX; count++)
		ret[count] = claim->engine.at[count];
	if (!strcmp(program, "buildah")) {
		ret[count++] = "images";
		ret[count++] = "--quiet";
		ret[count++] = "--no-trunc";
	} else {
		ret[count++] = "image";
		ret[count++] = "inspect";
		ret[count++] = "--format";
		ret[count++] = "{{.Id}}";
	}
	ret[count++] = claim->image;
	ret[count] = NULL;
	return count;
}

static void take_answer(const char *text, struct strings *ids)
{
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		const char *prefix = strncmp(text, "sha256:", 7) == 0 ? "" : "sha256:";
		CLEANUP(mem_freep) char *id = mem_printf("%s%.*s", prefix, (int)len, text);

		if (len && digest_is_valid(id)) /* podman leaves the algorithm out */
			add_id(ids, id);
		text += len;
		text += strspn(text, "\r\n");
	}
}

static bool ask_engine(const struct world *w, const struct claim *claim, struct strings *ret,
		       struct err *err)
{
	CLEANUP(buf_clear) struct buf out = BUF_INIT(ANSWER_CEILING);
	CLEANUP(buf_clear) struct buf errout = BUF_INIT(4 * KIB);
	const char *argv[ENGINE_WORDS_MAX + 8];
	int code = 0;

	question(claim, argv);
	if (!subprocess_run(w, argv, NULL, &out, &errout, &code, err))
		return false;
	take_answer(buf_str(&out), ret);
	if (code == 0 && ret->count)
		return true;
	err_set(err, ERR_NO_SOURCE, "'%s' has no image '%s'", claim->engine.at[0], claim->image);
	if (errout.len)
		err_evidence(err, "%.*s", (int)strcspn(errout.data, "\r\n"), errout.data);
	return false;
}

/* -- an archive or layout */

static bool read_source(const struct world *w, const char *source, struct strings *ret,
			struct err *err)
{
	const struct image_options options = { .tmp_dir = NULL };
	CLEANUP(image_freep) struct image *image = NULL;

	if (!image_open(w, source, &options, &image, err))
		return false;
	if (image_pending(image))
		strings_add(ret, image_pending(image)->id.text);
	for (size_t i = 0; i < image->manifest_count; i++)
		add_manifest(ret, image->manifests[i]);
	return true;
}

/* crane names a path, and looks itself what it is. */
static char *source_of_path(const char *path)
{
	struct stat s;

	if (stat(path, &s) != 0)
		return NULL;
	return mem_printf("%s:%s", S_ISDIR(s.st_mode) ? "oci" : "docker-archive", path);
}

static bool look(const struct world *w, struct session_maker *sessions, const struct claim *claim,
		 struct strings *ret, struct err *err)
{
	size_t scheme = strlen(DOCKER_SCHEME);
	CLEANUP(mem_freep) char *source = NULL;

	if (!claim->image)
		return err_set(err, ERR_NO_SOURCE,
			       "the command line does not say which image of this machine it is");
	if (claim->engine.count)
		return ask_engine(w, claim, ret, err);
	if (strncmp(claim->image, DOCKER_SCHEME, scheme) == 0)
		return other_registry(w, sessions, claim->image + scheme, ret, err);
	source = image_is_source(claim->image) ? mem_strdup(claim->image)
					       : source_of_path(claim->image);
	if (!source)
		return err_set(err, ERR_NO_SOURCE, "'%s' cannot be looked into", claim->image);
	return read_source(w, source, ret, err);
}

bool local_image_ids(const struct world *w, struct session_maker *sessions,
		     const struct claim *claim, struct strings *ret, struct err *err)
{
	if (look(w, sessions, claim, ret, err))
		return true;
	if (err->code != ERR_CANCELLED && err->code != ERR_TIMEOUT)
		err->code = ERR_DISPROVEN;
	return err_wrap(err, "no digest was claimed, and a tag alone proves nothing");
}
