#include "http/transport_curl.h"

#include "base/mem.h"
#include "http/curl_private.h"
#include "http/tls_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define IDLE_LANES_MAX 16
#define SYSTEM_CERTS "/etc/ssl/certs"

/* Sharing */

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
	struct curl_transport *t = arg;

	(void)easy;
	(void)access;
	monitor_enter(t->sched, t->shared[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
	struct curl_transport *t = arg;

	(void)easy;
	monitor_leave(t->sched, t->shared[data]);
}

static void share_init(struct curl_transport *t)
{
	for (size_t i = 0; i < SHARED_KINDS; i++)
		t->shared[i] = monitor_new(t->sched);
	t->share = curl_share_init();
	curl_share_setopt(t->share, CURLSHOPT_USERDATA, t);
	curl_share_setopt(t->share, CURLSHOPT_LOCKFUNC, share_lock);
	curl_share_setopt(t->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

/* Lanes */

struct lane *lane_take(struct curl_transport *t, bool large)
{
	struct lane *lane = NULL;

	monitor_enter(t->sched, t->idle_monitor);
	for (struct lane **p = &t->idle; *p; p = &(*p)->next) {
		if ((*p)->large == large) {
			lane = *p;
			*p = lane->next;
			break;
		}
	}
	monitor_leave(t->sched, t->idle_monitor);
	if (lane)
		return lane;
	lane = NEW(struct lane);
	lane->multi = curl_multi_init();
	lane->large = large;
	curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, 4L);
	return lane;
}

static void lane_free(struct lane *lane)
{
	curl_multi_cleanup(lane->multi);
	free(lane);
}

void lane_give_back(struct curl_transport *t, struct lane *lane)
{
	size_t count = 0;

	monitor_enter(t->sched, t->idle_monitor);
	for (struct lane *l = t->idle; l; l = l->next)
		count++;
	if (count < IDLE_LANES_MAX) {
		lane->next = t->idle;
		t->idle = lane;
		lane = NULL;
	}
	monitor_leave(t->sched, t->idle_monitor);
	if (lane)
		lane_free(lane);
}

/* The transport itself */

static void curl_transport_free(struct transport *transport)
{
	struct curl_transport *t = (struct curl_transport *)transport;

	while (t->idle) {
		struct lane *lane = t->idle;

		t->idle = lane->next;
		lane_free(lane);
	}
	curl_share_cleanup(t->share);
	for (size_t i = 0; i < SHARED_KINDS; i++)
		monitor_free(t->sched, t->shared[i]);
	monitor_free(t->sched, t->idle_monitor);
	buf_clear(&t->cacert);
	free(t->cert);
	free(t->key);
	free(t->own_authority);
	free(t->unix_socket);
	free(t->server_name);
	free(t->proxy_url);
	secret_free(t->cert_pem);
	secret_free(t->key_pem);
	free(t->hashed_dir);
	free(t);
	curl_global_cleanup();
}

static const struct transport_ops curl_ops = {
	.open = exchange_open,
	.status = exchange_status,
	.header = exchange_header,
	.read = exchange_read,
	.close = exchange_close,
	.free = curl_transport_free,
};

static bool has_proxy(void)
{
	static const char *const names[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
					     "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]) && *getenv(names[i]))
			return true;
	return false;
}

/* OpenSSL's own variables. A bundle that lies in the system's hashed directory adds nothing to that. */
static bool read_trusted(struct curl_transport *t, const char *cacert, const char *pem,
			 struct err *err)
{
	const char *bundle = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

	t->cacert = (struct buf)BUF_INIT(TLS_FILES_CEILING);
	if (pem)
		return buf_add(&t->cacert, pem, strlen(pem)) ||
		       err_set(err, ERR_LOCAL, "certificates of more than %zu bytes",
			       TLS_FILES_CEILING);
	if (cacert && !file_read_all(cacert, &t->cacert, err)) {
		err->code = ERR_LOCAL;
		return err_wrap(err, "--cacert");
	}
	if (t->only_cacert)
		return true;
	if (tls_dir_is_hashed(dir && *dir ? dir : SYSTEM_CERTS))
		t->hashed_dir = mem_strdup(dir && *dir ? dir : SYSTEM_CERTS);
	if (!bundle || !*bundle ||
	    (t->hashed_dir && strncmp(bundle, SYSTEM_CERTS "/", sizeof(SYSTEM_CERTS)) == 0))
		return true;
	return file_read_all(bundle, &t->cacert, err) || err_wrap(err, "SSL_CERT_FILE");
}

static bool check_readable(const char *option, const char *path, struct err *err)
{
	if (!path || access(path, R_OK) == 0)
		return true;
	return err_set(err, ERR_LOCAL, "%s: '%s': %s", option, path, strerror(errno));
}

bool transport_curl_new(const struct transport_options *options, struct transport **ret,
			struct err *err)
{
	CLEANUP(transport_freep) struct transport *owned = NULL;
	struct curl_transport *t = NEW(struct curl_transport);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	owned = &t->transport;
	t->transport.ops = &curl_ops;
	t->sched = options->sched;
	t->connect_ms = options->connect_ms;
	t->stall_ms = options->stall_ms;
	t->insecure = options->insecure;
	t->cert = mem_strdup_or_null(options->cert);
	t->key = mem_strdup_or_null(options->key);
	t->own_authority = mem_strdup_or_null(options->own_authority);
	t->unix_socket = mem_strdup_or_null(options->unix_socket);
	t->server_name = mem_strdup_or_null(options->server_name);
	t->proxy_url = mem_strdup_or_null(options->proxy_url);
	t->only_cacert = options->cacert_pem || (options->only_cacert && options->cacert);
	t->no_docker_dirs = options->no_docker_dirs || t->only_cacert;
	t->no_proxy = options->no_proxy || options->unix_socket;
	t->proxied = t->proxy_url || (!t->no_proxy && has_proxy());
	t->idle_monitor = monitor_new(t->sched);
	share_init(t);
	if (!read_trusted(t, options->cacert, options->cacert_pem, err) ||
	    !check_readable("--cert", t->cert, err) || !check_readable("--key", t->key, err))
		return false;
	*ret = TAKE(owned);
	return true;
}

void transport_curl_identify(struct transport *transport, const struct secret *cert,
			     const struct secret *key)
{
	struct curl_transport *t = (struct curl_transport *)transport;
	struct secret *old_cert, *old_key;

	monitor_enter(t->sched, t->idle_monitor);
	old_cert = t->cert_pem;
	old_key = t->key_pem;
	t->cert_pem = secret_dup(cert);
	t->key_pem = secret_dup(key);
	monitor_leave(t->sched, t->idle_monitor);
	secret_free(old_cert);
	secret_free(old_key);
}
