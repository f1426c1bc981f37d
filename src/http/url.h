/*
 * URLs as they travel in Location headers and realms. Parsing is the HTTP library's; here is what we ask of it.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/err.h"

/* TARGET, absolute or relative, seen from BASE (RFC 3986 §5). Only http and https. The caller frees. */
MUST_USE bool url_resolve(const char *base, const char *target, char **ret, struct err *err);

/* URL with `key=value` (value is encoded) behind whatever query it has. The caller frees. */
MUST_USE bool url_add_query(const char *url, const char *key, const char *value, char **ret,
			    struct err *err);

/* TEXT as a part of a query or form: what is not unreserved (RFC 3986 §2.3) becomes %XX. The caller frees. */
char *url_encode(const char *text);
char *url_decode(const char *text);

/*
 * URL with HOST instead of its own, and in *ret_place where its own was, as CURLOPT_CONNECT_TO says it. NULL for what
 * is no URL. The caller frees both.
 */
char *url_renamed(const char *url, const char *host, char **ret_place);

/* Scheme, host and port are the same (RFC 6454). False for what is no URL. */
bool url_same_origin(const char *a, const char *b);

bool url_is_https(const char *url);

/*
 * URL, but over https where it only differs from BASE, which is https, in saying http: registries behind a TLS proxy
 * do not know that they are. The caller frees.
 */
char *url_keep_https(const char *base, const char *url);

/* "host" or "host:port" when it is not the scheme's own; NULL for what is no URL. The caller frees. */
char *url_authority(const char *url);

/* The path ("/" at least) and query ("" for none) as they stand in URL, NULL for what is no URL. The caller frees. */
char *url_path(const char *url);
char *url_query(const char *url);

/*
 * What may be shown: without query and user info, and of an upload's place only that it is one, since Artifact
 * Registry's is a capability by its path. The caller frees.
 */
char *url_shown(const char *url);

enum host_kind {
	HOST_ELSEWHERE,
	HOST_LOOPBACK, /* 127.0.0.0/8, ::1, localhost */
	/* 169.254.0.0/16, fe80::/10, unspecified, and what metadata servers have beside: a name, fd00:ec2::254 */
	HOST_LINK_LOCAL,
};

/* Of "host" or "host:port" or a URL, by its text alone: nothing is looked up. */
enum host_kind host_kind_of(const char *authority_or_url);

/*
 * Whether FROM may name TO as a place to go on at (a Location, a redirect, a realm): never a link-local address, and
 * loopback only when FROM is there too. Both as host_kind_of takes them.
 */
bool host_may_lead_to(const char *from, const char *to);

#endif
