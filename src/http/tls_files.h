/*
 * Certificates that belong to a host by where they lie: DIR/HOST[:PORT]/{*.crt,*.cert,*.key}, as docker and
 * podman read them (docker's "Verify repository client with certificates").
 */
#ifndef HTTP_TLS_FILES_H
#define HTTP_TLS_FILES_H

#include "base/buf.h"

#define TLS_FILES_CEILING (1 * MIB)

struct tls_files {
	struct buf trusted; /* PEM, empty when there is nothing */
	char *cert;	    /* path or NULL */
	char *key;
};

#define TLS_FILES_INIT                                 \
	{                                              \
		.trusted = BUF_INIT(TLS_FILES_CEILING) \
	}

/* Adds what DIR has for AUTHORITY ("host" or "host:port"); nothing there is no error. */
void tls_files_read(struct tls_files *files, const char *dir, const char *authority);
void tls_files_clear(struct tls_files *files);

/* Whether DIR is one that OpenSSL can look certificates up in (openssl-rehash(1)). */
bool tls_dir_is_hashed(const char *dir);

#endif
