/*
 * landed auth setup-docker HOST...: docker asks docker-credential-landed for these registries; --undo takes it back.
 */
#include "cli/command.h"

#include "auth/docker_config.h"
#include "auth/docker_setup.h"
#include "auth/helper_protocol.h"
#include "base/mem.h"
#include "base/stream.h"
#include "cli/handout.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct setup_settings {
	struct common_settings common;
	bool undo;
};

static const struct opt setup_options[] = {
	{ .name = "undo",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct setup_settings, undo),
	  .help = "take it back, for HOST or for all; byte for byte where nothing else was changed "
		  "since" },
};
static const struct opt_group setup_group = { "Setup", setup_options, ARRAY_SIZE(setup_options) };
static const struct opt_use setup_uses[] = { { &setup_group, 0 },
					     { &common_handout, 0 },
					     { &common_output, 0 } };

static const struct command_example setup_examples[] = {
	{ "docker push to Artifact Registry with a fresh token each time",
	  "landed auth setup-docker us-docker.pkg.dev europe-docker.pkg.dev" },
	{ "as it was before", "landed auth setup-docker --undo" },
};

/* The file, and beside it what has to be known to take the edit back. */
struct setup {
	const struct run *run;
	char *path, *record_path;
	char *text; /* NULL: there is no file */
	unsigned int mode;
	struct docker_setup_record record;
	char *edited;	    /* NULL: there is to be no file */
	struct js *helpers; /* {host: helper that was there} */
	size_t changes;
};

static void setup_clear(struct setup *s)
{
	free(s->path);
	free(s->record_path);
	if (s->text)
		secret_wipe(s->text, strlen(s->text));
	if (s->edited)
		secret_wipe(s->edited, strlen(s->edited));
	free(s->text);
	free(s->edited);
	docker_setup_record_clear(&s->record);
	js_free(s->helpers);
}

/* Through a link to where the file lies: a link stays one. */
static bool find_file(struct setup *s, struct err *err)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	CLEANUP(mem_freep) char *usual = NULL;
	char *real;

	if (dir && *dir)
		usual = mem_strdup(dir);
	else if (home && *home)
		usual = mem_printf("%s/.docker", home);
	else
		return err_set(err, ERR_LOCAL, "neither DOCKER_CONFIG nor HOME is set");
	mkdir(usual, 0700);
	s->path = mem_printf("%s/config.json", usual);
	real = realpath(s->path, NULL);
	if (real) {
		free(s->path);
		s->path = real;
	}
	s->record_path = mem_printf("%s.landed", s->path);
	return true;
}

static bool read_text(const char *path, char **ret, struct err *err)
{
	CLEANUP(buf_wipe) struct buf bytes = BUF_INIT(DOCKER_CONFIG_CEILING);

	if (!file_read_all(path, &bytes, err)) {
		if (err->code != ERR_NO_SOURCE)
			return false;
		err_clear(err);
		return true;
	}
	*ret = mem_strdup(buf_str(&bytes));
	if (strlen(*ret) == bytes.len)
		return true;
	return err_set(err, ERR_LOCAL, "'%s' has a NUL in it", path);
}

static bool read_files(struct setup *s, struct err *err)
{
	CLEANUP(mem_freep) char *record = NULL;
	struct err ignored = ERR_INIT;
	struct stat st;

	if (!find_file(s, err) || !read_text(s->path, &s->text, err))
		return false;
	s->mode = stat(s->path, &st) == 0 ? st.st_mode & 07777 : 0600;
	if (!read_text(s->record_path, &record, &ignored) ||
	    (record && !docker_setup_record_parse(record, strlen(record), &s->record, &ignored)))
		err_clear(&ignored); /* then there is only what the file itself says */
	s->edited = mem_strdup(s->text ? s->text : "{}\n");
	s->helpers = js_object();
	return true;
}

static void show(struct setup *s, const char *host, const char *before, const char *after)
{
	if (before)
		fprintf(s->run->out, "- \"%s\": \"%s\"\n", host, before);
	if (after)
		fprintf(s->run->out, "+ \"%s\": \"%s\"\n", host, after);
	s->changes++;
}

static bool set_helper(struct setup *s, const char *host, const char *helper, struct err *err)
{
	CLEANUP(mem_freep) char *before = NULL;
	char *edited;

	if (!docker_setup_edit(s->edited, host, helper, &edited, &before, err))
		return err_wrap(err, "'%s' is left as it is", s->path);
	secret_wipe(s->edited, strlen(s->edited));
	free(s->edited);
	s->edited = edited;
	if ((before && helper) ? strcmp(before, helper) != 0 : before != helper)
		show(s, host, before, helper);
	if (before && strcmp(before, DOCKER_SETUP_HELPER) != 0)
		js_put_string(s->helpers, host, before);
	return true;
}

static bool keep_older(void *arg, const char *host, const struct js *helper)
{
	js_put_string(((struct setup *)arg)->helpers, host, js_string(helper));
	return true;
}

