#include "image/engine_place.h"

#include "base/mem.h"
#include "base/stream.h"
#include "http/url.h"
#include "wire/digest.h"
#include "wire/js.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/var/run/docker.sock"
#define SOCKET_HOST "http://localhost" /* a name for the Host header: nobody looks it up */
#define PORT_PLAIN "2375"
#define PORT_TLS "2376"

struct engine_environment engine_environment_of_process(void)
{
	return (struct engine_environment){
		.docker_host = getenv("DOCKER_HOST"),
		.docker_context = getenv("DOCKER_CONTEXT"),
		.docker_config = getenv("DOCKER_CONFIG"),
		.docker_tls = getenv("DOCKER_TLS"),
		.docker_tls_verify = getenv("DOCKER_TLS_VERIFY"),
		.docker_cert_path = getenv("DOCKER_CERT_PATH"),
		.home = getenv("HOME"),
		.xdg_runtime_dir = getenv("XDG_RUNTIME_DIR"),
	};
}

void engine_place_clear(struct engine_place *p)
{
	free(p->host);
	free(p->why);
	free(p->socket);
	free(p->url);
	free(p->cacert);
	free(p->cert);
	free(p->key);
	*p = (struct engine_place){ 0 };
}

static bool is_said(const char *value)
{
	return value && *value;
}

/* -- an address */

static bool refuse_address(const char *host, const char *why, struct err *err)
{
	err_set(err, ERR_USAGE, "'%.200s' is no address of an engine", host);
	err_cause(err, "%s", why);
	err_hint(err, "write unix:///PATH or tcp://HOST:PORT");
	return false;
}

static bool parse_socket(const char *host, const char *path, struct engine_place *ret,
			 struct err *err)
{
	struct sockaddr_un longest;

	if (!*path)
		path = DEFAULT_SOCKET;
	if (strlen(path) >= sizeof(longest.sun_path))
		return refuse_address(host, "a socket's path is at most 107 bytes long", err);
	mem_replace(&ret->socket, path);
	mem_replace(&ret->url, SOCKET_HOST);
	return true;
}

/* Where the port of "host:port" or "[v6]:port" begins, at its colon; NULL without one. */
static const char *port_of(const char *authority, size_t len)
{
	for (size_t i = len; i > 0 && authority[i - 1] != ']'; i--)
		if (authority[i - 1] == ':')
			return authority + i - 1;
	return NULL;
}

static bool authority_is_valid(const char *authority)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]";
	CLEANUP(mem_freep) char *url = mem_printf("http://%s/", authority);
	CLEANUP(mem_freep) char *read = url_authority(url);

	return authority[strspn(authority, allowed)] == '\0' && read;
}

static bool path_is_valid(const char *path)
{
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c == '?' || *c == '#' || *c == '\x7f')
			return false;
	return true;
}

/* docker's defaults: this machine, and a port by whether it is TLS. The caller frees. */
static char *whole_authority(const char *rest, size_t len, bool tls)
{
	const char *colon = port_of(rest, len);
	size_t name_len = colon ? (size_t)(colon - rest) : len;
	size_t port_len = colon ? len - name_len - 1 : 0;
	CLEANUP(mem_freep) char *name = mem_strndup(rest, name_len);
	CLEANUP(mem_freep) char *port = port_len ? mem_strndup(colon + 1, port_len) : NULL;

	return mem_printf("%s:%s", *name ? name : "localhost",
			  port	? port
			  : tls ? PORT_TLS
				: PORT_PLAIN);
}

static bool parse_network(const char *host, const char *rest, bool tls, struct engine_place *ret,
			  struct err *err)
{
	size_t len = strcspn(rest, "/");
	CLEANUP(mem_freep) char *authority = whole_authority(rest, len, tls);
	const char *path = rest + len;
	size_t path_len = strlen(path);

	if (!authority_is_valid(authority))
		return refuse_address(host, "its host or port is not valid", err);
	if (!path_is_valid(path))
		return refuse_address(host, "its path is not valid", err);
	while (path_len && path[path_len - 1] == '/')
		path_len--;
	free(ret->url);
	ret->url =
		mem_printf("%s://%s%.*s", tls ? "https" : "http", authority, (int)path_len, path);
	return true;
}

static bool scheme_is(const char *host, size_t len, const char *scheme)
{
	return len == strlen(scheme) && strncmp(host, scheme, len) == 0;
}

