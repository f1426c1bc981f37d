/*
 * docker-config: what docker and podman have stored or ask their credential helpers for. The files are read and
 * the helpers run again for each renewal, so that a `docker login` beside us counts.
 */
#include "auth/docker_config.h"
#include "auth/subprocess.h"
#include "base/mem.h"
#include "base/stream.h"

#include <string.h>
#include <unistd.h>

struct docker_config_source {
	struct source source;
	char *authfile;
};

#define PATHS_MAX 5
struct paths {
	char *at[PATHS_MAX];
	size_t count;
	bool first_must_exist; /* it was named, not found in a usual place */
};

static void add_path(struct paths *p, const char *dir, const char *rest)
{
	if (dir && *dir && p->count < PATHS_MAX)
		p->at[p->count++] = mem_printf("%s%s", dir, rest);
}

static void paths_clear(struct paths *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->at[i]);
}

static struct paths usual_paths(const char *authfile)
{
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	const char *docker = getenv("DOCKER_CONFIG");
	struct paths p = { 0 };

	if (named && *named) {
		add_path(&p, named, "");
		p.first_must_exist = true;
		if (authfile)
			return p;
	}
	if (docker && *docker)
		add_path(&p, docker, "/config.json");
	else
		add_path(&p, getenv("HOME"), "/.docker/config.json");
	add_path(&p, getenv("XDG_RUNTIME_DIR"), "/containers/auth.json");
	add_path(&p, getenv("HOME"), "/.config/containers/auth.json");
	return p;
}

static struct credential *new_credential(const struct world *w, const char *user,
					 const struct secret *secret, bool is_identity_token,
					 const char *source)
{
	struct credential *c = NEW(struct credential);

	c->user = mem_strdup_or_null(is_identity_token ? NULL : user);
	c->secret = secret_dup(secret);
	c->is_identity_token = is_identity_token;
	c->life = (struct token_life){ .minted_ms = world_now_ms(w), .expires_ms = NEVER_MS };
	c->source = mem_strdup(source);
	return c;
}

/* The protocol's only way to say "I do not know that registry" (docker-credential-helpers). */
static bool says_not_found(const char *text)
{
	return strcasestr(text, "credentials not found") != NULL;
}

static bool helper_failed(const char *program, int code, const char *out, const char *errout,
			  struct err *err)
{
	const char *words = *out ? out : errout; /* the protocol has them on stdout */

	err_set(err, ERR_NO_CREDENTIAL, "'%s' failed with exit code %d", program, code);
	if (*words)
		err_evidence(err, "%.*s", (int)strcspn(words, "\r\n"), words);
	err_hint(err, "run the helper by hand: echo REGISTRY | %s get", program);
	return false;
}

static bool parse_helper_answer(const struct world *w, const char *program, const struct buf *out,
				struct credential **ret, struct err *err)
{
	struct credential *c = NULL;

	if (!credential_parse(buf_str(out), out->len, "", world_now_ms(w), clock_wall_ms(w->clock),
			      &c, err))
		return err_wrap(err, "the answer of '%s'", program);
	c->source = mem_strdup(program);
	*ret = c;
	return true;
}

/* *ret is NULL when the helper does not know HOST. */
static bool ask_helper(const struct world *w, const char *helper, const char *host,
		       struct credential **ret, struct err *err)
{
	CLEANUP(mem_freep) char *program = mem_printf("docker-credential-%s", helper);
	const char *const argv[] = { program, "get", NULL };
	struct buf out = BUF_INIT(64 * KIB), errout = BUF_INIT(4 * KIB);
	int code = 0;
	bool ok = subprocess_run(w, argv, docker_config_server(host), &out, &errout, &code, err);

	if (ok && code == 0)
		ok = parse_helper_answer(w, program, &out, ret, err);
	else if (ok && !says_not_found(buf_str(&out)) && !says_not_found(buf_str(&errout)))
		ok = helper_failed(program, code, buf_str(&out), buf_str(&errout), err);
	if (out.data)
		secret_wipe(out.data, out.len);
	buf_clear(&out);
	buf_clear(&errout);
	return ok;
}

static bool use_entry(const struct world *w, const char *path,
		      const struct credential_target *target,
		      const struct docker_config_entry *entry, struct credential **ret,
		      struct err *err)
{
	if (entry->helper) {
		if (!ask_helper(w, entry->helper, target->host, ret, err))
			return false;
		if (*ret)
			return true;
	}
	if (entry->secret)
		*ret = new_credential(w, entry->user, entry->secret, entry->is_identity_token,
				      path);
	return true;
}

static bool read_config(const char *path, bool must_exist, struct buf *text, bool *ret_there,
			struct err *err)
{
	*ret_there = must_exist || access(path, F_OK) == 0;
	if (!*ret_there)
		return true;
	if (file_read_all(path, text, err))
		return true;
	err->code = ERR_NO_CREDENTIAL;
	return false;
}

static bool ask_file(const struct world *w, const char *path, bool must_exist,
		     const struct credential_target *target, struct credential **ret,
		     struct err *err)
{
	struct buf text = BUF_INIT(DOCKER_CONFIG_CEILING);
	struct docker_config_entry entry = { 0 };
	bool there, ok;

	ok = read_config(path, must_exist, &text, &there, err);
	if (ok && there) {
		ok = docker_config_lookup(buf_str(&text), text.len, target, &entry, err) &&
		     use_entry(w, path, target, &entry, ret, err);
		if (!ok)
			err_wrap(err, "'%s'", path);
	}
	if (text.data)
		secret_wipe(text.data, text.len);
	buf_clear(&text);
	docker_config_entry_clear(&entry);
	return ok;
}

static bool docker_config_obtain(struct source *s, const struct world *w,
				 const struct credential_target *target, struct credential **ret,
				 struct err *err)
{
	CLEANUP(paths_clear)
	struct paths paths = usual_paths(((struct docker_config_source *)s)->authfile);

	*ret = NULL;
	for (size_t i = 0; i < paths.count && !*ret; i++)
		if (!ask_file(w, paths.at[i], i == 0 && paths.first_must_exist, target, ret, err))
			return false;
	return true;
}

static void docker_config_free(struct source *s)
{
	free(((struct docker_config_source *)s)->authfile);
	free(s);
}

static const struct source_ops docker_config_ops = {
	.obtain = docker_config_obtain,
	.free = docker_config_free,
};

struct source *source_docker_config_new(const char *authfile)
{
	struct docker_config_source *d = NEW(struct docker_config_source);

	d->source.ops = &docker_config_ops;
	d->authfile = mem_strdup_or_null(authfile);
	return &d->source;
}
