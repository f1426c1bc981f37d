/*
 * Google access tokens: one minter for each kind of credential that Google's users have, one file each
 * (google_KIND.c). A minter asks anew every time, from any thread; it caches nothing and decides nothing: how long
 * its token lives is in the token, whether that is enough is somebody else's question.
 *
 * What a credential file names is believed as it stands (token_uri, service_account_impersonation_url, token_url),
 * so that a proxy or a private endpoint works; secrets go to that origin only, over https or to loopback.
 */
#ifndef AUTH_GOOGLE_H
#define AUTH_GOOGLE_H

#include "auth/source.h"
#include "base/strings.h"
#include "http/client.h"
#include "wire/js.h"

#define GOOGLE_SCOPE_PLATFORM "https://www.googleapis.com/auth/cloud-platform"
#define GOOGLE_SCOPE_EMAIL "https://www.googleapis.com/auth/userinfo.email"
#define GOOGLE_UNIVERSE_DEFAULT "googleapis.com"

/* The longest that generateAccessToken grants, and only where an organisation policy allows it. */
#define GOOGLE_LIFETIME_DEFAULT_MS (3600 * 1000LL)
#define GOOGLE_LIFETIME_MAX_MS (12 * 3600 * 1000LL)

/* What all minters need of the world outside; borrowed by them, and outlives them. */
struct google_options {
	struct transport *transport;
	const struct retry_policy *policy;
	int64_t lifetime_ms;	/* --token-lifetime: asked of generateAccessToken; 0: its default */
	bool self_signed_jwt;	/* a service account signs its own token and asks nobody */
	struct transport *bare; /* one that never uses a proxy: the metadata servers' */
	/* --impersonate EMAIL[,DELEGATE...]: goes before gcloud's own setting; NULL: none */
	const char *impersonate;
	bool any_host;		/* the usual login is for hosts that are not Google's, too */
	const char *cache_dir;	/* tokens are kept there between runs (google_cache.h); NULL: not */
	int64_t wanted_life_ms; /* of a token out of that cache; 0: GOOGLE_USUAL_LIFE_MS */
};

struct google_token {
	struct secret *secret;
	struct token_life life; /* boot clock, from when it was asked for */
	bool expiry_known;
};
void google_token_clear(struct google_token *t);

/* SCOPES ends with NULL and replaces what the credential would ask for by itself. */
struct google_want {
	const char *const *scopes;
	int64_t lifetime_ms; /* 0: the default */
};

struct google_minter;
struct google_minter_ops {
	bool (*mint)(struct google_minter *m, const struct world *w, const struct google_want *want,
		     struct google_token *ret, struct err *err);
	void (*free)(struct google_minter *m);
};

struct google_minter {
	const struct google_minter_ops *ops;
	const struct google_options *options;
	const char *kind; /* as credential files say it: "service_account" */
	char *principal;  /* an e-mail address or a federated subject; NULL while it is not known */
	char *origin;	  /* for people: "'key.json', named by GOOGLE_APPLICATION_CREDENTIALS" */
	char *universe;	  /* GOOGLE_UNIVERSE_DEFAULT but for sovereign clouds */
	/* Digest of all that decides whose token comes; NULL: that shows only when one was asked for, so none is kept. */
	char *identity;
	bool renewable; /* minting again may yield another token */
	/* It hands out the same token until that is nearly over, then another one soon after: a metadata server. */
	bool repeats;
	atomic_bool
		has_grown; /* it knows more than what it was made of: a refresh token that was rotated */
};

/* Fails with ERR_NO_CREDENTIAL (what it is made of is broken or refused), ERR_CANCELLED, ERR_TIMEOUT, ERR_NET. */
MUST_USE static inline bool google_mint(struct google_minter *m, const struct world *w,
					const struct google_want *want, struct google_token *ret,
					struct err *err)
{
	return m->ops->mint(m, w, want, ret, err);
}
void google_minter_free(struct google_minter *m);
DEFINE_FREEP(struct google_minter, google_minter_free)

