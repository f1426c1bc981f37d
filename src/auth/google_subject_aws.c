/*
 * A subject token out of an AWS role (AIP-4117, "AWS"): a signed request for AWS's GetCallerIdentity, which is not sent
 * but given to Google, who sends it. Keys and region come from the environment, else from EC2's metadata server
 * (IMDSv2 where the credential file names its token URL).
 */
#include "auth/google_subject.h"

#include "base/mem.h"
#include "http/url.h"

#include <ctype.h>
#include <string.h>

#define SESSION_TTL_S "300"
#define SERVICE "sts"
#define REGION_MARK "{region}"

struct aws_subject {
	struct google_subject subject;
	char *session_url; /* of IMDSv2; NULL: IMDSv1 */
	char *role_url;	   /* NULL: the environment has the keys */
	char *region_url;  /* NULL: the environment has the region */
	char *verification_url;
};

/* The metadata server */

static bool has_only(const char *text, const char *others)
{
	const char *c = text;

	while (isalnum((unsigned char)*c) || (*c && strchr(others, *c)))
		c++;
	return c != text && *c == '\0';
}

/* It becomes a header or a part of one. */
static bool is_word(const char *text)
{
	const char *c = text;

	while (*c > ' ' && *c < 0x7f)
		c++;
	return c != text && *c == '\0';
}

/* SESSION is NULL with IMDSv1. */
static bool ask_text(const struct aws_subject *s, const struct world *w, const char *what,
		     const char *url, const struct secret *session, struct secret **ret,
		     struct err *err)
{
	static const struct google_subject_format text = { .field = NULL };
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct http_call call = { .what = what, .method = "GET", .url = url };

	if (session)
		call.headers[0] =
			(struct http_header){ "X-aws-ec2-metadata-token", secret_reveal(session) };
	return google_subject_ask(&s->subject, w, &call, &answer, err) &&
	       google_subject_parse(answer.body, answer.body_len, &text, ret, err);
}

static bool ask_session(const struct aws_subject *s, const struct world *w, struct secret **ret,
			struct err *err)
{
	static const struct google_subject_format text = { .field = NULL };
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	const struct http_call call = {
		.what = "session of AWS metadata",
		.method = "PUT",
		.url = s->session_url,
		.headers = { { "X-aws-ec2-metadata-token-ttl-seconds", SESSION_TTL_S } },
		.empty_body = true,
	};

	if (!google_subject_ask(&s->subject, w, &call, &answer, err) ||
	    !google_subject_parse(answer.body, answer.body_len, &text, ret, err))
		return false;
	if (!is_word(secret_reveal(*ret)))
		return err_set(err, ERR_NO_CREDENTIAL, "the AWS metadata session is no token");
	return true;
}

static bool take_key(const struct js *j, const char *name, struct secret **ret, struct err *err)
{
	const char *text = js_string(js_get(j, name));

	if (!text || !is_word(text))
		return err_set(err, ERR_NO_CREDENTIAL, "AWS's credentials have no '%s'", name);
	*ret = secret_new(text, strlen(text));
	return true;
}

