#include "cli/exec_child.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TICK_MS 500
#define REST_CHUNKS_MAX 256 /* what a pipe can hold, with room to spare */
#define DRAIN_TICKS_MAX 120 /* without a byte taken by who reads us, once the child is gone */

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };

struct runner {
	const struct child *child;
	struct child_end *end;
	pid_t pid; /* 0 once it was waited for */
	int signals;
	int pipe[2]; /* -1: its output is not read */
	sigset_t before;
	char held[PIPE_BUF]; /* heard and not yet passed on */
	size_t held_len;
	size_t chunks_after; /* read since the child ended */
	size_t idle_ticks;
	bool ended;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void runner_clear(struct runner *r)
{
	close_fd(&r->pipe[0]);
	close_fd(&r->pipe[1]);
	close_fd(&r->signals);
	pthread_sigmask(SIG_SETMASK, &r->before, NULL);
}

/* From here on they are read, not caught. */
static bool hold_signals(struct runner *r, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it */
	pthread_sigmask(SIG_BLOCK, &set, &r->before);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals < 0)
		return err_set(err, ERR_WRAPPER, "cannot watch for signals: %s", strerror(errno));
	return true;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static bool open_pipe(struct runner *r, struct err *err)
{
	if (!r->child->heard || isatty(STDOUT_FILENO))
		return true;
	if (pipe2(r->pipe, O_CLOEXEC) < 0)
		return err_set(err, ERR_WRAPPER, "cannot make a pipe: %s", strerror(errno));
	fcntl(r->pipe[0], F_SETFL, O_NONBLOCK);
	return true;
}

static bool is_set_in(const struct strings *changes, const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < changes->count; i++)
		if (strncmp(changes->at[i], variable, len) == 0 && changes->at[i][len] == '=')
			return true;
	return false;
}

/* The strings are borrowed, the caller frees the array. */
static const char **environment_of(const struct strings *changes)
{
	size_t count = 0, most = changes->count + 1;
	const char **all;

	for (size_t i = 0; environ[i]; i++)
		most++;
	all = mem_alloc(most * sizeof(*all));
	for (size_t i = 0; environ[i]; i++)
		if (!is_set_in(changes, environ[i]))
			all[count++] = environ[i];
	for (size_t i = 0; i < changes->count; i++)
		all[count++] = changes->at[i];
	return all;
}

static int spawn(struct runner *r)
{
	CLEANUP(mem_freep) const char **environment = environment_of(r->child->environment);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int failed;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE); /* which we ignore and a command must not */
	posix_spawn_file_actions_init(&actions);
	if (r->pipe[1] >= 0) {
		if (same_file(STDOUT_FILENO, STDERR_FILENO))
			posix_spawn_file_actions_adddup2(&actions, r->pipe[1], STDERR_FILENO);
		posix_spawn_file_actions_adddup2(&actions, r->pipe[1], STDOUT_FILENO);
	}
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &r->before);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	failed = posix_spawnp(&r->pid, r->child->argv[0], &actions, &attr, r->child->argv,
			      (char *const *)environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static bool start(struct runner *r, struct err *err)
{
	int failed = spawn(r);

	close_fd(&r->pipe[1]);
	if (!failed)
		return true;
	r->pid = 0;
	err_set(err,
		failed == ENOENT || failed == ENOTDIR			    ? ERR_NOT_FOUND
		: failed == EACCES || failed == ENOEXEC || failed == EISDIR ? ERR_NOT_EXECUTABLE
									    : ERR_WRAPPER,
		"cannot run '%s': %s", r->child->argv[0], strerror(failed));
	return false;
}

static void reap(struct runner *r)
{
	int status;

	if (r->ended || waitpid(r->pid, &status, WNOHANG) != r->pid)
		return;
	r->ended = true;
	r->end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool ends_work(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

/* What the terminal sends, the whole process group gets, and so the child has it already. */
static void take_signals(struct runner *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD)
			continue;
		if (ends_work(number))
			r->end->signal = number;
		if (info.ssi_code <= 0 && !r->ended)
			kill(r->pid, number);
	}
	reap(r);
}

/* One chunk, when nothing is held. */
static void hear(struct runner *r)
{
	ssize_t len = read(r->pipe[0], r->held, sizeof(r->held));

	if (len > 0) {
		r->held_len = (size_t)len;
		r->chunks_after += r->ended;
		r->child->heard(r->child->arg, r->held, r->held_len);
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR) || r->ended) {
		close_fd(&r->pipe[0]);
	}
	if (r->chunks_after > REST_CHUNKS_MAX)
		close_fd(&r->pipe[0]);
}

/* No more than a pipe takes at once when poll says that it takes something: this does not block. */
static void pass_on(struct runner *r)
{
	ssize_t len = write(STDOUT_FILENO, r->held, r->held_len);

	if (len > 0) {
		r->held_len -= (size_t)len;
		memmove(r->held, r->held + len, r->held_len);
		r->idle_ticks = 0;
	} else if (len < 0 && errno != EAGAIN && errno != EINTR) {
		r->end->lost_output = errno != EPIPE;
		r->held_len = 0;
		close_fd(&r->pipe[0]); /* as it would have been told itself */
	}
}

static void step(struct runner *r)
{
	struct pollfd fds[3] = {
		{ .fd = r->signals, .events = POLLIN },
		{ .fd = r->held_len ? -1 : r->pipe[0], .events = POLLIN },
		{ .fd = r->held_len ? STDOUT_FILENO : -1, .events = POLLOUT },
	};
	bool rest = r->ended && !r->held_len;
	int count = poll(fds, ARRAY_SIZE(fds), rest ? 0 : TICK_MS);

	if (count == 0 && r->ended)
		r->idle_ticks++;
	take_signals(r);
	if (r->held_len && fds[2].revents)
		pass_on(r);
	else if (!r->held_len && r->pipe[0] >= 0 && (fds[1].revents || r->ended))
		hear(r);
	if (r->idle_ticks > DRAIN_TICKS_MAX) {
		r->end->lost_output = true;
		r->held_len = 0;
		close_fd(&r->pipe[0]);
	}
}

bool child_run(const struct child *c, struct child_end *ret, struct err *err)
{
	CLEANUP(runner_clear)
	struct runner r = { .child = c, .end = ret, .signals = -1, .pipe = { -1, -1 } };

	*ret = (struct child_end){ 0 };
	pthread_sigmask(SIG_SETMASK, NULL, &r.before);
	if (!hold_signals(&r, err) || !cancel_check(c->cancel, err) || !open_pipe(&r, err) ||
	    !start(&r, err))
		return false;
	while (!r.ended || r.held_len || r.pipe[0] >= 0)
		step(&r);
	return true;
}
