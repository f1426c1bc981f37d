#include "kube/splitter.h"

#include <string.h>

void splitter_init(struct splitter *s, enum splitter_form form, size_t object_ceiling)
{
	*s = (struct splitter){
		.form = form,
		.value = BUF_INIT(object_ceiling),
		.rest = BUF_INIT(SPLITTER_REST_CEILING),
	};
}

void splitter_clear(struct splitter *s)
{
	buf_clear(&s->value);
	buf_clear(&s->rest);
}

/* Where bytes go that are a part of no object. */
static struct buf *elsewhere(struct splitter *s)
{
	return s->form == SPLITTER_LIST ? &s->rest : NULL;
}

/* Between objects, where the next one may begin. */
static bool is_between(const struct splitter *s)
{
	return !s->in_value &&
	       (s->form == SPLITTER_STREAM ? s->depth == 0 : s->in_items && s->depth == 2);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct buf *in_string(struct splitter *s, char c)
{
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->in_string = false;
	if (s->in_string && s->depth == 1 && !s->in_value) {
		if (s->key_len < sizeof(s->key))
			s->key[s->key_len] = c;
		s->key_len++;
	}
	return s->in_value ? &s->value : elsewhere(s);
}

static struct buf *begin_string(struct splitter *s)
{
	s->in_string = true;
	if (!s->in_value)
		s->key_len = 0;
	s->broken = is_between(s);
	return s->in_value ? &s->value : elsewhere(s);
}

static struct buf *begin_nested(struct splitter *s, char c)
{
	static const char items[] = { 'i', 't', 'e', 'm', 's' };

	if (is_between(s)) {
		s->in_value = c == '{';
		s->broken = c != '{';
	} else if (s->form == SPLITTER_LIST && s->depth == 0) {
		s->broken = c != '{' || s->complete;
	} else if (s->form == SPLITTER_LIST && s->depth == 1 && c == '[') {
		s->in_items =
			s->key_len == sizeof(items) && memcmp(s->key, items, sizeof(items)) == 0;
	}
	s->depth++;
	return s->in_value ? &s->value : elsewhere(s);
}

static struct buf *end_nested(struct splitter *s)
{
	bool in_value = s->in_value;

	if (s->depth == 0) {
		s->broken = true;
		return NULL;
	}
	s->depth--;
	if (s->in_value && s->depth == (s->form == SPLITTER_STREAM ? 0 : 2)) {
		s->in_value = false;
		s->ready = true;
	}
	if (!in_value && s->depth == 1)
		s->in_items = false;
	if (s->form == SPLITTER_LIST && s->depth == 0)
		s->complete = true;
	return in_value ? &s->value : elsewhere(s);
}

static struct buf *other(struct splitter *s, char c)
{
	if (is_between(s)) {
		s->broken = !is_blank(c) && (c != ',' || s->form == SPLITTER_STREAM);
		return NULL;
	}
	if (s->depth == 0 && !is_blank(c))
		s->broken = true;
	return s->in_value ? &s->value : elsewhere(s);
}

/* The buffer that C belongs to, NULL for none. */
static struct buf *step(struct splitter *s, char c)
{
	if (s->in_string)
		return in_string(s, c);
	switch (c) {
	case '"':
		return begin_string(s);
	case '{':
	case '[':
		return begin_nested(s, c);
	case '}':
	case ']':
		return end_nested(s);
	default:
		return other(s, c);
	}
}

static void keep(struct splitter *s, struct buf *to, const char *bytes, size_t len)
{
	if (to && !buf_add(to, bytes, len))
		s->broken = true;
}

enum split splitter_feed(struct splitter *s, const char *bytes, size_t len, size_t *ret_used)
{
	size_t begin = 0, i = 0;
	struct buf *to = NULL;

	if (s->ready)
		s->value.len = 0;
	s->ready = false;
	while (i < len && !s->ready && !s->broken) {
		struct buf *next = step(s, bytes[i]);

		if (next != to)
			keep(s, to, bytes + begin, i - begin);
		if (next != to)
			begin = i;
		to = next;
		i++;
	}
	keep(s, to, bytes + begin, i - begin);
	*ret_used = i;
	if (s->broken)
		return SPLIT_BROKEN;
	return s->ready ? SPLIT_OBJECT : SPLIT_MORE;
}
