#include "auth/docker_setup.h"

#include "auth/docker_config.h"
#include "base/mem.h"
#include "wire/digest.h"

#include <string.h>

#define HELPERS "credHelpers"

/* The text was parsed before: here it is only walked over. */

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Behind the string that begins at P. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

static const char *skip_value(const char *p)
{
	int depth = 0;

	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (depth == 0 && strchr(",]}", *p))
			break; /* behind a number or a word */
		depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
		p++;
	} while (*p && (depth > 0 || (p[-1] != '}' && p[-1] != ']' && p[-1] != '"' &&
				      !strchr(", \t\r\n]}", *p))));
	return p;
}

/* Where something stands in an object's text; NULLs when it has no such member. */
struct member {
	const char *key, *value, *end; /* of the one that was looked for */
	const char *before;	       /* end of the member before it */
	const char *next;	       /* key of the one behind it */
	const char *last;	       /* end of the last member; NULL in an empty object */
	const char *close;	       /* the object's brace */
};

static struct member find_member(const char *object, const char *name)
{
	struct member m = { 0 };
	const char *p = skip_blanks(object + 1);
	size_t len = strlen(name);

	while (*p == '"') {
		const char *key = p, *behind = skip_string(p), *value;

		value = skip_blanks(behind);
		value = skip_blanks(value + (*value == ':'));
		if (m.key && !m.next)
			m.next = key;
		p = skip_value(value);
		if ((size_t)(behind - key) == len + 2 && strncmp(key + 1, name, len) == 0) {
			m.key = key;
			m.value = value;
			m.end = p;
			m.before = m.last;
		}
		m.last = p;
		p = skip_blanks(p);
		if (*p == ',')
			p = skip_blanks(p + 1);
	}
	m.close = p;
	return m;
}

/* TEXT with NEW in the place of what stands from FROM to TO. The caller frees. */
static char *spliced(const char *text, const char *from, const char *to, const char *new)
{
	return mem_printf("%.*s%s%s", (int)(from - text), text, new, to);
}

/* The least that a line of the file is indented by; docker's own are by tabs. The caller frees. */
static char *indent_of(const char *text)
{
	const char *least = "\t";
	size_t least_len = 0;

	for (const char *line = text; (line = strchr(line, '\n'));) {
		size_t len = strspn(++line, " \t");

		if (len && line[len] != '\n' && (!least_len || len < least_len)) {
			least = line;
			least_len = len;
		}
	}
	return mem_strndup(least, least_len ? least_len : 1);
}

static char *inserted(const char *text, const struct member *m, int depth, const char *member)
{
	CLEANUP(mem_freep) char *one = indent_of(text);
	CLEANUP(mem_freep) char *indent = mem_printf("%s%s", one, depth > 1 ? one : "");
	CLEANUP(mem_freep) char *new = NULL;

	if (m->last) {
		new = mem_printf(",\n%s%s", indent, member);
		return spliced(text, m->last, m->last, new);
	}
	new = mem_printf("\n%s%s\n%s", indent, member, depth > 1 ? one : "");
	return spliced(text, m->close, m->close, new);
}

static char *with_helper(const char *text, const char *host, const char *helper)
{
	CLEANUP(mem_freep) char *one = indent_of(text);
	CLEANUP(mem_freep) char *value = mem_printf("\"%s\"", helper);
	CLEANUP(mem_freep) char *member = mem_printf("\"%s\": %s", host, value);
	CLEANUP(mem_freep) char *group = NULL;
	struct member top = find_member(skip_blanks(text), HELPERS), m;

	if (!top.key) {
		group = mem_printf("\"" HELPERS "\": {\n%s%s%s\n%s}", one, one, member, one);
		return inserted(text, &top, 1, group);
	}
	m = find_member(top.value, host);
	if (m.key)
		return spliced(text, m.value, m.end, value);
	return inserted(text, &m, 2, member);
}

/* A member goes with one of the commas beside it. */
static char *without(const char *text, const struct member *m)
{
	if (m->before)
		return spliced(text, m->before, m->end, "");
	return spliced(text, m->key, m->next ? m->next : skip_blanks(m->end), "");
}

