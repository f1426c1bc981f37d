/* What the entries of a kubeconfig are made of, and its contexts. */
#include "kube/config_private.h"

#include "base/mem.h"
#include "wire/base64.h"

#include <string.h>

/* NULL for what is absent or empty, which is the same to kubectl. */
char *kube_text(const char *text)
{
	return text && *text ? mem_strdup(text) : NULL;
}

struct secret *kube_secret(const char *text)
{
	return text && *text ? secret_new(text, strlen(text)) : NULL;
}

/* A relative path begins where the file is that says it. */
char *kube_file_path(const char *path, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!path || !*path)
		return NULL;
	if (*path == '/' || !slash)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - file), file, path);
}

/* Base64 that may be broken into lines. */
bool kube_data(const char *text, const char *field, struct secret **ret, struct err *err)
{
	struct buf joined = BUF_INIT(KUBE_CONFIG_CEILING);
	bool ok;

	if (!text || !*text)
		return true;
	for (; *text; text++)
		if (*text != '\n' && *text != '\r')
			buf_putc(&joined, *text);
	ok = base64_decode(buf_str(&joined), ret);
	buf_wipe(&joined);
	return ok || err_set(err, ERR_USAGE, "field '%s' is no base64", field);
}

bool kube_strings(const struct js *array, const char *field, struct strings *ret, struct err *err)
{
	for (size_t i = 0; i < js_count(array); i++) {
		const struct js *item = js_at(array, i);
		const char *text = js_is_null(item) ? "" : js_string(item);

		if (!text)
			return err_set(err, ERR_USAGE, "field '%s' has something else than text",
				       field);
		strings_add(ret, text);
	}
	return true;
}

bool kube_dispatch(const struct kube_entry *e, const char *kind, const struct js_field *fields,
		   size_t count, void *target, struct err *err)
{
	if (!e->body || js_is_null(e->body))
		return true;
	return js_dispatch(e->body, fields, count, ERR_USAGE, target, err) ||
	       err_wrap(err, "%s '%s' of '%s'", kind, e->name, e->file);
}

bool kube_context_read(const struct kube_entry *e, struct kube_context *ret, struct err *err)
{
	static const struct js_field fields[] = {
		{ "cluster", JS_STRING, offsetof(struct kube_context, cluster), JS_OPTIONAL },
		{ "user", JS_STRING, offsetof(struct kube_context, user), JS_OPTIONAL },
		{ "namespace", JS_STRING, offsetof(struct kube_context, namespace), JS_OPTIONAL },
	};

	return kube_dispatch(e, "context", fields, ARRAY_SIZE(fields), ret, err);
}
