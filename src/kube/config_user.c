/* One user of a kubeconfig, and what of it goes together. */
#include "kube/config_private.h"

#include "base/mem.h"
#include "http/url.h"

#include <ctype.h>
#include <string.h>

void kube_exec_free(struct kube_exec *x)
{
	if (!x)
		return;
	free(x->api_version);
	free(x->command);
	free(x->install_hint);
	strings_clear(&x->args);
	strings_clear(&x->environment);
	free(x);
}

void kube_user_clear(struct kube_user *u)
{
	free(u->name);
	secret_free(u->token);
	free(u->token_file);
	free(u->username);
	secret_free(u->password);
	free(u->cert_file);
	free(u->key_file);
	secret_free(u->cert);
	secret_free(u->key);
	kube_exec_free(u->exec);
	free(u->auth_provider);
	free(u->as);
	strings_clear(&u->as_headers);
	*u = (struct kube_user){ 0 };
}

static bool is_header_value(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

struct user_fields {
	const char *cert_file, *cert_data, *key_file, *key_data, *token, *token_file;
	const char *username, *password, *as, *as_uid;
	const struct js *as_groups, *as_extra, *auth_provider, *exec;
};

#define USER_FIELD(name, type, member)                                        \
	{                                                                     \
		name, type, offsetof(struct user_fields, member), JS_OPTIONAL \
	}

static const struct js_field user_fields[] = {
	USER_FIELD("client-certificate", JS_STRING, cert_file),
	USER_FIELD("client-certificate-data", JS_STRING, cert_data),
	USER_FIELD("client-key", JS_STRING, key_file),
	USER_FIELD("client-key-data", JS_STRING, key_data),
	USER_FIELD("token", JS_STRING, token),
	USER_FIELD("tokenFile", JS_STRING, token_file),
	USER_FIELD("username", JS_STRING, username),
	USER_FIELD("password", JS_STRING, password),
	USER_FIELD("as", JS_STRING, as),
	USER_FIELD("as-uid", JS_STRING, as_uid),
	USER_FIELD("as-groups", JS_ARRAY, as_groups),
	USER_FIELD("as-user-extra", JS_OBJECT, as_extra),
	USER_FIELD("auth-provider", JS_OBJECT, auth_provider),
	USER_FIELD("exec", JS_OBJECT, exec),
};

struct exec_fields {
	const char *api_version, *command, *install_hint, *interactive;
	const struct js *args, *env;
	bool wants_cluster;
};

#define EXEC_FIELD(name, type, member)                                        \
	{                                                                     \
		name, type, offsetof(struct exec_fields, member), JS_OPTIONAL \
	}

static const struct js_field exec_fields[] = {
	EXEC_FIELD("apiVersion", JS_STRING, api_version),
	EXEC_FIELD("command", JS_STRING, command),
	EXEC_FIELD("installHint", JS_STRING, install_hint),
	EXEC_FIELD("interactiveMode", JS_STRING, interactive),
	EXEC_FIELD("args", JS_ARRAY, args),
	EXEC_FIELD("env", JS_ARRAY, env),
	EXEC_FIELD("provideClusterInfo", JS_BOOL, wants_cluster),
};

static bool read_environment(const struct js *env, struct strings *ret, struct err *err)
{
	for (size_t i = 0; i < js_count(env); i++) {
		const char *name = js_string(js_get(js_at(env, i), "name"));
		const char *value = js_string(js_get(js_at(env, i), "value"));
		CLEANUP(mem_freep) char *both = NULL;

		if (!name || !*name || strchr(name, '='))
			return err_set(err, ERR_USAGE, "a variable of 'env' has no name");
		both = mem_printf("%s=%s", name, value ? value : "");
		strings_add(ret, both);
	}
	return true;
}

static bool read_mode(const struct exec_fields *f, enum kube_interactive *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum kube_interactive mode;
	} modes[] = { { "Never", KUBE_NEVER },
		      { "IfAvailable", KUBE_IF_AVAILABLE },
		      { "Always", KUBE_ALWAYS } };
	const char *said = f->interactive && *f->interactive ? f->interactive : NULL;

	*ret = KUBE_IF_AVAILABLE;
	if (!said)
		return strcmp(f->api_version, KUBE_EXEC_V1) != 0 ||
		       err_set(err, ERR_USAGE, "field 'interactiveMode' is missing");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(said, modes[i].word) == 0) {
			*ret = modes[i].mode;
			return true;
		}
	return err_set(err, ERR_USAGE, "interactiveMode '%.40s' is none", said);
}

static bool read_exec(const struct js *body, const char *file, struct kube_exec **ret,
		      struct err *err)
{
	struct kube_exec *x = NEW(struct kube_exec);
	struct exec_fields f = { 0 };

	*ret = x;
	if (!js_dispatch(body, exec_fields, ARRAY_SIZE(exec_fields), ERR_USAGE, &f, err))
		return false;
	if (!f.command || !*f.command)
		return err_set(err, ERR_USAGE, "field 'command' is missing");
	if (!f.api_version || (strcmp(f.api_version, KUBE_EXEC_V1) != 0 &&
			       strcmp(f.api_version, KUBE_EXEC_V1BETA1) != 0)) {
		err_set(err, ERR_USAGE, "apiVersion is neither '%s' nor v1beta1", KUBE_EXEC_V1);
		err_hint(err, "update '%s' and the kubeconfig that names it", f.command);
		return false;
	}
	x->api_version = mem_strdup(f.api_version);
	x->command =
		strchr(f.command, '/') ? kube_file_path(f.command, file) : mem_strdup(f.command);
	x->install_hint = kube_text(f.install_hint);
	x->wants_cluster = f.wants_cluster;
	return read_mode(&f, &x->interactive, err) && kube_strings(f.args, "args", &x->args, err) &&
	       read_environment(f.env, &x->environment, err);
}

