/* What a file of docker's or podman's means for those who read it. */
#include "cli/doctor_judge.h"

#include "auth/docker_config.h"
#include "auth/google.h"
#include "base/mem.h"
#include "base/strings.h"
#include "report/format.h"
#include "wire/jwt.h"

#include <string.h>

#define HOUR_MS (3600 * 1000LL)

struct reading {
	struct findings *f;
	const struct docker_file *file;
	const struct docker_judgement *how;
	const struct js *config;
};

/* An error where a push from here to this very host runs into it, else a trap. */
static struct finding *trap(const struct reading *r, char *found)
{
	CLEANUP(mem_freep) char *text = found;

	if (r->how->is_asked && r->how->host && r->file->landed)
		return finding_error(r->f, ERR_NO_CREDENTIAL, "%s", text);
	return finding_warning(r->f, "%s", text);
}

/* Stored logins */

/* Names by which registries of Google's are told that the password is an access token. */
static bool is_token_user(const char *user)
{
	return user && (strcmp(user, CREDENTIAL_USER_DEFAULT) == 0 || strcmp(user, "_token") == 0 ||
			strncmp(user, "_dcg", 4) == 0);
}

static void judge_jwt(const struct reading *r, const char *host, int64_t expires_wall_ms)
{
	int64_t left_ms = expires_wall_ms - r->how->now_wall_ms;
	char span[FORMAT_TEXT_SIZE];
	struct finding *n;

	format_duration(left_ms < 0 ? -left_ms : left_ms, span);
	if (left_ms > 0) {
		n = finding_warning(r->f, "the token stored for '%s' ends in %s", host, span);
	} else {
		n = trap(r, mem_printf("the token stored for '%s' expired %s ago", host, span));
	}
	finding_evidence(n, "auths of '%s'", r->file->path);
	finding_fix(n, "docker logout %s, and a credential helper in its place", host);
}

/* An access token that is no JWT does not say when it ends; the file says when it came. */
static void judge_opaque(const struct reading *r, const char *host)
{
	int64_t age_ms = r->file->age_ms;
	char age[FORMAT_TEXT_SIZE];
	struct finding *n;

	if (age_ms < 0) {
		n = finding_warning(r->f, "an access token is stored for '%s': nobody renews it",
				    host);
	} else {
		format_duration(age_ms, age);
		n = finding_warning(r->f,
				    "an access token has been stored for '%s' for %s or longer: "
				    "%s, and nobody renews it",
				    host, age,
				    age_ms >= HOUR_MS ? "it lives for an hour as a rule"
						      : "how long it has left is not known");
	}
	finding_evidence(n, "auths of '%s'", r->file->path);
	finding_fix(n, "docker logout %s, and a credential helper in its place", host);
}

static void judge_stored(const struct reading *r, const char *host,
			 const struct docker_config_entry *e)
{
	CLEANUP(jwt_claims_clear) struct jwt_claims c = { .expires_wall_ms = -1 };

	if (e->is_identity_token) {
		finding_ok(r->f, "an identity token is stored for '%s' in '%s'", host,
			   r->file->path);
	} else if (!is_token_user(e->user)) {
		finding_ok(r->f, "a login of '%s' is stored for '%s' in '%s'", e->user, host,
			   r->file->path);
	} else if (jwt_read(secret_reveal(e->secret), secret_len(e->secret), &c) &&
		   c.expires_wall_ms >= 0) {
		judge_jwt(r, host, c.expires_wall_ms);
	} else {
		judge_opaque(r, host);
	}
}

/* Helpers */

struct search {
	const char *host;
	bool found;
};

static const char *host_of_key(const char *key, size_t *ret_len)
{
	const char *scheme = strstr(key, "://");
	const char *host = scheme ? scheme + 3 : key;

	*ret_len = strcspn(host, "/");
	return host;
}

static bool find_login(void *arg, const char *key, const struct js *value)
{
	struct search *s = arg;
	size_t len;
	const char *host = host_of_key(key, &len);

	if (strlen(s->host) == len && strncasecmp(host, s->host, len) == 0 &&
	    (js_get(value, "auth") || js_get(value, "identitytoken")))
		s->found = true;
	return !s->found;
}

static void judge_shadowed(const struct reading *r, const char *host, const char *program)
{
	struct search s = { .host = host };
	struct finding *n;

	js_each(js_get(r->config, "auths"), find_login, &s);
	if (!s.found)
		return;
	n = finding_note(r->f, "a login stored for '%s' is never shown by docker: '%s' is asked",
			 host, program);
	finding_evidence(n, "auths of '%s'", r->file->path);
	finding_fix(n, "remove one of the two");
}

