#include "cli/exec_helper.h"

#include "auth/source.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/world.h"
#include "cli/exec_config.h"
#include "wire/digest.h"
#include "wire/js.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "docker-credential-" EXEC_HELPER
#define INPUT_CEILING (64 * KIB)
#define HELPER_MS 60000 /* docker itself would wait for ever */
#define NOT_FOUND "credentials not found in native keychain"

#define ENV_DIRECTORY "LANDED_EXEC_DIRECTORY"
#define ENV_HOSTS "LANDED_EXEC_REGISTRIES"
#define ENV_CWD "LANDED_EXEC_WORKING_DIRECTORY"

/* What the command sees another value of than we do. */
static const struct {
	const char *name;
	const char *kept_in;
} overlaid[] = {
	{ "DOCKER_CONFIG", "LANDED_EXEC_DOCKER_CONFIG" },
	{ "REGISTRY_AUTH_FILE", "LANDED_EXEC_REGISTRY_AUTH_FILE" },
};

static const struct opt_use helper_uses[] = { COMMON_USES };
static const struct opt_uses helper_options = { helper_uses, ARRAY_SIZE(helper_uses) };

bool exec_helper_is_called(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	return argv0 && strcmp(slash ? slash + 1 : argv0, PROGRAM) == 0;
}

/* -- what it is told, on the side of `landed exec` */

static void set(struct strings *environment, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *text = mem_printf("%s=%s", name, value);

	strings_add(environment, text);
}

/* As somebody would type it; NULL for what was not said. */
static char *value_text(const struct opt *o, const void *place)
{
	const struct strings *list = place;
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);
	int64_t number;

	switch (o->kind) {
	case OPT_FLAG:
		return mem_strdup(*(const bool *)place ? "yes" : "no");
	case OPT_STRING:
		return mem_strdup_or_null(*(char *const *)place);
	case OPT_STRINGS:
		for (size_t i = 0; i < list->count; i++)
			buf_printf(&text, "%s\n", list->at[i]);
		return text.len ? buf_take(&text) : NULL;
	case OPT_INTEGER:
		return mem_printf("%" PRId64, *(const int64_t *)place);
	case OPT_DURATION:
		number = *(const int64_t *)place;
		return number || o->fallback ? mem_printf("%" PRId64 "ms", number) : NULL;
	case OPT_COUNT:
	case OPT_SIZE:
	case OPT_CHOICE:
		break;
	}
	return NULL;
}

static void set_options(const struct opt_group *g, const void *settings,
			struct strings *environment)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct opt *o = &g->options[i];
		CLEANUP(mem_freep) char *value = value_text(o, (const char *)settings + o->offset);
		CLEANUP(mem_freep) char *name = opt_environment_name(o);

		if (value)
			set(environment, name, value);
	}
}

void exec_helper_environment(const struct common_settings *settings, const struct strings *hosts,
			     const char *directory, struct strings *environment)
{
	CLEANUP(buf_clear) struct buf names = BUF_INIT(BUF_TEXT_CEILING);
	CLEANUP(mem_freep) char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; i < hosts->count; i++)
		buf_printf(&names, "%s%s", i ? " " : "", hosts->at[i]);
	set(environment, ENV_DIRECTORY, directory);
	set(environment, ENV_HOSTS, buf_str(&names));
	if (cwd)
		set(environment, ENV_CWD, cwd);
	for (size_t i = 0; i < ARRAY_SIZE(overlaid); i++) {
		const char *value = getenv(overlaid[i].name);

		set(environment, overlaid[i].kept_in, value ? value : "");
	}
	set_options(&common_credentials, settings, environment);
	set_options(&common_connection, settings, environment);
	set_options(&common_limits, settings, environment);
}

/* -- the helper itself */

char *exec_helper_host(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *begin = scheme ? scheme + 3 : server;
	char *host = mem_strndup(begin, strcspn(begin, "/ \t\r\n"));

	if (!strcmp(host, "index.docker.io") || !strcmp(host, "registry-1.docker.io"))
		mem_replace(&host, "docker.io");
	return host;
}

static bool is_our_host(const char *host)
{
	const char *hosts = getenv(ENV_HOSTS);

	while (hosts && *hosts) {
		size_t len = strcspn(hosts, " ");

		if (len == strlen(host) && strncasecmp(hosts, host, len) == 0)
			return true;
		hosts += len + (hosts[len] == ' ');
	}
	return false;
}

/* Sources are asked in the world that `landed exec` was started in. */
static bool go_back(struct err *err)
{
	const char *cwd = getenv(ENV_CWD);

	for (size_t i = 0; i < ARRAY_SIZE(overlaid); i++) {
		const char *value = getenv(overlaid[i].kept_in);

		if (value && *value)
			setenv(overlaid[i].name, value, 1);
		else
			unsetenv(overlaid[i].name);
	}
	if (cwd && chdir(cwd) < 0)
		return err_set_errno(err, errno, "'%s'", cwd);
	return true;
}

