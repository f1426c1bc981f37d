/*
 * docker-credential-landed get|store|erase|list|version: docker's credential helper protocol over the search of
 * `landed push`. Answers for Google's registries and those that --credential-hosts names; a failure is said on stdout,
 * where the protocol has it, and on stderr, because docker up to 28 drops the first and pushes anonymously.
 */
#include "auth/helper_protocol.h"
#include "base/mem.h"
#include "cli/handout.h"
#include "cli/places.h"
#include "cli/tell.h"
#include "report/format.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* What is asked comes at once and is then closed. */
#define STDIN_MS 10000

static const struct opt_use uses[] = { { &common_output, 0 },
				       { &common_limits, 0 },
				       { &common_credentials, 0 },
				       { &common_connection, 0 },
				       { &common_handout, 0 } };
static const struct opt_uses options = { uses, ARRAY_SIZE(uses) };

struct trace {
	struct observer observer;
	struct clock *clock;
};

static void trace_tell(struct observer *o, const struct event *e)
{
	const struct trace *t = (const struct trace *)o;
	int64_t left_ms = e->token.expires_ms - clock_boot_ms(t->clock);

	if (e->kind == EVENT_NOTE) {
		fputs("landed: ", stderr);
		print_clean(stderr, e->text);
		fputc('\n', stderr);
	} else if (e->kind == EVENT_REQUEST) {
		fprintf(stderr, "landed: %s %s: %d\n", e->request.method, e->request.url,
			e->request.status);
	} else if (e->kind == EVENT_TOKEN) {
		fprintf(stderr, "landed: token %s of ", e->token.fingerprint);
		print_clean(stderr, e->token.source);
		if (e->token.expiry_known)
			fprintf(stderr, ", %lld s left\n", (long long)left_ms / 1000);
		else
			fputs(", for how long is not known\n", stderr);
	}
}

static bool read_stdin(struct buf *ret, struct err *err)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char chunk[4 * KIB];
	ssize_t len;

	do {
		if (poll(&p, 1, STDIN_MS) <= 0)
			return err_set(err, ERR_USAGE, "nothing comes on stdin");
		len = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (len < 0 && errno != EINTR)
			return err_set_errno(err, errno, "reading stdin");
		if (len > 0 && !buf_add(ret, chunk, (size_t)len))
			return err_set(err, ERR_USAGE, "stdin is longer than %zu bytes",
				       ret->ceiling);
	} while (len != 0);
	return true;
}

static bool say(const char *word)
{
	puts(word);
	return false;
}

static bool failed(struct err *err)
{
	CLEANUP(mem_freep) char *line = helper_refusal(err);

	puts(line);
	tell_error(stderr, false, err);
	err_clear(err);
	return false;
}

static bool hand_out(const struct common_settings *s, const struct world *w,
		     const struct helper_request *r)
{
	CLEANUP(credential_freep) struct credential *c = NULL;
	CLEANUP(mem_freep) char *answer = NULL;
	struct err err = ERR_INIT;

	if (!handout_obtain(s, w, r->host, &c, &err))
		return failed(&err);
	answer = helper_answer(r->server, c);
	puts(answer);
	secret_wipe(answer, strlen(answer));
	return true;
}

static bool do_get(const struct common_settings *s, const struct world *w, const struct buf *in)
{
	CLEANUP(helper_request_clear) struct helper_request r = { 0 };

	helper_read_server(buf_str(in), in->len, &r);
	if (r.missing)
		return say(r.missing);
	if (!r.host || !handout_is_for(s, r.host))
		return say(HELPER_NOT_FOUND);
	return hand_out(s, w, &r);
}

static bool do_store(const struct common_settings *s, const struct world *w, const struct buf *in)
{
	CLEANUP(helper_request_clear) struct helper_request r = { 0 };
	struct err err = ERR_INIT;

	(void)w;
	(void)s;
	if (!helper_read_login(buf_str(in), in->len, &r, &err))
		return failed(&err);
	if (r.missing)
		return say(r.missing);
	fputs("landed: nothing is stored: tokens are minted when they are asked for\n", stderr);
	return true;
}

