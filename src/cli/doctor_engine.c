/* The docker CLI and the engine that it would speak to. */
#include "cli/doctor.h"

#include "auth/subprocess.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cli/doctor_judge.h"
#include "image/engine_place.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION_MS 5000
#define CONNECT_MS 1000

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

static void judge_socket(struct findings *f, const struct engine_place *place)
{
	struct finding *n;
	int failed;

	if (can_connect(place->socket)) {
		finding_ok(f, "an engine listens on '%s' (%s)", place->socket, place->why);
		return;
	}
	failed = errno;
	if (failed == ENOENT && place->way == ENGINE_BY_DEFAULT) {
		finding_note(f, "no engine runs here ('%s' is not there)", place->socket);
		return;
	}
	n = finding_warning(f, "the engine's socket '%s' does not let us in: %s", place->socket,
			    strerror(failed));
	finding_evidence(n, "it is named by %s", place->why);
	if (failed == EACCES)
		finding_fix(n, "sudo usermod -aG docker \"$USER\", and a new login");
	else
		finding_fix(n, "start the engine, or name another in DOCKER_HOST");
}

void doctor_engine(struct doctor *d, const struct world *w, struct findings *f)
{
	CLEANUP(engine_place_clear) struct engine_place place = { 0 };
	const struct engine_environment env = engine_environment_of_process();
	struct err err = ERR_INIT;

	(void)d;
	(void)w;
	if (!engine_place_find(&env, &place, &err))
		/* an address that is not spoken to may well be what docker wants */
		finding_of_err(f, err.code == ERR_USAGE ? FINDING_NOTE : FINDING_WARNING, &err);
	else if (place.socket)
		judge_socket(f, &place);
	else
		finding_note(f, "the engine is '%s' (%s), which was not looked at", place.host,
			     place.why);
	err_clear(&err);
}
