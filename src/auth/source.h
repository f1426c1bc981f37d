/*
 * Where credentials come from: one vtable, one file a source. A credential is what a registry or its token
 * endpoint takes for a name and password; it may itself be a token that expires.
 *
 * A source that was named and does not work is an error, never a fall-through to the next one: going on without
 * would push anonymously and fail with words about permissions.
 */
#ifndef AUTH_SOURCE_H
#define AUTH_SOURCE_H

#include "auth/token.h"

#define CREDENTIAL_USER_DEFAULT "oauth2accesstoken"

struct credential {
	char *user; /* NULL with an identity token */
	struct secret *secret;
	bool is_identity_token; /* an OAuth2 refresh token, for the token endpoint only */
	struct token_life life;
	bool expiry_known; /* else it may end at any time */
	bool renewable;	   /* asking again may yield another one */
	char *source;	   /* for people: "file:/run/token" */
	char *principal;   /* whose it is; NULL: not known */
};

void credential_free(struct credential *c);
DEFINE_FREEP(struct credential, credential_free)

/* What the credential is wanted for. */
struct credential_target {
	const char *host;	/* as in a reference: "docker.io", "127.0.0.1:5000" */
	const char *repository; /* more specific entries of an auth file go first */
};

struct source;

struct source_ops {
	bool (*obtain)(struct source *s, const struct world *w,
		       const struct credential_target *target, struct credential **ret,
		       struct err *err);
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
};

/*
 * Asks anew, every time. *ret is NULL when this source has nothing for the target: not an error. Fails with
 * ERR_NO_CREDENTIAL (named but broken), ERR_CANCELLED, ERR_TIMEOUT.
 */
MUST_USE static inline bool source_obtain(struct source *s, const struct world *w,
					  const struct credential_target *target,
					  struct credential **ret, struct err *err)
{
	return s->ops->obtain(s, w, target, ret, err);
}

static inline void source_free(struct source *s)
{
	if (s)
		s->ops->free(s);
}
DEFINE_FREEP(struct source, source_free)

/* file:PATH, exec:COMMAND, env:VARIABLE: a token or {"token", "expires_in"...} that is read again each time. */
enum value_place { VALUE_FILE, VALUE_EXEC, VALUE_ENV };
struct source *source_value_new(enum value_place place, const char *where, const char *user);

/*
 * docker's config.json and podman's auth.json: auths, credHelpers, credsStore. AUTHFILE (or NULL) goes first, then
 * REGISTRY_AUTH_FILE, $DOCKER_CONFIG or ~/.docker, $XDG_RUNTIME_DIR/containers/auth.json.
 */
struct source *source_docker_config_new(const char *authfile);

/* What sources are made with. */
struct google_options;
struct source_options {
	const char *user;     /* that goes with a bare token; NULL: CREDENTIAL_USER_DEFAULT */
	const char *authfile; /* for docker-config; NULL: the usual places */
	/* For Google's, borrowed by them. */
	const struct google_options *google;
	struct sched *sched;
};

/*
 * From "file:PATH", "exec:CMD", "env:VAR", "docker-config", "anon", and Google's "adc", "adc:FILE", "metadata",
 * "gcloud", "gcloud:ACCOUNT"; *ret is NULL for anon. ERR_USAGE for anything else.
 */
MUST_USE bool source_parse(const char *text, const struct source_options *options,
			   struct source **ret, struct err *err);

/* Whether a word of source_parse's is one of Google's. */
bool source_word_is_google(const char *text);

/*
 * What somebody wrote as a credential: a bare token, or JSON as token endpoints, `gcloud ... --format=json` and
 * docker's credential helpers write it. ASKED_MS is when it was asked for.
 */
MUST_USE bool credential_parse(const char *text, size_t len, const char *user, int64_t asked_ms,
			       int64_t now_wall_ms, struct credential **ret, struct err *err);

#endif
