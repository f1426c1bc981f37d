/*
 * A registry in memory: OCI distribution 1.1 with token authentication, as the specification and docker-registry
 * have it. It shares hashes and JSON with the program and nothing else: what it believes of an upload is its own.
 *
 * A request comes in two steps, as with Expect: 100-continue: sim_registry_hear decides by the headers and may
 * answer at once, sim_registry_take gets the whole body. All waiting is the transport's.
 */
#ifndef SIM_REGISTRY_H
#define SIM_REGISTRY_H

#include "sim/sim_fault.h"
#include "sim/sim_store.h"

#define SIM_HOST "registry.test"
#define SIM_BASE "https://" SIM_HOST
#define SIM_STORAGE_HOST "storage.test"
#define SIM_CAPABILITY_PATH "/artifacts"

#define SIM_BODY_CEILING (64 * MIB)
#define SIM_HEADERS_MAX 12

enum sim_auth { SIM_AUTH_NONE, SIM_AUTH_BASIC, SIM_AUTH_BEARER };

enum sim_location {
	SIM_RELATIVE,
	SIM_ABSOLUTE,
	SIM_BARE,
	SIM_OTHER_HOST,
	SIM_CAPABILITY, /* outside /v2/ */
	SIM_LOCATIONS
};

/* Where the location is a capability: who is let in. */
enum sim_capability {
	SIM_LETS_ALL_IN,
	SIM_LETS_TOKENS_IN, /* that live */
	SIM_LETS_BARE_IN,   /* a dead token is refused, none at all is not */
	SIM_LETS_ONLY_BARE_IN,
};

struct sim_options {
	enum sim_auth auth;
	int64_t token_life_ms;
	unsigned int token_uses;   /* 0: any number */
	bool keeps_life_to_itself; /* no expires_in in the token's answer */
	bool says_403;		   /* of an expired token, in Artifact Registry's words */
	enum sim_location location;
	enum sim_capability capability;
	bool refuses_patch;  /* 405 */
	bool refuses_put;    /* a PUT with a body: 405 */
	bool wants_ranges;   /* a PATCH without Content-Range: 416 */
	bool refuses_ranges; /* one with it: 400 UNSUPPORTED */
	size_t body_max;     /* larger ones: 413; 0: none */
	size_t chunk_min;    /* OCI-Chunk-Min-Length */
	int patch_status;    /* 0: 202 */
	int put_status;	     /* 0: 201 */
	int manifest_status;
	int early_status;     /* to a PATCH, before the body was read */
	bool keeps_what_came; /* of a body that was cut: what comes next is appended to it */
	bool blobs_unchecked; /* takes a manifest whatever it names */
	bool immutable;	      /* a tag with another digest may not be moved */
	bool immutable_even_same;
	bool head_is_unknown; /* HEAD of a blob: 405 */
	bool head_without_length;
	bool redirects_blobs; /* GET of a blob: 307 to the other host */
	bool any_location;    /* an old upload URL will do */
};

struct sim_token {
	struct sim_token *next;
	char *text;
	char *scope;
	int64_t expires_ms;
	unsigned int uses_left; /* when they are counted */
};

struct sim_upload {
	struct sim_upload *next;
	int64_t id;
	int64_t state; /* the last Location names it */
	char *repo;
	struct buf bytes;
};

struct sim_record {
	enum sim_what what;
	char *method;
	char *target; /* path and query */
	int status;   /* 0: no answer */
	enum sim_fault fault;
	bool authorized;
};

struct sim_registry {
	struct sim_options options;
	struct sim_store store;
	struct sim_token *tokens;
	struct sim_token *passwords;
	struct sim_upload *uploads;
	int64_t last_id;

	/* what was seen */
	struct sim_record *records;
	size_t record_count;
	size_t refused;	       /* for want of a living token, pings aside */
	size_t foreign_tokens; /* shown to the storage host: a crime */
	size_t refused_at_capability;
	size_t stored_again; /* blobs that came although they were there and visible */
	size_t unfounded;    /* manifests that named what was not there */
	int64_t body_bytes;  /* of uploads that arrived whole or in part */
};

struct sim_request {
	const char *method;
	char *host;
	char *path;
	char *query; /* "" when there is none */
	const char *authorization;
	const char *content_type;
	const char *content_range;
	const char *range;
	enum sim_what what;
	char *repo; /* NULL outside one */
	char *name; /* of a blob, an upload, a manifest */
	bool for_proof;
	bool at_capability;
};

struct sim_answer {
	int status;
	char *names[SIM_HEADERS_MAX];
	char *values[SIM_HEADERS_MAX];
	size_t header_count;
	struct buf body;
};

void sim_registry_clear(struct sim_registry *r);

/* URL and METHOD taken apart. To be cleared. */
void sim_request_read(const char *method, const char *url, struct sim_request *ret);
void sim_request_clear(struct sim_request *q);

void sim_answer_init(struct sim_answer *a);
void sim_answer_clear(struct sim_answer *a);
void sim_answer_header(struct sim_answer *a, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A body like docker-registry's; CODE may be NULL. */
void sim_answer_error(struct sim_answer *a, int status, const char *code, const char *words);

/* True when the answer is made without the body. */
bool sim_registry_hear(struct sim_registry *r, const struct sim_request *q, int64_t now_ms,
		       struct sim_answer *ret);

/* LATE_MS: what is kept is shown that much later; DROP: nothing is kept. */
struct sim_taking {
	int64_t now_ms;
	int64_t late_ms;
	bool drop;
	bool damage; /* a blob's bytes: one bit of the last */
};
void sim_registry_take(struct sim_registry *r, const struct sim_request *q, const struct buf *body,
		       const struct sim_taking *how, struct sim_answer *ret);

/* Part of a body came, then the connection broke: docker-registry forgets it, others keep it. */
void sim_registry_cut(struct sim_registry *r, const struct sim_request *q, const struct buf *body);

void sim_registry_challenge(const struct sim_registry *r, struct sim_answer *a);

/* Credentials. What is returned is owned by the registry. */
const char *sim_registry_mint(struct sim_registry *r, const char *scope, int64_t now_ms);
const char *sim_registry_password(struct sim_registry *r, int64_t expires_ms);
void sim_registry_kill_tokens(struct sim_registry *r);

void sim_registry_record(struct sim_registry *r, const struct sim_request *q, int status,
			 enum sim_fault fault);

/* How many requests of that kind there were. */
size_t sim_registry_count(const struct sim_registry *r, enum sim_what what);

#endif