/*
 * A minter out of a credential file's JSON, by its "type" (AIP-4110); any other type is an error that names it.
 * ORIGIN is copied. Reads no network and no other file. ERR_NO_CREDENTIAL.
 */
MUST_USE bool google_minter_from_json(const struct js *file, const char *origin,
				      const struct google_options *options,
				      struct google_minter **ret, struct err *err);

/* The same out of a file; HOW says why it is this one ("named by ..."), or is NULL. What cannot be read is an error. */
#define GOOGLE_FILE_CEILING (64 * KIB)
MUST_USE bool google_minter_from_file(const char *path, const char *how,
				      const struct google_options *options,
				      struct google_minter **ret, struct err *err);

/* The makers behind that table; each has its own file. */
MUST_USE bool google_service_account_new(const struct js *file,
					 const struct google_options *options,
					 struct google_minter **ret, struct err *err);
/* authorized_user and external_account_authorized_user */
MUST_USE bool google_user_new(const struct js *file, const struct google_options *options,
			      struct google_minter **ret, struct err *err);
MUST_USE bool google_impersonated_new(const struct js *file, const struct google_options *options,
				      struct google_minter **ret, struct err *err);
MUST_USE bool google_external_new(const struct js *file, const struct google_options *options,
				  struct google_minter **ret, struct err *err);

/*
 * Impersonates: EMAIL (with DELEGATES, the first of which the source may impersonate) by tokens of SOURCE, which
 * becomes the new minter's. URL is generateAccessToken's, or NULL for the universe's own.
 */
struct google_minter *google_impersonate(struct google_minter *source, const char *email,
					 const char *url, const struct strings *delegates,
					 int64_t lifetime_ms);

/*
 * The same from gcloud's notation, "[DELEGATE,...]EMAIL": the last is the one to be. SOURCE stays the caller's when it
 * fails, with ERR_USAGE for what is no list of service accounts; google_impersonation_check only looks.
 */
MUST_USE bool google_impersonate_chain(struct google_minter *source, const char *chain,
				       struct google_minter **ret, struct err *err);
MUST_USE bool google_impersonation_check(const char *chain, struct err *err);

/* Who ".../serviceAccounts/EMAIL:generateAccessToken" impersonates; NULL when it does not say. The caller frees. */
char *google_email_of(const char *url);

/* The metadata server of GCE, GKE, Cloud Run, Cloud Build. Asks it nothing yet. */
struct google_minter *google_metadata_new(const struct google_options *options);

/*
 * Whether there is one: GCE_METADATA_HOST or the answer of a server that says Metadata-Flavor: Google. NO_GCE_CHECK
 * says no. A refused connection is asked again for a while where the machine is Google's (DMI), because the server
 * of a pod comes up after the pod. Bounded; false with ERR only when cancelled or out of time.
 */
MUST_USE bool google_metadata_is_here(const struct google_options *options, const struct world *w,
				      bool *ret, struct err *err);

/*
 * gcloud's own login, read from its files (CLOUDSDK_CONFIG), with `gcloud config config-helper` behind it: its access
 * token, credential file and impersonation settings count as they do there. ACCOUNT, if not NULL, is taken instead of
 * all that says who it is. *ret is NULL when nobody is logged in.
 */
MUST_USE bool google_gcloud_new(const struct google_options *options, const char *account,
				struct google_minter **ret, struct err *err);

/*
 * A token that somebody else has minted: its life is looked up, in itself or by asking Google, and may stay unknown.
 * The first cannot be renewed; the second reads PATH again each time, and renews if somebody writes there.
 */
struct google_minter *google_static_new(struct secret *token, const char *origin,
					const struct google_options *options);
struct google_minter *google_token_file_new(const char *path, const char *how,
					    const struct google_options *options);

/*
 * Application Default Credentials: GOOGLE_APPLICATION_CREDENTIALS, the well-known file, the metadata server. *ret is
 * NULL when there is none of them; what is named and broken is an error and ends the search.
 */
