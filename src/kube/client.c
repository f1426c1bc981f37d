#include "kube/client.h"

#include "base/mem.h"
#include "http/transport_curl.h"
#include "http/url.h"
#include "kube/client_private.h"
#include "kube/login.h"
#include "kube/status.h"

#include <string.h>

struct kube_client {
	const struct kube_config *config;
	struct retry_policy policy;
	struct http_client *http;
	struct kube_login *login; /* HTTP's authorizer */
	int64_t silence_ms;
	int64_t stall_ms; /* 0: each verb's own */
	struct http_header impersonation[KUBE_IMPERSONATED_MAX];
};

bool kube_auth_parse(const char *text, enum kube_auth *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum kube_auth auth;
	} words[] = { { "auto", KUBE_AUTH_AUTO },
		      { "exec", KUBE_AUTH_EXEC },
		      { "google", KUBE_AUTH_GOOGLE } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i].word) == 0) {
			*ret = words[i].auth;
			return true;
		}
	return err_set(err, ERR_USAGE, "'%.40s' is none of auto, exec, google", text);
}

/* Making one */

static bool open_transport(const struct kube_config *config, const struct world *w,
			   struct transport **ret, struct err *err)
{
	const struct kube_cluster *c = &config->cluster;
	const struct transport_options options = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = KUBE_REQUEST_STALL_MS,
		.insecure = c->insecure,
		.cacert_pem = c->ca ? secret_reveal(c->ca) : NULL,
		.server_name = c->tls_server_name,
		.proxy_url = c->proxy_url,
		.no_docker_dirs = true,
	};

	return transport_curl_new(&options, ret, err);
}

static void identify(void *arg, const struct secret *cert, const struct secret *key)
{
	transport_curl_identify(arg, cert, key);
}

static void split_impersonation(struct kube_client *c)
{
	const struct strings *lines = &c->config->user.as_headers;

	for (size_t i = 0; i < lines->count && i < KUBE_IMPERSONATED_MAX; i++) {
		size_t len = strcspn(lines->at[i], ":");

		c->impersonation[i].name = mem_strndup(lines->at[i], len);
		c->impersonation[i].value = lines->at[i] + len + strspn(lines->at[i] + len, ": ");
	}
}

static bool open_login(struct kube_client *c, const struct kube_client_options *options,
		       struct transport *curl, const struct world *w, struct err *err)
{
	const struct kube_login_options login = {
		.auth = options->auth,
		.google = options->google,
		.policy = &c->policy,
		.renew_wait_ms = options->renew_wait_ms,
		.identify = curl ? identify : NULL,
		.identify_arg = curl,
	};

	return kube_login_new(c->config, &login, w, &c->login, err);
}

bool kube_client_new(const struct kube_config *config, const struct kube_client_options *options,
		     const struct world *w, struct kube_client **ret, struct err *err)
{
	CLEANUP(kube_client_freep) struct kube_client *c = NEW(struct kube_client);
	CLEANUP(transport_freep) struct transport *transport = options->transport;
	struct transport *curl = NULL;

	c->config = config;
	c->policy = options->policy;
	c->stall_ms = options->stall_ms;
	c->silence_ms = options->silence_ms ? options->silence_ms : KUBE_SILENCE_MS;
	split_impersonation(c);
	if (!transport) {
		if (!open_transport(config, w, &transport, err))
			return false;
		curl = transport;
	}
	if (!open_login(c, options, curl, w, err))
		return false;
	c->http = http_client_new(TAKE(transport), kube_login_authorizer(c->login),
				  config->cluster.server, &c->policy);
	*ret = TAKE(c);
	return true;
}

void kube_client_free(struct kube_client *c)
{
	if (!c)
		return;
	http_client_free(c->http);
	for (size_t i = 0; i < KUBE_IMPERSONATED_MAX; i++)
		free((char *)c->impersonation[i].name);
	free(c);
}

const struct kube_config *kube_client_config(const struct kube_client *c)
{
	return c->config;
}

char *kube_client_login(struct kube_client *c)
{
	return kube_login_source(c->login);
}

struct http_client *kube_http(struct kube_client *c)
{
	return c->http;
}

int64_t kube_silence_ms(const struct kube_client *c)
{
	return c->silence_ms;
}

/* Addresses */

static void add_segment(struct buf *path, const char *before, const char *segment)
{
	CLEANUP(mem_freep) char *encoded = url_encode(segment);

	buf_printf(path, "%s%s", before, encoded);
}

char *kube_path(const char *group_version, const char *namespace, const char *resource,
		const char *name)
{
	struct buf path = BUF_INIT(BUF_TEXT_CEILING);

	buf_printf(&path, "%s/%s", strchr(group_version, '/') ? "/apis" : "/api", group_version);
	if (namespace)
		add_segment(&path, "/namespaces/", namespace);
	buf_printf(&path, "/%s", resource);
	if (name)
		add_segment(&path, "/", name);
	return buf_take(&path);
}

char *kube_url(const struct kube_client *c, const char *path)
{
	return mem_printf("%s%s", c->config->cluster.server, path);
}

bool kube_add_query(char **url, const char *key, const char *value, struct err *err)
{
	char *longer = NULL;

	if (!value)
		return true;
	if (!url_add_query(*url, key, value, &longer, err))
		return false;
	free(*url);
	*url = longer;
	return true;
}

/* Requests */

