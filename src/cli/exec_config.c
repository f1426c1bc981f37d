#include "cli/exec_config.h"

#include "auth/docker_config.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/stream.h"
#include "wire/js.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 1000
#define WALK_FDS 8

static bool failed(struct err *err, const char *what, const char *path)
{
	return err_set(err, ERR_WRAPPER, "cannot %s '%s': %s", what, path, strerror(errno));
}

/* -- what the files say */

struct merge {
	struct js *into;
	const char *leave_out;
};

static bool copy_key(void *arg, const char *key, const struct js *value)
{
	struct merge *m = arg;

	if (!m->leave_out || strcmp(key, m->leave_out) != 0)
		js_put(m->into, key, js_copy(value));
	return true;
}

/* podman keeps logins for a part of a registry, which a helper is never told about. */
static bool find_part(void *arg, const char *key, const struct js *value)
{
	const char *host = arg;
	size_t len = strlen(host);

	(void)value;
	return strncmp(key, host, len) != 0 || key[len] != '/' || !key[len + 1] ||
	       strcmp(key + len, "/v1/") == 0 || strcmp(key + len, "/v2/") == 0;
}

bool private_config_text(const char *bytes, size_t len, const struct strings *hosts,
			 bool for_podman, char **ret, struct err *err)
{
	CLEANUP(js_freep) struct js *old = NULL, *new = js_object();
	struct merge top = { new, "credHelpers" }, inner = { js_object(), NULL };

	if (len && !js_parse(bytes, len, DOCKER_CONFIG_CEILING, ERR_WRAPPER, &old, err)) {
		js_free(inner.into);
		return false;
	}
	js_each(old, copy_key, &top);
	js_each(js_get(old, "credHelpers"), copy_key, &inner);
	for (size_t i = 0; i < hosts->count; i++) {
		const char *host = hosts->at[i];

		if (for_podman && !js_each(js_get(old, "auths"), find_part, (void *)host))
			continue;
		js_put_string(inner.into, for_podman ? host : docker_config_server(host),
			      EXEC_HELPER);
	}
	js_put(new, "credHelpers", inner.into);
	*ret = js_text(new, JS_INDENTED);
	return true;
}

/* -- where the user's are */

static char *user_directory(void)
{
	const char *named = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (named && *named)
		return mem_strdup(named);
	return home && *home ? mem_printf("%s/.docker", home) : NULL;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The first that podman would read; NULL when there is none. */
static char *user_auth_file(const char *docker_directory)
{
	const char *named = getenv("REGISTRY_AUTH_FILE"), *run = getenv("XDG_RUNTIME_DIR");
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *places[4] = {
		run && *run ? mem_printf("%s/containers/auth.json", run) : NULL,
		xdg && *xdg ? mem_printf("%s/containers/auth.json", xdg) : NULL,
		home && *home ? mem_printf("%s/.config/containers/auth.json", home) : NULL,
		docker_directory ? mem_printf("%s/config.json", docker_directory) : NULL,
	};
	char *found = named && *named ? mem_strdup(named) : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!found && places[i] && is_there(places[i]))
			found = TAKE(places[i]);
		free(places[i]);
	}
	return found;
}

static bool write_config(const char *from, const char *to, const struct strings *hosts,
			 bool for_podman, struct err *err)
{
	CLEANUP(buf_wipe) struct buf old = BUF_INIT(DOCKER_CONFIG_CEILING);
	char *text = NULL;
	bool ok;

	if (from && is_there(from) && !file_read_all(from, &old, err)) {
		err->code = ERR_WRAPPER;
		return false;
	}
	if (!private_config_text(buf_str(&old), old.len, hosts, for_podman, &text, err))
		return err_wrap(err, "'%s'", from);
	ok = file_write_all(to, text, strlen(text), 0600, err);
	secret_wipe(text, strlen(text));
	free(text);
	if (!ok)
		err->code = ERR_WRAPPER;
	return ok;
}

/* -- the directory */

static char *base_directory(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");

	if (run && *run == '/' && access(run, W_OK | X_OK) == 0)
		return mem_strdup(run);
	return mem_strdup(tmp && *tmp == '/' ? tmp : "/tmp");
}

