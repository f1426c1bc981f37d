/* What libcurl is told of a request: headers, body, trust, proxy. */
#include "http/curl_private.h"

#include "base/mem.h"
#include "http/tls_files.h"
#include "http/transport_curl.h"
#include "http/url.h"

#include <string.h>

static size_t on_send(char *bytes, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t wanted = size * count, len = 0;

	if ((uint64_t)(x->body_bytes - x->sent_bytes) < wanted)
		wanted = (size_t)(x->body_bytes - x->sent_bytes);
	if (!stream_read(x->body, bytes, wanted, &len, &x->body_err)) {
		x->body_failed = true;
		return CURL_READFUNC_ABORT;
	}
	if (len == 0 && x->sent_bytes < x->body_bytes) {
		x->body_failed = true;
		err_set(&x->body_err, ERR_CORRUPT, "ends after %lld of %lld bytes",
			(long long)x->sent_bytes, (long long)x->body_bytes);
		return CURL_READFUNC_ABORT;
	}
	x->sent_bytes += (int64_t)len;
	exchange_moved(x);
	if (x->sending)
		x->sending(x->sending_arg, x->sent_bytes);
	return len;
}

/* A realm or redirect elsewhere must not lead inside, whatever its name resolves to. */
static int on_connected(void *arg, char *primary_ip, char *local_ip, int primary_port,
			int local_port)
{
	(void)arg;
	(void)local_ip;
	(void)primary_port;
	(void)local_port;
	return host_kind_of(primary_ip) == HOST_ELSEWHERE ? CURL_PREREQFUNC_OK
							  : CURL_PREREQFUNC_ABORT;
}

static void add_header(struct curl_exchange *x, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *line = mem_printf("%s: %s", name, value);

	x->request_headers = curl_slist_append(x->request_headers, line);
	secret_wipe(line, strlen(line));
}

static void set_headers(struct curl_exchange *x, const struct http_request *r)
{
	for (size_t i = 0; i < HTTP_REQUEST_HEADERS_MAX && r->headers[i].name; i++)
		add_header(x, r->headers[i].name, r->headers[i].value);
	if (r->authorization)
		add_header(x, "Authorization", secret_reveal(r->authorization));
	if (r->large && r->body && r->body_bytes > 0)
		add_header(x, "Expect", "100-continue");
	else
		x->request_headers = curl_slist_append(x->request_headers, "Expect:");
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->request_headers);
}

static void set_body(struct curl_exchange *x, const struct http_request *r)
{
	if (r->body) {
		x->body = r->body;
		x->body_bytes = r->body_bytes;
		x->sending = r->sending;
		x->sending_arg = r->sending_arg;
		curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_bytes);
		curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
	} else if (r->empty_body) {
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE, 0L);
		/* not the form type that libcurl gives to what it posts */
		x->request_headers = curl_slist_append(x->request_headers, "Content-Type:");
	}
	if (strcmp(r->method, "HEAD") == 0)
		curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

/*
 * What is trusted beside the system. Where the system has a hashed directory, libcurl's default of reading its whole
 * bundle for each connection is left out: that takes megabytes and milliseconds, the directory is looked into when a
 * certificate is wanted.
 */
static void set_trusted(struct curl_exchange *x)
{
	struct curl_blob blob = { .data = x->trusted.data, .len = x->trusted.len };

	if (x->trusted.len)
		curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &blob);
	else if (x->t->hashed_dir)
		curl_easy_setopt(x->easy, CURLOPT_CAINFO, NULL);
	if (x->t->hashed_dir)
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, x->t->hashed_dir);
	if (x->t->only_cacert) {
		curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(x->easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
	}
}

static void set_client_cert(struct curl_exchange *x, const char *cert, const char *key)
{
	if (cert)
		curl_easy_setopt(x->easy, CURLOPT_SSLCERT, cert);
	if (key)
		curl_easy_setopt(x->easy, CURLOPT_SSLKEY, key);
}

static void set_pem(struct curl_exchange *x, CURLoption option, const struct secret *pem)
{
	struct curl_blob blob = { .data = (void *)secret_reveal(pem),
				  .len = secret_len(pem),
				  .flags = CURL_BLOB_COPY };

	curl_easy_setopt(x->easy, option, &blob);
}

static void set_identity(struct curl_exchange *x, struct curl_transport *t)
{
	monitor_enter(t->sched, t->idle_monitor);
	if (t->cert_pem && t->key_pem) {
		set_pem(x, CURLOPT_SSLCERT_BLOB, t->cert_pem);
		set_pem(x, CURLOPT_SSLKEY_BLOB, t->key_pem);
	}
	monitor_leave(t->sched, t->idle_monitor);
}

