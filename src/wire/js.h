/*
 * JSON, read from bytes that somebody else wrote and composed for those who read us. A thin skin over the
 * library, so that no other room knows which one it is.
 *
 * A document is owned by whoever parsed or made it (js_free); what js_get, js_at and js_string return lives as
 * long as the document. Every reader takes NULL and the wrong type for "not there".
 */
#ifndef WIRE_JS_H
#define WIRE_JS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct js;

/*
 * One JSON text of LEN bytes, at most CEILING; nothing may follow it, no key may stand twice, NUL in a string
 * and nesting beyond the library's limit are refused. Fails with CODE, the caller's word for bad input.
 */
MUST_USE bool js_parse(const char *bytes, size_t len, size_t ceiling, enum err_code code,
		       struct js **ret, struct err *err);
void js_free(struct js *j);
DEFINE_FREEP(struct js, js_free)

bool js_is_object(const struct js *j);
bool js_is_array(const struct js *j);
bool js_is_null(const struct js *j); /* a null that stands there */
bool js_is_bool(const struct js *j);
const struct js *js_get(const struct js *object, const char *key);
size_t js_count(const struct js *array); /* 0 for what is no array */
const struct js *js_at(const struct js *array, size_t index);
const char *js_string(const struct js *j);
bool js_integer(const struct js *j, int64_t *ret);
bool js_number(const struct js *j, double *ret); /* integers and reals */
bool js_true(const struct js *j);

/* Calls each(arg, key, value) in the document's order until it returns false; returns whether all were seen. */
bool js_each(const struct js *object,
	     bool (*each)(void *arg, const char *key, const struct js *value), void *arg);

/*
 * A table per object that reads like its specification. Fields that the table does not name are ignored.
 *
 *	static const struct js_field fields[] = {
 *		{ "mediaType", JS_STRING, offsetof(struct x, media_type), JS_REQUIRED },
 *
 * JS_STRING fills a `const char *` that lives as long as the document, JS_INTEGER an int64_t, JS_BOOL a bool,
 * JS_OBJECT and JS_ARRAY a `const struct js *`. A field of another type is bad input; null is absence.
 */
enum js_type { JS_STRING, JS_INTEGER, JS_BOOL, JS_OBJECT, JS_ARRAY };
enum js_need { JS_OPTIONAL, JS_REQUIRED };

struct js_field {
	const char *name;
	enum js_type type;
	size_t offset;
	enum js_need need;
};

MUST_USE bool js_dispatch(const struct js *object, const struct js_field *fields, size_t count,
			  enum err_code code, void *target, struct err *err);

/* Composing. What is put into a document belongs to it; NULL text is left out. */
struct js *js_object(void);
struct js *js_array(void);
struct js *js_of_null(void);
struct js *js_of_bool(bool value);
struct js *js_of_integer(int64_t number);
struct js *js_of_real(double number);
struct js *js_of_string(const char *text);
void js_put(struct js *object, const char *key, struct js *value);
void js_put_string(struct js *object, const char *key, const char *text);
void js_put_integer(struct js *object, const char *key, int64_t number);
void js_put_real(struct js *object, const char *key, double number); /* six digits */
void js_put_bool(struct js *object, const char *key, bool value);
void js_append(struct js *array, struct js *value);
void js_append_integer(struct js *array, int64_t number);
void js_append_string(struct js *array, const char *text);

/* The same content once more, to be put into another document. */
struct js *js_copy(const struct js *j);

/* Keys in the order in which they were put; the caller frees. */
enum js_form { JS_COMPACT, JS_INDENTED };
char *js_text(const struct js *j, enum js_form form);

#endif