static bool refuse_scheme(const char *host, size_t len, struct err *err)
{
	if (!scheme_is(host, len, "ssh") && !scheme_is(host, len, "npipe"))
		return refuse_address(host, "its scheme is not known", err);
	err_set(err, ERR_USAGE,
		"the engine at '%.200s' cannot be spoken to: %.*s:// is not supported", host,
		(int)len, host);
	err_hint(err, "docker save IMAGE | landed push docker-archive:- REF");
	return false;
}

bool engine_place_parse(const char *host, bool tls, struct engine_place *ret, struct err *err)
{
	const char *colon = strstr(host, "://"), *rest = colon ? colon + 3 : host;
	size_t len = colon ? (size_t)(colon - host) : 0;

	if (!*host)
		return refuse_address(host, "it is empty", err);
	if (scheme_is(host, len, "unix"))
		return parse_socket(host, rest, ret, err);
	if (scheme_is(host, len, "https"))
		return parse_network(host, rest, true, ret, err);
	if (!colon || scheme_is(host, len, "tcp") || scheme_is(host, len, "http"))
		return parse_network(host, rest, tls, ret, err);
	return refuse_scheme(host, len, err);
}

/* -- docker's files */

struct endpoint {
	const char *host;
	bool skip_tls_verify;
};

static const struct js_field endpoint_fields[] = {
	{ "Host", JS_STRING, offsetof(struct endpoint, host), JS_REQUIRED },
	{ "SkipTLSVerify", JS_BOOL, offsetof(struct endpoint, skip_tls_verify), JS_OPTIONAL },
};

bool engine_context_parse(const char *bytes, size_t len, char **ret_host, bool *ret_skip_tls_verify,
			  struct err *err)
{
	CLEANUP(js_freep) struct js *meta = NULL;
	struct endpoint e = { 0 };
	const struct js *docker;

	if (!js_parse(bytes, len, ENGINE_CONTEXT_CEILING, ERR_LOCAL, &meta, err))
		return false;
	docker = js_get(js_get(meta, "Endpoints"), "docker");
	if (!docker)
		return err_set(err, ERR_LOCAL, "field 'Endpoints.docker' is missing");
	if (!js_dispatch(docker, endpoint_fields, ARRAY_SIZE(endpoint_fields), ERR_LOCAL, &e, err))
		return err_wrap(err, "Endpoints.docker");
	*ret_host = mem_strdup(e.host);
	*ret_skip_tls_verify = e.skip_tls_verify;
	return true;
}

static bool is_default_context(const char *name)
{
	return !is_said(name) || strcmp(name, "default") == 0;
}

char *engine_context_chosen(const char *bytes, size_t len)
{
	CLEANUP(js_freep) struct js *config = NULL;
	struct err ignored = ERR_INIT;
	const char *name;

	if (!js_parse(bytes, len, ENGINE_CONFIG_CEILING, ERR_LOCAL, &config, &ignored))
		err_clear(&ignored);
	name = js_string(js_get(config, "currentContext"));
	return is_default_context(name) ? NULL : mem_strdup(name);
}

/* NULL where the environment names neither. The caller frees. */
static char *docker_dir(const struct engine_environment *env)
{
	if (is_said(env->docker_config))
		return mem_strdup(env->docker_config);
	return is_said(env->home) ? mem_printf("%s/.docker", env->home) : NULL;
}

static char *context_name(const struct engine_environment *env, const char *dir)
{
	CLEANUP(mem_freep) char *path = NULL;
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(ENGINE_CONFIG_CEILING);
	struct err ignored = ERR_INIT;

	if (is_said(env->docker_context))
		return is_default_context(env->docker_context) ? NULL
							       : mem_strdup(env->docker_context);
	if (!dir)
		return NULL;
	path = mem_printf("%s/config.json", dir);
	if (!file_read_all(path, &text, &ignored)) {
		err_clear(&ignored);
		return NULL;
	}
	return engine_context_chosen(buf_str(&text), text.len);
}

/* -- TLS */

/* DIR/NAME if it is there: else NULL, and an error where it is NEEDED. */
static bool find_file(const char *dir, const char *name, bool needed, char **ret, struct err *err)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/%s", dir, name);

	if (access(path, R_OK) == 0)
		*ret = TAKE(path);
	else if (needed || errno != ENOENT)
		return err_set(err, ERR_LOCAL, "'%s': %s", path, strerror(errno));
	return true;
}

static bool find_certificates(const char *dir, bool needs_ca, struct engine_place *ret,
			      struct err *err)
{
	return find_file(dir, "ca.pem", needs_ca, &ret->cacert, err) &&
	       find_file(dir, "cert.pem", false, &ret->cert, err) &&
	       find_file(dir, "key.pem", ret->cert != NULL, &ret->key, err);
}

/* -- each way to say where it is */

