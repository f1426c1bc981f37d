/*
 * What docker and its kin say to a credential helper on stdin, and the words that they know as its answer
 * (docker-credential-helpers, credentials.go). Pure functions: reading stdin and exit codes are the program's.
 */
#ifndef AUTH_HELPER_PROTOCOL_H
#define AUTH_HELPER_PROTOCOL_H

#include "auth/source.h"

#define HELPER_CEILING (64 * KIB)

/* Whoever asks compares these to the letter. */
#define HELPER_NOT_FOUND "credentials not found in native keychain"
#define HELPER_NO_SERVER "no credentials server URL"
#define HELPER_NO_USER "no credentials username"

/* What was said: all of it, or how it is called when it is missing. The answer's ServerURL is SERVER as it was said. */
struct helper_request {
	char *server;
	char *host; /* "us-docker.pkg.dev", lower case; NULL when SERVER has none */
	const char *missing;
};
void helper_request_clear(struct helper_request *r);

/* get, erase: a bare host or a URL. */
void helper_read_server(const char *bytes, size_t len, struct helper_request *ret);

/* store: {"ServerURL","Username","Secret"}, of which the secret is not looked at. Fails with ERR_USAGE. */
MUST_USE bool helper_read_login(const char *bytes, size_t len, struct helper_request *ret,
				struct err *err);

/* {"ServerURL","Username","Secret"}; the caller wipes and frees. */
char *helper_answer(const char *server, const struct credential *c);

/* An error in one line, as it is printed by whoever has asked. The caller frees. */
char *helper_refusal(const struct err *err);

#endif
