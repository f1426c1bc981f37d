#include "kube/status.h"

#include "base/mem.h"
#include "http/refusal.h"
#include "http/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CAUSES_MAX 20
#define WORDS_MAX (8 * KIB)

void kube_reply_clear(struct kube_reply *r)
{
	js_free(r->object);
	free(r->reason);
	free(r->message);
	free(r->causes);
	free(r->warning);
	*r = (struct kube_reply){ 0 };
}

/* Reading */

/* One printable line; NULL for nothing. UTF-8 passes. */
static char *line_of(const char *text)
{
	struct buf line = BUF_INIT(WORDS_MAX);

	for (; text && *text && line.len + 1 < WORDS_MAX; text++)
		buf_putc(&line, iscntrl((unsigned char)*text) ? ' ' : *text);
	return line.len ? buf_take(&line) : NULL;
}

static void add_cause(struct buf *out, const struct js *cause)
{
	const char *field = js_string(js_get(cause, "field"));
	const char *message = js_string(js_get(cause, "message"));

	if (!message)
		message = js_string(js_get(cause, "reason"));
	if (!message)
		return;
	if (out->len)
		buf_puts(out, "; ");
	buf_printf(out, "%s%s%s", field ? field : "", field ? ": " : "", message);
}

static char *causes_of(const struct js *details)
{
	const struct js *causes = js_get(details, "causes");
	struct buf out = BUF_INIT(WORDS_MAX);
	char *line;

	for (size_t i = 0; i < js_count(causes) && i < CAUSES_MAX; i++)
		add_cause(&out, js_at(causes, i));
	line = line_of(buf_str(&out));
	buf_clear(&out);
	return line;
}

void kube_status_of_object(const struct js *status, struct kube_reply *ret)
{
	int64_t code;

	if (!ret->code && js_integer(js_get(status, "code"), &code) && code >= 400 && code < 600)
		ret->code = (int)code;
	ret->reason = line_of(js_string(js_get(status, "reason")));
	ret->message = line_of(js_string(js_get(status, "message")));
	ret->causes = causes_of(js_get(status, "details"));
}

static bool is_status(const struct js *j)
{
	const char *kind = js_string(js_get(j, "kind"));

	return kind && strcmp(kind, "Status") == 0;
}

void kube_status_read(int code, const char *body, size_t len, struct kube_reply *ret)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct err ignored = ERR_INIT;

	ret->code = code;
	if (!js_parse(body, len, KUBE_OBJECT_CEILING, ERR_NET, &j, &ignored))
		err_clear(&ignored);
	if (is_status(j))
		kube_status_of_object(j, ret);
	if (!ret->message) {
		CLEANUP(mem_freep) char *words = refusal_words(body, len);

		ret->message = line_of(words);
	}
}

/* Places */

static const char *take_part(const char *path, char ret[KUBE_PART_SIZE])
{
	size_t len = strcspn(path, "/?");
	CLEANUP(mem_freep) char *encoded = mem_strndup(path, len);
	CLEANUP(mem_freep) char *part = url_decode(encoded);

	snprintf(ret, KUBE_PART_SIZE, "%s", part);
	return path[len] == '/' ? path + len + 1 : path + len;
}

struct kube_place kube_place_of(const char *path)
{
	struct kube_place p = { 0 };
	char ignored[KUBE_PART_SIZE], sub[KUBE_PART_SIZE];

	if (strncmp(path, "/apis/", 6) == 0)
		path = take_part(path + 6, p.group);
	else if (strncmp(path, "/api/", 5) == 0)
		path += 5;
	else
		return p;
	path = take_part(path, ignored); /* the version */
	if (strncmp(path, "namespaces/", 11) == 0 && strchr(path + 11, '/'))
		path = take_part(path + 11, p.namespace);
	path = take_part(path, p.resource);
	path = take_part(path, p.name);
	if (*path && *path != '?') {
		size_t len = strlen(p.resource);

		take_part(path, sub);
		snprintf(p.resource + len, sizeof(p.resource) - len, "/%s", sub);
	}
	return p;
}

/* Errors */

static enum err_code code_of(int code)
{
	switch (code) {
	case 401:
		return ERR_REFUSED;
	case 403:
	case 409:
	case 410:
	case 422:
		return ERR_CLUSTER_REFUSED;
	case 429:
		return ERR_RATE_LIMITED;
	default:
		return code >= 400 && code < 500 ? ERR_USAGE : ERR_NET;
	}
}

/* "deployments.apps", as kubectl auth can-i takes it; the caller frees. */
static char *qualified(const struct kube_place *p)
{
	return *p->group ? mem_printf("%s.%s", p->resource, p->group) : mem_strdup(p->resource);
}

static void name_missing_right(const char *verb, const struct kube_place *p,
			       const struct kube_reply *reply, struct err *err)
{
	CLEANUP(mem_freep) char *resource = qualified(p);

	/* an admission webhook, a quota or a policy says no in another way than missing rights do */
	if (!*p->resource || !reply->message || !strstr(reply->message, " cannot "))
		return;
	err_cause(err, "this login has no right to %s '%s'%s%s%s", verb, resource,
		  *p->namespace ? " in namespace '" : "", p->namespace, *p->namespace ? "'" : "");
	err_hint(err, "kubectl auth can-i %s %s%s%s", verb, resource, *p->namespace ? " -n " : "",
		 p->namespace);
}

static void set_message(const char *verb, const char *path, const struct kube_place *p,
			const struct kube_reply *reply, struct err *err)
{
	CLEANUP(mem_freep) char *resource = qualified(p);
	const char *reason = reply->reason ? reply->reason : "";

	if (!*p->resource)
		err_set(err, code_of(reply->code), "'%s' was answered with %d%s%s", path,
			reply->code, *reason ? " " : "", reason);
	else
		err_set(err, code_of(reply->code), "cannot %s %s%s%s%s: the cluster says %d%s%s",
			verb, resource, *p->name ? " '" : "", p->name, *p->name ? "'" : "",
			reply->code, *reason ? " " : "", reason);
}

bool kube_status_err(const char *verb, const char *path, const struct kube_reply *reply,
		     struct err *err)
{
	struct kube_place p = kube_place_of(path);

	set_message(verb, path, &p, reply, err);
	/* the message of a patch that did not fit is generic, and its causes say what it was about */
	if (reply->message)
		err_evidence(err, "%s%s%s", reply->message, reply->causes ? ": " : "",
			     reply->causes ? reply->causes : "");
	if (reply->code == 403)
		name_missing_right(verb, &p, reply, err);
	return false;
}
