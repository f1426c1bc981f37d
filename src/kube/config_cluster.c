/* One cluster of a kubeconfig, and what of it goes together. */
#include "kube/config_private.h"

#include "base/mem.h"
#include "http/url.h"

#include <string.h>

#define EXEC_EXTENSION "client.authentication.k8s.io/exec"

void kube_cluster_clear(struct kube_cluster *c)
{
	free(c->name);
	free(c->server);
	free(c->ca_file);
	secret_free(c->ca);
	free(c->tls_server_name);
	free(c->proxy_url);
	js_free(c->exec_config);
	*c = (struct kube_cluster){ 0 };
}

struct cluster_fields {
	const char *server, *ca_file, *ca_data, *tls_server_name, *proxy_url;
	bool insecure, disable_compression;
	const struct js *extensions;
};

#define CLUSTER_FIELD(name, type, member)                                        \
	{                                                                        \
		name, type, offsetof(struct cluster_fields, member), JS_OPTIONAL \
	}

static const struct js_field cluster_fields[] = {
	CLUSTER_FIELD("server", JS_STRING, server),
	CLUSTER_FIELD("certificate-authority", JS_STRING, ca_file),
	CLUSTER_FIELD("certificate-authority-data", JS_STRING, ca_data),
	CLUSTER_FIELD("tls-server-name", JS_STRING, tls_server_name),
	CLUSTER_FIELD("proxy-url", JS_STRING, proxy_url),
	CLUSTER_FIELD("insecure-skip-tls-verify", JS_BOOL, insecure),
	CLUSTER_FIELD("disable-compression", JS_BOOL, disable_compression),
	CLUSTER_FIELD("extensions", JS_ARRAY, extensions),
};

static struct js *exec_extension(const struct js *extensions)
{
	for (size_t i = 0; i < js_count(extensions); i++) {
		const struct js *e = js_at(extensions, i), *body = js_get(e, "extension");
		const char *name = js_string(js_get(e, "name"));

		if (name && strcmp(name, EXEC_EXTENSION) == 0 && body)
			return js_copy(body);
	}
	return NULL;
}

bool kube_cluster_shape(const struct kube_entry *e, struct err *err)
{
	struct cluster_fields f = { 0 };

	return kube_dispatch(e, "cluster", cluster_fields, ARRAY_SIZE(cluster_fields), &f, err);
}

bool kube_cluster_read(const struct kube_entry *e, struct kube_cluster *ret, struct err *err)
{
	struct cluster_fields f = { 0 };

	if (!kube_dispatch(e, "cluster", cluster_fields, ARRAY_SIZE(cluster_fields), &f, err))
		return false;
	ret->name = kube_text(e->name);
	ret->server = kube_text(f.server);
	ret->ca_file = kube_file_path(f.ca_file, e->file);
	ret->tls_server_name = kube_text(f.tls_server_name);
	ret->proxy_url = kube_text(f.proxy_url);
	ret->insecure = f.insecure;
	ret->disable_compression = f.disable_compression;
	ret->exec_config = exec_extension(f.extensions);
	return kube_data(f.ca_data, "certificate-authority-data", &ret->ca, err) ||
	       err_wrap(err, "cluster '%s' of '%s'", e->name, e->file);
}

static bool has_scheme(const char *url)
{
	return strstr(url, "://") != NULL;
}

/* A bare "host:port" is http: client-go looks at the scheme before it looks at certificates. */
static bool complete_server(struct kube_cluster *c, struct err *err)
{
	CLEANUP(mem_freep)
	char *url =
		has_scheme(c->server) ? mem_strdup(c->server) : mem_printf("http://%s", c->server);
	CLEANUP(mem_freep) char *resolved = NULL;
	CLEANUP(mem_freep) char *path = NULL;
	struct err ignored = ERR_INIT;
	bool ok = url_resolve(url, url, &resolved, &ignored);

	err_clear(&ignored);
	if (!ok || strpbrk(url, "?#@"))
		return err_set(err, ERR_USAGE, "cluster '%s': its server is no http or https URL",
			       c->name);
	path = url_path(url);
	if (!has_scheme(c->server) && path && strcmp(path, "/") != 0)
		return err_set(err, ERR_USAGE, "cluster '%s': its server has a path and no scheme",
			       c->name);
	for (size_t len = strlen(url); len && url[len - 1] == '/'; len--)
		url[len - 1] = '\0';
	free(c->server);
	c->server = TAKE(url);
	return true;
}

static bool check_proxy(const struct kube_cluster *c, struct err *err)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://" };

	for (size_t i = 0; c->proxy_url && i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(c->proxy_url, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return !c->proxy_url ||
	       err_set(err, ERR_USAGE, "cluster '%s': proxy-url is none of http, https, socks5",
		       c->name);
}

bool kube_cluster_check(struct kube_cluster *c, struct err *err)
{
	bool has_ca = c->ca || c->ca_file;

	if (!c->server)
		return err_set(err, ERR_USAGE, "cluster '%s' has no server", c->name);
	if (c->ca && c->ca_file)
		return err_set(err, ERR_USAGE,
			       "cluster '%s' has certificate-authority and its -data, and only one "
			       "can count",
			       c->name);
	if (!complete_server(c, err) || !check_proxy(c, err))
		return false;
	if (c->insecure && has_ca && url_is_https(c->server))
		return err_set(err, ERR_USAGE,
			       "cluster '%s' has a certificate-authority and "
			       "insecure-skip-tls-verify, which exclude each other",
			       c->name);
	return true;
}
