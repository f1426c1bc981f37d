#include "auth/gcloud_config.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"

#include <ctype.h>
#include <string.h>

#define NAME_CEILING 4096

/* A piece of the text that is being read. */
struct span {
	const char *at;
	size_t len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct span trim(const char *from, const char *to)
{
	while (from < to && is_space(*from))
		from++;
	while (from < to && is_space(to[-1]))
		to--;
	return (struct span){ from, (size_t)(to - from) };
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* Keys have no case, sections do (Python's configparser). */
static bool span_is_key(struct span s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f)
			return true;
	return false;
}

struct ini {
	const char *section, *key;
	bool inside;   /* the section that is wanted */
	bool in_value; /* what is indented belongs to a value */
	struct span value;
};

static bool take_line(struct ini *ini, struct span whole, bool indented, struct err *err)
{
	size_t name_len = 0;

	if (!whole.len || whole.at[0] == '#' || whole.at[0] == ';' || (indented && ini->in_value))
		return true;
	if (whole.at[0] == '[' && whole.at[whole.len - 1] == ']') {
		ini->inside = span_is((struct span){ whole.at + 1, whole.len - 2 }, ini->section);
		ini->in_value = false;
		return true;
	}
	while (name_len < whole.len && whole.at[name_len] != '=' && whole.at[name_len] != ':')
		name_len++;
	if (!name_len || name_len == whole.len)
		return err_set(err, ERR_NO_CREDENTIAL, "neither a section nor 'name = value'");
	ini->in_value = true;
	if (ini->inside && span_is_key(trim(whole.at, whole.at + name_len), ini->key))
		ini->value = trim(whole.at + name_len + 1, whole.at + whole.len);
	return true;
}

bool gcloud_ini_get(const char *bytes, size_t len, const char *section, const char *key, char **ret,
		    struct err *err)
{
	struct ini ini = { .section = section, .key = key };
	const char *end = bytes + len;
	int number = 1;

	*ret = NULL;
	for (const char *from = bytes; from < end; number++) {
		const char *newline = memchr(from, '\n', (size_t)(end - from));
		const char *to = newline ? newline : end;

		if (!take_line(&ini, trim(from, to), is_space(*from), err))
			return err_wrap(err, "line %d", number);
		from = to + 1;
	}
	if (has_control(ini.value))
		return err_set(err, ERR_NO_CREDENTIAL, "%s/%s has control characters in it",
			       section, key);
	if (ini.value.len)
		*ret = mem_strndup(ini.value.at, ini.value.len);
	return true;
}

char *gcloud_config_dir(void)
{
	const char *named = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");

	if (named && *named)
		return mem_strdup(named);
	return home && *home ? mem_printf("%s/.config/gcloud", home) : NULL;
}

static bool is_name(const char *text)
{
	return *text && *text != '.' && !strchr(text, '/');
}

/* *ret_chosen: somebody said so, it is not only the name that gcloud begins with. */
static bool active_name(const char *dir, char **ret, bool *ret_chosen, struct err *err)
{
	const char *said = getenv("CLOUDSDK_ACTIVE_CONFIG_NAME");
	CLEANUP(mem_freep) char *path = mem_printf("%s/active_config", dir);
	CLEANUP(buf_clear) struct buf text = BUF_INIT(NAME_CEILING);
	struct err failed = ERR_INIT;
	struct span name;

	if (said && *said) {
		*ret = mem_strdup(said);
	} else if (file_read_all(path, &text, &failed)) {
		name = trim(buf_str(&text), buf_str(&text) + strcspn(buf_str(&text), "\n"));
		*ret = mem_strndup(name.at, name.len);
	} else if (failed.code == ERR_NO_SOURCE) {
		err_clear(&failed);
		*ret = mem_strdup("default");
	} else {
		failed.code = ERR_NO_CREDENTIAL;
		err_move(err, &failed);
		return false;
	}
	*ret_chosen = strcmp(*ret, "default") != 0;
	return is_name(*ret) || err_set(err, ERR_NO_CREDENTIAL,
					"'%.80s' is no name of a gcloud configuration", *ret);
}

bool gcloud_config_read(struct gcloud_config *ret, struct err *err)
{
	CLEANUP(mem_freep) char *name = NULL;
	struct buf text = BUF_INIT(GCLOUD_CONFIG_CEILING);
	struct err failed = ERR_INIT;
	bool chosen;

	*ret = (struct gcloud_config){ .dir = gcloud_config_dir() };
	if (!ret->dir)
		return true;
	if (!active_name(ret->dir, &name, &chosen, err))
		return false;
	if (strcmp(name, "NONE") == 0) /* gcloud's own word for it */
		return true;
	ret->path = mem_printf("%s/configurations/config_%s", ret->dir, name);
	if (file_read_all(ret->path, &text, &failed)) {
		ret->ini_len = text.len;
		ret->ini = buf_take(&text);
		return true;
	}
	buf_clear(&text);
	if (failed.code == ERR_NO_SOURCE && !chosen) {
		err_clear(&failed);
		return true;
	}
	failed.code = ERR_NO_CREDENTIAL;
	err_move(err, &failed);
	return err_wrap(err, "gcloud's configuration '%s'", name);
}

void gcloud_config_clear(struct gcloud_config *c)
{
	free(c->dir);
	free(c->ini);
	free(c->path);
	*c = (struct gcloud_config){ 0 };
}

static const char *from_environment(const char *section, const char *key)
{
	CLEANUP(mem_freep) char *name = mem_printf("CLOUDSDK_%s_%s", section, key);
	const char *value;

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	value = getenv(name);
	return value && *value ? value : NULL;
}

bool gcloud_property(const struct gcloud_config *c, const char *section, const char *key,
		     char **ret, struct err *err)
{
	*ret = mem_strdup_or_null(from_environment(section, key));
	if (*ret || !c->ini)
		return true;
	return gcloud_ini_get(c->ini, c->ini_len, section, key, ret, err) ||
	       err_wrap(err, "'%s'", c->path);
}
