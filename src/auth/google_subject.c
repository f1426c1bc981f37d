/*
 * Subject tokens out of a file or from a URL; and which supplier a credential_source asks for.
 */
#include "auth/google_subject.h"

#include "base/mem.h"
#include "base/strings.h"
#include "base/stream.h"
#include "http/url.h"

#include <string.h>

bool google_subject_place(const char *name, const char *url, struct err *err)
{
	CLEANUP(mem_freep) char *authority = url_authority(url);
	CLEANUP(mem_freep) char *shown = url_shown(url);

	if (!authority || (!url_is_https(url) && strncasecmp(url, "http://", 7) != 0))
		return err_set(err, ERR_NO_CREDENTIAL, "'%s' is no http URL", name);
	if (url_is_https(url) || host_kind_of(url) != HOST_ELSEWHERE)
		return true;
	err_set(err, ERR_NO_CREDENTIAL, "'%s' is neither https nor inside this machine: '%s'", name,
		shown);
	err_cause(err, "a subject token is worth as much as a password and must not be overheard");
	return false;
}

bool google_subject_ask(const struct google_subject *s, const struct world *w,
			const struct http_call *call, struct http_answer *ret, struct err *err)
{
	struct google_options options = *s->options;

	if (host_kind_of(call->url) != HOST_ELSEWHERE)
		options.transport = options.bare;
	return google_ask(&options, w, call, ret, err);
}

bool google_subject_format_read(const struct js *source, struct google_subject_format *ret,
				struct err *err)
{
	const struct js *format = js_get(source, "format");
	const char *type = js_string(js_get(format, "type"));
	const char *field = js_string(js_get(format, "subject_token_field_name"));

	ret->field = NULL;
	if (!format || (js_is_object(format) && !js_get(format, "type")) ||
	    (type && strcmp(type, "text") == 0))
		return true;
	if (!type || strcmp(type, "json") != 0)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the format of a subject token is 'text' or 'json', not '%.40s'",
			       type ? type : "");
	if (!field || !*field)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "the format of the subject token has no subject_token_field_name");
	ret->field = mem_strdup(field);
	return true;
}

static bool take_trimmed(const char *text, size_t len, struct secret **ret, struct err *err)
{
	len = text_trim(&text, len);
	if (!len)
		return err_set(err, ERR_NO_CREDENTIAL, "there is no subject token in it");
	if (memchr(text, '\0', len))
		return err_set(err, ERR_NO_CREDENTIAL, "it is not a subject token but binary");
	*ret = secret_new(text, len);
	return true;
}

