#include "kube/yaml.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <yaml.h>

/* Where YAML's own tags begin. */
#define YAML_TAG_OWN "tag:yaml.org,2002:"

/* A text counts as one more value for each so many bytes. */
#define LONG_TEXT 64

struct anchor {
	char *name;
	struct js *value;
	size_t values; /* that it is made of */
};

struct reader {
	yaml_parser_t parser;
	enum err_code code;
	struct err *err;
	size_t depth;
	size_t values;
	struct anchor anchors[YAML_ANCHORS_MAX];
	size_t anchor_count;
};

static void reader_clear(struct reader *r)
{
	for (size_t i = 0; i < r->anchor_count; i++) {
		free(r->anchors[i].name);
		js_free(r->anchors[i].value);
	}
	yaml_parser_delete(&r->parser);
}

static bool refuse(struct reader *r, const char *why)
{
	return err_set(r->err, r->code, "not valid YAML: %s (line %zu)", why,
		       r->parser.mark.line + 1);
}

static bool next(struct reader *r, yaml_event_t *ret)
{
	if (yaml_parser_parse(&r->parser, ret))
		return true;
	/* a library's own words: constants, which quote nothing of the file */
	return refuse(r, r->parser.problem ? r->parser.problem : "out of memory");
}

/* Plain words */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static const char *const words_null[] = { "", "~", "null", "Null", "NULL", NULL };
static const char *const words_true[] = { "y",	"Y",  "yes",  "Yes",  "YES",  "on",
					  "On", "ON", "true", "True", "TRUE", NULL };
static const char *const words_false[] = { "n",	  "N",	 "no",	  "No",	   "NO",    "off",
					   "Off", "OFF", "false", "False", "FALSE", NULL };
static const char *const words_infinite[] = { ".inf",  ".Inf",	".INF",	 "+.inf", "+.Inf",
					      "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
					      ".NaN",  ".NAN",	NULL };

/* Digits of BASE, all of TEXT; *ret is 0 beyond what 64 bits hold. */
static bool is_integer(const char *text, int base, int64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	*ret = strtoll(text, &end, base);
	return *end == '\0' && errno == 0;
}

/* "0x1F", "0o17", "017", "0b11", "12", with a sign and with underscores between. */
static bool is_any_integer(const char *text, int64_t *ret)
{
	static const struct {
		const char *prefix;
		int base;
	} bases[] = { { "0x", 16 }, { "0X", 16 }, { "0o", 8 }, { "0O", 8 },
		      { "0b", 2 },  { "0B", 2 },  { "0", 8 },  { "", 10 } };
	bool negative = *text == '-';

	if (*text == '-' || *text == '+')
		text++;
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		size_t len = strlen(bases[i].prefix);

		if (strncmp(text, bases[i].prefix, len) == 0 &&
		    is_integer(text + len, bases[i].base, ret)) {
			*ret = negative ? -*ret : *ret;
			return true;
		}
	}
	return false;
}

static bool is_real(const char *text, double *ret)
{
	char *end;

	if (text[strspn(text, "+-.0123456789eE")] || !strpbrk(text, "0123456789"))
		return false;
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

/* NULL when TEXT is none. */
static struct js *number_of(const char *text)
{
	CLEANUP(mem_freep) char *digits = NULL;
	size_t len = 0;
	int64_t integer;
	double real;

	if (!isdigit((unsigned char)*text) && !strchr("+-.", *text))
		return NULL;
	digits = mem_alloc(strlen(text) + 1);
	for (const char *c = text; *c; c++)
		if (*c != '_')
			digits[len++] = *c;
	if (is_any_integer(digits, &integer))
		return js_of_integer(integer);
	return is_real(digits, &real) ? js_of_real(real) : NULL;
}

static bool read_plain(struct reader *r, const char *text, struct js **ret)
{
	struct js *number;

	if (is_one_of(text, words_infinite))
		return refuse(r, "a number without an end");
	if (is_one_of(text, words_null))
		*ret = js_of_null();
	else if (is_one_of(text, words_true))
		*ret = js_of_bool(true);
	else if (is_one_of(text, words_false))
		*ret = js_of_bool(false);
	else
		*ret = (number = number_of(text)) ? number : js_of_string(text);
	return true;
}

/* Of the tags only those of YAML itself change what a word is. */
static bool read_scalar(struct reader *r, const yaml_event_t *e, struct js **ret)
{
	const char *text = (const char *)e->data.scalar.value;
	const char *tag = (const char *)e->data.scalar.tag;
	bool plain = tag ? strncmp(tag, YAML_TAG_OWN, strlen(YAML_TAG_OWN)) == 0 &&
				     strcmp(tag, YAML_STR_TAG) != 0
			 : e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (strlen(text) != e->data.scalar.length)
		return refuse(r, "a NUL in a text");
	r->values += e->data.scalar.length / LONG_TEXT;
	if (plain)
		return read_plain(r, text, ret);
	*ret = js_of_string(text);
	return true;
}

/* Anchors and what they hold */

static bool keep_anchor(struct reader *r, const char *name, const struct js *value, size_t values)
{
	if (!name)
		return true;
	if (r->anchor_count == YAML_ANCHORS_MAX)
		return refuse(r, "too many anchors");
	r->anchors[r->anchor_count++] = (struct anchor){
		.name = mem_strdup(name),
		.value = js_copy(value),
		.values = values,
	};
	return true;
}

/* The last one of that name counts. */
static bool read_alias(struct reader *r, const char *name, struct js **ret)
{
	for (size_t i = r->anchor_count; i-- > 0;) {
		const struct anchor *a = &r->anchors[i];

		if (strcmp(a->name, name) != 0)
			continue;
		r->values += a->values;
		if (r->values > YAML_VALUES_MAX)
			return refuse(r, "too many values");
		*ret = js_copy(a->value);
		return true;
	}
	return refuse(r, "an alias of nothing");
}

/* Nodes */

static bool read_node(struct reader *r, yaml_event_t *e, struct js **ret);

static bool read_sequence(struct reader *r, struct js *array)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t e = { 0 };
		struct js *item = NULL;

		if (!next(r, &e))
			return false;
		if (e.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_node(r, &e, &item))
			return false;
		js_append(array, item);
	}
}