static char *without_helper(const char *text, const char *host)
{
	struct member top = find_member(skip_blanks(text), HELPERS);
	struct member m = { 0 };

	if (top.key)
		m = find_member(top.value, host);
	if (!m.key)
		return mem_strdup(text);
	if (!m.before && !m.next)
		return without(text, &top); /* it was the only one */
	return without(text, &m);
}

static bool parse(const char *text, struct js **ret, struct err *err)
{
	const struct js *helpers;

	if (!js_parse(text, strlen(text), DOCKER_CONFIG_CEILING, ERR_LOCAL, ret, err))
		return false;
	helpers = js_get(*ret, HELPERS);
	if (js_is_object(*ret) && (!helpers || js_is_object(helpers)))
		return true;
	return err_set(err, ERR_LOCAL, "it is no configuration of docker's");
}

static bool has(const struct js *config, const char *host, const char *helper)
{
	const char *there = js_string(js_get(js_get(config, HELPERS), host));

	return helper ? there && strcmp(there, helper) == 0 : !there;
}

bool docker_setup_edit(const char *text, const char *host, const char *helper, char **ret_text,
		       char **ret_before, struct err *err)
{
	CLEANUP(js_freep) struct js *before = NULL;
	CLEANUP(js_freep) struct js *after = NULL;
	CLEANUP(mem_freep) char *edited = NULL;

	if (!parse(text, &before, err))
		return false;
	edited = helper ? with_helper(text, host, helper) : without_helper(text, host);
	if (!parse(edited, &after, err) || !has(after, host, helper)) {
		err_clear(err);
		return err_set(err, ERR_LOCAL, "it is written in a way that cannot be edited");
	}
	*ret_before = mem_strdup_or_null(js_string(js_get(js_get(before, HELPERS), host)));
	*ret_text = TAKE(edited);
	return true;
}

/* The record */

void docker_setup_record_clear(struct docker_setup_record *r)
{
	js_free(r->j);
	r->j = NULL;
}

void docker_setup_record_make(const char *before, const char *after, struct js *helpers,
			      struct docker_setup_record *ret)
{
	struct digest digest = digest_of(after, strlen(after));
	size_t from = 0, old_len = before ? strlen(before) : 0, new_len = strlen(after);
	CLEANUP(mem_freep) char *replaced = NULL;

	while (before && from < old_len && from < new_len && before[from] == after[from])
		from++;
	while (before && old_len > from && new_len > from &&
	       before[old_len - 1] == after[new_len - 1]) {
		old_len--;
		new_len--;
	}
	ret->j = js_object();
	js_put_string(ret->j, "after", digest.text);
	js_put_bool(ret->j, "created", !before);
	js_put_integer(ret->j, "from", (int64_t)from);
	js_put_integer(ret->j, "to", (int64_t)new_len);
	replaced = mem_strndup(before ? before + from : "", old_len - (before ? from : 0));
	js_put_string(ret->j, "replaced", replaced);
	js_put(ret->j, "helpers", helpers);
}

bool docker_setup_record_parse(const char *bytes, size_t len, struct docker_setup_record *ret,
			       struct err *err)
{
	return js_parse(bytes, len, DOCKER_CONFIG_CEILING, ERR_LOCAL, &ret->j, err);
}

char *docker_setup_record_text(const struct docker_setup_record *r)
{
	return js_text(r->j, JS_INDENTED);
}

bool docker_setup_record_undo(const struct docker_setup_record *r, const char *text,
			      char **ret_before)
{
	const char *after = js_string(js_get(r->j, "after"));
	const char *replaced = js_string(js_get(r->j, "replaced"));
	struct digest digest = digest_of(text, strlen(text));
	int64_t from, to, len = (int64_t)strlen(text);

	*ret_before = NULL;
	if (!after || strcmp(after, digest.text) != 0)
		return false;
	if (js_true(js_get(r->j, "created")))
		return true;
	if (!replaced || !js_integer(js_get(r->j, "from"), &from) ||
	    !js_integer(js_get(r->j, "to"), &to) || from < 0 || to < from || to > len)
		return false;
	*ret_before = spliced(text, text + from, text + to, replaced);
	return true;
}

const struct js *docker_setup_record_helpers(const struct docker_setup_record *r)
{
	return js_get(r->j, "helpers");
}
