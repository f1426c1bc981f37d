#include "image/v1_id.h"

#include "base/mem.h"
#include "wire/js.h"

#include <stdlib.h>
#include <string.h>

#define HEX_LEN 64
#define JSON_CEILING (256 * KIB)
#define KEYS_MAX 64

struct v1_id {
	const struct pending *pending;
	struct digest *chain_ids; /* per place in the image */
	char dir[HEX_LEN + 1];	  /* "" when none is remembered */
	struct js *json;
};

/* OCI image 1.1, config.md, "Layer ChainID". */
static void compute_chain_ids(struct v1_id *v)
{
	const struct pending *p = v->pending;

	v->chain_ids = mem_alloc((p->order_count + 1) * sizeof(*v->chain_ids));
	for (size_t i = 0; i < p->order_count; i++) {
		const char *diff_id = p->layers[p->order[i]].diff_id.text;
		CLEANUP(mem_freep) char *text = NULL;

		if (i > 0)
			text = mem_printf("%s %s", v->chain_ids[i - 1].text, diff_id);
		v->chain_ids[i] =
			i > 0 ? digest_of(text, strlen(text)) : p->layers[p->order[i]].diff_id;
	}
}

struct v1_id *v1_id_new(const struct pending *p)
{
	struct v1_id *v = NEW(struct v1_id);

	v->pending = p;
	compute_chain_ids(v);
	return v;
}

void v1_id_free(struct v1_id *v)
{
	if (!v)
		return;
	js_free(v->json);
	free(v->chain_ids);
	free(v);
}

static bool is_in_dir(const char *name, const char *file)
{
	return strspn(name, "0123456789abcdef") == HEX_LEN && name[HEX_LEN] == '/' &&
	       strcmp(name + HEX_LEN + 1, file) == 0;
}

bool v1_id_take(struct v1_id *v, const char *name, const char *bytes, size_t len)
{
	struct err ignored = ERR_INIT;

	if (!is_in_dir(name, "json"))
		return false;
	js_free(v->json);
	v->json = NULL;
	v->dir[0] = '\0';
	if (js_parse(bytes, len, JSON_CEILING, ERR_CORRUPT, &v->json, &ignored)) {
		memcpy(v->dir, name, HEX_LEN);
		v->dir[HEX_LEN] = '\0';
	}
	err_clear(&ignored);
	return true;
}

/* The text that was hashed: keys sorted, values as they are. */

struct member {
	const char *key;
	char *value;
};

struct members {
	struct member at[KEYS_MAX];
	size_t count;
	bool with_os;
};

static void members_clear(struct members *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->at[i].value);
}

/* Go writes these three otherwise (encoding/json, "HTMLEscape"); they only stand in strings. */
static char *as_go_writes(const char *text)
{
	struct buf out = BUF_INIT(BUF_TEXT_CEILING);

	for (; *text; text++) {
		if (strchr("<>&", *text))
			buf_printf(&out, "\\u%04x", (unsigned int)*text);
		else
			buf_putc(&out, *text);
	}
	return buf_take(&out);
}

static bool add(struct members *m, const char *key, char *value)
{
	if (m->count == KEYS_MAX) {
		free(value);
		return false;
	}
	m->at[m->count++] = (struct member){ key, value };
	return true;
}

static bool add_value(void *arg, const char *key, const struct js *value)
{
	struct members *m = arg;
	CLEANUP(mem_freep) char *text = NULL;

	if (strcmp(key, "id") == 0 || strcmp(key, "parent") == 0 ||
	    (strcmp(key, "os") == 0 && !m->with_os))
		return true;
	text = js_text(value, JS_COMPACT);
	return add(m, key, as_go_writes(text));
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static struct digest hash_members(struct members *m)
{
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);
	struct digest d;

	qsort(m->at, m->count, sizeof(m->at[0]), by_key);
	for (size_t i = 0; i < m->count; i++)
		buf_printf(&text, "%s\"%s\":%s", i ? "," : "{", m->at[i].key, m->at[i].value);
	buf_putc(&text, '}');
	d = digest_of(buf_str(&text), text.len);
	buf_clear(&text);
	return d;
}

/* Below the top layer the engine adds "os" after it has made the ID. */
static bool is_made_of(const struct v1_id *v, const struct digest *chain_id, bool with_os)
{
	const char *parent = js_string(js_get(v->json, "parent"));
	CLEANUP(members_clear) struct members m = { .with_os = with_os };
	struct digest d;

	if (!js_each(v->json, add_value, &m) ||
	    !add(&m, "layer_id", mem_printf("\"%s\"", chain_id->text)) ||
	    (parent && !add(&m, "parent", mem_printf("\"sha256:%s\"", parent))))
		return false;
	d = hash_members(&m);
	return strcmp(digest_hex(&d), v->dir) == 0;
}

size_t v1_id_layer(const struct v1_id *v, const char *name)
{
	const struct pending *p = v->pending;

	if (!*v->dir || !is_in_dir(name, "layer.tar") || memcmp(name, v->dir, HEX_LEN) != 0)
		return p->layer_count;
	for (size_t i = 0; i < p->order_count; i++)
		if (is_made_of(v, &v->chain_ids[i], false) || is_made_of(v, &v->chain_ids[i], true))
			return p->order[i];
	return p->layer_count;
}
