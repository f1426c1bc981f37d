/*
 * Any bytes as what an API server streams; the first one chooses the form and how the rest is cut into pieces. The
 * pieces must not matter, and of a list that is JSON every item must come.
 */
#include "kube/splitter.h"

#include "base/mem.h"
#include "wire/js.h"

#include <stdint.h>
#include <string.h>

#define CEILING (16 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct seen {
	size_t objects;
	size_t bytes;
	bool broken;
	bool complete;
};

static struct seen run(enum splitter_form form, const char *text, size_t len, size_t piece)
{
	struct seen seen = { 0 };
	struct splitter s;

	splitter_init(&s, form, CEILING);
	for (size_t at = 0; at < len && !seen.broken;) {
		size_t most = len - at < piece ? len - at : piece, used = 0;
		enum split what = splitter_feed(&s, text + at, most, &used);

		if (used > most || (what == SPLIT_MORE && used != most) || !used)
			__builtin_trap();
		at += used;
		seen.broken = what == SPLIT_BROKEN;
		if (what == SPLIT_OBJECT) {
			seen.objects++;
			seen.bytes += s.value.len;
			if (s.value.len > CEILING || *s.value.data != '{')
				__builtin_trap();
		}
	}
	seen.complete = s.complete;
	splitter_clear(&s);
	return seen;
}

/* What the whole text holds, by a parser that reads it at once. */
static void check_list(const char *text, size_t len, const struct seen *seen)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const struct js *items;
	struct err err = ERR_INIT;

	if (!js_parse(text, len, CEILING, ERR_CORRUPT, &j, &err)) {
		err_clear(&err);
		return;
	}
	items = js_get(j, "items");
	for (size_t i = 0; i < js_count(items); i++)
		if (!js_is_object(js_at(items, i)))
			return;
	if (js_is_object(j) && (seen->broken || !seen->complete))
		__builtin_trap();
	if (js_is_object(j) && !memmem(text, len, "\\", 1) && seen->objects != js_count(items))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum splitter_form form;
	struct seen whole, parts;

	if (len < 2)
		return 0;
	form = bytes[0] & 1 ? SPLITTER_LIST : SPLITTER_STREAM;
	whole = run(form, (const char *)bytes + 1, len - 1, len);
	parts = run(form, (const char *)bytes + 1, len - 1, (size_t)(bytes[0] >> 1) % 7 + 1);
	if (whole.objects != parts.objects || whole.bytes != parts.bytes ||
	    whole.broken != parts.broken || whole.complete != parts.complete)
		__builtin_trap();
	if (form == SPLITTER_LIST)
		check_list((const char *)bytes + 1, len - 1, &whole);
	return 0;
}