static bool write_files(struct setup *s, struct err *err)
{
	CLEANUP(mem_freep) char *record = NULL;

	if (!s->changes)
		return true;
	if (s->record.j) {
		record = docker_setup_record_text(&s->record);
		if (!file_write_all(s->record_path, record, strlen(record), 0600, err))
			return false;
	}
	if (s->edited && !file_write_all(s->path, s->edited, strlen(s->edited), s->mode, err))
		return false;
	if (!s->edited)
		unlink(s->path);
	if (!s->record.j)
		unlink(s->record_path);
	return true;
}

static bool setup_hosts(struct setup *s, struct err *err)
{
	CLEANUP(mem_freep) char *before = NULL;
	const struct run *run = s->run;
	bool goes_on;

	for (size_t i = 0; i < run->operand_count; i++)
		if (!set_helper(s, run->operands[i], DOCKER_SETUP_HELPER, err))
			return false;
	goes_on = s->record.j && s->text && docker_setup_record_undo(&s->record, s->text, &before);
	js_each(docker_setup_record_helpers(&s->record), keep_older, s);
	if (!goes_on)
		before = mem_strdup_or_null(s->text);
	docker_setup_record_clear(&s->record);
	docker_setup_record_make(before, s->edited, TAKE(s->helpers), &s->record);
	return write_files(s, err);
}

/* Undoing */

static bool is_asked_for(const struct run *run, const char *host)
{
	for (size_t i = 0; i < run->operand_count; i++)
		if (strcmp(run->operands[i], host) == 0)
			return true;
	return run->operand_count == 0;
}

struct undoing {
	struct setup *setup;
	struct err *err;
	bool is_whole; /* nothing of ours stays */
};

static bool undo_host(void *arg, const char *host, const struct js *helper)
{
	struct undoing *u = arg;
	const char *is = js_string(helper);
	const struct js *older = docker_setup_record_helpers(&u->setup->record);

	if (!is || strcmp(is, DOCKER_SETUP_HELPER) != 0)
		return true;
	if (is_asked_for(u->setup->run, host))
		return set_helper(u->setup, host, js_string(js_get(older, host)), u->err);
	u->is_whole = false;
	return true;
}

static bool undo_hosts(struct setup *s, struct err *err)
{
	struct undoing u = { .setup = s, .err = err, .is_whole = true };
	CLEANUP(js_freep) struct js *config = NULL;
	char *before;

	if (!s->text)
		return true;
	if (!js_parse(s->text, strlen(s->text), DOCKER_CONFIG_CEILING, ERR_LOCAL, &config, err))
		return err_wrap(err, "'%s' is left as it is", s->path);
	if (!js_each(js_get(config, "credHelpers"), undo_host, &u))
		return false;
	if (u.is_whole && s->record.j && docker_setup_record_undo(&s->record, s->text, &before)) {
		free(s->edited);
		s->edited = before;
	}
	if (u.is_whole)
		docker_setup_record_clear(&s->record);
	return write_files(s, err);
}

static bool check_hosts(const struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->operand_count; i++) {
		CLEANUP(helper_request_clear) struct helper_request r = { 0 };
		const char *host = run->operands[i];

		helper_read_server(host, strlen(host), &r);
		if (!r.host || strcmp(r.host, host) != 0)
			return err_set(err, ERR_USAGE, "'%.200s' is no registry's host name", host);
		if (handout_is_for(run->settings, host))
			continue;
		err_set(err, ERR_USAGE, "'%s' is none of Google's registries", host);
		err_hint(err,
			 "credential-hosts = %s in ~/.config/landed/config, if it takes "
			 "Google's tokens",
			 host);
		return false;
	}
	return true;
}

static bool cmd_auth_setup_docker(const struct run *run, struct err *err)
{
	const struct setup_settings *settings = run->settings;
	CLEANUP(setup_clear) struct setup s = { .run = run };
	CLEANUP(mem_freep) char *said = NULL;

	if (!run->operand_count && !settings->undo)
		return err_set(err, ERR_USAGE, "auth setup-docker needs a HOST");
	if ((!settings->undo && !check_hosts(run, err)) || !read_files(&s, err) ||
	    !(settings->undo ? undo_hosts(&s, err) : setup_hosts(&s, err)))
		return false;
	said = mem_printf("'%s'%s", s.path, s.changes ? "" : " stays as it is");
	talk_say(run->talk, said);
	return true;
}

const struct command command_auth_setup_docker = {
	.name = "auth setup-docker",
	.operands = "HOST...",
	.summary = "have docker ask docker-credential-landed for a registry",
	.description =
		"Writes 'landed' as the credential helper of each HOST into docker's config.json "
		"($DOCKER_CONFIG, else ~/.docker) and shows the change; all else in the file stays "
		"byte for byte. No token is stored: docker asks for a fresh one each time.",
	.completes = OPERANDS_REF,
	.options = { setup_uses, ARRAY_SIZE(setup_uses) },
	.settings_size = sizeof(struct setup_settings),
	.examples = setup_examples,
	.example_count = ARRAY_SIZE(setup_examples),
	.run = cmd_auth_setup_docker,
};
