/* Requests taken apart, answers put together. */
#include "sim/sim_registry.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *method;
	const char *below; /* what stands behind the repository */
	enum sim_what what;
} routes[] = {
	{ "HEAD", "/blobs/", SIM_BLOB_HEAD },
	{ "GET", "/blobs/", SIM_BLOB_GET },
	{ "PATCH", "/blobs/uploads/", SIM_UPLOAD_PATCH },
	{ "PUT", "/blobs/uploads/", SIM_UPLOAD_PUT },
	{ "DELETE", "/blobs/uploads/", SIM_UPLOAD_DELETE },
	{ "POST", "/blobs/uploads/", SIM_UPLOAD_POST },
	{ "GET", "/manifests/", SIM_MANIFEST_GET },
	{ "PUT", "/manifests/", SIM_MANIFEST_PUT },
	{ "GET", "/tags/list", SIM_OTHER },
};

static enum sim_what route(struct sim_request *q)
{
	const char *rest = strstr(q->path, "/v2/") + strlen("/v2/");

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const char *at = strstr(rest, routes[i].below);

		if (!at || strcmp(routes[i].method, q->method) != 0)
			continue;
		q->repo = mem_strndup(rest, (size_t)(at - rest));
		q->name = mem_strdup(at + strlen(routes[i].below));
		if (routes[i].what == SIM_UPLOAD_POST && strstr(q->query, "mount="))
			return SIM_MOUNT;
		return routes[i].what;
	}
	return SIM_OTHER;
}

static enum sim_what classify(struct sim_request *q)
{
	if (strcmp(q->path, "/v2/") == 0)
		return SIM_PING;
	if (strcmp(q->path, "/token") == 0)
		return SIM_TOKEN;
	if (strncmp(q->path, "/storage/", 9) == 0) {
		const char *slash = strrchr(q->path, '/');

		q->repo = mem_strndup(q->path + 9, (size_t)(slash - q->path - 9));
		q->name = mem_strdup(slash + 1);
		return SIM_STORAGE_GET;
	}
	q->at_capability = strncmp(q->path, SIM_CAPABILITY_PATH "/v2/",
				   strlen(SIM_CAPABILITY_PATH "/v2/")) == 0;
	return q->at_capability || strncmp(q->path, "/v2/", 4) == 0 ? route(q) : SIM_OTHER;
}

void sim_request_read(const char *method, const char *url, struct sim_request *ret)
{
	const char *host = strstr(url, "://");
	const char *path, *query;

	host = host ? host + 3 : url;
	path = host + strcspn(host, "/?");
	query = strchr(path, '?');
	*ret = (struct sim_request){ .method = method };
	ret->host = mem_strndup(host, (size_t)(path - host));
	ret->path = query ? mem_strndup(path, (size_t)(query - path)) : mem_strdup(path);
	ret->query = mem_strdup(query ? query + 1 : "");
	ret->what = classify(ret);
}

void sim_request_clear(struct sim_request *q)
{
	free(q->host);
	free(q->path);
	free(q->query);
	free(q->repo);
	free(q->name);
	*q = (struct sim_request){ 0 };
}

void sim_answer_init(struct sim_answer *a)
{
	*a = (struct sim_answer){ .body = BUF_INIT(SIM_BODY_CEILING) };
}

void sim_answer_clear(struct sim_answer *a)
{
	for (size_t i = 0; i < a->header_count; i++) {
		free(a->names[i]);
		free(a->values[i]);
	}
	buf_clear(&a->body);
	sim_answer_init(a);
}

void sim_answer_header(struct sim_answer *a, const char *name, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (a->header_count == SIM_HEADERS_MAX || vasprintf(&value, fmt, ap) < 0)
		abort();
	va_end(ap);
	a->names[a->header_count] = mem_strdup(name);
	a->values[a->header_count++] = value;
}

void sim_answer_error(struct sim_answer *a, int status, const char *code, const char *words)
{
	sim_answer_clear(a);
	a->status = status;
	if (!code)
		return;
	sim_answer_header(a, "Content-Type", "application/json");
	buf_printf(&a->body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}", code, words);
}
