#include "kube/config.h"

#include "base/mem.h"
#include "base/stream.h"
#include "kube/config_private.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void kube_config_free(struct kube_config *c)
{
	if (!c)
		return;
	free(c->origin);
	free(c->context);
	free(c->namespace);
	kube_cluster_clear(&c->cluster);
	kube_user_clear(&c->user);
	free(c);
}

char *kube_user_kind(const struct kube_user *u)
{
	if (u->token_file)
		return mem_printf("token file '%s'", u->token_file);
	if (u->token)
		return mem_strdup("a token");
	if (u->username)
		return mem_printf("user name '%s' and a password", u->username);
	if (u->cert || u->cert_file)
		return mem_strdup("a client certificate");
	if (u->exec)
		return mem_printf("plugin '%s'", u->exec->command);
	if (u->auth_provider)
		return mem_printf("auth-provider '%s'", u->auth_provider);
	return mem_strdup("nobody");
}

/* Certificates and keys */

/* Kubernetes wants PEM, and OpenSSL would only say that it cannot read it. */
static bool check_pem(const struct secret *pem, const char *what, struct err *err)
{
	return !pem || strstr(secret_reveal(pem), "-----BEGIN ") ||
	       err_set(err, ERR_USAGE, "the %s is no PEM", what);
}

static bool read_pem(const char *path, const char *what, struct secret **ret, struct err *err)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(KUBE_PEM_CEILING);

	if (path) {
		if (!file_read_all(path, &text, err)) {
			err->code = ERR_USAGE;
			return err_wrap(err, "the %s", what);
		}
		secret_free(*ret);
		*ret = secret_new(buf_str(&text), text.len);
	}
	return check_pem(*ret, what, err);
}

bool kube_config_read_files(struct kube_config *c, struct err *err)
{
	struct kube_user *u = &c->user;

	if (read_pem(c->cluster.ca_file, "certificate-authority", &c->cluster.ca, err) &&
	    read_pem(u->cert_file, "client-certificate", &u->cert, err) &&
	    (!u->cert || read_pem(u->key_file, "client-key", &u->key, err)))
		return true;
	return err_wrap(err, "%s", c->origin);
}

/* In a cluster */

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static char *in_cluster_server(const char *host, const char *port)
{
	return strchr(host, ':') && *host != '[' ? mem_printf("https://[%s]:%s", host, port)
						 : mem_printf("https://%s:%s", host, port);
}

static char *in_cluster_namespace(const char *dir, const struct kube_config_wanted *wanted)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/namespace", dir);
	struct buf text = BUF_INIT(4 * KIB);
	const char *said = wanted->namespace ? wanted->namespace : getenv("POD_NAMESPACE");
	struct err ignored = ERR_INIT;
	char *namespace;
	size_t len;

	if (said && *said)
		return mem_strdup(said);
	if (!file_read_all(path, &text, &ignored))
		err_clear(&ignored);
	said = buf_str(&text);
	len = text_trim(&said, text.len);
	namespace = len ? mem_strndup(said, len) : mem_strdup("default");
	buf_clear(&text);
	return namespace;
}

bool kube_config_in_cluster(const char *dir, const struct kube_config_wanted *wanted,
			    struct kube_config **ret, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	CLEANUP(mem_freep) char *token = mem_printf("%s/token", dir);
	CLEANUP(mem_freep) char *ca = mem_printf("%s/ca.crt", dir);
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;

	*ret = NULL;
	if (!host || !*host || !port || !*port || !is_file(token))
		return true;
	c = NEW(struct kube_config);
	c->in_cluster = true;
	c->origin = mem_strdup("the service account of the pod that this runs in");
	c->namespace = in_cluster_namespace(dir, wanted);
	c->cluster.server = in_cluster_server(host, port);
	/* a pod without ca.crt is one of a cluster that the system trusts, as client-go has it */
	c->cluster.ca_file = is_file(ca) ? TAKE(ca) : NULL;
	c->user.token_file = TAKE(token);
	if (!kube_config_read_files(c, err))
		return false;
	*ret = TAKE(c);
	return true;
}

/* Files */

struct texts {
	struct kube_config_text at[KUBE_CONFIG_FILES_MAX];
	struct buf bytes[KUBE_CONFIG_FILES_MAX];
	struct strings paths;
};

static void texts_clear(struct texts *t)
{
	for (size_t i = 0; i < t->paths.count; i++)
		buf_wipe(&t->bytes[i]);
	strings_clear(&t->paths);
}

static bool add_path(struct texts *t, const char *path, struct err *err)
{
	if (strings_have(&t->paths, path))
		return true;
	if (t->paths.count == KUBE_CONFIG_FILES_MAX)
		return err_set(err, ERR_USAGE, "KUBECONFIG names more than %d files",
			       KUBE_CONFIG_FILES_MAX);
	strings_add(&t->paths, path);
	return true;
}

static bool add_list(struct texts *t, const char *list, struct err *err)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(list);
	char *rest = NULL;

	for (char *path = strtok_r(copy, ":", &rest); path; path = strtok_r(NULL, ":", &rest))
		if (!add_path(t, path, err))
			return false;
	return true;
}

static bool add_usual(struct texts *t, struct err *err)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	CLEANUP(mem_freep) char *path = NULL;

	if (list && *list)
		return add_list(t, list, err);
	if (!home || !*home)
		return true;
	path = mem_printf("%s/.kube/config", home);
	return add_path(t, path, err);
}

/* What is not there does not count, unless it was asked for. */
static bool read_texts(struct texts *t, bool must_be_there, struct err *err)
{
	for (size_t i = 0; i < t->paths.count; i++) {
		t->bytes[i] = (struct buf)BUF_INIT(KUBE_CONFIG_CEILING);
		t->at[i].path = t->paths.at[i];
		if (!file_read_all(t->paths.at[i], &t->bytes[i], err)) {
			if (err->code != ERR_NO_SOURCE || must_be_there) {
				err->code = ERR_USAGE;
				return err_wrap(err, "kubeconfig");
			}
			err_clear(err);
		}
		t->at[i].text = buf_str(&t->bytes[i]);
		t->at[i].len = t->bytes[i].len;
	}
	return true;
}

static bool nothing_found(const struct texts *t, struct err *err)
{
	err_set(err, ERR_USAGE, "there is no kubeconfig%s%s%s that says anything",
		t->paths.count ? " '" : "", t->paths.count ? t->paths.at[0] : "",
		t->paths.count ? "'" : "");
	err_hint(err, "--kubeconfig FILE, or --cluster projects/P/locations/L/clusters/C");
	return false;
}

bool kube_config_load(const struct kube_config_wanted *wanted, struct kube_config **ret,
		      struct err *err)
{
	CLEANUP(texts_clear) struct texts t = { 0 };
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;
	const char *only = wanted->kubeconfig;

	if (!(only ? add_path(&t, only, err) : add_usual(&t, err)) ||
	    !read_texts(&t, only != NULL, err) ||
	    !kube_config_parse(t.at, t.paths.count, wanted, &c, err))
		return false;
	if (c && !kube_config_read_files(c, err))
		return false;
	if (!c && !only && !wanted->context &&
	    !kube_config_in_cluster(KUBE_SERVICE_ACCOUNT_DIR, wanted, &c, err))
		return false;
	if (!c)
		return nothing_found(&t, err);
	*ret = TAKE(c);
	return true;
}
