#include "cli/exec_claims.h"

#include "base/mem.h"
#include "wire/js.h"

#include <string.h>

#define FILE_CEILING (4 * MIB)
#define NAMES_MAX 64

void claims_host(struct claims *c, const char *host)
{
	if (c->hosts.count < CLAIMS_MAX && !strings_have(&c->hosts, host))
		strings_add(&c->hosts, host);
}

bool claims_names_host(const char *text)
{
	size_t len = strcspn(text, "/");

	if (!text[len] || !len || *text == '.')
		return false;
	return memchr(text, '.', len) || memchr(text, ':', len) ||
	       (len == strlen("localhost") && strncmp(text, "localhost", len) == 0);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct claim *find(struct claims *c, const struct reference *ref)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct reference *has = &c->at[i].ref;

		if (same_text(has->host, ref->host) &&
		    same_text(has->repository, ref->repository) && same_text(has->tag, ref->tag) &&
		    digest_same(&has->digest, &ref->digest))
			return &c->at[i];
	}
	return NULL;
}

static struct claim *take_name(struct claims *c, const char *text, struct err *err)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	struct claim *claim;

	if (!reference_parse(text, &ref, err))
		return NULL;
	claims_host(c, ref.host);
	claim = find(c, &ref);
	if (claim)
		return claim;
	if (c->count >= CLAIMS_MAX) {
		err_set(err, ERR_USAGE, "more than %d images are claimed", CLAIMS_MAX);
		return NULL;
	}
	c->at = mem_realloc(c->at, c->count + 1, sizeof(*c->at));
	claim = &c->at[c->count++];
	*claim = (struct claim){ .ref = ref, .digest = ref.digest };
	ref = (struct reference){ 0 };
	return claim;
}

struct claim *claims_name(struct claims *c, const char *text)
{
	struct err err = ERR_INIT;
	struct claim *claim = take_name(c, text, &err);

	err_clear(&err); /* what is no name is no claim */
	return claim;
}

/* An engine of this machine may have it under that very name. */
static void suppose_engine(struct claim *claim, const char *text)
{
	if (claim->image)
		return;
	claim->image = mem_strdup(text);
	strings_add(&claim->engine, "docker");
}

bool claims_add_ref(struct claims *c, const char *text, struct err *err)
{
	struct claim *claim = take_name(c, text, err);

	if (!claim)
		return false;
	claim->is_guess = false;
	suppose_engine(claim, text);
	return true;
}

static bool reopen_claims(struct claims *c, const struct reference *repository)
{
	bool found = false;

	for (size_t i = 0; i < c->count; i++) {
		struct claim *claim = &c->at[i];
		CLEANUP(mem_freep) char *name = NULL;

		if (!claim->ref.tag || strcmp(claim->ref.host, repository->host) != 0 ||
		    strcmp(claim->ref.repository, repository->repository) != 0)
			continue;
		name = reference_text(&claim->ref);
		claim->digest = claim->ref.digest;
		suppose_engine(claim, name);
		found = true;
	}
	return found;
}

void claims_reopen(struct claims *c, const char *repository)
{
	CLEANUP(reference_clear) struct reference ref = { 0 };
	struct err err = ERR_INIT;

	if (reference_parse(repository, &ref, &err) && !reopen_claims(c, &ref) &&
	    c->unfinished.count < CLAIMS_MAX && !strings_have(&c->unfinished, repository))
		strings_add(&c->unfinished, repository);
	err_clear(&err);
}

static void claim_clear(struct claim *claim)
{
	reference_clear(&claim->ref);
	free(claim->image);
	strings_clear(&claim->engine);
}

void claims_clear(struct claims *c)
{
	for (size_t i = 0; i < c->count; i++)
		claim_clear(&c->at[i]);
	free(c->at);
	strings_clear(&c->hosts);
	strings_clear(&c->unfinished);
	free(c->metadata_file);
	free(c->digest_file);
	*c = (struct claims){ 0 };
}

void claims_drop_guesses(struct claims *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->at[i].is_guess)
			claim_clear(&c->at[i]);
		else
			c->at[kept++] = c->at[i];
	}
	c->count = kept;
}

/* All that was named is this one image. */
static void digest_for_all(struct claims *c, const struct digest *d)
{
	for (size_t i = 0; i < c->count; i++)
		if (!c->at[i].is_guess)
			c->at[i].digest = *d;
}

static bool take_digest(const char *text, struct digest *ret)
{
	struct err err = ERR_INIT;
	bool ok = text && digest_parse(text, ERR_USAGE, ret, &err);

	err_clear(&err);
	return ok;
}

bool claims_of_digest_file(struct claims *c, const char *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = NULL;
	struct digest d;

	while (len && strchr(" \t\r\n", bytes[len - 1]))
		len--;
	if (!len || len >= DIGEST_TEXT_SIZE)
		return false;
	text = mem_strndup(bytes, len);
	if (!take_digest(text, &d))
		return false;
	digest_for_all(c, &d);
	return c->count > 0;
}

/* "image.name": one name, or several with commas between. */
static bool name_digest(struct claims *c, const char *names, const struct digest *d)
{
	bool learnt = false;

	for (size_t i = 0; names && *names && i < NAMES_MAX; i++) {
		size_t len = strcspn(names, ",");
		CLEANUP(mem_freep) char *name = mem_strndup(names, len);
		struct claim *claim = claims_name(c, name);

		if (claim) {
			claim->digest = *d;
			claim->is_guess = false;
			learnt = true;
		}
		names += len + (names[len] == ',');
	}
	return learnt;
}

struct metadata {
	struct claims *claims;
	bool learnt;
};

/* docker/buildx, "build --metadata-file": the keys of exporter/containerimage. */
static bool take_build(struct metadata *m, const struct js *build)
{
	const char *names = js_string(js_get(build, "image.name"));
	struct digest d;

	if (!take_digest(js_string(js_get(build, "containerimage.digest")), &d))
		return false;
	if (name_digest(m->claims, names, &d)) {
		m->learnt = true;
	} else if (!names && m->claims->count) {
		digest_for_all(m->claims, &d);
		m->learnt = true;
	}
	return true;
}

/* `buildx bake` has such an object for each target. */
static bool take_target(void *arg, const char *key, const struct js *value)
{
	(void)key;
	if (js_is_object(value))
		take_build(arg, value);
	return true;
}

bool claims_of_metadata(struct claims *c, const char *bytes, size_t len)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct metadata m = { .claims = c };
	struct err err = ERR_INIT;

	if (!js_parse(bytes, len, FILE_CEILING, ERR_USAGE, &j, &err)) {
		err_clear(&err);
		return false;
	}
	if (!take_build(&m, j))
		js_each(j, take_target, &m);
	return m.learnt;
}
