#include "kube/exec.h"

#include "auth/subprocess.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/time.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define SAID_MAX 400

void kube_credential_clear(struct kube_credential *c)
{
	secret_free(c->authorization);
	secret_free(c->cert);
	secret_free(c->key);
	free(c->source);
	*c = (struct kube_credential){ 0 };
}

/* What it is told */

static struct js *cluster_info(const struct kube_cluster *c)
{
	struct js *j = js_object();

	js_put_string(j, "server", c->server);
	js_put_string(j, "tls-server-name", c->tls_server_name);
	if (c->insecure)
		js_put_bool(j, "insecure-skip-tls-verify", true);
	if (c->ca) {
		CLEANUP(mem_freep)
		char *data = base64_encode(secret_reveal(c->ca), secret_len(c->ca));

		js_put_string(j, "certificate-authority-data", data);
	}
	js_put_string(j, "proxy-url", c->proxy_url);
	if (c->disable_compression)
		js_put_bool(j, "disable-compression", true);
	if (c->exec_config)
		js_put(j, "config", js_copy(c->exec_config));
	return j;
}

char *kube_exec_info(const struct kube_config *config, bool interactive)
{
	const struct kube_exec *x = config->user.exec;
	CLEANUP(js_freep) struct js *j = js_object();
	struct js *spec = js_object();

	js_put_string(j, "kind", "ExecCredential");
	js_put_string(j, "apiVersion", x->api_version);
	if (x->wants_cluster)
		js_put(spec, "cluster", cluster_info(&config->cluster));
	js_put_bool(spec, "interactive", interactive);
	js_put(j, "spec", spec);
	return js_text(j, JS_COMPACT);
}

/* What it says */

struct status_fields {
	const char *token, *cert, *key, *expires;
};

static bool read_status(const struct js *status, struct status_fields *ret, struct err *err)
{
	static const struct js_field fields[] = {
		{ "token", JS_STRING, offsetof(struct status_fields, token), JS_OPTIONAL },
		{ "clientCertificateData", JS_STRING, offsetof(struct status_fields, cert),
		  JS_OPTIONAL },
		{ "clientKeyData", JS_STRING, offsetof(struct status_fields, key), JS_OPTIONAL },
		{ "expirationTimestamp", JS_STRING, offsetof(struct status_fields, expires),
		  JS_OPTIONAL },
	};

	return js_dispatch(status, fields, ARRAY_SIZE(fields), ERR_NO_CREDENTIAL, ret, err);
}

static bool has_something(const char *text)
{
	return text && *text;
}

static bool is_token(const char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text))
			return false;
	return true;
}

static bool set_expiry(const char *text, int64_t now_ms, int64_t now_wall_ms,
		       struct kube_credential *ret, struct err *err)
{
	int64_t expires_wall_ms;

	ret->minted_ms = now_ms;
	ret->expires_ms = NEVER_MS;
	if (!has_something(text))
		return true;
	if (!time_parse_rfc3339(text, &expires_wall_ms))
		return err_set(err, ERR_NO_CREDENTIAL, "its expirationTimestamp is no moment");
	ret->expires_ms = now_ms + (expires_wall_ms - now_wall_ms);
	return true;
}

static bool take_status(const struct status_fields *f, struct kube_credential *ret, struct err *err)
{
	if (has_something(f->cert) != has_something(f->key))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "it says a client certificate or a key, and both are needed");
	if (!has_something(f->token) && !has_something(f->cert))
		return err_set(err, ERR_NO_CREDENTIAL,
			       "it says neither a token nor a client certificate");
	if (has_something(f->token) && !is_token(f->token))
		return err_set(err, ERR_NO_CREDENTIAL, "its token is no token");
	if (has_something(f->token)) {
		CLEANUP(mem_freep) char *value = mem_printf("Bearer %s", f->token);

		ret->authorization = secret_new(value, strlen(value));
		secret_wipe(value, strlen(value));
	}
	if (has_something(f->cert)) {
		ret->cert = secret_new(f->cert, strlen(f->cert));
		ret->key = secret_new(f->key, strlen(f->key));
	}
	return true;
}

static bool is_text(const struct js *j, const char *key, const char *wanted)
{
	const char *text = js_string(js_get(j, key));

	return text && strcmp(text, wanted) == 0;
}

bool kube_exec_parse(const char *text, size_t len, const char *api_version, int64_t now_ms,
		     int64_t now_wall_ms, struct kube_credential *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *j = NULL;
	struct status_fields f = { 0 };
	const struct js *status;

	*ret = (struct kube_credential){ 0 };
	if (!js_parse(text, len, KUBE_EXEC_CEILING, ERR_NO_CREDENTIAL, &j, err))
		return false;
	if (!is_text(j, "kind", "ExecCredential") || !is_text(j, "apiVersion", api_version))
		return err_set(err, ERR_NO_CREDENTIAL, "it says no ExecCredential of '%s'",
			       api_version);
	status = js_get(j, "status");
	if (!js_is_object(status))
		return err_set(err, ERR_NO_CREDENTIAL, "it says no status");
	if (!read_status(status, &f, err) || !set_expiry(f.expires, now_ms, now_wall_ms, ret, err))
		return false;
	if (take_status(&f, ret, err))
		return true;
	kube_credential_clear(ret);
	return false;
}

