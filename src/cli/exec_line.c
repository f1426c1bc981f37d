/* Claims out of a command line. */
#include "cli/exec_claims.h"

#include "base/mem.h"
#include "cli/exec_script.h"

#include <string.h>

#define DOCKER_SCHEME "docker://"

struct words {
	char *const *at;
	size_t count;
};

/* Options that are followed by their value in a word of its own, so that it is no operand. */
#define DOCKER_PUSH_VALUES " --platform "
#define PODMAN_PUSH_VALUES                                                                      \
	" --authfile --blob-cache --cert-dir --compression-format --compression-level --creds " \
	"--digestfile --encryption-key --encrypt-layer -f --format --retry --retry-delay "      \
	"--sign-by --sign-by-sigstore --sign-by-sigstore-private-key --sign-passphrase-file "   \
	"--signature-policy "
#define SKOPEO_COPY_VALUES                                                                   \
	" --additional-tag --authfile --src-authfile --dest-authfile --dest-cert-dir "       \
	"--src-cert-dir --dest-creds --src-creds --dest-username --dest-password "           \
	"--src-username --src-password --digestfile -f --format --encryption-key "           \
	"--encrypt-layer --decryption-key --retry-times --retry-delay --sign-by "            \
	"--sign-by-sigstore --sign-by-sigstore-private-key --sign-passphrase-file "          \
	"--sign-identity --multi-arch --dest-compress-format --dest-compress-level "         \
	"--dest-daemon-host --src-daemon-host --src-shared-blob-dir --dest-shared-blob-dir " \
	"--dest-registry-token --src-registry-token --image-parallel-copies "
#define CRANE_VALUES " --image-refs -j --jobs --platform "

enum pusher_kind { PUSH_ENGINE, PUSH_BUILD, PUSH_COPY, PUSH_FILE };

struct pusher {
	const char *program;
	const char *verb;
	enum pusher_kind kind;
	const char *values;
};

