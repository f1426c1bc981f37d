/*
 * The real transport: libcurl. Each exchange drives a small curl_multi of its own in the calling thread, with
 * the cancel's descriptor among those it waits for. Connections are kept per multi and multis are kept for the
 * next exchange; names looked up and TLS sessions are shared by all of one transport.
 *
 * Blob bodies go over HTTP/1.1 with `Expect: 100-continue`, everything else takes HTTP/2 where TLS offers it.
 */
#ifndef HTTP_TRANSPORT_CURL_H
#define HTTP_TRANSPORT_CURL_H

#include "http/transport.h"

struct transport_options {
	struct sched *sched;
	int64_t connect_ms; /* name, TCP and TLS together */
	int64_t stall_ms;   /* nothing moved in either direction */
	bool insecure;	    /* certificates are not checked */
	const char *cacert; /* PEM, trusted beside the system's; NULL: none */
	bool only_cacert;   /* CACERT is trusted alone, where there is one; no certs.d is read */
	/* every request goes to this socket, whatever host its URL names, and to no proxy; NULL: none */
	const char *unix_socket;
	const char *
		cert; /* client certificate and key, shown to the host OWN_AUTHORITY only; NULL: none */
	const char *key;
	const char *own_authority; /* "host[:port]" */
	bool no_proxy;		   /* whatever the environment says */

	/* For a server that is known by its own certificate authority; all NULL or false otherwise. */
	const char *cacert_pem;	 /* nobody else is trusted */
	const char *server_name; /* that its certificate has, where it is not the URL's */
	const char *proxy_url;	 /* goes before the environment; http, https or socks5 */
	bool no_docker_dirs;	 /* certs.d is not looked into */
};

#define TRANSPORT_CONNECT_MS 10000
#define TRANSPORT_STALL_MS 15000

/*
 * OPTIONS are copied. docker's and podman's certs.d/HOST[:PORT] are read, in /etc and below HOME: *.crt
 * are trusted, *.cert with *.key is shown. Fails with ERR_LOCAL.
 */
MUST_USE bool transport_curl_new(const struct transport_options *options, struct transport **ret,
				 struct err *err);

/*
 * Shows CERT with KEY (PEM; NULL: none) from the next request on, over connections of its own. Copies them. T is one of
 * transport_curl_new's.
 */
void transport_curl_identify(struct transport *t, const struct secret *cert,
			     const struct secret *key);

#endif
