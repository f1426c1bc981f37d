#include "cli/doctor_judge.h"

#include "report/format.h"

#include <stdio.h>
#include <string.h>

void doctor_judge_clock(struct findings *f, int64_t here_wall_ms, int64_t there_wall_ms)
{
	int64_t ahead_ms = here_wall_ms - there_wall_ms;
	int64_t apart_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
	const char *side = ahead_ms < 0 ? "behind" : "ahead of";
	char apart[FORMAT_TEXT_SIZE];
	struct finding *n;

	format_duration(apart_ms, apart);
	if (apart_ms < DOCTOR_SKEW_WARNING_MS) {
		finding_ok(f, "this clock and the registry's agree");
		return;
	}
	if (apart_ms < DOCTOR_SKEW_ERROR_MS) {
		n = finding_warning(f, "this clock is %s %s the registry's", apart, side);
	} else {
		n = finding_error(f, ERR_NO_CREDENTIAL, "this clock is %s %s the registry's", apart,
				  side);
		finding_evidence(n, "what is signed by such a clock is refused, and tokens look "
				    "expired or good for ever");
	}
	finding_fix(n, "timedatectl set-ntp true");
}

/* Docker 29 lets `docker push` fail when the credential helper does. */
#define HONEST_DOCKER 29

void doctor_judge_docker_version(struct findings *f, const char *text)
{
	int len = (int)strcspn(text, "\r\n");
	struct finding *n;
	int major;

	if (strncmp(text, "podman", 6) == 0) {
		finding_note(f, "'docker' is podman here (%.*s)", len, text);
		return;
	}
	if (sscanf(text, "Docker version %d.", &major) != 1) {
		finding_note(f, "'docker --version' says '%.*s'", len > 80 ? 80 : len, text);
		return;
	}
	if (major >= HONEST_DOCKER) {
		finding_ok(f, "docker CLI %d tells when a credential helper fails", major);
		return;
	}
	n = finding_warning(f,
			    "docker CLI %d hides the errors of credential helpers: when one fails, "
			    "'docker push' goes on anonymously",
			    major);
	finding_evidence(n, "%.*s", len > 80 ? 80 : len, text);
	finding_fix(n, "update the docker CLI to %d or later; landed stops at such an error",
		    HONEST_DOCKER);
}

void doctor_judge_accounts(struct findings *f, const char *gcloud_account, const char *principal,
			   const char *origin)
{
	struct finding *n;

	if (!gcloud_account && !origin) {
		finding_note(f, "neither gcloud nor Application Default Credentials are set up");
		return;
	}
	if (!gcloud_account || !origin) {
		finding_ok(f, "%s: %s",
			   origin ? "Application Default Credentials" : "gcloud's account",
			   !origin     ? gcloud_account
			   : principal ? principal
				       : origin);
		return;
	}
	if (!principal) {
		n = finding_note(f,
				 "gcloud is '%s'; whose Application Default Credentials are does "
				 "not stand in them",
				 gcloud_account);
		finding_evidence(n, "%s", origin);
		return;
	}
	if (strcasecmp(gcloud_account, principal) == 0) {
		finding_ok(f, "gcloud and Application Default Credentials are both '%s'",
			   principal);
		return;
	}
	n = finding_warning(f, "gcloud is '%s', Application Default Credentials are '%s'",
			    gcloud_account, principal);
	finding_evidence(n, "%s", origin);
	finding_fix(n, "name the one that is meant: --cred adc or --cred gcloud "
		       "(docker-credential-gcloud takes gcloud's)");
}

/* Which scopes let a token write to Artifact Registry and gcr.io. */
static bool has_scope(const char *scopes, const char *name)
{
	static const char prefix[] = "https://www.googleapis.com/auth/";
	const char *at = scopes;
	size_t len = strlen(name);

	while ((at = strstr(at, prefix))) {
		at += sizeof(prefix) - 1;
		if (strncmp(at, name, len) == 0 && strchr(" \t\r\n", at[len]))
			return true;
	}
	return false;
}

void doctor_judge_scopes(struct findings *f, const char *scopes)
{
	struct finding *n;

	if (has_scope(scopes, "cloud-platform")) {
		finding_ok(f, "tokens of this machine have the scope cloud-platform");
		return;
	}
	if (has_scope(scopes, "devstorage.read_write") ||
	    has_scope(scopes, "devstorage.full_control")) {
		n = finding_note(f, "tokens of this machine may write to registries, but have not "
				    "the scope cloud-platform");
		return;
	}
	n = finding_error(f, ERR_DENIED,
			  "the scopes of this machine's tokens do not let them push, whatever IAM "
			  "grants");
	finding_evidence(n, "%.200s", scopes);
	finding_fix(n, "gcloud compute instances set-service-account INSTANCE "
		       "--scopes=cloud-platform (the machine must be stopped), or the node pool's "
		       "--scopes");
}

/* What a long push may take. */
#define SHORT_LIFE_MS (10 * 60 * 1000)

void doctor_judge_credential(struct findings *f, const struct credential *c, const char *host,
			     int64_t now_ms)
{
	char left[FORMAT_TEXT_SIZE];
	struct finding *n;

	if (!c) {
		n = finding_note(f, "nobody's credential would be shown to '%s'", host);
		finding_fix(n, "docker login %s, or name one with --cred", host);
		return;
	}
	if (!c->expiry_known) {
		n = finding_ok(f, "'%s' is shown the credential of %s; when it ends is not known",
			       host, c->source);
		return;
	}
	format_duration(c->life.expires_ms - now_ms, left);
	if (c->life.expires_ms == NEVER_MS) {
		finding_ok(f, "'%s' is shown the credential of %s", host, c->source);
		return;
	}
	if (c->life.expires_ms <= now_ms && !c->renewable) {
		n = finding_error(f, ERR_NO_CREDENTIAL, "the credential of %s has expired",
				  c->source);
		finding_fix(n, "log in again, or name a source that can renew: --cred adc");
		return;
	}
	if (c->life.expires_ms - now_ms < SHORT_LIFE_MS && !c->renewable) {
		n = finding_warning(f, "the credential of %s ends in %s and cannot be renewed",
				    c->source, left);
		finding_fix(n, "name a source that can renew (--cred adc, --cred exec:COMMAND), or "
			       "--min-token-life");
		return;
	}
	finding_ok(f, "'%s' is shown the credential of %s, good for %s%s", host, c->source, left,
		   c->renewable ? ", renewable" : "");
}
