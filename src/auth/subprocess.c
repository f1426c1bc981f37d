#include "auth/subprocess.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TICK_MS 100
#define REST_CHUNKS_MAX 256

struct child {
	pid_t pid; /* 0 once it was waited for */
	int in;	   /* our ends, -1 when closed */
	int out;
	int errout;
	const char *input_left;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child_end(struct child *c)
{
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->errout);
	if (c->pid > 0) {
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
}

static void pair_close(int pair[2])
{
	close_fd(&pair[0]);
	close_fd(&pair[1]);
}

/* Sockets rather than pipes: writing to one whose reader is gone can be told not to raise SIGPIPE. */
static bool pair_open(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
}

static int spawn(const char *const *argv, const int ends[3], pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int failed;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE); /* which we ignore and a script must not */
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, ends[i], i);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	failed = posix_spawnp(ret_pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static bool child_start(struct child *c, const char *const *argv, const char *input,
			struct err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 };
	int failed;

	if (!pair_open(in) || !pair_open(out) || !pair_open(errout)) {
		failed = errno;
	} else {
		failed = spawn(argv, (const int[3]){ in[1], out[1], errout[1] }, &c->pid);
	}
	if (failed) {
		pair_close(in);
		pair_close(out);
		pair_close(errout);
		return err_set(err, ERR_NO_CREDENTIAL, "cannot run '%s': %s", argv[0],
			       strerror(failed));
	}
	close(in[1]);
	close(out[1]);
	close(errout[1]);
	c->in = in[0];
	c->out = out[0];
	c->errout = errout[0];
	c->input_left = input ? input : "";
	return true;
}

static void feed(struct child *c)
{
	size_t len = strlen(c->input_left);
	ssize_t sent = len ? send(c->in, c->input_left, len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (sent > 0)
		c->input_left += sent;
	if (!*c->input_left || (sent < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&c->in);
}

/* Whether there was something. */
static bool drain(int *fd, struct buf *into)
{
	char chunk[4096];
	ssize_t len = recv(*fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (len > 0) {
		bool kept = buf_add(into, chunk, (size_t)len);

		(void)kept;
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_fd(fd);
	}
	secret_wipe(chunk, sizeof(chunk));
	return len > 0;
}

/* What has been written before the command ended; who still holds the other end is not waited for. */
static void drain_rest(int *fd, struct buf *into)
{
	for (int i = 0; i < REST_CHUNKS_MAX && *fd >= 0 && drain(fd, into); i++)
		;
}

static void child_step(struct child *c, const struct world *w, struct buf *out, struct buf *errout)
{
	struct pollfd fds[3 + CANCEL_POLL_MAX] = {
		{ .fd = c->in, .events = POLLOUT },
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->errout, .events = POLLIN },
	};
	size_t count = 3 + cancel_poll(w->cancel, fds + 3);

	poll(fds, count, TICK_MS);
	if (fds[0].revents)
		feed(c);
	if (fds[1].revents)
		drain(&c->out, out);
	if (fds[2].revents)
		drain(&c->errout, errout);
}

static bool has_exited(struct child *c, int *ret_code)
{
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return false;
	c->pid = 0;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

bool subprocess_run(const struct world *w, const char *const *argv, const char *input,
		    struct buf *out, struct buf *errout, int *ret_code, struct err *err)
{
	CLEANUP(child_end) struct child c = { .in = -1, .out = -1, .errout = -1 };
	int64_t until_ms = clock_after(world_now_ms(w), SUBPROCESS_MS);

	if (!world_check(w, err) || !child_start(&c, argv, input, err))
		return false;
	/* a grandchild may hold the output open after the command has ended: what it says is not waited for */
	while (c.out >= 0 || c.errout >= 0) {
		child_step(&c, w, out, errout);
		if (!world_check(w, err))
			return false;
		if (world_now_ms(w) >= until_ms)
			return err_set(err, ERR_NO_CREDENTIAL, "'%s' took longer than %d s",
				       argv[0], SUBPROCESS_MS / 1000);
		if (has_exited(&c, ret_code)) {
			drain_rest(&c.out, out);
			drain_rest(&c.errout, errout);
			return true;
		}
	}
	while (!has_exited(&c, ret_code)) {
		if (!world_sleep(w, 10, err))
			return false;
		if (world_now_ms(w) >= until_ms)
			return err_set(err, ERR_NO_CREDENTIAL, "'%s' took longer than %d s",
				       argv[0], SUBPROCESS_MS / 1000);
	}
	return true;
}