/* The daemons' directories, and those of their rootless forms. */
static void read_certs_d(struct tls_files *files, const char *authority)
{
	static const char *const system_dirs[] = { "/etc/docker/certs.d",
						   "/etc/containers/certs.d" };
	static const char *const home_dirs[] = { ".config/docker/certs.d",
						 ".config/containers/certs.d" };
	const char *home = getenv("HOME");

	for (size_t i = 0; home && *home && i < ARRAY_SIZE(home_dirs); i++) {
		CLEANUP(mem_freep) char *dir = mem_printf("%s/%s", home, home_dirs[i]);

		tls_files_read(files, dir, authority);
	}
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++)
		tls_files_read(files, system_dirs[i], authority);
}

static void set_tls(struct curl_exchange *x, const struct curl_transport *t, const char *authority)
{
	struct tls_files files = TLS_FILES_INIT;
	bool own = t->own_authority && authority && strcasecmp(authority, t->own_authority) == 0;

	if (t->insecure) {
		curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (authority && !t->no_docker_dirs)
		read_certs_d(&files, authority);
	x->trusted = files.trusted;
	files.trusted = (struct buf)BUF_INIT(0);
	buf_puts(&x->trusted, buf_str(&t->cacert));
	set_trusted(x);
	if (own && t->cert)
		set_client_cert(x, t->cert, t->key);
	else
		set_client_cert(x, files.cert, files.key);
	set_identity(x, x->t);
	tls_files_clear(&files);
}

/* A name is the proxy's to look up, as Go's clients have it. */
static void set_own_proxy(struct curl_exchange *x, const char *url)
{
	static const char socks[] = "socks5://";
	CLEANUP(mem_freep)
	char *remote = strncasecmp(url, socks, strlen(socks)) == 0
			       ? mem_printf("socks5h://%s", url + strlen(socks))
			       : mem_strdup(url);

	curl_easy_setopt(x->easy, CURLOPT_PROXY, remote);
	curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "");
}

static void set_proxy(struct curl_exchange *x, const struct http_request *r)
{
	const char *upper = getenv("HTTP_PROXY");

	if (x->t->unix_socket)
		curl_easy_setopt(x->easy, CURLOPT_UNIX_SOCKET_PATH, x->t->unix_socket);
	if (x->t->proxy_url)
		set_own_proxy(x, x->t->proxy_url);
	else if (x->t->no_proxy || host_kind_of(r->url) == HOST_LOOPBACK)
		curl_easy_setopt(x->easy, CURLOPT_NOPROXY,
				 "*"); /* as docker and every Go client do */
	else if (upper && !getenv("http_proxy") && !url_is_https(r->url))
		curl_easy_setopt(x->easy, CURLOPT_PROXY,
				 upper); /* libcurl reads only the lower case */
}

static void set_common(struct curl_exchange *x, const struct curl_transport *t,
		       const struct http_request *r)
{
	CURL *easy = x->easy;

	curl_easy_setopt(easy, CURLOPT_URL, r->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT,
			 1L); /* a name server that is dead is not waited for */
	/* what a proxy says to CONNECT is no answer of the registry's */
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_SHARE, t->share);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "landed/" LANDED_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 r->large ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_on_receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 32L * 1024);
	if (r->outside_only && !t->proxied)
		curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
}

/*
 * libcurl verifies the name that stands in the URL: that is the certificate's then, the connection goes where the URL
 * had led, and so does what is said to the server.
 */
static void set_server_name(struct curl_exchange *x, const char *url, const char *authority)
{
	CLEANUP(mem_freep) char *renamed = NULL;
	CLEANUP(mem_freep) char *place = NULL;

	if (!x->t->server_name || !authority || !url_is_https(url))
		return;
	renamed = url_renamed(url, x->t->server_name, &place);
	if (!renamed)
		return;
	x->connect_to = curl_slist_append(NULL, place);
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
	curl_easy_setopt(x->easy, CURLOPT_URL, renamed);
	add_header(x, "Host", authority);
}

void exchange_prepare(struct curl_exchange *x, const struct http_request *r)
{
	CLEANUP(mem_freep) char *authority = url_authority(r->url);

	set_common(x, x->t, r);
	set_tls(x, x->t, authority);
	set_proxy(x, r);
	set_body(x, r);
	set_server_name(x, r->url, authority);
	set_headers(x, r);
}