struct http_call kube_call(const struct kube_client *c, const char *method, const char *what,
			   const char *url)
{
	struct http_call call = {
		.what = what,
		.method = method,
		.url = url,
		.headers = { { "Accept", "application/json" } },
		.only_401 = true,
		.keep_redirect = true,
		.answer_ceiling = KUBE_OBJECT_CEILING,
		.wanted_header = "Warning",
		.stall_ms = c->stall_ms ? c->stall_ms : KUBE_READ_STALL_MS,
	};

	for (size_t i = 0; i < KUBE_IMPERSONATED_MAX && c->impersonation[i].name; i++)
		call.headers[i + 1] = c->impersonation[i];
	return call;
}

static void add_header(struct http_call *call, const char *name, const char *value)
{
	size_t i = 0;

	while (call->headers[i].name)
		i++;
	call->headers[i] = (struct http_header){ name, value };
}

bool kube_is_json(const struct kube_client *c, const struct http_answer *answer, struct err *err)
{
	CLEANUP(mem_freep) char *host = url_authority(c->config->cluster.server);

	if (answer->content_type && strcmp(answer->content_type, "application/json") == 0)
		return true;
	err_set(err, ERR_NO_REGISTRY, "what answers at '%s' is no Kubernetes API server", host);
	err_evidence(err, "%d with content of type '%.80s'", answer->status,
		     answer->content_type ? answer->content_type : "");
	return false;
}

/* `299 - "text"` (RFC 7234 §5.5): the text. */
static char *warning_text(const char *header)
{
	const char *begin = header ? strchr(header, '"') : NULL;
	const char *end = begin ? strrchr(begin + 1, '"') : NULL;

	if (!header)
		return NULL;
	return end ? mem_strndup(begin + 1, (size_t)(end - begin - 1)) : mem_strdup(header);
}

static bool take_answer(struct kube_client *c, const char *verb, const char *path,
			const struct http_answer *answer, struct kube_reply *ret, struct err *err)
{
	ret->warning = warning_text(answer->wanted_header);
	if (answer->status < 200 || answer->status >= 300) {
		kube_status_read(answer->status, answer->body, answer->body_len, ret);
		err_clear(err);
		return kube_status_err(verb, path, ret, err);
	}
	ret->code = answer->status;
	if (!answer->body_len)
		return true;
	return kube_is_json(c, answer, err) &&
	       js_parse(answer->body, answer->body_len, KUBE_OBJECT_CEILING, ERR_NO_REGISTRY,
			&ret->object, err);
}

/* Attempts until there is an answer. What was refused for good, or failed too often, keeps the words of the last one. */
static bool ask(struct kube_client *c, const struct world *w, const struct http_call *call,
		const char *verb, const char *path, struct kube_reply *ret, struct err *err)
{
	struct http_history history = { 0 };

	kube_reply_clear(ret);
	for (;;) {
		CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
		enum http_outcome outcome = http_attempt(c->http, w, call, &history, &answer, err);

		if (outcome == HTTP_ANSWERED)
			return take_answer(c, verb, path, &answer, ret, err);
		if (outcome == HTTP_AGAIN) {
			ret->repeated |= answer.status ? answer.status >= 500
						       : history.failure == HTTP_FAILED_UNDER_WAY;
			continue;
		}
		if (answer.status >= 400 && (err->code == ERR_NET || err->code == ERR_RATE_LIMITED))
			return take_answer(c, verb, path, &answer, ret, err);
		ret->code = answer.status;
		return false;
	}
}

bool kube_get(struct kube_client *c, const struct world *w, const char *path,
	      struct kube_reply *ret, struct err *err)
{
	CLEANUP(mem_freep) char *url = kube_url(c, path);
	struct http_call call = kube_call(c, "GET", "object", url);

	return ask(c, w, &call, "get", path, ret, err);
}

static bool change(struct kube_client *c, const struct world *w, const char *verb,
		   struct http_call *call, const struct kube_change *change, struct kube_reply *ret,
		   struct err *err)
{
	CLEANUP(mem_freep) char *url = kube_url(c, change->path);
	CLEANUP(mem_freep) char *body = change->body ? js_text(change->body, JS_COMPACT) : NULL;
	bool writes = strcmp(verb, "delete") != 0;

	if (!kube_add_query(&url, "fieldManager", writes ? KUBE_MANAGER : NULL, err) ||
	    !kube_add_query(&url, "fieldValidation",
			    !writes	      ? NULL
			    : change->lenient ? "Ignore"
					      : "Strict",
			    err) ||
	    !kube_add_query(&url, "dryRun", change->dry_run ? "All" : NULL, err))
		return false;
	call->url = url;
	call->stall_ms = c->stall_ms ? c->stall_ms : KUBE_REQUEST_STALL_MS;
	if (body) {
		call->bytes = body;
		call->size = strlen(body);
		add_header(call, "Content-Type",
			   change->content_type ? change->content_type : "application/json");
	}
	return ask(c, w, call, verb, change->path, ret, err);
}

bool kube_patch(struct kube_client *c, const struct world *w, const struct kube_change *patch,
		struct kube_reply *ret, struct err *err)
{
	struct http_call call = kube_call(c, "PATCH", "object", NULL);

	return change(c, w, "patch", &call, patch, ret, err);
}

bool kube_create(struct kube_client *c, const struct world *w, const struct kube_change *object,
		 struct kube_reply *ret, struct err *err)
{
	struct http_call call = kube_call(c, "POST", "object", NULL);

	return change(c, w, "create", &call, object, ret, err);
}

bool kube_delete(struct kube_client *c, const struct world *w, const struct kube_change *object,
		 struct kube_reply *ret, struct err *err)
{
	struct http_call call = kube_call(c, "DELETE", "object", NULL);

	return change(c, w, "delete", &call, object, ret, err);
}