bool google_subject_parse(const char *text, size_t len, const struct google_subject_format *format,
			  struct secret **ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *token;

	if (!format->field)
		return take_trimmed(text, len, ret, err);
	if (!js_parse(text, len, GOOGLE_SUBJECT_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return false;
	token = js_string(js_get(j, format->field));
	if (!token)
		return err_set(err, ERR_NO_CREDENTIAL, "its JSON has no text '%s'", format->field);
	return take_trimmed(token, strlen(token), ret, err);
}

/* A file that somebody else writes anew before the token in it ends */

struct file_subject {
	struct google_subject subject;
	struct google_subject_format format;
	char *path;
};

static bool file_get(struct google_subject *subject, const struct world *w, struct secret **ret,
		     struct err *err)
{
	struct file_subject *s = (struct file_subject *)subject;
	struct buf text = BUF_INIT(GOOGLE_SUBJECT_CEILING);
	bool ok = world_check(w, err);

	if (ok) {
		ok = file_read_all(s->path, &text, err) &&
		     google_subject_parse(buf_str(&text), text.len, &s->format, ret, err);
		if (!ok) {
			err->code = ERR_NO_CREDENTIAL;
			err_wrap(err, "the subject token in '%s'", s->path);
		}
	}
	buf_wipe(&text);
	return ok;
}

static void file_free(struct google_subject *subject)
{
	struct file_subject *s = (struct file_subject *)subject;

	free(s->format.field);
	free(s->path);
	free(s);
}

static const struct google_subject_ops file_ops = { .get = file_get, .free = file_free };

static bool file_new(const struct js *source, struct google_subject **ret, struct err *err)
{
	struct file_subject *s;
	const char *path = js_string(js_get(source, "file"));
	struct google_subject_format format;

	if (!path || !*path)
		return err_set(err, ERR_NO_CREDENTIAL, "'file' is not the name of a file");
	if (!google_subject_format_read(source, &format, err))
		return false;
	s = NEW(struct file_subject);
	s->subject.ops = &file_ops;
	s->format = format;
	s->path = mem_strdup(path);
	*ret = &s->subject;
	return true;
}

/* A URL that hands it out: GitHub's, GitLab's, Azure's */

struct url_header {
	char *name;
	struct secret *value;
};

struct url_subject {
	struct google_subject subject;
	struct google_subject_format format;
	char *url;
	struct url_header headers[HTTP_REQUEST_HEADERS_MAX];
	size_t header_count;
	struct secret *authorization;
};

static bool url_get(struct google_subject *subject, const struct world *w, struct secret **ret,
		    struct err *err)
{
	struct url_subject *s = (struct url_subject *)subject;
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct http_call call = {
		.what = "subject token",
		.method = "GET",
		.url = s->url,
		.authorization = s->authorization,
	};

	for (size_t i = 0; i < s->header_count; i++)
		call.headers[i] = (struct http_header){ s->headers[i].name,
							secret_reveal(s->headers[i].value) };
	if (!google_subject_ask(subject, w, &call, &answer, err))
		return false;
	if (!google_subject_parse(answer.body, answer.body_len, &s->format, ret, err)) {
		CLEANUP(mem_freep) char *shown = url_shown(s->url);

		return err_wrap(err, "the subject token from '%s'", shown);
	}
	return true;
}

static void url_free(struct google_subject *subject)
{
	struct url_subject *s = (struct url_subject *)subject;

	for (size_t i = 0; i < s->header_count; i++) {
		free(s->headers[i].name);
		secret_free(s->headers[i].value);
	}
	secret_free(s->authorization);
	free(s->format.field);
	free(s->url);
	free(s);
}

static const struct google_subject_ops url_ops = { .get = url_get, .free = url_free };

static bool is_header_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_") == strlen(name);
}

static bool is_header_value(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

/* The one that is never sent anywhere else goes its own way. */
static bool take_header(void *arg, const char *name, const struct js *j)
{
	struct url_subject *s = arg;
	const char *value = js_string(j);

	if (!value || !is_header_name(name) || !is_header_value(value))
		return false;
	if (strcasecmp(name, "Authorization") == 0) {
		secret_free(s->authorization);
		s->authorization = secret_new(value, strlen(value));
		return true;
	}
	if (s->header_count == HTTP_REQUEST_HEADERS_MAX)
		return false;
	s->headers[s->header_count++] =
		(struct url_header){ .name = mem_strdup(name),
				     .value = secret_new(value, strlen(value)) };
	return true;
}

static bool url_new(const struct js *source, struct google_subject **ret, struct err *err)
{
	CLEANUP(google_subject_freep) struct google_subject *subject = NULL;
	struct url_subject *s = NEW(struct url_subject);
	const char *url = js_string(js_get(source, "url"));
	const struct js *headers = js_get(source, "headers");

	subject = &s->subject;
	subject->ops = &url_ops;
	if (!google_subject_place("url", url ? url : "", err) ||
	    !google_subject_format_read(source, &s->format, err))
		return false;
	s->url = mem_strdup(url);
	if (headers && (!js_is_object(headers) || !js_each(headers, take_header, s)))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "'headers' are not names and values of at most %d HTTP headers",
			       HTTP_REQUEST_HEADERS_MAX);
	*ret = TAKE(subject);
	return true;
}

/* Which of them */

static bool certificate_new(const struct js *source, struct google_subject **ret, struct err *err)
{
	(void)source;
	(void)ret;
	err_set(err, ERR_NO_CREDENTIAL,
		"it proves who runs here by an X.509 certificate (mTLS), which is not supported");
	err_hint(err, "use a credential_source with file, url, executable or environment_id");
	return false;
}

static bool executable_new(const struct js *source, struct google_subject **ret, struct err *err)
{
	return google_subject_command_new(js_get(source, "executable"), ret, err);
}

bool google_subject_new(const struct js *source, const struct google_subject_use *use,
			const struct google_options *options, struct google_subject **ret,
			struct err *err)
{
	/* AWS's has a url too */
	static const struct {
		const char *field;
		bool (*make)(const struct js *source, struct google_subject **ret, struct err *err);
	} kinds[] = {
		{ "environment_id", google_subject_aws_new },
		{ "certificate", certificate_new },
		{ "executable", executable_new },
		{ "file", file_new },
		{ "url", url_new },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!js_get(source, kinds[i].field))
			continue;
		if (!kinds[i].make(source, ret, err))
			return err_wrap(err, "credential_source");
		(*ret)->use = use;
		(*ret)->options = options;
		return true;
	}
	return err_set(err, ERR_NO_CREDENTIAL,
		       "credential_source names neither file, url, executable nor environment_id");
}