static const struct pusher pushers[] = {
	{ "docker", "push", PUSH_ENGINE, DOCKER_PUSH_VALUES },
	{ "docker", "build", PUSH_BUILD, "" },
	{ "docker", "bake", PUSH_BUILD, "" },
	{ "buildx", "build", PUSH_BUILD, "" },
	{ "docker-buildx", "build", PUSH_BUILD, "" },
	{ "podman", "push", PUSH_ENGINE, PODMAN_PUSH_VALUES },
	{ "buildah", "push", PUSH_ENGINE, PODMAN_PUSH_VALUES },
	{ "nerdctl", "push", PUSH_ENGINE, DOCKER_PUSH_VALUES },
	{ "skopeo", "copy", PUSH_COPY, SKOPEO_COPY_VALUES },
	{ "crane", "push", PUSH_FILE, CRANE_VALUES },
	{ "crane", "copy", PUSH_COPY, CRANE_VALUES },
	{ "crane", "cp", PUSH_COPY, CRANE_VALUES },
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static size_t find_word(const struct words *w, size_t from, const char *word)
{
	while (from < w->count && strcmp(w->at[from], word) != 0)
		from++;
	return from;
}

/* Whether VALUES, words between spaces, have WORD. */
static bool has_word(const char *values, const char *word)
{
	CLEANUP(mem_freep) char *spaced = mem_printf(" %s ", word);

	return strstr(values, spaced) != NULL;
}

/* The value of --NAME in the words from *i on: "--name=value" or the next word; NULL when it is another word. */
static const char *value_of(const struct words *w, size_t i, const char *name)
{
	size_t len = strlen(name);
	const char *word = w->at[i];

	if (strncmp(word, name, len) != 0)
		return NULL;
	if (word[len] == '=')
		return word + len + 1;
	return !word[len] && i + 1 < w->count ? w->at[i + 1] : NULL;
}

static void take_files(struct claims *c, const struct words *w, size_t from)
{
	for (size_t i = from; i < w->count; i++) {
		const char *metadata = value_of(w, i, "--metadata-file");
		const char *digest = value_of(w, i, "--digestfile");

		if (!digest)
			digest = value_of(w, i, "--digest-file");
		if (metadata)
			mem_replace(&c->metadata_file, metadata);
		if (digest)
			mem_replace(&c->digest_file, digest);
	}
}

#define OPERANDS_MAX 3
static size_t operands(const struct words *w, size_t from, const char *values,
		       const char *ret[OPERANDS_MAX])
{
	size_t count = 0;
	bool over = false;

	for (size_t i = from; i < w->count && count < OPERANDS_MAX; i++) {
		const char *word = w->at[i];

		if (over || *word != '-' || !word[1])
			ret[count++] = word;
		else if (!strcmp(word, "--"))
			over = true;
		else if (has_word(values, word))
			i++;
	}
	return count;
}

static const char *without_scheme(const char *text)
{
	size_t len = strlen(DOCKER_SCHEME);

	return strncmp(text, DOCKER_SCHEME, len) == 0 ? text + len : text;
}

/* "containers-storage:app" and the like are not asked about. */
static bool is_plain_name(const char *text)
{
	struct reference ref = { 0 };
	struct err err = ERR_INIT;
	bool ok = reference_parse(text, &ref, &err);

	reference_clear(&ref);
	err_clear(&err);
	return ok;
}

static bool has_between(const struct words *w, size_t from, size_t to, const char *word)
{
	return find_word(w, from, word) < to;
}

static void set_engine(struct claim *claim, const struct words *w, size_t program, size_t verb,
		       const char *image)
{
	if (claim->image || !is_plain_name(image) || has_between(w, program, verb, "manifest"))
		return;
	claim->image = mem_strdup(image);
	for (size_t i = program; i < verb; i++)
		if (i + 1 < verb || strcmp(w->at[i], "image") != 0)
			strings_add(&claim->engine, w->at[i]);
}

static bool pushes_all_tags(const struct words *w, size_t from)
{
	return find_word(w, from, "-a") < w->count || find_word(w, from, "--all-tags") < w->count;
}

/* docker push NAME, podman push NAME [DESTINATION] */
static void take_engine(struct claims *c, const struct words *w, size_t program, size_t verb,
			const struct pusher *p)
{
	const char *o[OPERANDS_MAX];
	size_t count = operands(w, verb + 1, p->values, o);
	bool all = pushes_all_tags(w, verb);
	struct claim *claim;

	/* the operands of compose are services: what these are called is said by the output */
	if (!count || has_between(w, program, verb, "compose"))
		return;
	claim = claims_name(c, without_scheme(o[count > 1 ? 1 : 0]));
	if (!claim)
		return;
	set_engine(claim, w, program, verb, o[0]);
	claim->is_guess = all; /* which tags these are is said by the output alone */
}

/* What lies where: oci:DIR, docker-daemon:NAME, docker://REF. */
static void set_source(struct claim *claim, const char *source)
{
	static const char daemon[] = "docker-daemon:";

	if (claim->image)
		return;
	if (strncmp(source, daemon, strlen(daemon)) == 0) {
		claim->image = mem_strdup(source + strlen(daemon));
		strings_add(&claim->engine, "docker");
	} else {
		claim->image = mem_strdup(source);
	}
}

static void take_copy(struct claims *c, const struct words *w, size_t verb, const struct pusher *p)
{
	const char *o[OPERANDS_MAX];
	bool schemes = strcmp(p->program, "skopeo") == 0;
	CLEANUP(mem_freep) char *source = NULL;
	struct claim *claim;

	if (operands(w, verb + 1, p->values, o) != 2 || (schemes && without_scheme(o[1]) == o[1]))
		return;
	claim = claims_name(c, without_scheme(o[1]));
	if (!claim)
		return;
	source = schemes ? mem_strdup(o[0]) : mem_printf(DOCKER_SCHEME "%s", o[0]);
	set_source(claim, source);
}

/* crane push PATH REF: PATH is a tarball or a layout; it says itself which. */
static void take_file(struct claims *c, const struct words *w, size_t verb, const struct pusher *p)
{
	const char *o[OPERANDS_MAX];
	struct claim *claim;

	if (operands(w, verb + 1, p->values, o) != 2)
		return;
	claim = claims_name(c, o[1]);
	if (claim && !claim->image)
		claim->image = mem_strdup(o[0]);
}

/* buildx: --push, or an --output that goes to a registry. */
static bool build_pushes(const struct words *w, size_t from)
{
	for (size_t i = from; i < w->count; i++) {
		const char *output = value_of(w, i, "--output");

		if (!output)
			output = value_of(w, i, "-o");
		if (!strcmp(w->at[i], "--push") || !strcmp(w->at[i], "--push=true"))
			return true;
		if (output && (strstr(output, "push=true") || strstr(output, "type=registry")))
			return true;
	}
	return false;
}

static void take_build(struct claims *c, const struct words *w, size_t verb)
{
	if (!build_pushes(w, verb))
		return;
	for (size_t i = verb + 1; i < w->count; i++) {
		const char *tag = value_of(w, i, "--tag");

		if (!tag)
			tag = value_of(w, i, "-t");
		if (tag)
			claims_name(c, tag);
	}
}

static void take_pusher(struct claims *c, const struct words *w, size_t program, size_t verb,
			const struct pusher *p)
{
	switch (p->kind) {
	case PUSH_ENGINE:
		take_engine(c, w, program, verb, p);
		break;
	case PUSH_BUILD:
		take_build(c, w, verb);
		break;
	case PUSH_COPY:
		take_copy(c, w, verb, p);
		break;
	case PUSH_FILE:
		take_file(c, w, verb, p);
		break;
	}
	c->says_name = strcmp(p->program, "crane") == 0;
	take_files(c, w, verb);
}

/* A pusher may stand behind env, sudo, nice and their like. */
static bool find_pusher(struct claims *c, const struct words *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const char *program = base_name(w->at[i]);

		for (size_t k = 0; k < ARRAY_SIZE(pushers); k++) {
			size_t verb;

			if (strcmp(program, pushers[k].program) != 0)
				continue;
			verb = find_word(w, i + 1, pushers[k].verb);
			if (verb == w->count)
				continue;
			take_pusher(c, w, i, verb, &pushers[k]);
			return true;
		}
	}
	return false;
}