static bool do_erase(const struct common_settings *s, const struct world *w, const struct buf *in)
{
	CLEANUP(helper_request_clear) struct helper_request r = { 0 };

	(void)w;
	helper_read_server(buf_str(in), in->len, &r);
	if (r.missing)
		return say(r.missing);
	if (r.host && handout_is_for(s, r.host))
		handout_forget();
	return true;
}

/* Whoever lists asks for each that is listed, and fails where one login is missing: so none is. */
static bool do_list(const struct common_settings *s, const struct world *w, const struct buf *in)
{
	(void)s;
	(void)w;
	(void)in;
	puts("{}");
	return true;
}

static const struct action {
	const char *word;
	bool reads;
	bool (*run)(const struct common_settings *s, const struct world *w, const struct buf *in);
} actions[] = {
	{ "erase", true, do_erase },
	{ "get", true, do_get },
	{ "list", false, do_list },
	{ "store", true, do_store },
};

static void settings_clear(struct common_settings *s)
{
	opt_clear(&options, s);
}

/* There is no command line: the environment and the configuration file say it. */
static bool read_settings(struct common_settings *ret, struct err *err)
{
	CLEANUP(mem_freep) char *path = places_config_path();
	const struct opt_places places = { .environment = places_environment,
					   .config_path = path,
					   .others_read_it = true };
	char name[] = "docker-credential-landed", *argv[] = { name, NULL };
	enum opt_wish wish;
	int operand;

	return opt_parse(&options, &places, false, 1, argv, ret, &operand, &wish, err);
}

static bool run(const struct action *action)
{
	CLEANUP(settings_clear) struct common_settings settings = { 0 };
	CLEANUP(buf_wipe) struct buf in = BUF_INIT(HELPER_CEILING);
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	struct trace trace = { .observer.tell = trace_tell, .clock = &clock };
	struct world world = { .clock = &clock, .sched = &sched, .deadline_ms = NEVER_MS };
	struct err err = ERR_INIT;

	if ((action->reads && !read_stdin(&in, &err)) || !read_settings(&settings, &err))
		return failed(&err);
	if (settings.verbose)
		world.observer = &trace.observer;
	if (settings.timeout_ms)
		world.deadline_ms = clock_after(world_now_ms(&world), settings.timeout_ms);
	return action->run(&settings, &world, &in);
}

/* A token that is in memory is not to be found in a file afterwards. */
static void forbid_core_dumps(void)
{
	const struct rlimit none = { 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* it looks at its own memory by ptrace */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static void help(FILE *out)
{
	fputs("usage: docker-credential-landed get|store|erase|list|version\n\n"
	      "Hands docker and its kin fresh tokens for Google's registries (*.pkg.dev, gcr.io,\n"
	      "*.gcr.io). docker runs it; 'landed auth setup-docker HOST...' says that it should.\n\n"
	      "Each option of landed that is about credentials and connections has its environment\n"
	      "variable and its line in ~/.config/landed/config: see docker-credential-landed(1).\n",
	      out);
}

static bool run_word(const char *word)
{
	if (!strcmp(word, "version") || !strcmp(word, "--version")) {
		puts("docker-credential-landed (landed) " LANDED_VERSION);
		return true;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		help(stdout);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(word, actions[i].word))
			return run(&actions[i]);
	printf("docker-credential-landed does not know '%.40s'\n", word);
	help(stderr);
	return false;
}

int main(int argc, char **argv)
{
	bool ok;

	forbid_core_dumps();
	signal(SIGPIPE, SIG_IGN);
	if (argc != 2) {
		help(stderr);
		return say("docker-credential-landed needs one word") ? 0 : 1;
	}
	ok = run_word(argv[1]);
	if (ferror(stdout) || fclose(stdout) != 0) {
		fputs("landed: the answer could not be written to stdout\n", stderr);
		ok = false;
	}
	return ok ? 0 : 1;
}
