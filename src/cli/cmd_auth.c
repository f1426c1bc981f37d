/*
 * landed auth show [HOST] and landed auth token [HOST]: the credential that docker-credential-landed would hand out.
 */
#include "cli/command.h"

#include "base/mem.h"
#include "cli/handout.h"
#include "report/format.h"
#include "wire/digest.h"
#include "wire/time.h"

#include <string.h>
#include <unistd.h>

struct auth_settings {
	struct common_settings common;
	bool force;
};

#define AUTH_USES                                                             \
	{ &common_handout, 0 }, { &common_output, 0 }, { &common_limits, 0 }, \
		{ &common_credentials, 0 },                                   \
	{                                                                     \
		&common_connection, 0                                         \
	}

static const struct opt_use show_uses[] = { AUTH_USES };

static const struct opt token_options[] = {
	{ .name = "force",
	  .kind = OPT_FLAG,
	  .offset = offsetof(struct auth_settings, force),
	  .help = "print it to a terminal, too" },
};
static const struct opt_group token_group = { "Token", token_options, ARRAY_SIZE(token_options) };
static const struct opt_use token_uses[] = { { &token_group, 0 }, AUTH_USES };

static bool host_of(const struct run *run, const char **ret, struct err *err)
{
	*ret = run->operand_count ? run->operands[0] : HANDOUT_HOST_USUAL;
	if (run->operand_count > 1)
		return err_set(err, ERR_USAGE, "one HOST at a time");
	if (handout_is_for(run->settings, *ret))
		return true;
	err_set(err, ERR_USAGE, "'%.200s' is none of Google's registries", *ret);
	err_hint(err, "--credential-hosts %.200s, if it takes Google's tokens", *ret);
	return false;
}

/* Why this one and no other. */
static const char *why(const struct common_settings *s)
{
	if (s->connect.cred.count)
		return "the first of --cred (LANDED_CRED) that has something";
	return "no --cred (LANDED_CRED) is named: Application Default Credentials come first, then "
	       "gcloud's login";
}

static void show_text(FILE *out, const struct credential *c, const struct common_settings *s,
		      const char *fingerprint, int64_t left_ms, const char *until)
{
	char left[FORMAT_TEXT_SIZE];

	format_duration(left_ms, left);
	fputs("principal:  ", out);
	print_clean(out, c->principal ? c->principal : "not known");
	fputs("\ncredential: ", out);
	print_clean(out, c->source);
	fprintf(out, "\nwhy:        %s\ntoken:      %s, ", why(s), fingerprint);
	if (c->expiry_known)
		fprintf(out, "until %s (%s)\n", until, left);
	else
		fputs("until when is not known\n", out);
	fprintf(out, "renewable:  %s\n", c->renewable ? "yes" : "no");
}

static void show_json(FILE *out, const struct credential *c, const struct common_settings *s,
		      const char *host, const char *fingerprint, int64_t left_ms, const char *until)
{
	CLEANUP(js_freep) struct js *j = js_object();
	CLEANUP(mem_freep) char *text = NULL;

	js_put_string(j, "schema", "landed/1");
	js_put_string(j, "command", "auth show");
	js_put_string(j, "host", host);
	js_put_string(j, "principal", c->principal);
	js_put_string(j, "source", c->source);
	js_put_string(j, "why", why(s));
	js_put_string(j, "fingerprint", fingerprint);
	if (c->expiry_known) {
		js_put_string(j, "expires", until);
		js_put_integer(j, "seconds", left_ms / 1000);
	}
	js_put_bool(j, "renewable", c->renewable);
	text = js_text(j, JS_COMPACT);
	fprintf(out, "%s\n", text);
}

static bool cmd_auth_show(const struct run *run, struct err *err)
{
	const struct common_settings *s = run->settings;
	CLEANUP(credential_freep) struct credential *c = NULL;
	char fingerprint[FINGERPRINT_SIZE], until[TIME_TEXT_SIZE];
	const char *host;
	int64_t left_ms;

	if (!host_of(run, &host, err) || !handout_obtain(s, run->world, host, &c, err))
		return false;
	left_ms = c->life.expires_ms - world_now_ms(run->world);
	secret_fingerprint(c->secret, fingerprint);
	time_format_rfc3339(clock_wall_ms(run->world->clock) + (c->expiry_known ? left_ms : 0),
			    until);
	if (s->output == RESULT_JSON)
		show_json(run->out, c, s, host, fingerprint, left_ms, until);
	else
		show_text(run->out, c, s, fingerprint, left_ms, until);
	return true;
}

static bool cmd_auth_token(const struct run *run, struct err *err)
{
	const struct auth_settings *s = run->settings;
	CLEANUP(credential_freep) struct credential *c = NULL;
	const char *host;

	if (!host_of(run, &host, err))
		return false;
	if (isatty(fileno(run->out)) && !s->force) {
		err_set(err, ERR_USAGE, "stdout is a terminal, which would keep the token");
		err_hint(err, "landed auth token | ..., or --force");
		return false;
	}
	if (!handout_obtain(&s->common, run->world, host, &c, err))
		return false;
	fprintf(run->out, "%s\n", secret_reveal(c->secret));
	return true;
}

static const struct command_example show_examples[] = {
	{ "whose token would docker get, and until when?", "landed auth show us-docker.pkg.dev" },
};

const struct command command_auth_show = {
	.name = "auth show",
	.operands = "[HOST]",
	.summary = "show which credential is used, whose it is and until when",
	.description =
		"Looks for the credential that docker-credential-landed would hand out for HOST (one of "
		"Google's registries if none is named), obtains a token and says where it came from; "
		"of the token itself a fingerprint is shown.",
	.completes = OPERANDS_REF,
	.options = { show_uses, ARRAY_SIZE(show_uses) },
	.settings_size = sizeof(struct auth_settings),
	.examples = show_examples,
	.example_count = ARRAY_SIZE(show_examples),
	.run = cmd_auth_show,
};

static const struct command_example token_examples[] = {
	{ "log in with a token that lives at least half an hour",
	  "landed auth token --min-token-life 30m | docker login -u oauth2accesstoken "
	  "--password-stdin gcr.io" },
};

const struct command command_auth_token = {
	.name = "auth token",
	.operands = "[HOST]",
	.summary = "print a token, to a pipe",
	.description =
		"Prints the token that docker-credential-landed would hand out for HOST, and nothing "
		"else; without --min-token-life one that lives for 55 minutes, or as long as its "
		"source allows.",
	.completes = OPERANDS_REF,
	.options = { token_uses, ARRAY_SIZE(token_uses) },
	.settings_size = sizeof(struct auth_settings),
	.examples = token_examples,
	.example_count = ARRAY_SIZE(token_examples),
	.run = cmd_auth_token,
};
