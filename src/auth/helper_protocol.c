#include "auth/helper_protocol.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

void helper_request_clear(struct helper_request *r)
{
	free(r->server);
	free(r->host);
	*r = (struct helper_request){ 0 };
}

/* "https://host/v1/" or "host": what stands between scheme and path. NULL for what cannot be a host. */
static char *host_of(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *from = scheme ? scheme + 3 : server;
	size_t len = strcspn(from, "/?#");
	char *host;

	if (!len || strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 ".-_:[]") < len)
		return NULL;
	host = mem_strndup(from, len);
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return host;
}

static void take_server(const char *bytes, size_t len, struct helper_request *ret)
{
	while (len && isspace((unsigned char)*bytes)) {
		bytes++;
		len--;
	}
	while (len && isspace((unsigned char)bytes[len - 1]))
		len--;
	ret->server = mem_strndup(bytes, len);
	if (!*ret->server)
		ret->missing = HELPER_NO_SERVER;
	else if (strlen(ret->server) == len)
		ret->host = host_of(ret->server);
}

void helper_read_server(const char *bytes, size_t len, struct helper_request *ret)
{
	*ret = (struct helper_request){ 0 };
	take_server(bytes, len, ret);
}

struct login {
	const char *server, *user;
};

static const struct js_field fields[] = {
	{ "ServerURL", JS_STRING, offsetof(struct login, server), JS_OPTIONAL },
	{ "Username", JS_STRING, offsetof(struct login, user), JS_OPTIONAL },
};

bool helper_read_login(const char *bytes, size_t len, struct helper_request *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct login login = { 0 };

	*ret = (struct helper_request){ 0 };
	if (!js_parse(bytes, len, HELPER_CEILING, ERR_USAGE, &j, err) ||
	    !js_dispatch(j, fields, ARRAY_SIZE(fields), ERR_USAGE, &login, err))
		return err_wrap(err, "what is to be stored");
	take_server(login.server ? login.server : "", login.server ? strlen(login.server) : 0, ret);
	if (!ret->missing && (!login.user || !*login.user))
		ret->missing = HELPER_NO_USER;
	return true;
}

char *helper_answer(const char *server, const struct credential *c)
{
	CLEANUP(js_freep) struct js *j = js_object();

	js_put_string(j, "ServerURL", server);
	js_put_string(j, "Username", c->is_identity_token ? "<token>" : c->user);
	js_put_string(j, "Secret", secret_reveal(c->secret));
	return js_text(j, JS_COMPACT);
}

char *helper_refusal(const struct err *err)
{
	const char *const more[] = { err->evidence, err->cause, err->hint };
	static const char *const labels[] = { "", "", "try: " };
	struct buf text = BUF_INIT(BUF_TEXT_CEILING);
	char *line;

	buf_puts(&text, err->message ? err->message : "failed");
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		if (more[i])
			buf_printf(&text, "; %s%s", labels[i], more[i]);
	line = buf_take(&text);
	for (char *c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return line;
}
