/*
 * The kubeconfig: whether there is one that can be read. What stands in it is YAML, which nobody here reads yet, so that
 * no more is said than a file system and a search for words can tell.
 */
#include "cli/doctor.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KUBECONFIG_CEILING (1 * MIB)
#define IN_CLUSTER "/var/run/secrets/kubernetes.io/serviceaccount/token"

/* Programs that kubeconfigs name to get a credential; other names cannot be told from any other word. */
static const char *const plugins[] = { "gke-gcloud-auth-plugin", "aws-iam-authenticator",
				       "kubelogin" };

static void judge_plugins(struct findings *f, const char *path, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
		CLEANUP(mem_freep) char *program = NULL;
		struct finding *n;

		if (!strstr(text, plugins[i]))
			continue;
		program = doctor_find_program(plugins[i]);
		if (program)
			continue;
		n = finding_warning(f, "'%s' names '%s', which is not on PATH", path, plugins[i]);
		finding_fix(n, "install '%s', or start it where kubectl finds it", plugins[i]);
	}
}

static void judge_file(struct findings *f, const char *path)
{
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(KUBECONFIG_CEILING);
	struct err err = ERR_INIT;
	struct finding *n;
	struct stat st;

	if (!file_read_all(path, &text, &err)) {
		n = finding_of_err(f, FINDING_WARNING, &err);
		finding_fix(n, "take it out of KUBECONFIG, or make it readable");
		err_clear(&err);
		return;
	}
	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		n = finding_note(f, "'%s' can be read by others on this machine", path);
		finding_fix(n, "chmod 600 '%s'", path);
	} else {
		finding_ok(f, "'%s' can be read; what it says was not looked at", path);
	}
	judge_plugins(f, path, buf_str(&text));
}

static void judge_usual(struct findings *f)
{
	const char *home = getenv("HOME");
	CLEANUP(mem_freep)
	char *path = mem_printf("%s/.kube/config", home && *home ? home : "");

	if (access(path, F_OK) == 0)
		judge_file(f, path);
	else if (access(IN_CLUSTER, R_OK) == 0)
		finding_ok(f, "no kubeconfig; this runs in a cluster, as its service account");
	else
		finding_note(f, "there is no kubeconfig ('%s')", path);
}

void doctor_kubeconfig(struct doctor *d, const struct world *w, struct findings *f)
{
	const char *named = getenv("KUBECONFIG");
	CLEANUP(mem_freep) char *list = NULL;
	char *rest = NULL;

	(void)d;
	(void)w;
	if (!named || !*named) {
		judge_usual(f);
		return;
	}
	list = mem_strdup(named);
	for (char *path = strtok_r(list, ":", &rest); path; path = strtok_r(NULL, ":", &rest))
		judge_file(f, path);
}