static void judge_helper(const struct reading *r, const char *host,
			 const struct docker_config_entry *e)
{
	const char *how = e->helper_is_default ? "credsStore" : "credHelpers";
	CLEANUP(mem_freep) char *program = mem_printf("docker-credential-%s", e->helper);
	struct finding *n;

	if (!r->how->has_program(program)) {
		n = trap(r, mem_printf("'%s' is to be asked for '%s', but is not on PATH: docker "
				       "before 29 pushes anonymously then",
				       program, host));
		finding_evidence(n, "%s of '%s'", how, r->file->path);
		finding_fix(n, "install '%s', or take it out of the file", program);
	} else if (r->file->podman && e->helper_is_default) {
		n = finding_note(r->f,
				 "docker asks '%s' for '%s'; podman and skopeo do not know "
				 "credsStore and go without",
				 program, host);
		finding_evidence(n, "credsStore of '%s'", r->file->path);
	} else {
		finding_ok(r->f, "'%s' is asked for '%s' (%s of '%s')", program, host, how,
			   r->file->path);
	}
	judge_shadowed(r, host, program);
}

static void judge_nothing(const struct reading *r, const char *host)
{
	struct finding *n;

	if (!r->file->docker)
		return;
	n = google_is_registry(host)
		    ? finding_warning(r->f,
				      "docker has no login for '%s': 'docker push' would "
				      "go there anonymously",
				      host)
		    : finding_note(r->f, "docker has no login for '%s'", host);
	finding_evidence(n, "'%s' names neither a helper nor a login for it", r->file->path);
	finding_fix(n, "docker login %s, or credHelpers in that file", host);
}

/* The whole */

static bool judge_host(const struct reading *r, const char *host)
{
	const struct credential_target target = { .host = host, .repository = "" };
	struct docker_config_entry e = { 0 };
	struct err err = ERR_INIT;
	bool has;

	if (!docker_config_lookup(r->file->text, r->file->len, &target, &e, &err)) {
		struct finding *n = trap(r, mem_printf("'%s': %s", r->file->path, err.message));

		finding_fix(n, "docker logout %s", host);
		docker_config_entry_clear(&e);
		err_clear(&err);
		return true;
	}
	has = e.helper || e.secret;
	if (e.helper)
		judge_helper(r, host, &e);
	else if (e.secret)
		judge_stored(r, host, &e);
	else
		judge_nothing(r, host);
	docker_config_entry_clear(&e);
	return has;
}

static bool gather_google(void *arg, const char *key, const struct js *value)
{
	struct strings *hosts = arg;
	size_t len;
	const char *at = host_of_key(key, &len);
	CLEANUP(mem_freep) char *host = mem_strndup(at, len);

	(void)value;
	if (google_is_registry(host) && !strings_have(hosts, host) && !strchr(host, '*'))
		strings_add(hosts, host);
	return true;
}

/* credHelpers are matched by the whole host, nothing else. */
static bool judge_key(void *arg, const char *key, const struct js *value)
{
	const struct reading *r = arg;
	struct finding *n;

	(void)value;
	if (!strpbrk(key, "/*") || strcmp(key, docker_config_server("docker.io")) == 0)
		return true;
	n = finding_warning(r->f, "the key '%s' of credHelpers matches no registry", key);
	finding_evidence(n, "credHelpers of '%s'", r->file->path);
	finding_fix(n, "one key for each registry, its host alone: 'europe-docker.pkg.dev'");
	return true;
}

static void judge_all(const struct reading *r, bool *ret_has)
{
	CLEANUP(strings_clear) struct strings hosts = { 0 };
	const char *store = js_string(js_get(r->config, "credsStore"));

	js_each(js_get(r->config, "credHelpers"), judge_key, (void *)r);
	if (r->how->host) {
		strings_add(&hosts, r->how->host);
	} else {
		js_each(js_get(r->config, "credHelpers"), gather_google, &hosts);
		js_each(js_get(r->config, "auths"), gather_google, &hosts);
		if (!hosts.count && store && *store)
			strings_add(&hosts, "any registry");
	}
	for (size_t i = 0; i < hosts.count; i++)
		*ret_has |= judge_host(r, hosts.at[i]);
	if (!hosts.count)
		finding_ok(r->f, "'%s' names no registry of Google's", r->file->path);
}

void doctor_judge_docker_file(struct findings *f, const struct docker_file *file,
			      const struct docker_judgement *how, bool *ret_has)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err err = ERR_INIT;
	struct reading r = { .f = f, .file = file, .how = how };
	struct finding *n;
	bool has = false;

	if (js_parse(file->text, file->len, DOCKER_CONFIG_CEILING, ERR_NO_CREDENTIAL, &j, &err)) {
		r.config = j;
		judge_all(&r, &has);
	} else {
		n = trap(&r, mem_printf("'%s' cannot be read: docker takes it for empty and pushes "
					"anonymously",
					file->path));
		finding_evidence(n, "%s", err.message);
		finding_fix(n, "mend the file, or move it away");
		err_clear(&err);
	}
	if (ret_has)
		*ret_has = has;
}
