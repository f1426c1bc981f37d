/*
 * Subject tokens for Google's workload identity federation: what somebody else than Google says about who runs here.
 * One supplier for each kind of credential_source (AIP-4117). It asks anew every time: a subject token that was
 * exchanged once is not exchanged again. Does not know what the exchange looks like.
 *
 * A place that is asked is one that the user's own credential file names. It may be https; plain http only inside
 * this machine or at a metadata server's link-local address (Azure and AWS have no other), where no proxy is used
 * either, since a subject token and the headers it is asked with are worth as much as a password. A redirect is not
 * followed.
 */
#ifndef AUTH_GOOGLE_SUBJECT_H
#define AUTH_GOOGLE_SUBJECT_H

#include "auth/aws_sigv4.h"
#include "auth/google.h"
#include "base/strings.h"

#define GOOGLE_SUBJECT_CEILING (64 * KIB)

/* What the token is for; borrowed, and outlives the supplier. */
struct google_subject_use {
	const char *audience;
	const char *token_type; /* subject_token_type */
	const char *email;	/* who is impersonated with it; NULL: nobody */
};

struct google_subject;
struct google_subject_ops {
	bool (*get)(struct google_subject *s, const struct world *w, struct secret **ret,
		    struct err *err);
	void (*free)(struct google_subject *s);
};

struct google_subject {
	const struct google_subject_ops *ops;
	const struct google_options *options;
	const struct google_subject_use *use;
};

/*
 * By what SOURCE (credential_source) names: file, url, executable or environment_id. ERR_NO_CREDENTIAL for what is
 * broken, and for certificate, which is not supported.
 */
MUST_USE bool google_subject_new(const struct js *source, const struct google_subject_use *use,
				 const struct google_options *options, struct google_subject **ret,
				 struct err *err);

/* Fails with ERR_NO_CREDENTIAL, ERR_CANCELLED, ERR_TIMEOUT, ERR_NET. */
MUST_USE static inline bool google_subject_get(struct google_subject *s, const struct world *w,
					       struct secret **ret, struct err *err)
{
	return s->ops->get(s, w, ret, err);
}

static inline void google_subject_free(struct google_subject *s)
{
	if (s)
		s->ops->free(s);
}
DEFINE_FREEP(struct google_subject, google_subject_free)

/* The makers behind that table; each has its own file. */
MUST_USE bool google_subject_command_new(const struct js *executable, struct google_subject **ret,
					 struct err *err);
MUST_USE bool google_subject_aws_new(const struct js *source, struct google_subject **ret,
				     struct err *err);

/* Whether URL is a place to ask, see above. NAME is the field that names it. */
MUST_USE bool google_subject_place(const char *name, const char *url, struct err *err);

/* One request there: google_ask, but without a proxy inside this machine. */
MUST_USE bool google_subject_ask(const struct google_subject *s, const struct world *w,
				 const struct http_call *call, struct http_answer *ret,
				 struct err *err);

/* Parsers: bytes that somebody else wrote */

struct google_subject_format {
	char *field; /* of a JSON object; NULL: the text is the token */
};
MUST_USE bool google_subject_format_read(const struct js *source, struct google_subject_format *ret,
					 struct err *err);

/* Spaces around it are not part of the token. */
MUST_USE bool google_subject_parse(const char *text, size_t len,
				   const struct google_subject_format *format, struct secret **ret,
				   struct err *err);

/*
 * What an executable writes: {"version", "success", "token_type", "id_token" | "saml_response", "expiration_time"},
 * or "code" and "message" with success false. *ret_expires_wall_ms is -1 when it did not say.
 */
MUST_USE bool google_subject_answer_parse(const char *text, size_t len, struct secret **ret,
					  int64_t *ret_expires_wall_ms, struct err *err);

/* A command line into words, as a shell would without anything but quotes and backslashes. */
MUST_USE bool google_subject_words(const char *line, struct strings *ret, struct err *err);

/* {"AccessKeyId", "SecretAccessKey", "Token"}, as EC2's metadata server answers for a role. */
MUST_USE bool aws_credentials_parse(const char *text, size_t len, struct aws_credentials *ret,
				    struct err *err);

#endif