MUST_USE bool google_default_new(const struct google_options *options, const struct world *w,
				 struct google_minter **ret, struct err *err);

/* google_fresh.c: a source that repeats a token until it is nearly over is asked again for a better one. */

/* Whether to ask once more, after ASKED times, when BEST is what came so far. */
bool google_is_worth_asking_again(const struct google_token *best, size_t asked, int64_t now_ms);

/* As google_mint, but the longest-lived of what such a source gives within some seconds. */
MUST_USE bool google_freshest(struct google_minter *m, const struct world *w,
			      const struct google_want *want, struct google_token *ret,
			      struct err *err);

/*
 * google_kept.c: as google_freshest, with the tokens that are kept in OPTIONS' cache_dir. One that has the life that is
 * wanted is handed out as it is; else one caller of all processes mints and the others wait for what it brings. What
 * was minted meanwhile is the best there is, however short; and where Google cannot be reached, so is what was kept.
 */
MUST_USE bool google_kept(struct google_minter *m, const struct world *w,
			  const struct google_want *want, struct google_token *ret,
			  struct err *err);

/* google_http.c: what all of them share. */

/* Frees what every minter has, for the end of its own free. */
void google_minter_clear(struct google_minter *m);

/* What a minter asks for when it is not told. Ends with NULL. */
extern const char *const google_scopes_default[3];

/*
 * One POST of a form or of JSON, or a GET, with retries; a status that is no success becomes ERR_NO_CREDENTIAL with
 * the endpoint's words ({"error","error_description"} and {"error":{"message","status"}}), one that did not pass in
 * time ERR_NET or ERR_RATE_LIMITED. Over https, or http to loopback; http to a link-local address only for what shows
 * no secret, a metadata server's. Follows no redirect. CALL needs no more than method, URL, headers, body and what
 * they are for. RET must be cleared.
 */
MUST_USE bool google_ask(const struct google_options *options, const struct world *w,
			 const struct http_call *call, struct http_answer *ret, struct err *err);

/* {"access_token","expires_in"}; without a life that makes sense the expiry is not known. */
MUST_USE bool google_oauth_answer(const struct http_answer *answer, struct google_token *ret,
				  struct err *err);
/* {"accessToken","expireTime"}; the moment is compared with the answer's own Date. */
MUST_USE bool google_iam_answer(const struct http_answer *answer, const struct world *w,
				struct google_token *ret, struct err *err);

#define GOOGLE_FORM_CEILING (256 * KIB)

/* "a=1&b=2": NAME=VALUE appended, form-encoded. A NULL value adds nothing. */
void google_form_add(struct buf *form, const char *name, const char *value);

/* The call that posts such a form (which is borrowed) to URL. */
struct http_call google_form_call(const char *what, const char *url, const struct buf *form);

/* "universe_domain" of a credential file, else GOOGLE_CLOUD_UNIVERSE_DOMAIN, else the default. The caller frees. */
char *google_universe_of(const struct js *file);

/* source_google.c: these tokens as passwords for registries. */
enum google_place {
	GOOGLE_ADC,	 /* "adc": Application Default Credentials */
	GOOGLE_FILE,	 /* "adc:FILE": a credential file */
	GOOGLE_METADATA, /* "metadata" */
	GOOGLE_GCLOUD,	 /* "gcloud[:ACCOUNT]" */
	GOOGLE_ANY,	 /* nothing was named: ADC, then gcloud, for Google's own registries only */
};

/*
 * WHERE is the FILE or ACCOUNT, or NULL. It is looked for at the first use; has nothing (not an error) where nobody is
 * logged in. USER NULL: oauth2accesstoken. OPTIONS and SCHED are borrowed.
 */
struct source *source_google_new(enum google_place place, const char *where, const char *user,
				 const struct google_options *options, struct sched *sched);

/* Whether HOST is one of Google's registries: *.pkg.dev, gcr.io, *.gcr.io. */
bool google_is_registry(const char *host);

#endif
