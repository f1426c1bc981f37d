#include "sim/sim_store.h"

#include "base/mem.h"
#include "wire/js.h"

#include <stdio.h>
#include <string.h>

#define JSON_CEILING (16 * MIB)

static void things_clear(struct sim_thing *t)
{
	while (t) {
		struct sim_thing *next = t->next;

		free(t->media_type);
		free(t->bytes);
		free(t);
		t = next;
	}
}

static void tags_clear(struct sim_tag *t)
{
	while (t) {
		struct sim_tag *next = t->next;

		free(t->moves);
		free(t->name);
		free(t);
		t = next;
	}
}

void sim_store_clear(struct sim_store *s)
{
	while (s->repos) {
		struct sim_repo *r = s->repos;

		s->repos = r->next;
		things_clear(r->blobs);
		things_clear(r->manifests);
		tags_clear(r->tags);
		free(r->name);
		free(r);
	}
}

struct sim_repo *sim_store_repo(struct sim_store *s, const char *name)
{
	struct sim_repo *r;

	for (r = s->repos; r; r = r->next)
		if (strcmp(r->name, name) == 0)
			return r;
	r = NEW(struct sim_repo);
	r->name = mem_strdup(name);
	r->next = s->repos;
	s->repos = r;
	return r;
}

struct sim_thing *sim_thing_find(struct sim_thing *list, const char *digest)
{
	for (; list; list = list->next)
		if (strcmp(list->digest.text, digest) == 0)
			return list;
	return NULL;
}

struct sim_tag *sim_tag_find(const struct sim_repo *r, const char *name)
{
	for (struct sim_tag *t = r->tags; t; t = t->next)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

static struct sim_thing *thing_put(struct sim_thing **list, const struct digest *d,
				   const void *bytes, size_t len, int64_t visible_ms)
{
	struct sim_thing *t = sim_thing_find(*list, d->text);

	if (t) {
		if (visible_ms < t->visible_ms)
			t->visible_ms = visible_ms;
		return t;
	}
	t = NEW(struct sim_thing);
	t->digest = *d;
	t->bytes = mem_alloc(len + 1);
	if (len)
		memcpy(t->bytes, bytes, len);
	t->len = len;
	t->visible_ms = visible_ms;
	t->next = *list;
	*list = t;
	return t;
}

struct sim_thing *sim_blob_put(struct sim_repo *r, const struct digest *d, const void *bytes,
			       size_t len, int64_t visible_ms)
{
	return thing_put(&r->blobs, d, bytes, len, visible_ms);
}

struct sim_thing *sim_manifest_put(struct sim_repo *r, const struct digest *d,
				   const char *media_type, const void *bytes, size_t len,
				   int64_t visible_ms)
{
	struct sim_thing *t = thing_put(&r->manifests, d, bytes, len, visible_ms);

	mem_replace(&t->media_type, media_type);
	return t;
}

void sim_tag_put(struct sim_repo *r, const char *name, const struct digest *d, int64_t now_ms,
		 int64_t visible_ms)
{
	struct sim_tag *t = sim_tag_find(r, name);

	if (!t) {
		t = NEW(struct sim_tag);
		t->name = mem_strdup(name);
		t->next = r->tags;
		r->tags = t;
	} else if (digest_same(&t->digest, d)) {
		if (visible_ms < t->visible_ms)
			t->visible_ms = visible_ms;
		return;
	} else if (now_ms >= t->visible_ms) {
		t->before = t->digest;
	}
	t->digest = *d;
	t->visible_ms = visible_ms;
	t->moves = mem_realloc(t->moves, t->move_count + 1, sizeof(*t->moves));
	t->moves[t->move_count++] = (struct sim_move){ *d, now_ms };
}

bool sim_tag_was_on(const struct sim_repo *r, const char *name, const struct digest *d,
		    int64_t from_ms, int64_t to_ms)
{
	const struct sim_tag *t = sim_tag_find(r, name);

	for (size_t i = 0; t && i < t->move_count; i++) {
		bool last = i + 1 == t->move_count;

		if (digest_same(&t->moves[i].digest, d) && t->moves[i].at_ms <= to_ms &&
		    (last || t->moves[i + 1].at_ms >= from_ms))
			return true;
	}
	return false;
}

static void thing_drop(struct sim_thing **list, const char *digest)
{
	while (*list) {
		struct sim_thing *t = *list;

		if (strcmp(t->digest.text, digest) != 0) {
			list = &t->next;
			continue;
		}
		*list = t->next;
		t->next = NULL;
		things_clear(t);
	}
}

void sim_blob_drop_damaged(struct sim_repo *r, const char *digest)
{
	const struct sim_thing *t = sim_thing_find(r->blobs, digest);

	if (t && t->is_damaged)
		sim_blob_drop(r, digest);
}

void sim_blob_drop(struct sim_repo *r, const char *digest)
{
	thing_drop(&r->blobs, digest);
}

void sim_manifest_drop(struct sim_repo *r, const char *digest)
{
	thing_drop(&r->manifests, digest);
}

/* What a manifest names */

typedef bool (*visit)(void *arg, const char *digest, bool is_manifest);

static bool need_not_be_there(const struct js *descriptor)
{
	const char *type = js_string(js_get(descriptor, "mediaType"));

	return type && (strstr(type, "nondistributable") || strstr(type, "foreign"));
}

static bool visit_array(const struct js *array, bool is_manifest, visit each, void *arg)
{
	for (size_t i = 0; i < js_count(array); i++) {
		const struct js *d = js_at(array, i);

		if (!need_not_be_there(d) &&
		    !each(arg, js_string(js_get(d, "digest")), is_manifest))
			return false;
	}
	return true;
}

/* False when EACH said so, or when it is no manifest. */
static bool visit_named(const char *bytes, size_t len, visit each, void *arg)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;
	const struct js *config;