static bool of_host(const struct engine_environment *env, const char *dir, struct engine_place *ret,
		    struct err *err)
{
	bool verify = is_said(env->docker_tls_verify), tls = verify || is_said(env->docker_tls);
	const char *certs = is_said(env->docker_cert_path) ? env->docker_cert_path : dir;

	ret->way = ENGINE_BY_HOST;
	ret->host = mem_strdup(env->docker_host);
	ret->why = mem_strdup("DOCKER_HOST");
	if (!engine_place_parse(ret->host, tls, ret, err))
		return err_wrap(err, "DOCKER_HOST");
	if (ret->socket || !tls)
		return true;
	ret->insecure = !verify;
	if (certs ? find_certificates(certs, verify, ret, err)
		  : err_set(err, ERR_LOCAL, "neither DOCKER_CERT_PATH nor HOME is set"))
		return true;
	err_hint(err, "put ca.pem, cert.pem and key.pem there, or name another DOCKER_CERT_PATH");
	return err_wrap(err, "DOCKER_TLS_VERIFY");
}

static bool read_context(const char *dir, const char *name, struct engine_place *ret,
			 struct err *err)
{
	struct digest d = digest_of(name, strlen(name));
	CLEANUP(mem_freep)
	char *meta = mem_printf("%s/contexts/meta/%s/meta.json", dir, digest_hex(&d));
	CLEANUP(mem_freep)
	char *tls_dir = mem_printf("%s/contexts/tls/%s/docker", dir, digest_hex(&d));
	CLEANUP(buf_clear) struct buf text = BUF_INIT(ENGINE_CONTEXT_CEILING);
	struct err why = ERR_INIT;

	if (!file_read_all(meta, &text, &why)) {
		err_set(err, why.code, "it is not there");
		err_evidence(err, "%s", why.message);
		err_clear(&why);
		return false;
	}
	if (!engine_context_parse(buf_str(&text), text.len, &ret->host, &ret->insecure, err))
		return err_wrap(err, "'%s'", meta);
	if (!find_certificates(tls_dir, false, ret, err))
		return false;
	return engine_place_parse(ret->host, ret->insecure || ret->cacert || ret->cert, ret, err);
}

static bool of_context(const char *dir, const char *name, struct engine_place *ret, struct err *err)
{
	ret->way = ENGINE_BY_CONTEXT;
	ret->why = mem_printf("docker's context '%s'", name);
	if (dir ? read_context(dir, name, ret, err)
		: err_set(err, ERR_NO_SOURCE, "neither HOME nor DOCKER_CONFIG is set"))
		return true;
	err_hint(err, "docker context use default");
	return err_wrap(err, "docker's context '%s' is chosen", name);
}

void engine_default_sockets(const struct engine_environment *env, char *ret[ENGINE_SOCKETS_MAX])
{
	const char *root = env->root ? env->root : "";
	size_t count = 0;

	memset(ret, 0, ENGINE_SOCKETS_MAX * sizeof(ret[0]));
	ret[count++] = mem_printf("%s" DEFAULT_SOCKET, root);
	if (is_said(env->xdg_runtime_dir)) {
		ret[count++] = mem_printf("%s/docker.sock", env->xdg_runtime_dir);
		ret[count++] = mem_printf("%s/podman/podman.sock", env->xdg_runtime_dir);
	}
	ret[count] = mem_printf("%s/run/podman/podman.sock", root);
}

/* The first that is there, whoever it lets in: another engine has other images under the same name. */
static bool of_default(const struct engine_environment *env, struct engine_place *ret,
		       struct err *err)
{
	char *sockets[ENGINE_SOCKETS_MAX];
	const char *path = NULL;

	engine_default_sockets(env, sockets);
	for (size_t i = 0; sockets[i] && !path; i++)
		if (access(sockets[i], F_OK) == 0)
			path = sockets[i];
	ret->why = mem_strdup("the default");
	ret->host = mem_printf("unix://%s", path ? path : sockets[0]);
	for (size_t i = 0; sockets[i]; i++)
		free(sockets[i]);
	return engine_place_parse(ret->host, false, ret, err);
}

bool engine_place_find(const struct engine_environment *env, struct engine_place *ret,
		       struct err *err)
{
	CLEANUP(mem_freep) char *dir = docker_dir(env);
	CLEANUP(mem_freep) char *context = NULL;

	*ret = (struct engine_place){ 0 };
	if (is_said(env->docker_host))
		return of_host(env, dir, ret, err);
	context = context_name(env, dir);
	if (context)
		return of_context(dir, context, ret, err);
	return of_default(env, ret, err);
}