static bool put_if_new(void *arg, const char *key, const struct js *value)
{
	if (!js_get(arg, key))
		js_put(arg, key, js_copy(value));
	return true;
}

/* "<<": of a mapping, or of several, what is not there already. */
static bool merge(struct reader *r, struct js *object, const struct js *more)
{
	size_t count = js_is_array(more) ? js_count(more) : 1;

	for (size_t i = 0; i < count; i++) {
		const struct js *one = js_is_array(more) ? js_at(more, i) : more;

		if (!js_is_object(one))
			return refuse(r, "what is to be merged is no mapping");
		js_each(one, put_if_new, object);
	}
	return true;
}

static bool read_pair(struct reader *r, const yaml_event_t *key, struct js *object,
		      struct js **merged)
{
	const char *name = (const char *)key->data.scalar.value;
	CLEANUP(yaml_event_delete) yaml_event_t e = { 0 };
	struct js *value = NULL;

	if (key->type != YAML_SCALAR_EVENT || strlen(name) != key->data.scalar.length)
		return refuse(r, "a key that is no text");
	if (!next(r, &e) || !read_node(r, &e, &value))
		return false;
	if (strcmp(name, "<<") != 0 || key->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
		js_put(object, name, value);
		return true;
	}
	js_free(*merged);
	*merged = value;
	return true;
}

static bool read_mapping(struct reader *r, struct js *object)
{
	CLEANUP(js_freep) struct js *merged = NULL;

	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t key = { 0 };

		if (!next(r, &key))
			return false;
		if (key.type == YAML_MAPPING_END_EVENT)
			return !merged || merge(r, object, merged);
		if (!read_pair(r, &key, object, &merged))
			return false;
	}
}

static const yaml_char_t *anchor_of(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

static bool read_value(struct reader *r, yaml_event_t *e, struct js **ret)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, e, ret);
	case YAML_ALIAS_EVENT:
		return read_alias(r, (const char *)e->data.alias.anchor, ret);
	case YAML_SEQUENCE_START_EVENT:
		*ret = js_array();
		return read_sequence(r, *ret);
	case YAML_MAPPING_START_EVENT:
		*ret = js_object();
		return read_mapping(r, *ret);
	default:
		return refuse(r, "a value is missing");
	}
}

static bool read_node(struct reader *r, yaml_event_t *e, struct js **ret)
{
	CLEANUP(js_freep) struct js *value = NULL;
	size_t before = r->values++;

	if (r->depth == YAML_DEPTH_MAX)
		return refuse(r, "too deep");
	if (r->values > YAML_VALUES_MAX)
		return refuse(r, "too many values");
	r->depth++;
	if (!read_value(r, e, &value) ||
	    !keep_anchor(r, (const char *)anchor_of(e), value, r->values - before))
		return false;
	r->depth--;
	*ret = TAKE(value);
	return true;
}

static bool read_document(struct reader *r, struct js **ret)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t e = { 0 };

		if (!next(r, &e))
			return false;
		if (e.type == YAML_STREAM_END_EVENT)
			return true;
		if (e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_START_EVENT)
			return read_node(r, &e, ret);
	}
}

bool yaml_parse(const char *bytes, size_t len, size_t ceiling, enum err_code code, struct js **ret,
		struct err *err)
{
	CLEANUP(reader_clear) struct reader r = { .code = code, .err = err };
	CLEANUP(js_freep) struct js *value = NULL;

	*ret = NULL;
	if (len > ceiling)
		return err_set(err, code, "YAML of %zu bytes is longer than %zu", len, ceiling);
	if (!yaml_parser_initialize(&r.parser))
		return err_set(err, ERR_LOCAL, "out of memory");
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
	if (!read_document(&r, &value))
		return false;
	*ret = js_is_null(value) ? NULL : TAKE(value);
	return true;
}
