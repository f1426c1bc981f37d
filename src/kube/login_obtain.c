/* One credential of each kind that a kubeconfig's user may have. */
#include "kube/login_private.h"

#include "base/mem.h"
#include "base/stream.h"
#include "kube/config_private.h"
#include "wire/base64.h"

#include <ctype.h>
#include <string.h>

#define TOKEN_FILE_CEILING (64 * KIB)

static struct secret *bearer(const struct secret *token)
{
	CLEANUP(mem_freep) char *value = mem_printf("Bearer %s", secret_reveal(token));
	struct secret *header = secret_new(value, strlen(value));

	secret_wipe(value, strlen(value));
	return header;
}

static struct secret *basic(const struct kube_user *u)
{
	const char *password = u->password ? secret_reveal(u->password) : "";
	CLEANUP(mem_freep) char *pair = mem_printf("%s:%s", u->username, password);
	CLEANUP(mem_freep) char *encoded = base64_encode(pair, strlen(pair));
	CLEANUP(mem_freep) char *value = mem_printf("Basic %s", encoded);
	struct secret *header = secret_new(value, strlen(value));

	secret_wipe(pair, strlen(pair));
	secret_wipe(encoded, strlen(encoded));
	secret_wipe(value, strlen(value));
	return header;
}

static bool read_token(const char *path, struct secret **ret, struct err *err)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(TOKEN_FILE_CEILING);
	const char *token;
	size_t len;

	if (!file_read_all(path, &text, err)) {
		err->code = ERR_NO_CREDENTIAL;
		return err_wrap(err, "the token file");
	}
	token = buf_str(&text);
	len = text_trim(&token, text.len);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)token[i]))
			return err_set(err, ERR_NO_CREDENTIAL, "'%s' holds no token", path);
	if (!len)
		return err_set(err, ERR_NO_CREDENTIAL, "'%s' is empty", path);
	*ret = secret_new(token, len);
	return true;
}

/* While the file cannot be read, what was read before counts, or the token beside it. */
static bool obtain_file(struct kube_login *l, struct kube_credential *ret, struct err *err)
{
	const struct kube_user *u = &l->config->user;
	CLEANUP(secret_freep) struct secret *token = NULL;

	if (!read_token(u->token_file, &token, err)) {
		if (!l->now.authorization && !u->token)
			return false;
		err_clear(err);
	}
	if (token)
		ret->authorization = bearer(token);
	else
		ret->authorization =
			l->now.authorization ? secret_dup(l->now.authorization) : bearer(u->token);
	return true;
}

/* Files of a client certificate are read again; what stands in the kubeconfig itself stays. */
static bool obtain_cert(struct kube_login *l, struct kube_credential *ret, struct err *err)
{
	struct kube_config fresh = { .origin = l->config->origin };
	const struct kube_user *u = &l->config->user;
	bool ok;

	fresh.user.cert_file = u->cert_file;
	fresh.user.key_file = u->key_file;
	fresh.user.cert = secret_dup(u->cert);
	fresh.user.key = secret_dup(u->key);
	ok = l->serial == 0 || kube_config_read_files(&fresh, err);
	ret->cert = fresh.user.cert;
	ret->key = fresh.user.key;
	return ok;
}

static bool obtain_exec(struct kube_login *l, const struct world *w, struct kube_credential *ret,
			struct err *err)
{
	return kube_exec_run(l->config, w, ret, err);
}

static bool obtain_google(struct kube_login *l, const struct world *w, struct kube_credential *ret,
			  struct err *err)
{
	CLEANUP(credential_freep) struct credential *c = NULL;

	if (!login_google_obtain(l->google, w, &c, err))
		return false;
	if (!c && l->may_run_plugin) {
		monitor_enter(l->sched, l->monitor);
		l->kind = LOGIN_EXEC;
		monitor_leave(l->sched, l->monitor);
		return obtain_exec(l, w, ret, err);
	}
	if (!c) {
		err_set(err, ERR_NO_CREDENTIAL, "nobody is logged in at Google here");
		err_hint(err, "gcloud auth login, or --cred adc:FILE");
		return false;
	}
	ret->authorization = bearer(c->secret);
	ret->minted_ms = c->life.minted_ms;
	ret->expires_ms = c->expiry_known ? c->life.expires_ms : NEVER_MS;
	ret->source = mem_printf("Google's %s", c->source);
	return true;
}

static bool obtain_kind(struct kube_login *l, const struct world *w, struct kube_credential *ret,
			struct err *err)
{
	const struct kube_user *u = &l->config->user;

	ret->minted_ms = world_now_ms(w);
	ret->expires_ms = NEVER_MS;
	switch (l->kind) {
	case LOGIN_NOBODY:
		return true;
	case LOGIN_TOKEN:
		ret->authorization = bearer(u->token);
		return true;
	case LOGIN_BASIC:
		ret->authorization = basic(u);
		return true;
	case LOGIN_CERT:
		return obtain_cert(l, ret, err);
	case LOGIN_FILE:
		return obtain_file(l, ret, err);
	case LOGIN_EXEC:
		return obtain_exec(l, w, ret, err);
	case LOGIN_GOOGLE:
		return obtain_google(l, w, ret, err);
	}
	return false;
}

/* A client certificate goes with a token or password where both are there. */
bool login_obtain(struct kube_login *l, const struct world *w, struct kube_credential *ret,
		  struct err *err)
{
	const struct kube_user *u = &l->config->user;

	*ret = (struct kube_credential){ 0 };
	if (!obtain_kind(l, w, ret, err))
		return false;
	if (!ret->cert && u->cert && l->kind != LOGIN_NOBODY && l->kind != LOGIN_GOOGLE) {
		ret->cert = secret_dup(u->cert);
		ret->key = secret_dup(u->key);
	}
	if (!ret->source)
		ret->source = kube_user_kind(u);
	return true;
}