static bool make_directory(struct private_config *p, struct err *err)
{
	CLEANUP(mem_freep) char *base = base_directory();

	p->directory = mem_printf("%s/landed-exec-XXXXXX", base);
	if (mkdtemp(p->directory))
		return true;
	failed(err, "make a directory like", p->directory);
	mem_replace(&p->directory, NULL);
	return false;
}

static bool link_entry(const struct private_config *p, const char *from, const char *name,
		       struct err *err)
{
	CLEANUP(mem_freep) char *absolute = realpath(from, NULL);
	CLEANUP(mem_freep) char *target = NULL, *link = NULL;

	if (!absolute)
		return true; /* gone meanwhile */
	target = mem_printf("%s/%s", absolute, name);
	link = mem_printf("%s/%s", p->directory, name);
	return symlink(target, link) == 0 || failed(err, "make the link", link);
}

static bool is_ours(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "config.json") ||
	       !strcmp(name, "auth.json") || !strcmp(name, "bin");
}

static bool link_rest(const struct private_config *p, const char *from, struct err *err)
{
	DIR *dir = from ? opendir(from) : NULL;
	const struct dirent *entry;
	bool ok = true;

	if (!dir)
		return true; /* most people who push have none */
	for (int i = 0; ok && i < ENTRIES_MAX && (entry = readdir(dir)); i++)
		ok = is_ours(entry->d_name) || link_entry(p, from, entry->d_name, err);
	closedir(dir);
	return ok;
}

static bool link_helper(const struct private_config *p, struct err *err)
{
	CLEANUP(mem_freep) char *program = realpath("/proc/self/exe", NULL);
	CLEANUP(mem_freep) char *bin = mem_printf("%s/bin", p->directory);
	CLEANUP(mem_freep) char *link = mem_printf("%s/docker-credential-" EXEC_HELPER, bin);

	if (!program)
		return failed(err, "find", "/proc/self/exe");
	return (mkdir(bin, 0700) == 0 && symlink(program, link) == 0) ||
	       failed(err, "make the link", link);
}

static void set(struct private_config *p, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *text = mem_printf("%s=%s", name, value ? value : "");

	strings_add(&p->environment, text);
}

static void set_environment(struct private_config *p)
{
	const char *path = getenv("PATH");
	CLEANUP(mem_freep) char *auth = mem_printf("%s/auth.json", p->directory);
	CLEANUP(mem_freep)
	char *longer = mem_printf("%s/bin:%s", p->directory,
				  path && *path ? path : "/usr/local/bin:/usr/bin:/bin");

	set(p, "DOCKER_CONFIG", p->directory);
	set(p, "REGISTRY_AUTH_FILE", auth);
	set(p, "PATH", longer);
}

static bool fill(struct private_config *p, const struct strings *hosts, struct err *err)
{
	CLEANUP(mem_freep) char *user = user_directory(), *user_auth = user_auth_file(user);
	CLEANUP(mem_freep) char *from = user ? mem_printf("%s/config.json", user) : NULL;
	CLEANUP(mem_freep) char *config = mem_printf("%s/config.json", p->directory);
	CLEANUP(mem_freep) char *auth = mem_printf("%s/auth.json", p->directory);

	set_environment(p);
	return write_config(from, config, hosts, false, err) &&
	       write_config(user_auth, auth, hosts, true, err) && link_rest(p, user, err) &&
	       link_helper(p, err);
}

bool private_config_new(const struct strings *hosts, struct private_config **ret, struct err *err)
{
	CLEANUP(private_config_freep) struct private_config *p = NEW(struct private_config);

	if (!make_directory(p, err) || !fill(p, hosts, err))
		return false;
	*ret = TAKE(p);
	return true;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *walk)
{
	(void)s;
	(void)kind;
	(void)walk;
	remove(path);
	return 0;
}

void private_config_free(struct private_config *p)
{
	if (!p)
		return;
	if (p->directory)
		nftw(p->directory, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
	free(p->directory);
	strings_clear(&p->environment);
	free(p);
}
