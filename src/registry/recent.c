#include "registry/recent.h"

#include "base/mem.h"
#include "image/reference.h"
#include "wire/js.h"

#include <stdlib.h>
#include <string.h>

#define TAGS_CEILING (4 * MIB)
#define TAGS_MAX 100000

struct pushed {
	const char *tag;
	long long at_ms;
};

struct pushed_list {
	struct pushed *at;
	size_t count;
	size_t room;
};

/* What becomes a part of a URL. NULL for anything else. */
static const char *tag_of(const struct js *j)
{
	const char *tag = js_string(j);

	return tag && reference_tag_is_valid(tag) ? tag : NULL;
}

/* One of Google's "manifest" members: {"tag": [...], "timeUploadedMs": "1700000000000"}. */
static bool take_manifest(void *arg, const char *digest, const struct js *m)
{
	struct pushed_list *list = arg;
	const struct js *tags = js_get(m, "tag");
	const char *at = js_string(js_get(m, "timeUploadedMs")), *tag = tag_of(js_at(tags, 0));

	(void)digest;
	if (!at || !tag)
		return true;
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->at = mem_realloc(list->at, list->room, sizeof(*list->at));
	}
	list->at[list->count++] = (struct pushed){ tag, strtoll(at, NULL, 10) };
	return list->count < TAGS_MAX;
}

static int newest_first(const void *a, const void *b)
{
	const struct pushed *x = a, *y = b;

	return (x->at_ms < y->at_ms) - (x->at_ms > y->at_ms);
}

static void take_newest(const struct js *manifests, size_t max, struct strings *ret)
{
	struct pushed_list list = { .at = NULL };

	js_each(manifests, take_manifest, &list);
	if (list.count)
		qsort(list.at, list.count, sizeof(*list.at), newest_first);
	for (size_t i = 0; i < list.count && ret->count < max; i++)
		strings_add(ret, list.at[i].tag);
	free(list.at);
}

static bool has(const struct js *tags, const char *tag)
{
	for (size_t i = 0; i < js_count(tags); i++) {
		const char *one = js_string(js_at(tags, i));

		if (one && strcmp(one, tag) == 0)
			return true;
	}
	return false;
}

/* Half of the places for names that move, half for the end of the list, where counted versions grow. */
static void guess(const struct js *tags, size_t max, struct strings *ret)
{
	static const char *const moving[] = { "latest", "main", "master" };

	for (size_t i = 0; i < ARRAY_SIZE(moving) && ret->count < (max + 1) / 2; i++)
		if (has(tags, moving[i]))
			strings_add(ret, moving[i]);
	for (size_t i = js_count(tags); i-- > 0 && ret->count < max;) {
		const char *tag = tag_of(js_at(tags, i));

		if (tag && !strings_have(ret, tag))
			strings_add(ret, tag);
	}
}

bool recent_tags_parse(const char *bytes, size_t len, size_t max, struct strings *ret,
		       struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (!js_parse(bytes, len, TAGS_CEILING, ERR_NO_REGISTRY, &j, err))
		return err_wrap(err, "list of tags");
	take_newest(js_get(j, "manifest"), max, ret);
	if (ret->count == 0)
		guess(js_get(j, "tags"), max, ret);
	return true;
}

bool recent_tags(const struct world *w, struct session *s, size_t max, struct strings *ret,
		 struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	CLEANUP(mem_freep) char *url = session_url(s, "tags/list");
	const struct http_call call = {
		.what = "tags",
		.method = "GET",
		.url = url,
		.scope = session_scope(s),
		.answer_ceiling = TAGS_CEILING,
	};

	if (!http_call(s->client, w, &call, &answer, err))
		return false;
	if (answer.status == 404)
		return true;
	if (answer.status != 200)
		return http_answer_err(&call, &answer, err);
	return recent_tags_parse(answer.body, answer.body_len, max, ret, err);
}
