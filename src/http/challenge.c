#include "http/challenge.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

#define VALUE_CEILING (8 * KIB)

static bool is_token_char(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

static const char *skip_commas(const char *p)
{
	return p + strspn(p, " \t,");
}

static char *lower(const char *s, size_t len)
{
	char *copy = mem_strndup(s, len);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static size_t token_len(const char *p)
{
	size_t len = 0;

	while (is_token_char(p[len]))
		len++;
	return len;
}

/* *P is behind the opening quote; left behind the closing one. False when it never closes, or is too long. */
static bool parse_quoted(const char **p, char **ret)
{
	struct buf value = BUF_INIT(VALUE_CEILING);
	const char *c = *p;

	for (; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		if (!buf_add(&value, c, 1))
			break;
	}
	if (*c != '"') {
		buf_clear(&value);
		return false;
	}
	*p = c + 1;
	*ret = buf_take(&value);
	return true;
}

/* A value without quotes ends at a comma or space: registries write URLs there, which are no tokens. */
static char *parse_bare(const char **p)
{
	size_t len = strcspn(*p, ", \t");
	char *value = mem_strndup(*p, len);

	*p += len;
	return value;
}

static void add_param(struct challenge *c, char *name, char *value)
{
	if (c->param_count == CHALLENGE_PARAMS_MAX || challenge_param(c, name)) {
		free(name);
		free(value);
		return;
	}
	c->params[c->param_count++] = (struct challenge_param){ name, value };
}

/* One `name = value`; false, with *P unmoved, where none begins, or where its quotes never close. */
static bool parse_param(const char **p, struct challenge *c)
{
	size_t len = token_len(*p);
	const char *rest = skip_space(*p + len);
	char *name, *value = NULL;

	if (!len || *rest != '=')
		return false;
	rest = skip_space(rest + 1);
	if (*rest == '"') {
		rest++;
		if (!parse_quoted(&rest, &value))
			return false;
	} else {
		value = parse_bare(&rest);
	}
	name = lower(*p, len);
	add_param(c, name, value);
	*p = rest;
	return true;
}

/* After the scheme: parameters, or one token68 (of Negotiate and its kind), which nobody here needs. */
static const char *parse_params(const char *p, struct challenge *c)
{
	size_t token68 =
		strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");
	const char *end = p + token68 + strspn(p + token68, "=");

	if (token68 && (*skip_space(end) == ',' || *skip_space(end) == '\0'))
		return end;
	while (parse_param(&p, c))
		p = skip_commas(p);
	return p;
}

void challenges_parse(struct challenges *list, const char *value)
{
	const char *p = skip_commas(value);

	while (*p && list->count < CHALLENGES_MAX) {
		struct challenge *c = &list->at[list->count];
		size_t len = token_len(p);

		if (!len || (p[len] && !strchr(" \t,", p[len])))
			return;
		c->scheme = lower(p, len);
		list->count++;
		p = skip_space(p + len);
		if (*p && *p != ',')
			p = parse_params(p, c);
		p = skip_commas(p);
	}
}

void challenges_clear(struct challenges *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->at[i].scheme);
		for (size_t k = 0; k < list->at[i].param_count; k++) {
			free(list->at[i].params[k].name);
			free(list->at[i].params[k].value);
		}
	}
	*list = (struct challenges){ 0 };
}

const struct challenge *challenges_find(const struct challenges *list, const char *scheme)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->at[i].scheme, scheme) == 0)
			return &list->at[i];
	return NULL;
}

const char *challenge_param(const struct challenge *c, const char *name)
{
	for (size_t i = 0; i < c->param_count; i++)
		if (strcmp(c->params[i].name, name) == 0)
			return c->params[i].value;
	return NULL;
}
