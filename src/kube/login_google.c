#include "kube/login_google.h"

#include "base/mem.h"
#include "http/transport_curl.h"

#include <string.h>

struct login_google {
	struct strings named;
	char *impersonate;
	struct sources_options options;
	struct sources *sources;
};

void login_google_free(struct login_google *g)
{
	if (!g)
		return;
	sources_free(g->sources);
	strings_clear(&g->named);
	free(g->impersonate);
	free(g);
}

/* The value of "--NAME=VALUE" or "--NAME VALUE", "" for a bare "--NAME"; NULL when it is not there. */
static const char *flag(const struct kube_exec *x, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; x && i < x->args.count; i++) {
		const char *arg = x->args.at[i] + strspn(x->args.at[i], "-");

		if (arg == x->args.at[i] || strncmp(arg, name, len) != 0)
			continue;
		if (arg[len] == '=')
			return arg + len + 1;
		if (arg[len] == '\0')
			return i + 1 < x->args.count ? x->args.at[i + 1] : "";
	}
	return NULL;
}

static void name_usual(struct login_google *g, const struct kube_exec *plugin)
{
	const char *adc = flag(plugin, "use_application_default_credentials");
	const char *account = flag(plugin, "account");
	const char *impersonated = flag(plugin, "impersonate_service_account");

	if (adc && strcmp(adc, "false") != 0) {
		strings_add(&g->named, "adc");
	} else if (account && *account) {
		CLEANUP(mem_freep) char *word = mem_printf("gcloud:%s", account);

		strings_add(&g->named, word);
	} else {
		strings_add(&g->named, "gcloud");
		strings_add(&g->named, "adc");
	}
	if (impersonated && *impersonated)
		g->impersonate = mem_strdup(impersonated);
}

/* Of the sources that were named those that are Google's: what is for a registry is shown to no cluster. */
static void name_given(struct login_google *g)
{
	const struct strings *given = g->options.named;

	for (size_t i = 0; given && i < given->count; i++)
		if (source_word_is_google(given->at[i]))
			strings_add(&g->named, given->at[i]);
}

bool login_google_new(const struct kube_login_options *options, const struct kube_exec *plugin,
		      const struct world *w, struct login_google **ret, struct err *err)
{
	struct login_google *g = NEW(struct login_google);

	if (options->google)
		g->options = *options->google;
	if (!g->options.stall_ms)
		g->options.stall_ms = TRANSPORT_STALL_MS;
	name_given(g);
	if (!g->named.count)
		name_usual(g, plugin);
	g->options.named = &g->named;
	if (!g->options.impersonate)
		g->options.impersonate = g->impersonate;
	if (!sources_new(&g->options, options->policy, w, &g->sources, err)) {
		login_google_free(g);
		return false;
	}
	*ret = g;
	return true;
}

bool login_google_obtain(struct login_google *g, const struct world *w, struct credential **ret,
			 struct err *err)
{
	const struct credential_target target = { .host = "container.googleapis.com",
						  .repository = "" };

	return sources_obtain(g->sources, w, &target, ret, err);
}
