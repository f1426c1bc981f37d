/* The docker CLI and the engine that it would speak to. */
#include "cli/doctor.h"

#include "auth/docker_config.h"
#include "auth/subprocess.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"
#include "cli/doctor_judge.h"
#include "wire/digest.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION_MS 5000
#define CONNECT_MS 1000
#define META_CEILING (64 * KIB)
#define DEFAULT_SOCKET "unix:///var/run/docker.sock"

void doctor_docker_cli(struct doctor *d, const struct world *w, struct findings *f)
{
	static const char *const argv[] = { "docker", "--version", NULL };
	const struct subprocess p = { .argv = argv, .longest_ms = VERSION_MS };
	CLEANUP(mem_freep) char *path = doctor_find_program("docker");
	CLEANUP(buf_clear) struct buf out = BUF_INIT(4 * KIB);
	CLEANUP(buf_clear) struct buf errout = BUF_INIT(4 * KIB);
	struct err err = ERR_INIT;
	int code;

	(void)d;
	if (!path) {
		finding_note(f, "there is no docker CLI on PATH");
	} else if (!subprocess_run_as(w, &p, &out, &errout, &code, &err)) {
		finding_of_err(f, FINDING_NOTE, &err);
		err_clear(&err);
	} else if (code != 0) {
		finding_note(f, "'docker --version' fails with exit code %d", code);
	} else {
		doctor_judge_docker_version(f, buf_str(&out));
	}
}

/* Where the engine is said to be */

static char *docker_dir(void)
{
	const char *named = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (named && *named)
		return mem_strdup(named);
	return home && *home ? mem_printf("%s/.docker", home) : NULL;
}

static struct js *read_json(const char *path, size_t ceiling)
{
	CLEANUP(buf_wipe) struct buf text = { .ceiling = ceiling };
	struct err ignored = ERR_INIT;
	struct js *j = NULL;

	if (!file_read_all(path, &text, &ignored) ||
	    !js_parse(buf_str(&text), text.len, ceiling, ERR_LOCAL, &j, &ignored))
		err_clear(&ignored);
	return j;
}

/* The context that the CLI would use; NULL for the default one. The caller frees. */
static char *context_name(const char *dir)
{
	const char *said = getenv("DOCKER_CONTEXT");
	CLEANUP(mem_freep) char *path = mem_printf("%s/config.json", dir);
	CLEANUP(js_freep) struct js *config = NULL;
	const char *name;

	if (said && *said)
		return strcmp(said, "default") == 0 ? NULL : mem_strdup(said);
	config = read_json(path, DOCKER_CONFIG_CEILING);
	name = js_string(js_get(config, "currentContext"));
	return name && *name && strcmp(name, "default") != 0 ? mem_strdup(name) : NULL;
}

/* contexts/meta/SHA256(name)/meta.json; NULL when it does not say. The caller frees. */
static char *host_of_context(const char *dir, const char *name)
{
	struct digest d = digest_of(name, strlen(name));
	CLEANUP(mem_freep)
	char *path = mem_printf("%s/contexts/meta/%s/meta.json", dir, digest_hex(&d));
	CLEANUP(js_freep) struct js *meta = read_json(path, META_CEILING);

	return mem_strdup_or_null(
		js_string(js_get(js_get(js_get(meta, "Endpoints"), "docker"), "Host")));
}

/* *ret_how says why it is this one. NULL when that was said already. The caller frees both. */
static char *engine_host(struct findings *f, char **ret_how)
{
	const char *said = getenv("DOCKER_HOST");
	CLEANUP(mem_freep) char *dir = docker_dir();
	CLEANUP(mem_freep) char *context = dir && !(said && *said) ? context_name(dir) : NULL;
	char *host;

	if (said && *said) {
		*ret_how = mem_strdup("DOCKER_HOST");
		return mem_strdup(said);
	}
	if (!context) {
		*ret_how = mem_strdup("the default");
		return mem_strdup(DEFAULT_SOCKET);
	}
	host = host_of_context(dir, context);
	if (!host)
		finding_fix(finding_warning(f, "docker's context '%s' is chosen, and not there",
					    context),
			    "docker context use default");
	*ret_how = mem_printf("docker's context '%s'", context);
	return host;
}

/* Connecting */

static bool wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (poll(&p, 1, CONNECT_MS) != 1) {
		errno = ETIMEDOUT;
		return false;
	}
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	errno = failed;
	return failed == 0;
}

/* True, or false with errno. A full backlog is EAGAIN: somebody listens who does not accept. */
static bool can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, failed;
	bool ok;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
	     (errno == EINPROGRESS && wait_writable(fd));
	failed = errno;
	close(fd);
	errno = failed;
	return ok;
}

static void judge_socket(struct findings *f, const char *path, const char *how, bool is_default)
{
	struct finding *n;
	int failed;

	if (can_connect(path)) {
		finding_ok(f, "an engine listens on '%s' (%s)", path, how);
		return;
	}
	failed = errno;
	if (failed == ENOENT && is_default) {
		finding_note(f, "no engine runs here ('%s' is not there)", path);
		return;
	}
	n = finding_warning(f, "the engine's socket '%s' does not let us in: %s", path,
			    strerror(failed));
	finding_evidence(n, "it is named by %s", how);
	if (failed == EACCES)
		finding_fix(n, "sudo usermod -aG docker \"$USER\", and a new login");
	else
		finding_fix(n, "start the engine, or name another in DOCKER_HOST");
}

void doctor_engine(struct doctor *d, const struct world *w, struct findings *f)
{
	CLEANUP(mem_freep) char *how = NULL;
	CLEANUP(mem_freep) char *host = engine_host(f, &how);

	(void)d;
	(void)w;
	if (!host)
		return;
	if (strncmp(host, "unix://", 7) == 0)
		judge_socket(f, host + 7, how, strcmp(host, DEFAULT_SOCKET) == 0);
	else
		finding_note(f, "the engine is '%s' (%s), which was not looked at", host, how);
}