static bool add_header(struct strings *headers, const char *name, const char *value,
		       struct err *err)
{
	CLEANUP(mem_freep) char *line = NULL;

	if (!is_header_value(value))
		return err_set(err, ERR_USAGE, "a name to impersonate has a control character");
	if (headers->count == KUBE_IMPERSONATED_MAX)
		return err_set(err, ERR_USAGE, "more than %d things are to be impersonated",
			       KUBE_IMPERSONATED_MAX);
	line = mem_printf("%s: %s", name, value);
	strings_add(headers, line);
	return true;
}

struct extra {
	struct strings *headers;
	struct err *err;
};

/* "Impersonate-Extra-KEY", where KEY is in lower case and what no header's name may have is escaped. */
static bool add_extra(void *arg, const char *key, const struct js *values)
{
	struct extra *x = arg;
	CLEANUP(mem_freep) char *encoded = url_encode(key);
	CLEANUP(mem_freep) char *name = NULL;
	CLEANUP(strings_clear) struct strings all = { 0 };

	for (char *c = encoded; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	name = mem_printf("Impersonate-Extra-%s", encoded);
	if (!kube_strings(values, "as-user-extra", &all, x->err))
		return false;
	for (size_t i = 0; i < all.count; i++)
		if (!add_header(x->headers, name, all.at[i], x->err))
			return false;
	return true;
}

static bool read_impersonation(const struct user_fields *f, struct kube_user *ret, struct err *err)
{
	struct extra extra = { .headers = &ret->as_headers, .err = err };
	CLEANUP(strings_clear) struct strings groups = { 0 };

	ret->as = kube_text(f->as);
	if (ret->as && !add_header(&ret->as_headers, "Impersonate-User", ret->as, err))
		return false;
	if (f->as_uid && *f->as_uid &&
	    !add_header(&ret->as_headers, "Impersonate-Uid", f->as_uid, err))
		return false;
	if (!kube_strings(f->as_groups, "as-groups", &groups, err))
		return false;
	for (size_t i = 0; i < groups.count; i++)
		if (!add_header(&ret->as_headers, "Impersonate-Group", groups.at[i], err))
			return false;
	return !f->as_extra || js_each(f->as_extra, add_extra, &extra);
}

static bool fill_user(const struct user_fields *f, const char *file, struct kube_user *ret,
		      struct err *err)
{
	const char *provider = js_string(js_get(f->auth_provider, "name"));

	ret->token = kube_secret(f->token);
	ret->token_file = kube_file_path(f->token_file, file);
	ret->username = kube_text(f->username);
	ret->password = kube_secret(f->password);
	ret->cert_file = kube_file_path(f->cert_file, file);
	ret->key_file = kube_file_path(f->key_file, file);
	ret->auth_provider = f->auth_provider ? mem_strdup(provider ? provider : "") : NULL;
	if (f->token && !is_header_value(f->token))
		return err_set(err, ERR_USAGE, "field 'token' has a control character");
	return kube_data(f->cert_data, "client-certificate-data", &ret->cert, err) &&
	       kube_data(f->key_data, "client-key-data", &ret->key, err) &&
	       read_impersonation(f, ret, err) &&
	       (!f->exec || read_exec(f->exec, file, &ret->exec, err) || err_wrap(err, "exec"));
}

bool kube_user_shape(const struct kube_entry *e, struct err *err)
{
	struct user_fields f = { 0 };
	struct exec_fields x = { 0 };

	if (!kube_dispatch(e, "user", user_fields, ARRAY_SIZE(user_fields), &f, err))
		return false;
	return !f.exec ||
	       js_dispatch(f.exec, exec_fields, ARRAY_SIZE(exec_fields), ERR_USAGE, &x, err) ||
	       err_wrap(err, "user '%s' of '%s': exec", e->name, e->file);
}

bool kube_user_read(const struct kube_entry *e, struct kube_user *ret, struct err *err)
{
	struct user_fields f = { 0 };

	if (!kube_dispatch(e, "user", user_fields, ARRAY_SIZE(user_fields), &f, err))
		return false;
	ret->name = kube_text(e->name);
	return fill_user(&f, e->file, ret, err) ||
	       err_wrap(err, "user '%s' of '%s'", e->name, e->file);
}

bool kube_user_check(const struct kube_user *u, struct err *err)
{
	const char *name = u->name ? u->name : "";
	bool basic = u->username || u->password;

	if ((u->token || u->token_file) && basic)
		return err_set(err, ERR_USAGE, "user '%s' has a token and a password", name);
	if ((u->cert && u->cert_file) || (u->key && u->key_file && (u->cert || u->cert_file)))
		return err_set(err, ERR_USAGE,
			       "user '%s' has a client certificate or key and its -data, and only "
			       "one can count",
			       name);
	if ((u->cert || u->cert_file) && !u->key && !u->key_file)
		return err_set(err, ERR_USAGE, "user '%s' has a client certificate without a key",
			       name);
	if (u->exec && u->auth_provider)
		return err_set(err, ERR_USAGE, "user '%s' has an exec plugin and an auth-provider",
			       name);
	if (u->as_headers.count && !u->as)
		return err_set(err, ERR_USAGE,
			       "user '%s' impersonates groups and nobody who is in them", name);
	return true;
}
