/*
 * Any bytes as JSON. What is taken must be the same after it was written and read again.
 */
#include "base/mem.h"
#include "wire/js.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CEILING (4 * MIB)

static bool touch(void *arg, const char *key, const struct js *value)
{
	int64_t integer;
	double number;

	(void)arg;
	if (js_string(value) && strlen(js_string(value)) > CEILING)
		__builtin_trap();
	if (js_integer(value, &integer) && !js_number(value, &number))
		__builtin_trap();
	return *key != '!';
}

static void read_again(const struct js *j)
{
	CLEANUP(mem_freep) char *text = js_text(j, JS_COMPACT);
	CLEANUP(mem_freep) char *text_again = NULL;
	CLEANUP(js_freep) struct js *again = NULL;
	struct err err = ERR_INIT;

	if (!js_parse(text, strlen(text), 16 * CEILING, ERR_CORRUPT, &again, &err))
		__builtin_trap();
	text_again = js_text(again, JS_COMPACT);
	if (strcmp(text, text_again) != 0)
		__builtin_trap();
}

static void dispatch(const struct js *j)
{
	struct target {
		const char *s;
		int64_t i;
		bool b;
		const struct js *o, *a;
	} t = { 0 };
	static const struct js_field fields[] = {
		{ "s", JS_STRING, offsetof(struct target, s), JS_REQUIRED },
		{ "i", JS_INTEGER, offsetof(struct target, i), JS_OPTIONAL },
		{ "b", JS_BOOL, offsetof(struct target, b), JS_OPTIONAL },
		{ "o", JS_OBJECT, offsetof(struct target, o), JS_OPTIONAL },
		{ "a", JS_ARRAY, offsetof(struct target, a), JS_OPTIONAL },
	};
	struct err err = ERR_INIT;

	if (js_dispatch(j, fields, ARRAY_SIZE(fields), ERR_CORRUPT, &t, &err) && !t.s)
		__builtin_trap();
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err err = ERR_INIT;

	if (js_parse((const char *)bytes, len, CEILING, ERR_CORRUPT, &j, &err)) {
		js_each(j, touch, NULL);
		for (size_t i = 0; i < js_count(j); i++)
			touch(NULL, "", js_at(j, i));
		dispatch(j);
		read_again(j);
	} else if (err.code != ERR_CORRUPT || j) {
		__builtin_trap();
	}
	err_clear(&err);
	return 0;
}
