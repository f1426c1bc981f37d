#include "kube/gke.h"

#include "base/mem.h"
#include "http/transport_curl.h"
#include "http/url.h"
#include "kube/login.h"
#include "kube/status.h"
#include "wire/base64.h"

#include <ctype.h>
#include <string.h>

#define API_DEFAULT "https://container.googleapis.com"
#define ANSWER_MS 15000

static bool is_part(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(".:-", text[i]))
			return false;
	return len > 0 && len < 256;
}

bool kube_gke_check(const char *name, struct err *err)
{
	static const char *const words[] = { "projects/", "locations/", "clusters/" };
	const char *rest = name;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t word_len = strlen(words[i]), len;

		if (strncmp(rest, words[i], word_len) != 0)
			break;
		len = strcspn(rest + word_len, "/");
		if (!is_part(rest + word_len, len))
			break;
		rest += word_len + len;
		if (i + 1 == ARRAY_SIZE(words) && *rest == '\0')
			return true;
		rest += *rest == '/';
	}
	return err_set(err, ERR_USAGE,
		       "'%.200s' is not projects/PROJECT/locations/LOCATION/clusters/CLUSTER",
		       name);
}

/* The answer */

static bool is_host(const char *text)
{
	return text && *text &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")];
}

/* The name, where it may be used from outside; else NULL. */
static const char *dns_endpoint(const struct js *cluster)
{
	const struct js *dns =
		js_get(js_get(cluster, "controlPlaneEndpointsConfig"), "dnsEndpointConfig");
	const char *endpoint = js_string(js_get(dns, "endpoint"));

	return js_true(js_get(dns, "allowExternalTraffic")) && is_host(endpoint) ? endpoint : NULL;
}

static bool read_address(const struct js *cluster, struct kube_cluster *ret, struct err *err)
{
	const char *endpoint = js_string(js_get(cluster, "endpoint"));
	const char *ca = js_string(js_get(js_get(cluster, "masterAuth"), "clusterCaCertificate"));
	const char *status = js_string(js_get(cluster, "status"));

	if (!is_host(endpoint)) {
		err_set(err, ERR_USAGE, "the cluster has no endpoint");
		err_cause(err, "it is %.40s", status ? status : "in a state that is not said");
		return false;
	}
	if (!ca || !base64_decode(ca, &ret->ca) ||
	    !strstr(secret_reveal(ret->ca), "-----BEGIN CERTIFICATE"))
		return err_set(err, ERR_NO_REGISTRY, "the cluster has no certificate of its own");
	ret->server = strchr(endpoint, ':') && *endpoint != '['
			      ? mem_printf("https://[%s]", endpoint)
			      : mem_printf("https://%s", endpoint);
	return true;
}

bool kube_gke_parse(const char *text, size_t len, const char *name,
		    const struct kube_config_wanted *wanted, struct kube_config **ret,
		    struct err *err)
{
	CLEANUP(js_freep) struct js *cluster = NULL;
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;
	const char *dns;

	if (!js_parse(text, len, KUBE_GKE_CEILING, ERR_NO_REGISTRY, &cluster, err))
		return err_wrap(err, "GKE's answer");
	c = NEW(struct kube_config);
	c->origin = mem_printf("GKE's cluster '%s'", name);
	c->namespace = mem_strdup(wanted->namespace ? wanted->namespace : "default");
	c->cluster.name = mem_strdup(name);
	dns = dns_endpoint(cluster);
	if (dns)
		c->cluster.server = mem_printf("https://%s", dns);
	else if (!read_address(cluster, &c->cluster, err))
		return err_wrap(err, "%s", c->origin);
	*ret = TAKE(c);
	return true;
}

/* Asking */

static char *api_base(void)
{
	const char *named = getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER");
	size_t len = named ? strlen(named) : 0;

	while (len && named[len - 1] == '/')
		len--;
	return len ? mem_strndup(named, len) : mem_strdup(API_DEFAULT);
}

static bool open_client(const struct kube_config *api, const struct kube_client_options *options,
			const struct world *w, struct http_client **ret, struct err *err)
{
	const struct kube_login_options login = {
		.auth = KUBE_AUTH_GOOGLE,
		.google = options->google,
		.policy = &options->policy,
		.renew_wait_ms = options->renew_wait_ms,
	};
	const struct transport_options over = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = TRANSPORT_STALL_MS,
		.cacert = options->google ? options->google->cacert : NULL,
		.no_docker_dirs = true,
	};
	CLEANUP(transport_freep) struct transport *transport = NULL;
	struct kube_login *l;

	if (!transport_curl_new(&over, &transport, err) || !kube_login_new(api, &login, w, &l, err))
		return false;
	*ret = http_client_new(TAKE(transport), kube_login_authorizer(l), api->cluster.server,
			       &options->policy);
	return true;
}

/* A token goes over https, or to this machine. */
static bool place_is_allowed(const char *base, struct err *err)
{
	return url_is_https(base) || host_kind_of(base) == HOST_LOOPBACK ||
	       err_set(err, ERR_USAGE,
		       "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER leads to '%.200s', and a token "
		       "goes over https only",
		       base);
}

static bool refused(const char *name, const struct http_answer *answer, struct err *err)
{
	CLEANUP(mem_freep) char *words = http_answer_words(answer);

	err_set(err,
		answer->status == 403	? ERR_CLUSTER_REFUSED
		: answer->status == 404 ? ERR_USAGE
					: ERR_NET,
		"GKE does not say where '%s' is", name);
	err_evidence(err, "%s", words);
	if (answer->status == 403)
		err_hint(err, "grant 'roles/container.clusterViewer' on the project to this login");
	if (answer->status == 404)
		err_hint(err, "gcloud container clusters list");
	return false;
}

static bool ask(struct http_client *client, const char *name, const struct world *w,
		struct http_answer *ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/v1/%s", client->origin, name);
	const struct http_call call = {
		.what = "cluster",
		.method = "GET",
		.url = url,
		.headers = { { "Accept", "application/json" } },
		.only_401 = true,
		.keep_redirect = true,
		.answer_ms = ANSWER_MS,
		.answer_ceiling = KUBE_GKE_CEILING,
	};

	if (!http_call(client, w, &call, ret, err))
		return err_wrap(err, "asking GKE where '%s' is", name);
	return ret->status == 200 || refused(name, ret, err);
}

bool kube_gke_config(const char *name, const struct kube_config_wanted *wanted,
		     const struct kube_client_options *options, const struct world *w,
		     struct kube_config **ret, struct err *err)
{
	CLEANUP(mem_freep) char *base = api_base();
	struct kube_config api = { .origin = base, .cluster = { .server = base } };
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };

	return kube_gke_check(name, err) && place_is_allowed(base, err) &&
	       open_client(&api, options, w, &client, err) && ask(client, name, w, &answer, err) &&
	       kube_gke_parse(answer.body, answer.body_len, name, wanted, ret, err);
}
