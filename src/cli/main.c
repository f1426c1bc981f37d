/*
 * The door: makes the world, runs one command in it, and tells once how it ended.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/exec_helper.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/places.h"
#include "cli/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* What a signal handler needs to know: the only variables of the program. */
static struct cancel *_Atomic signal_cancel;
static atomic_int signal_seen;
static atomic_bool signal_restores_terminal;

/* The first signal asks the work to end, the second ends it. */
static void on_signal(int number)
{
	struct cancel *cancel = atomic_load(&signal_cancel);

	if (cancel && !atomic_exchange(&signal_seen, number)) {
		cancel_fire(cancel, number);
		return;
	}
	if (atomic_load(&signal_restores_terminal)) {
		ssize_t written = write(STDERR_FILENO, PROGRESS_RESTORE, strlen(PROGRESS_RESTORE));

		(void)written; /* nobody is left to be told */
	}
	_exit(exit_code(ERR_CANCELLED, number));
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct sigaction before;

		/* what nohup or a shell's background job ignores stays ignored */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &ours, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk, and told as one */
}

/*
 * A closed stdin, stdout or stderr would be taken by the next file or socket that is opened. Read-only: what is
 * written to a stdout that was closed must fail.
 */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(exit_of(ERR_LOCAL)->code);
	}
}

/* The command's own settings, of which only their beginning is known here. */
struct session_of_command {
	const struct command *command;
	void *settings;
};

static void settings_clear(struct session_of_command *s)
{
	if (s->settings)
		opt_clear(&s->command->options, s->settings);
	free(s->settings);
}

static bool parse_settings(const struct command *c, int argc, char **argv, void *settings,
			   int *ret_operand, enum opt_wish *ret_wish, struct err *err)
{
	CLEANUP(mem_freep) struct opt_uses *known = NULL;
	CLEANUP(mem_freep) char *path = places_config_path();
	struct opt_places places = { .environment = places_environment, .config_path = path };

	for (; command_at(places.known_count); places.known_count++) {
		known = mem_realloc(known, places.known_count + 1, sizeof(*known));
		known[places.known_count] = command_at(places.known_count)->options;
	}
	places.known = known;
	if (opt_parse(&c->options, &places, c->wraps, argc, argv, settings, ret_operand, ret_wish,
		      err))
		return true;
	if (c->wraps)
		err->code = ERR_WRAPPER;
	err_hint(err, "landed %s --help", c->name);
	return false;
}

/* How a command ended, beside its error. */
struct ending {
	int reason;    /* the signal that cut it short, or 0 */
	bool told;     /* the error was said already, in the form that was asked for */
	int passed_on; /* the exit code of a wrapped command that failed, or 0 */
};

static bool run_in_world(const struct world *world, const struct command *c, const void *settings,
			 char **operands, size_t count, struct ending *ret, struct err *err)
{
	const struct common_settings *common = settings;
	CLEANUP(talk_freep) struct talk *talk = talk_new(world, common, stderr);
	struct world told = *world;
	const struct run run = {
		.world = &told,
		.talk = talk,
		.settings = settings,
		.operands = operands,
		.operand_count = count,
		.out = stdout,
		.passed_on = &ret->passed_on,
	};
	bool ok;

	told.observer = talk_observer(talk);
	if (common->timeout_ms)
		told.deadline_ms = clock_after(world_now_ms(world), common->timeout_ms);
	atomic_store(&signal_restores_terminal, talk_holds_terminal(talk));
	ok = c->run(&run, err);
	ret->reason = cancel_reason(world->cancel);
	if (!ok && err->code == ERR_CANCELLED)
		err_hint(err, "the same command again");
	if (ret->passed_on)
		ret->told = true;
	if (!ok && !ret->told && common->progress == PROGRESS_JSON) {
		talk_error(talk, err);
		ret->told = true;
	}
	talk_finish(talk);
	atomic_store(&signal_restores_terminal, false);
	return ok;
}

static bool run_command(const struct command *c, int argc, char **argv, struct ending *ret,
			struct err *err)
{
	CLEANUP(settings_clear) struct session_of_command s = { c, mem_alloc(c->settings_size) };
	CLEANUP(cancel_freep) struct cancel *cancel = NULL;
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	struct world world = { .clock = &clock, .sched = &sched, .deadline_ms = NEVER_MS };
	enum opt_wish wish;
	int operand;
	bool ok;

