#include "auth/docker_config.h"

#include "base/mem.h"
#include "wire/base64.h"
#include "wire/js.h"

#include <stdlib.h>
#include <string.h>

#define HUB_SERVER "https://index.docker.io/v1/"

void docker_config_entry_clear(struct docker_config_entry *e)
{
	free(e->helper);
	free(e->user);
	secret_free(e->secret);
	*e = (struct docker_config_entry){ 0 };
}

const char *docker_config_server(const char *host)
{
	return strcmp(host, "docker.io") == 0 ? HUB_SERVER : host;
}

static bool is_api_path(const char *path)
{
	return strcmp(path, "/") == 0 || strcmp(path, "/v1") == 0 || strcmp(path, "/v1/") == 0 ||
	       strcmp(path, "/v2") == 0 || strcmp(path, "/v2/") == 0;
}

/* "https://host/v1/" and "host" are the same registry; "host/team" is podman's for a part of it. */
static char *canonical_key(const char *key)
{
	const char *scheme = strstr(key, "://");
	char *name = mem_strdup(scheme ? scheme + 3 : key);
	char *slash = strchr(name, '/');

	if (slash && (scheme || is_api_path(slash)))
		*slash = '\0';
	if (strcmp(name, "index.docker.io") == 0 || strcmp(name, "registry-1.docker.io") == 0)
		mem_replace(&name, "docker.io");
	return name;
}

struct match {
	const char *wanted;
	const struct js *found;
};

static bool match_key(void *arg, const char *key, const struct js *value)
{
	struct match *m = arg;
	CLEANUP(mem_freep) char *name = canonical_key(key);

	if (strcasecmp(name, m->wanted) == 0)
		m->found = value;
	return !m->found;
}

/* The entry for "host/a/b", else "host/a", else "host". */
static const struct js *find(const struct js *object, const struct credential_target *target)
{
	CLEANUP(mem_freep) char *name = mem_printf("%s/%s", target->host, target->repository);

	for (;;) {
		struct match m = { .wanted = name };
		const struct js *exact =
			js_get(object, strchr(name, '/') ? name : docker_config_server(name));
		char *slash;

		if (exact)
			return exact;
		if (!js_each(object, match_key, &m) && m.found)
			return m.found;
		slash = strrchr(name, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
}

static bool parse_auth(const char *text, struct docker_config_entry *ret, struct err *err)
{
	CLEANUP(secret_freep) struct secret *pair = NULL;
	const char *clear, *colon;
	size_t len;

	if (!base64_decode(text, &pair))
		return err_set(err, ERR_NO_CREDENTIAL, "'auth' is not base64");
	clear = secret_reveal(pair);
	colon = strchr(clear, ':');
	if (!colon)
		return err_set(err, ERR_NO_CREDENTIAL, "'auth' is not the base64 of USER:PASSWORD");
	len = strlen(colon + 1); /* docker pads with NULs */
	ret->user = mem_strndup(clear, (size_t)(colon - clear));
	ret->secret = secret_new(colon + 1, len);
	return true;
}

static bool parse_stored(const struct js *entry, struct docker_config_entry *ret, struct err *err)
{
	const char *auth = js_string(js_get(entry, "auth"));
	const char *identity = js_string(js_get(entry, "identitytoken"));
	const char *user = js_string(js_get(entry, "username"));
	const char *password = js_string(js_get(entry, "password"));

	if (identity && *identity) {
		ret->secret = secret_new(identity, strlen(identity));
		ret->is_identity_token = true;
		return true;
	}
	if (auth && *auth)
		return parse_auth(auth, ret, err);
	if (user && password) {
		ret->user = mem_strdup(user);
		ret->secret = secret_new(password, strlen(password));
	}
	return true;
}

/* It becomes part of a program's name, nothing else. */
static bool take_helper(const char *name, bool is_default, struct docker_config_entry *ret,
			struct err *err)
{
	if (!*name ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    strlen(name))
		return err_set(err, ERR_NO_CREDENTIAL, "'%.80s' is no name of a credential helper",
			       name);
	ret->helper = mem_strdup(name);
	ret->helper_is_default = is_default;
	return true;
}

bool docker_config_lookup(const char *bytes, size_t len, const struct credential_target *target,
			  struct docker_config_entry *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *helper, *store;

	*ret = (struct docker_config_entry){ 0 };
	if (!js_parse(bytes, len, DOCKER_CONFIG_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return false;
	helper = js_string(find(js_get(j, "credHelpers"), target));
	store = js_string(js_get(j, "credsStore"));
	if (helper && *helper)
		return take_helper(helper, false, ret, err);
	if (store && *store && !take_helper(store, true, ret, err))
		return false;
	return parse_stored(find(js_get(j, "auths"), target), ret, err);
}
