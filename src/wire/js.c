#include "wire/js.h"

#include "base/mem.h"

#include <jansson.h>
#include <string.h>

/* struct js is the library's json_t under a name of ours. */
static json_t *theirs(const struct js *j)
{
	return (json_t *)j;
}

static struct js *ours(json_t *j)
{
	return (struct js *)j;
}

bool js_parse(const char *bytes, size_t len, size_t ceiling, enum err_code code, struct js **ret,
	      struct err *err)
{
	json_error_t why;
	char *near;
	json_t *j;

	if (len > ceiling)
		return err_set(err, code, "JSON of %zu bytes is longer than %zu", len, ceiling);
	j = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
	/* the library goes on to quote what stands there: it may be a secret */
	if (!j && (near = strstr(why.text, " near ")))
		*near = '\0';
	if (!j)
		return err_set(err, code, "not valid JSON: %s (byte %d)", why.text, why.position);
	*ret = ours(j);
	return true;
}

void js_free(struct js *j)
{
	json_decref(theirs(j));
}

bool js_is_object(const struct js *j)
{
	return json_is_object(theirs(j));
}

bool js_is_array(const struct js *j)
{
	return json_is_array(theirs(j));
}

bool js_is_null(const struct js *j)
{
	return json_is_null(theirs(j));
}

bool js_is_bool(const struct js *j)
{
	return json_is_boolean(theirs(j));
}

const struct js *js_get(const struct js *object, const char *key)
{
	return ours(json_object_get(theirs(object), key));
}

size_t js_count(const struct js *array)
{
	return json_array_size(theirs(array));
}

const struct js *js_at(const struct js *array, size_t index)
{
	return ours(json_array_get(theirs(array), index));
}

const char *js_string(const struct js *j)
{
	return json_string_value(theirs(j));
}

bool js_integer(const struct js *j, int64_t *ret)
{
	if (!json_is_integer(theirs(j)))
		return false;
	*ret = json_integer_value(theirs(j));
	return true;
}

bool js_number(const struct js *j, double *ret)
{
	if (!json_is_number(theirs(j)))
		return false;
	*ret = json_number_value(theirs(j));
	return true;
}

bool js_true(const struct js *j)
{
	return json_is_true(theirs(j));
}

bool js_each(const struct js *object,
	     bool (*each)(void *arg, const char *key, const struct js *value), void *arg)
{
	const char *key;
	json_t *value;

	json_object_foreach(theirs(object), key, value)
	{
		if (!each(arg, key, ours(value)))
			return false;
	}
	return true;
}

static const char *const type_names[] = {
	[JS_STRING] = "a string",  [JS_INTEGER] = "an integer", [JS_BOOL] = "true or false",
	[JS_OBJECT] = "an object", [JS_ARRAY] = "an array",
};

static bool store(const struct js_field *f, const json_t *value, void *place)
{
	switch (f->type) {
	case JS_STRING:
		*(const char **)place = json_string_value(value);
		return json_is_string(value);
	case JS_INTEGER:
		*(int64_t *)place = json_integer_value(value);
		return json_is_integer(value);
	case JS_BOOL:
		*(bool *)place = json_is_true(value);
		return json_is_boolean(value);
	case JS_OBJECT:
		*(const struct js **)place = (const struct js *)value;
		return json_is_object(value);
	case JS_ARRAY:
		*(const struct js **)place = (const struct js *)value;
		return json_is_array(value);
	}
	return false;
}

bool js_dispatch(const struct js *object, const struct js_field *fields, size_t count,
		 enum err_code code, void *target, struct err *err)
{
	if (!js_is_object(object))
		return err_set(err, code, "not a JSON object");
	for (size_t i = 0; i < count; i++) {
		const struct js_field *f = &fields[i];
		const json_t *value = json_object_get(theirs(object), f->name);

		if (!value || json_is_null(value)) {
			if (f->need == JS_REQUIRED)
				return err_set(err, code, "field '%s' is missing", f->name);
			continue;
		}
		if (!store(f, value, (char *)target + f->offset))
			return err_set(err, code, "field '%s' is not %s", f->name,
				       type_names[f->type]);
	}
	return true;
}

/* Composing cannot fail but for memory, or for text that is not UTF-8, which is then said as such. */
static struct js *made(json_t *j)
{
	return ours(j ? j : json_string("(not UTF-8)"));
}

struct js *js_object(void)
{
	return made(json_object());
}

struct js *js_array(void)
{
	return made(json_array());
}

struct js *js_of_null(void)
{
	return made(json_null());
}

struct js *js_of_bool(bool value)
{
	return made(json_boolean(value));
}

struct js *js_of_integer(int64_t number)
{
	return made(json_integer(number));
}

struct js *js_of_real(double number)
{
	return made(json_real(number));
}

struct js *js_of_string(const char *text)
{
	return made(json_string(text));
}

void js_put(struct js *object, const char *key, struct js *value)
{
	json_object_set_new(theirs(object), key, theirs(value));
}

void js_put_string(struct js *object, const char *key, const char *text)
{
	if (text)
		js_put(object, key, made(json_string(text)));
}

void js_put_integer(struct js *object, const char *key, int64_t number)
{
	js_put(object, key, made(json_integer(number)));
}

void js_put_real(struct js *object, const char *key, double number)
{
	js_put(object, key, made(json_real(number)));
}

void js_put_bool(struct js *object, const char *key, bool value)
{
	js_put(object, key, made(json_boolean(value)));
}

void js_append(struct js *array, struct js *value)
{
	json_array_append_new(theirs(array), theirs(value));
}

void js_append_integer(struct js *array, int64_t number)
{
	js_append(array, made(json_integer(number)));
}

void js_append_string(struct js *array, const char *text)
{
	js_append(array, made(json_string(text)));
}

struct js *js_copy(const struct js *j)
{
	return made(json_deep_copy(theirs(j)));
}

char *js_text(const struct js *j, enum js_form form)
{
	size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(6) |
		       (form == JS_INDENTED ? JSON_INDENT(2) : JSON_COMPACT);
	CLEANUP(mem_freep) char *text = json_dumps(theirs(j), flags);

	return mem_strdup(text ? text : "null");
}