/* "host/repository:tag" with its host written out: what people do not write for anything else. */
static void guess(struct claims *c, const char *word)
{
	const char *text = without_scheme(word);
	struct reference ref = { 0 };
	struct err err = ERR_INIT;
	struct claim *claim;

	if (*text == '-' && strchr(text, '='))
		text = without_scheme(strchr(text, '=') + 1);
	if (claims_names_host(text) && reference_parse(text, &ref, &err)) {
		claims_host(c, ref.host);
		/* a name without its tag says where to, not what */
		claim = strchr(strrchr(text, '/'), ':') ? claims_name(c, text) : NULL;
		if (claim && !claim->image) {
			claim->is_guess = true;
			claim->image = mem_strdup(text);
			strings_add(&claim->engine, "docker");
		}
	}
	reference_clear(&ref);
	err_clear(&err);
}

static void take_command(void *arg, char *const *at, size_t count)
{
	const struct words w = { at, count };

	find_pusher(arg, &w);
}

static void guess_command(void *arg, char *const *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		guess(arg, at[i]);
}

/* The script of `sh -c SCRIPT`, wherever in the line; NULL when there is none. */
static const char *script_of(const struct words *w)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "zsh", "ksh" };

	for (size_t i = 0; i + 2 < w->count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(shells); k++) {
			const char *flags;

			if (strcmp(base_name(w->at[i]), shells[k]) != 0)
				continue;
			flags = w->at[i + 1];
			if (*flags == '-' && flags[1] != '-' && flags[strlen(flags) - 1] == 'c')
				return w->at[i + 2];
		}
	return NULL;
}

void claims_of_line(struct claims *c, char *const *words, size_t count)
{
	const struct words w = { words, count };
	const char *script = script_of(&w);

	if (script)
		script_commands(script, take_command, c);
	else
		take_command(c, words, count);
	c->says_name = c->says_name && !script;
	if (c->count)
		return;
	if (script)
		script_commands(script, guess_command, c);
	else
		guess_command(c, words, count);
}