/* Running it */

static bool decide_interactive(const struct kube_exec *x, bool *ret, struct err *err)
{
	bool terminal = isatty(STDIN_FILENO);

	*ret = x->interactive != KUBE_NEVER && terminal;
	if (x->interactive == KUBE_ALWAYS && !terminal)
		return err_set(err, ERR_NO_CREDENTIAL,
			       "it wants to ask somebody, and standard input is no terminal");
	return true;
}

static const char **new_argv(const struct kube_exec *x)
{
	const char **argv = mem_alloc((x->args.count + 2) * sizeof(*argv));

	argv[0] = x->command;
	for (size_t i = 0; i < x->args.count; i++)
		argv[i + 1] = x->args.at[i];
	return argv;
}

/* INFO is "KUBERNETES_EXEC_INFO=..."; of a variable that stands twice the last one counts. */
static const char **new_environment(const struct kube_exec *x, const char *info)
{
	const char **all = mem_alloc((x->environment.count + 2) * sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < x->environment.count; i++) {
		size_t name_len = strcspn(x->environment.at[i], "=") + 1, j = 0;

		while (j < count && strncmp(all[j], x->environment.at[i], name_len) != 0)
			j++;
		all[j] = x->environment.at[i];
		count += j == count;
	}
	all[count] = info;
	return all;
}

/* The end of what it complained about, on one line. */
static void add_words(const struct buf *errout, struct err *err)
{
	const char *text = buf_str(errout);
	size_t len = text_trim(&text, errout->len);
	struct buf line = BUF_INIT(2 * SAID_MAX);

	if (len > SAID_MAX) {
		text += len - SAID_MAX;
		len = SAID_MAX;
	}
	for (size_t i = 0; i < len; i++)
		buf_putc(&line, isprint((unsigned char)text[i]) ? text[i] : ' ');
	if (line.len)
		err_evidence(err, "%s", buf_str(&line));
	buf_clear(&line);
}

static bool run(const struct kube_config *config, const struct world *w, bool interactive,
		struct buf *out, struct buf *errout, struct err *err)
{
	const struct kube_exec *x = config->user.exec;
	CLEANUP(mem_freep) char *json = kube_exec_info(config, interactive);
	CLEANUP(mem_freep) char *info = mem_printf("KUBERNETES_EXEC_INFO=%s", json);
	CLEANUP(mem_freep) const char **argv = new_argv(x);
	CLEANUP(mem_freep) const char **environment = new_environment(x, info);
	const struct subprocess p = {
		.argv = argv,
		.environment = environment,
		.longest_ms = interactive ? KUBE_EXEC_INTERACTIVE_MS : KUBE_EXEC_MS,
		.on_terminal = interactive,
	};
	int code = 0;

	if (!subprocess_run_as(w, &p, out, errout, &code, err))
		return false;
	return !code || err_set(err, ERR_NO_CREDENTIAL, "it ended with %d", code);
}

static bool fail(const struct kube_exec *x, const struct buf *errout, struct err *err)
{
	if (err->code != ERR_NO_CREDENTIAL)
		return false;
	err_wrap(err, "credential plugin '%s'", x->command);
	add_words(errout, err);
	if (x->install_hint) {
		CLEANUP(mem_freep) char *hint = mem_strdup(x->install_hint);

		for (char *c = hint; *c; c++)
			if (iscntrl((unsigned char)*c))
				*c = ' ';
		err_hint(err, "%s", hint);
	}
	return false;
}

bool kube_exec_run(const struct kube_config *config, const struct world *w,
		   struct kube_credential *ret, struct err *err)
{
	const struct kube_exec *x = config->user.exec;
	CLEANUP(buf_wipe) struct buf out = BUF_INIT(KUBE_EXEC_CEILING);
	CLEANUP(buf_wipe) struct buf errout = BUF_INIT(16 * KIB);
	int64_t asked_ms = world_now_ms(w);
	bool interactive;

	*ret = (struct kube_credential){ 0 };
	if (!decide_interactive(x, &interactive, err) ||
	    !run(config, w, interactive, &out, &errout, err) ||
	    !kube_exec_parse(buf_str(&out), out.len, x->api_version, asked_ms,
			     clock_wall_ms(w->clock) - (world_now_ms(w) - asked_ms), ret, err))
		return fail(x, &errout, err);
	ret->source = mem_printf("plugin '%s'", x->command);
	return true;
}