	if (!js_parse(bytes, len, JSON_CEILING, ERR_CORRUPT, &j, &ignored)) {
		err_clear(&ignored);
		return false;
	}
	config = js_get(j, "config");
	if (config && !each(arg, js_string(js_get(config, "digest")), false))
		return false;
	return visit_array(js_get(j, "layers"), false, each, arg) &&
	       visit_array(js_get(j, "manifests"), true, each, arg);
}

struct missing {
	const struct sim_repo *repo;
	struct digest *ret;
};

static bool is_kept(void *arg, const char *digest, bool is_manifest)
{
	struct missing *m = arg;
	struct sim_thing *list = is_manifest ? m->repo->manifests : m->repo->blobs;

	if (digest && sim_thing_find(list, digest))
		return true;
	snprintf(m->ret->text, sizeof(m->ret->text), "%s", digest ? digest : "?");
	return false;
}

const char *sim_store_misses(const struct sim_repo *r, const char *bytes, size_t len,
			     struct digest *ret)
{
	struct missing m = { r, ret };

	snprintf(ret->text, sizeof(ret->text), "%s", "no JSON");
	return visit_named(bytes, len, is_kept, &m) ? NULL : ret->text;
}

/* The truth */

struct truth {
	struct sim_repo *repo;
	struct buf *why;
};

static bool is_right(const struct sim_thing *t, const char *digest, const char *what,
		     struct buf *why)
{
	struct digest found;

	if (!t) {
		buf_printf(why, "%s %s is not there", what, digest);
		return false;
	}
	found = digest_of(t->bytes, t->len);
	if (digest_same(&found, &t->digest))
		return true;
	buf_printf(why, "%s %s has other bytes", what, digest);
	return false;
}

static bool holds_named(void *arg, const char *digest, bool is_manifest)
{
	struct truth *truth = arg;
	struct sim_thing *t;

	if (!digest)
		return false;
	t = sim_thing_find(is_manifest ? truth->repo->manifests : truth->repo->blobs, digest);
	if (!is_right(t, digest, is_manifest ? "manifest" : "blob", truth->why))
		return false;
	return !is_manifest || visit_named(t->bytes, t->len, holds_named, truth);
}

bool sim_store_holds(struct sim_store *s, const char *repo, const char *reference,
		     const struct digest *d, struct buf *why)
{
	struct truth truth = { sim_store_repo(s, repo), why };

	if (!strchr(reference, ':')) {
		const struct sim_tag *tag = sim_tag_find(truth.repo, reference);

		if (!tag || !digest_same(&tag->digest, d)) {
			buf_printf(why, "tag %s is on %s", reference,
				   tag ? tag->digest.text : "nothing");
			return false;
		}
	}
	return holds_named(&truth, d->text, true);
}
