/*
 * A conversation with one repository of one registry: connections and tokens that belong together. Verbs take
 * the session; may be used from many threads at once.
 */
#ifndef REGISTRY_SESSION_H
#define REGISTRY_SESSION_H

#include "http/client.h"
#include "image/reference.h"

enum session_access {
	SESSION_PULL,
	SESSION_PUSH,
};

/* How a blob's bytes travel. What a registry refused once is not tried with the next blob. */
enum upload_form {
	UPLOAD_PATCH, /* POST, one PATCH with the whole body, PUT: taken wherever `docker push` works */
	UPLOAD_PUT,    /* POST, PUT with the body */
	UPLOAD_CHUNKS, /* POST, PATCHes with Content-Range, PUT */
	UPLOAD_FORMS,
};

struct session {
	struct http_client *client; /* owned */
	char *base_url;		    /* "https://host[:port]", nothing behind it */
	char *repository;
	char *scope; /* "repository:NAME:pull[,push]" */
	atomic_int upload_form;
	atomic_llong chunk_bytes;
	atomic_bool capabilities_are_bare; /* an upload's place outside /v2/ has refused a token */
	atomic_llong
		bytes_per_second; /* of the last body that was sent: how long the next will take */
};

/* CLIENT becomes the session's. */
struct session *session_new(struct http_client *client, const char *base_url,
			    const char *repository, enum session_access access);
void session_free(struct session *s);
DEFINE_FREEP(struct session, session_free)

/*
 * Finds out how the registry is spoken to: GET /v2/ at each of BASES in turn, which are tried as one. Any answer
 * that belongs to the protocol will do: 200, or 401 with the challenge. *ret_base is the index; RET has the
 * answer. Fails with ERR_NO_REGISTRY, ERR_NET and what stood in the way.
 */
MUST_USE bool registry_ping(const struct world *w, struct transport *transport,
			    const struct retry_policy *policy, const char *const *bases,
			    size_t base_count, size_t *ret_base, struct http_answer *ret,
			    struct err *err);

struct http_scope session_scope(const struct session *s);

/* "<base>/v2/<repository>/<rest>"; the caller frees. */
char *session_url(const struct session *s, const char *fmt, ...) PRINTF(2, 3);

/*
 * Where sessions come from. Every call yields connections and tokens of its own, so that a proof does not lean
 * on anything the push has used.
 */
struct session_maker {
	bool (*make)(struct session_maker *m, const struct world *w, const struct reference *ref,
		     enum session_access access, struct session **ret, struct err *err);
};

MUST_USE static inline bool session_make(struct session_maker *m, const struct world *w,
					 const struct reference *ref, enum session_access access,
					 struct session **ret, struct err *err)
{
	return m->make(m, w, ref, access, ret, err);
}

#endif
