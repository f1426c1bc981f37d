/*
 * The kubeconfig: which cluster it leads to, who one is there, and whether that cluster answers. A push needs none of
 * it, so that nothing in here is an error.
 */
#include "cli/doctor.h"

#include "base/mem.h"
#include "kube/client.h"
#include "kube/config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLUSTER_MS 10000

static void judge_mode(struct findings *f, const char *path)
{
	struct finding *n;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		n = finding_note(f, "'%s' can be read by others on this machine", path);
		finding_fix(n, "chmod 600 '%s'", path);
	}
}

/* False when there is none, and none was named. */
static bool judge_modes(struct findings *f)
{
	const char *named = getenv("KUBECONFIG"), *home = getenv("HOME");
	CLEANUP(mem_freep)
	char *list = named && *named ? mem_strdup(named)
				     : mem_printf("%s/.kube/config", home ? home : "");
	char *rest = NULL;
	bool any = named && *named;

	for (char *path = strtok_r(list, ":", &rest); path; path = strtok_r(NULL, ":", &rest)) {
		any |= access(path, F_OK) == 0;
		judge_mode(f, path);
	}
	return any;
}

static void warn(struct findings *f, struct err *err, const char *fix)
{
	struct finding *n = finding_of_err(f, FINDING_WARNING, err);

	if (!n->fix)
		finding_fix(n, "%s", fix);
	err_clear(err);
}

/* Whether it can be run; GKE's is not needed where Google's login is ours to use. */
static void judge_plugin(struct findings *f, const struct kube_exec *x)
{
	CLEANUP(mem_freep) char *program = NULL;
	struct finding *n;

	if (!x)
		return;
	if (strchr(x->command, '/'))
		program = access(x->command, X_OK) == 0 ? mem_strdup(x->command) : NULL;
	else
		program = doctor_find_program(x->command);
	if (program)
		return;
	n = finding_warning(f, "the kubeconfig names '%s', which is not on PATH", x->command);
	finding_fix(n, "%s",
		    x->install_hint ? x->install_hint
				    : "install it, or start it where kubectl does");
}

static void tell_answer(struct findings *f, const struct kube_client *c,
			const struct kube_reply *reply)
{
	const char *version = js_string(js_get(reply->object, "gitVersion"));

	finding_ok(f, "'%s' answers%s%s", kube_client_config(c)->cluster.server,
		   version ? ": Kubernetes " : "", version ? version : "");
}

static void ask_version(struct doctor *d, const struct kube_config *config, const struct world *w,
			struct findings *f)
{
	const struct sources_options google = connect_sources(&d->connect);
	struct kube_client_options options = {
		.google = &google,
		.policy = RETRY_POLICY_DEFAULT,
		.stall_ms = d->connect.stall_timeout_ms,
	};
	const struct world near = doctor_within(w, CLUSTER_MS);
	CLEANUP(kube_client_freep) struct kube_client *c = NULL;
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	struct err err = ERR_INIT;

	options.policy.retries = d->connect.retries;
	if (kube_client_new(config, &options, w, &c, &err) &&
	    kube_get(c, &near, "/version", &reply, &err))
		tell_answer(f, c, &reply);
	else
		warn(f, &err, "kubectl version");
}

static void tell_config(struct findings *f, const struct kube_config *c)
{
	CLEANUP(mem_freep) char *login = kube_user_kind(&c->user);

	finding_ok(f, "%s: %s%s%s'%s', namespace '%s', logs in with %s", c->origin,
		   c->cluster.name ? "cluster '" : "", c->cluster.name ? c->cluster.name : "",
		   c->cluster.name ? "' at " : "", c->cluster.server, c->namespace, login);
}

void doctor_kubeconfig(struct doctor *d, const struct world *w, struct findings *f)
{
	const struct kube_config_wanted wanted = { 0 };
	CLEANUP(kube_config_freep) struct kube_config *config = NULL;
	bool any = judge_modes(f);
	struct err err = ERR_INIT;

	if (!kube_config_load(&wanted, &config, &err)) {
		if (any)
			warn(f, &err, "kubectl config view");
		else
			finding_note(f, "%s", err.message);
		err_clear(&err);
		return;
	}
	tell_config(f, config);
	judge_plugin(f, config->user.exec);
	if (config->user.exec && config->user.exec->interactive != KUBE_ALWAYS)
		config->user.exec->interactive = KUBE_NEVER; /* several checks at once ask nobody */
	ask_version(d, config, w, f);
}
