#include "auth/sources.h"

#include "auth/google.h"
#include "base/mem.h"
#include "http/transport_curl.h"

#include <string.h>

struct all {
	struct sources sources;
	const struct sources_options *options;
	struct retry_policy policy;
	struct transport *transport; /* both NULL when no source can want them */
	struct transport *bare;
	struct google_options google;
};

/* Google's endpoints are not the registry: its client certificate and --insecure are none of theirs. */
static bool open_transport(const struct all *a, const struct world *w, bool no_proxy,
			   struct transport **ret, struct err *err)
{
	const struct transport_options options = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = a->options->stall_ms,
		.cacert = a->options->cacert,
		.no_proxy = no_proxy,
	};

	return transport_curl_new(&options, ret, err);
}

/* gcloud's own property for it; there is no reason for another word. */
static bool wants_self_signed(void)
{
	const char *said = getenv("CLOUDSDK_AUTH_SERVICE_ACCOUNT_USE_SELF_SIGNED_JWT");

	return said && (strcasecmp(said, "true") == 0 || strcmp(said, "1") == 0);
}

static bool open_google(struct all *a, const struct world *w, struct err *err)
{
	if (!open_transport(a, w, false, &a->transport, err) ||
	    !open_transport(a, w, true, &a->bare, err))
		return false;
	a->google = (struct google_options){
		.transport = a->transport,
		.bare = a->bare,
		.policy = &a->policy,
		.lifetime_ms = a->options->lifetime_ms,
		.self_signed_jwt = wants_self_signed(),
		.impersonate = a->options->impersonate,
		.any_host = a->options->hands_out,
		.cache_dir = a->options->cache_dir,
		.wanted_life_ms = a->options->wanted_life_ms,
	};
	return true;
}

static void add(struct all *a, struct source *s)
{
	struct sources *to = &a->sources;

	to->at = mem_realloc(to->at, to->count + 1, sizeof(struct source *));
	to->at[to->count++] = s;
}

static void open_usual(struct all *a, const struct world *w)
{
	const struct sources_options *o = a->options;

	if (!o->impersonate && !o->hands_out)
		add(a, source_docker_config_new(o->authfile));
	add(a, source_google_new(GOOGLE_ANY, NULL, o->user, &a->google, w->sched));
	a->sources.may_be_anonymous = !o->impersonate && !o->hands_out;
}

static bool open_named(struct all *a, const struct world *w, struct err *err)
{
	const struct source_options options = { .user = a->options->user,
						.authfile = a->options->authfile,
						.google = &a->google,
						.sched = w->sched };
	const struct strings *named = a->options->named;

	for (size_t i = 0; i < named->count; i++) {
		struct source *s = NULL;

		if (a->options->hands_out && strcmp(named->at[i], "docker-config") == 0)
			continue;
		if (!source_parse(named->at[i], &options, &s, err))
			return false;
		if (!s) { /* anon: nothing behind it is asked */
			a->sources.may_be_anonymous = true;
			break;
		}
		add(a, s);
	}
	return true;
}

/* A wish that only some sources can fulfil is not dropped by the others. */
static bool check_impersonation(const struct sources_options *o, struct err *err)
{
	if (!o->impersonate)
		return true;
	if (!google_impersonation_check(o->impersonate, err))
		return err_wrap(err, "--impersonate");
	for (size_t i = 0; i < o->named->count; i++)
		if (!source_word_is_google(o->named->at[i])) {
			err_set(err, ERR_USAGE,
				"--impersonate goes with Google's credential sources only");
			err_hint(err, "--cred adc, adc:FILE, metadata, gcloud or gcloud:ACCOUNT");
			return false;
		}
	return true;
}

static bool may_want_google(const struct strings *named)
{
	for (size_t i = 0; i < named->count; i++)
		if (source_word_is_google(named->at[i]))
			return true;
	return named->count == 0;
}

static bool open_all(struct all *a, const struct world *w, struct err *err)
{
	if (!check_impersonation(a->options, err) ||
	    (may_want_google(a->options->named) && !open_google(a, w, err)))
		return false;
	if (a->options->named->count)
		return open_named(a, w, err);
	open_usual(a, w);
	return true;
}

bool sources_new(const struct sources_options *options, const struct retry_policy *policy,
		 const struct world *w, struct sources **ret, struct err *err)
{
	struct all *a = NEW(struct all);
	CLEANUP(sources_freep) struct sources *s = &a->sources;

	a->options = options;
	a->policy = *policy;
	if (!open_all(a, w, err))
		return false;
	*ret = TAKE(s);
	return true;
}

void sources_free(struct sources *s)
{
	struct all *a = (struct all *)s;

	if (!a)
		return;
	for (size_t i = 0; i < s->count; i++)
		source_free(s->at[i]);
	free(s->at);
	transport_free(a->transport);
	transport_free(a->bare);
	free(a);
}

bool sources_obtain(const struct sources *s, const struct world *w,
		    const struct credential_target *target, struct credential **ret,
		    struct err *err)
{
	*ret = NULL;
	for (size_t i = 0; i < s->count && !*ret; i++)
		if (!source_obtain(s->at[i], w, target, ret, err))
			return false;
	return true;
}
