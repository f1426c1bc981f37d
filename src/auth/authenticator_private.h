/*
 * The authenticator's own state, shared by its two halves: authenticator.c hands out tickets and judges refusals,
 * renewal.c asks sources and token endpoints.
 */
#ifndef AUTH_AUTHENTICATOR_PRIVATE_H
#define AUTH_AUTHENTICATOR_PRIVATE_H

#include "auth/authenticator.h"
#include "wire/digest.h"

/* Before the same bytes are shown once more: a registry that has just hiccuped. */
#define SAME_AGAIN_MS 300

/* Shown so soon after it came, a credential cannot have died of age. */
#define FIRST_USE_MS 10000

enum scheme {
	SCHEME_UNKNOWN, /* nothing was asked for yet: requests go without */
	SCHEME_BASIC,
	SCHEME_BEARER,
};

struct token {
	struct token *next;
	char *scope; /* the resources, joined */
	struct secret *header;
	struct token_life life;
	int64_t serial;
	int64_t credential_serial;
	size_t uses;
	char fingerprint[FINGERPRINT_SIZE];
};

struct authenticator {
	struct authorizer authorizer;
	struct sched *sched;
	struct http_client *endpoint;
	char *base_url;
	char *host;
	char *repository;
	struct source *const *sources;
	size_t source_count;
	bool may_be_anonymous;
	int64_t renew_wait_ms;
	int64_t min_life_ms;
	bool has_begun; /* a credential was taken: what comes later is used however short its life is */

	/* Read and written inside the monitor; the credential and what belongs to it only by who renews. */
	struct monitor *monitor;
	bool renewing;
	int64_t failures; /* of renewals */
	char *failed_key; /* the scope of the last one */
	struct err failure;
	enum scheme scheme;
	char *realm;
	char *service;
	struct token *tokens; /* one a scope */
	int64_t last_serial;

	struct credential *credential;
	int64_t credential_serial;	/* counts the different ones */
	int64_t credential_obtained_ms; /* when its source was asked last */
	int64_t credential_new_ms;	/* when it gave these bytes first */
	bool waited_in_vain;		/* for another one: then the refusal of this one is final */
	bool credential_is_suspect;	/* a token bought with it was refused: ask for it again */
	struct secret *suspect;		/* the bytes that were behind the refused token */
	struct secret *dead;		/* bytes that will not be shown again */
	struct secret *refused_header;	/* the registry token that was refused last */
	size_t refused_header_times;
};

/* Inside the monitor. *p is NULL when there is none for KEY, the joined resources of a scope. */
struct token **authenticator_find_token(struct authenticator *a, const char *key);
void authenticator_drop_token(struct authenticator *a, const char *key);

/* Outside the monitor, by whoever set a->renewing: leaves a new token for KEY. */
bool authenticator_renew(struct authenticator *a, const struct world *w,
			 const struct http_scope *scope, const char *key, struct err *err);

/* What to do where no credential was found. */
void authenticator_hint_login(const struct authenticator *a, struct err *err);

/* The credential's bytes are not shown again: only another one will do. */
void authenticator_kill_credential(struct authenticator *a);

#endif