	if (!parse_settings(c, argc, argv, s.settings, &operand, &wish, err))
		return false;
	if (wish == OPT_WISH_HELP) {
		help_command(stdout, c);
		return true;
	}
	if (!cancel_new(NULL, &cancel, err))
		return false;
	world.cancel = cancel;
	atomic_store(&signal_cancel, cancel);
	catch_signals();
	ok = run_in_world(&world, c, s.settings, argv + operand, (size_t)(argc - operand), ret,
			  err);
	atomic_store(&signal_cancel, NULL);
	return ok;
}

static bool unknown_command(const char *word, const char *nearest, struct err *err)
{
	if (*word == '-')
		err_set(err, ERR_USAGE, "unknown option '%s'; options follow a command", word);
	else if (nearest)
		err_set(err, ERR_USAGE, "unknown command '%s', did you mean '%s'?", word, nearest);
	else
		err_set(err, ERR_USAGE, "unknown command '%s'", word);
	err_hint(err, "landed --help");
	return false;
}

/* A command's name out of the words of the line: two of them where the first is a group. The caller frees. */
static char *name_of(char **words, int *ret_used)
{
	bool is_pair = command_is_group(words[0]) && words[1] && *words[1] != '-';

	*ret_used = is_pair ? 2 : 1;
	return is_pair ? mem_printf("%s %s", words[0], words[1]) : mem_strdup(words[0]);
}

/* landed help [COMMAND] */
static bool run_help(char **words, struct err *err)
{
	CLEANUP(mem_freep) char *name = NULL;
	const char *nearest = NULL;
	const struct command *c;
	int used;

	if (!words[0] || *words[0] == '-') {
		help_front(stdout);
		return true;
	}
	name = name_of(words, &used);
	if (command_is_group(name)) {
		help_group(stdout, name);
		return true;
	}
	c = command_find(name, &nearest);
	if (!c)
		return unknown_command(name, nearest, err);
	help_command(stdout, c);
	return true;
}

static bool run_group(const char *word, const char *next, struct err *err)
{
	if (next && (!strcmp(next, "--help") || !strcmp(next, "-h"))) {
		help_group(stdout, word);
		return true;
	}
	help_group(stderr, word);
	return err_set(err, ERR_USAGE, "a command of '%s' is missing", word);
}

static bool run_word(int argc, char **argv, struct ending *ret, struct err *err)
{
	CLEANUP(mem_freep) char *name = NULL;
	const char *word = argv[1], *nearest = NULL;
	const struct command *c;
	int used;

	if (!word) {
		/* not 0: a script whose variable was empty has landed nothing */
		help_front(stderr);
		return err_set(err, ERR_USAGE, "a command is missing");
	}
	if (!strcmp(word, "--version")) {
		printf("landed %s\n", LANDED_VERSION);
		return true;
	}
	if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
		return run_help(argv + 2, err);
	name = name_of(argv + 1, &used);
	if (command_is_group(name))
		return run_group(name, argv[2], err);
	c = command_find(name, &nearest);
	if (!c)
		return unknown_command(name, nearest, err);
	return run_command(c, argc - used, argv + used, ret, err);
}

/* A result that nobody got is none: the one who asked must not take this for a success. */
static bool stdout_arrived(struct err *err)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) != 0)
		failed = true;
	if (!failed)
		return true;
	return err_set(err, ERR_UNPROVEN,
		       "not reported: the result could not be written to stdout%s%s",
		       errno ? ": " : "", errno ? strerror(errno) : "");
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT, unwritten = ERR_INIT;
	struct ending ending = { 0 };
	int code;
	bool ok;

	hold_standard_streams();
	if (exec_helper_is_called(argv[0]))
		return exec_helper_main(argc, argv);
	mallopt(M_ARENA_MAX, 2); /* a worker's arena keeps what it has once had */
	setlocale(LC_CTYPE, "");
	ok = run_word(argc, argv, &ending, &err);
	if (!stdout_arrived(&unwritten) && ok) {
		err_move(&err, &unwritten);
		ok = false;
	}
	if (!ok && !ending.told)
		tell_error(stderr, look_of(stderr).colour, &err);
	code = ok ? 0 : exit_code(err.code, ending.reason);
	if (ending.passed_on)
		code = ending.passed_on;
	err_clear(&err);
	err_clear(&unwritten);
	return code;
}
