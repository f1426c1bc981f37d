/*
 * AWS Signature Version 4 of a request without a body (AWS General Reference, "Create a signed AWS API request"): what
 * proves an AWS role to Google, without asking AWS. A pure function of credentials, request and time.
 */
#ifndef AUTH_AWS_SIGV4_H
#define AUTH_AWS_SIGV4_H

#include "base/secret.h"
#include "http/transport.h"

struct aws_credentials {
	char *key_id;
	struct secret *secret_key;
	struct secret *session_token; /* NULL: long-lived keys have none */
};
void aws_credentials_clear(struct aws_credentials *c);

#define AWS_HEADERS_MAX 4

struct aws_request {
	const char *method;
	const char *host; /* as the Host header has it */
	/* as the URL has it; signed encoded once more, as all services but S3 ask */
	const char *path;
	const char *query; /* as the URL has it, without the '?'; "" for none */
	/* beside host, x-amz-date and x-amz-security-token; names in lower case */
	struct http_header headers[AWS_HEADERS_MAX];
	const char *region;
	const char *service;
	int64_t now_wall_ms;
};

/* "20150830T123600Z" */
#define AWS_DATE_SIZE 17

struct aws_signature {
	struct secret *authorization; /* the header's value */
	char date[AWS_DATE_SIZE];     /* of x-amz-date, which is signed */
};

void aws_sigv4_sign(const struct aws_credentials *credentials, const struct aws_request *request,
		    struct aws_signature *ret);
void aws_signature_clear(struct aws_signature *s);

#endif