/* Where a login of the command's own is kept. */
static char *login_path(const char *host)
{
	const char *directory = getenv(ENV_DIRECTORY);
	struct digest d = digest_of(host, strlen(host));

	return directory && *directory == '/'
		       ? mem_printf("%s/login-%.32s", directory, digest_hex(&d))
		       : NULL;
}

static bool read_login(const char *host, const struct world *w, struct credential **ret,
		       struct err *err)
{
	CLEANUP(mem_freep) char *path = login_path(host);
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(INPUT_CEILING);

	if (!path || access(path, F_OK) != 0)
		return true;
	return file_read_all(path, &text, err) &&
	       credential_parse(buf_str(&text), text.len, "", world_now_ms(w),
				clock_wall_ms(w->clock), ret, err);
}

static bool ask_sources(const struct common_settings *settings, const struct world *w,
			const char *host, struct credential **ret, struct err *err)
{
	const struct credential_target target = { .host = host, .repository = "" };
	CLEANUP(connect_freep) struct session_maker *sessions = NULL;

	if (!connect_new(&settings->connect, w, &sessions, err) ||
	    !connect_credential(sessions, w, &target, ret, err))
		return false;
	if (!*ret && !connect_may_be_anonymous(sessions))
		return err_set(err, ERR_NO_CREDENTIAL, "no credential source has one for '%s'",
			       host);
	return true;
}

static bool obtain(const struct common_settings *settings, const char *host,
		   struct credential **ret, struct err *err)
{
	bool named = settings->connect.cred.count || settings->connect.impersonate;
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	struct world w = { .clock = &clock, .sched = &sched };

	w.deadline_ms = clock_after(world_now_ms(&w), HELPER_MS);
	if (!named && !read_login(host, &w, ret, err))
		return false;
	return *ret || ask_sources(settings, &w, host, ret, err);
}

static void print_credential(const char *server, const struct credential *c)
{
	struct js *answer = js_object();
	char *text;

	js_put_string(answer, "ServerURL", server);
	js_put_string(answer, "Username",
		      c->is_identity_token ? "<token>"
		      : c->user		   ? c->user
					   : "");
	js_put_string(answer, "Secret", secret_reveal(c->secret));
	text = js_text(answer, JS_COMPACT);
	printf("%s\n", text);
	secret_wipe(text, strlen(text));
	free(text);
	js_free(answer);
}

static const char *environment(const char *name)
{
	return getenv(name);
}

static bool get(const char *server, struct err *err)
{
	CLEANUP(credential_freep) struct credential *c = NULL;
	CLEANUP(mem_freep) char *host = exec_helper_host(server);
	const struct opt_places places = { .environment = environment };
	struct common_settings settings = { 0 };
	char *argv[] = { (char *)PROGRAM, NULL };
	enum opt_wish wish;
	int operand;
	bool ok;

	if (!is_our_host(host)) {
		puts(NOT_FOUND);
		return false;
	}
	ok = go_back(err) &&
	     opt_parse(&helper_options, &places, false, 1, argv, &settings, &operand, &wish, err) &&
	     obtain(&settings, host, &c, err);
	opt_clear(&helper_options, &settings);
	if (ok && c)
		print_credential(server, c);
	else if (ok)
		puts(NOT_FOUND);
	return ok && c;
}

/* `docker login` inside the command: counts as long as the command runs. */
static bool store(const char *text, size_t len, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(mem_freep) char *host = NULL, *path = NULL;
	const char *server;

	if (!js_parse(text, len, INPUT_CEILING, ERR_USAGE, &j, err))
		return false;
	server = js_string(js_get(j, "ServerURL"));
	if (!server)
		return err_set(err, ERR_USAGE, "no credentials server URL");
	host = exec_helper_host(server);
	path = login_path(host);
	if (!path)
		return err_set(err, ERR_USAGE, "not called by landed exec");
	return file_write_all(path, text, len, 0600, err);
}

static bool erase(const char *server)
{
	CLEANUP(mem_freep) char *host = exec_helper_host(server);
	CLEANUP(mem_freep) char *path = login_path(host);

	if (path)
		unlink(path);
	return true;
}

static bool serve(const char *word, struct err *err)
{
	CLEANUP(buf_wipe) struct buf input = BUF_INIT(INPUT_CEILING);

	if (!strcmp(word, "list")) {
		puts("{}");
		return true;
	}
	if (!file_read_all("/dev/stdin", &input, err))
		return false;
	if (!strcmp(word, "get"))
		return get(buf_str(&input), err);
	if (!strcmp(word, "store"))
		return store(buf_str(&input), input.len, err);
	if (!strcmp(word, "erase"))
		return erase(buf_str(&input));
	return err_set(err, ERR_USAGE, "unknown action '%.20s'", word);
}

int exec_helper_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	bool ok = argc == 2 ? serve(argv[1], &err)
			    : err_set(&err, ERR_USAGE, "usage: " PROGRAM " get|store|erase|list");

	if (!ok && err.message) /* the protocol has it on stdout */
		printf("landed: %s\n", err.message);
	err_clear(&err);
	return fflush(stdout) == 0 && ok ? 0 : 1;
}
