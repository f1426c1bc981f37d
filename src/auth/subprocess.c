#include "auth/subprocess.h"

#include "base/mem.h"
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
	bool leads_group;
	int in; /* our ends, -1 when closed */
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
		kill(c->leads_group ? -c->pid : c->pid, SIGKILL);
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

static bool same_name(const char *entry, const char *variable)
{
	size_t len = strcspn(entry, "=");

	return strcspn(variable, "=") == len && strncmp(entry, variable, len) == 0;
}

static bool is_changed(const char *const *changes, const char *variable)
{
	for (; changes && *changes; changes++)
		if (same_name(*changes, variable))
			return true;
	return false;
}

/* Ours with CHANGES; the strings are borrowed, the caller frees the array. */
static const char **changed_environment(const char *const *changes)
{
	const char **all;
	size_t count = 0, most = 1;

	for (size_t i = 0; environ[i]; i++)
		most++;
	for (size_t i = 0; changes && changes[i]; i++)
		most++;
	all = mem_alloc(most * sizeof(*all));
	for (size_t i = 0; environ[i]; i++)
		if (!is_changed(changes, environ[i]))
			all[count++] = environ[i];
	for (size_t i = 0; changes && changes[i]; i++)
		if (strchr(changes[i], '='))
			all[count++] = changes[i];
	return all;
}

static int spawn(const struct subprocess *p, const int ends[3], pid_t *ret_pid)
{
	CLEANUP(mem_freep) const char **environment = changed_environment(p->environment);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int failed;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE); /* which we ignore and a script must not */
	sigaddset(&defaults, SIGXFSZ);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		if (!p->on_terminal || i == STDOUT_FILENO)
			posix_spawn_file_actions_adddup2(&actions, ends[i], i);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, (p->on_terminal ? 0 : POSIX_SPAWN_SETPGROUP) |
						POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	failed = posix_spawnp(ret_pid, p->argv[0], &actions, &attr, (char *const *)p->argv,
			      (char *const *)environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static bool child_start(struct child *c, const struct subprocess *p, struct err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 };
	int failed;

	if (!pair_open(in) || !pair_open(out) || !pair_open(errout)) {
		failed = errno;
	} else {
		failed = spawn(p, (const int[3]){ in[1], out[1], errout[1] }, &c->pid);
	}
	if (failed) {
		pair_close(in);
		pair_close(out);
		pair_close(errout);
		return err_set(err, ERR_NO_CREDENTIAL, "cannot run '%s': %s", p->argv[0],
			       strerror(failed));
	}
	close(in[1]);
	close(out[1]);
	close(errout[1]);
	c->leads_group = !p->on_terminal;
	c->in = in[0];
	c->out = out[0];
	c->errout = errout[0];
	c->input_left = p->input ? p->input : "";
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

static bool took_too_long(const struct subprocess *p, int64_t longest_ms, struct err *err)
{
	return err_set(err, ERR_NO_CREDENTIAL, "'%s' took longer than %lld s", p->argv[0],
		       (long long)longest_ms / 1000);
}

bool subprocess_run_as(const struct world *w, const struct subprocess *p, struct buf *out,
		       struct buf *errout, int *ret_code, struct err *err)
{
	CLEANUP(child_end) struct child c = { .in = -1, .out = -1, .errout = -1 };
	int64_t longest_ms = p->longest_ms ? p->longest_ms : SUBPROCESS_MS;
	int64_t until_ms = clock_after(world_now_ms(w), longest_ms);

	if (!world_check(w, err) || !child_start(&c, p, err))
		return false;
	/* a grandchild may hold the output open after the command has ended: what it says is not waited for */
	while (c.out >= 0 || c.errout >= 0) {
		child_step(&c, w, out, errout);
		if (!world_check(w, err))
			return false;
		if (world_now_ms(w) >= until_ms)
			return took_too_long(p, longest_ms, err);
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
			return took_too_long(p, longest_ms, err);
	}
	return true;
}

bool subprocess_run(const struct world *w, const char *const *argv, const char *input,
		    struct buf *out, struct buf *errout, int *ret_code, struct err *err)
{
	const struct subprocess p = { .argv = argv, .input = input };

	return subprocess_run_as(w, &p, out, errout, ret_code, err);
}