bool aws_credentials_parse(const char *text, size_t len, struct aws_credentials *ret,
			   struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *code, *id;

	if (!js_parse(text, len, GOOGLE_SUBJECT_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return false;
	code = js_string(js_get(j, "Code"));
	id = js_string(js_get(j, "AccessKeyId"));
	if (code && strcmp(code, "Success") != 0) {
		err_set(err, ERR_NO_CREDENTIAL, "AWS's metadata server has no credentials");
		err_evidence(err, "%.80s", code);
		return false;
	}
	if (!id || !is_word(id))
		return err_set(err, ERR_NO_CREDENTIAL, "AWS's credentials have no 'AccessKeyId'");
	ret->key_id = mem_strdup(id);
	/* what EC2 hands out always has a session */
	return take_key(j, "SecretAccessKey", &ret->secret_key, err) &&
	       take_key(j, "Token", &ret->session_token, err);
}

static bool ask_credentials(const struct aws_subject *s, const struct world *w,
			    const struct secret *session, struct aws_credentials *ret,
			    struct err *err)
{
	CLEANUP(secret_freep) struct secret *role = NULL;
	CLEANUP(secret_freep) struct secret *text = NULL;
	CLEANUP(mem_freep) char *url = NULL;
	CLEANUP(mem_freep) char *encoded = NULL;

	if (!ask_text(s, w, "role of AWS", s->role_url, session, &role, err))
		return err_wrap(err, "the AWS role of this machine");
	if (!has_only(secret_reveal(role), "+=,.@_-")) /* IAM's characters for a name */
		return err_set(err, ERR_NO_CREDENTIAL,
			       "what AWS's metadata server names is no role");
	encoded = url_encode(secret_reveal(role));
	url = mem_printf("%s%s%s", s->role_url,
			 s->role_url[strlen(s->role_url) - 1] == '/' ? "" : "/", encoded);
	return (ask_text(s, w, "key of AWS", url, session, &text, err) &&
		aws_credentials_parse(secret_reveal(text), secret_len(text), ret, err)) ||
	       err_wrap(err, "the credentials of AWS role '%s'", secret_reveal(role));
}

/* "us-east-1d" is a zone, and "us-east-1" its region. */
static bool ask_region(const struct aws_subject *s, const struct world *w,
		       const struct secret *session, char **ret, struct err *err)
{
	CLEANUP(secret_freep) struct secret *zone = NULL;

	if (!ask_text(s, w, "region of AWS", s->region_url, session, &zone, err))
		return err_wrap(err, "the AWS region of this machine");
	*ret = mem_strndup(secret_reveal(zone), secret_len(zone) - 1);
	return true;
}

/* The environment, as AWS's own tools read it; Lambda has nothing else */

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool credentials_from_environment(struct aws_credentials *ret)
{
	const char *id = variable("AWS_ACCESS_KEY_ID"), *key = variable("AWS_SECRET_ACCESS_KEY");
	const char *token = variable("AWS_SESSION_TOKEN");

	if (!id || !key)
		return false;
	ret->key_id = mem_strdup(id);
	ret->secret_key = secret_new(key, strlen(key));
	ret->session_token = token ? secret_new(token, strlen(token)) : NULL;
	return true;
}

static char *region_from_environment(void)
{
	const char *region = variable("AWS_REGION");

	return mem_strdup_or_null(region ? region : variable("AWS_DEFAULT_REGION"));
}

struct aws_identity {
	struct aws_credentials credentials;
	char *region;
};

static void aws_identity_clear(struct aws_identity *i)
{
	aws_credentials_clear(&i->credentials);
	free(i->region);
}

static bool is_missing(const char *url, const char *name, const char *instead, struct err *err)
{
	if (url)
		return false;
	err_set(err, ERR_NO_CREDENTIAL, "there is no %s, and no '%s' to ask for it", instead, name);
	return true;
}

static bool identity_get(const struct aws_subject *s, const struct world *w,
			 struct aws_identity *ret, struct err *err)
{
	CLEANUP(secret_freep) struct secret *session = NULL;
	bool have_keys = credentials_from_environment(&ret->credentials);

	ret->region = region_from_environment();
	if ((!have_keys && is_missing(s->role_url, "url", "AWS_ACCESS_KEY_ID", err)) ||
	    (!ret->region && is_missing(s->region_url, "region_url", "AWS_REGION", err)))
		return false;
	if ((!have_keys || !ret->region) && s->session_url && !ask_session(s, w, &session, err))
		return false;
	if (!have_keys && !ask_credentials(s, w, session, &ret->credentials, err))
		return false;
	if (!ret->region && !ask_region(s, w, session, &ret->region, err))
		return false;
	if (!has_only(ret->region, "-"))
		return err_set(err, ERR_NO_CREDENTIAL, "'%.40s' is no AWS region", ret->region);
	return true;
}

/* The token */

static char *put_region(const char *url, const char *region)
{
	const char *mark = strstr(url, REGION_MARK);

	if (!mark)
		return mem_strdup(url);
	return mem_printf("%.*s%s%s", (int)(mark - url), url, region, mark + strlen(REGION_MARK));
}

static void put_header(struct js *headers, const char *key, const char *value)
{
	struct js *header;

	if (!value)
		return;
	header = js_object();
	js_put_string(header, "key", key);
	js_put_string(header, "value", value);
	js_append(headers, header);
}

/* The request as JSON, percent-encoded: the exchange's form encodes that once more. */
static struct secret *compose(const struct aws_request *r, const char *url,
			      const struct aws_credentials *credentials,
			      const struct aws_signature *signature)
{
	CLEANUP(js_freep) struct js *j = js_object();
	CLEANUP(mem_freep) char *text = NULL;
	CLEANUP(mem_freep) char *encoded = NULL;
	struct js *headers = js_array();
	struct secret *token;

	put_header(headers, "Authorization", secret_reveal(signature->authorization));
	put_header(headers, "host", r->host);
	put_header(headers, "x-amz-date", signature->date);
	if (credentials->session_token)
		put_header(headers, "x-amz-security-token",
			   secret_reveal(credentials->session_token));
	put_header(headers, r->headers[0].name, r->headers[0].value);
	js_put_string(j, "url", url);
	js_put_string(j, "method", r->method);
	js_put(j, "headers", headers);
	text = js_text(j, JS_COMPACT);
	encoded = url_encode(text);
	token = secret_new(encoded, strlen(encoded));
	secret_wipe(text, strlen(text));
	secret_wipe(encoded, strlen(encoded));
	return token;
}

static bool aws_get(struct google_subject *subject, const struct world *w, struct secret **ret,
		    struct err *err)
{
	const struct aws_subject *s = (const struct aws_subject *)subject;
	CLEANUP(aws_identity_clear) struct aws_identity identity = { 0 };
	CLEANUP(aws_signature_clear) struct aws_signature signature = { 0 };
	CLEANUP(mem_freep) char *url = NULL;
	CLEANUP(mem_freep) char *host = NULL;
	CLEANUP(mem_freep) char *path = NULL;
	CLEANUP(mem_freep) char *query = NULL;
	struct aws_request r = {
		.method = "POST",
		.headers = { { "x-goog-cloud-target-resource", subject->use->audience } },
		.service = SERVICE,
		.now_wall_ms = clock_wall_ms(w->clock),
	};

	if (!world_check(w, err) || !identity_get(s, w, &identity, err))
		return false;
	url = put_region(s->verification_url, identity.region);
	r.host = host = url_authority(url);
	r.path = path = url_path(url);
	r.query = query = url_query(url);
	r.region = identity.region;
	if (!host || !path || !query)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "'regional_cred_verification_url' is no URL");
	aws_sigv4_sign(&identity.credentials, &r, &signature);
	*ret = compose(&r, url, &identity.credentials, &signature);
	return true;
}

static void aws_free(struct google_subject *subject)
{
	struct aws_subject *s = (struct aws_subject *)subject;

	free(s->session_url);
	free(s->role_url);
	free(s->region_url);
	free(s->verification_url);
	free(s);
}

static const struct google_subject_ops aws_ops = { .get = aws_get, .free = aws_free };

/* A place that need not be named. */
static bool take_place(const struct js *source, const char *name, char **ret, struct err *err)
{
	const char *url = js_string(js_get(source, name));

	if (!url || !*url)
		return true;
	if (!google_subject_place(name, url, err))
		return false;
	*ret = mem_strdup(url);
	return true;
}

static bool check_version(const struct js *source, struct err *err)
{
	const char *id = js_string(js_get(source, "environment_id"));

	if (id && strcmp(id, "aws1") == 0)
		return true;
	return err_set(err, ERR_NO_CREDENTIAL, "'environment_id' is '%.40s', only 'aws1' is known",
		       id ? id : "");
}

bool google_subject_aws_new(const struct js *source, struct google_subject **ret, struct err *err)
{
	CLEANUP(google_subject_freep) struct google_subject *subject = NULL;
	struct aws_subject *s = NEW(struct aws_subject);
	const char *verification = js_string(js_get(source, "regional_cred_verification_url"));

	subject = &s->subject;
	subject->ops = &aws_ops;
	if (!check_version(source, err) ||
	    !take_place(source, "imdsv2_session_token_url", &s->session_url, err) ||
	    !take_place(source, "url", &s->role_url, err) ||
	    !take_place(source, "region_url", &s->region_url, err))
		return false;
	if (!verification || !url_is_https(verification))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "'regional_cred_verification_url' is no https URL");
	s->verification_url = mem_strdup(verification);
	*ret = TAKE(subject);
	return true;
}
