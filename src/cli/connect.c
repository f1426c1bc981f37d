#include "cli/connect.h"

#include "auth/authenticator.h"
#include "auth/google.h"
#include "base/mem.h"
#include "http/transport_curl.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>

/* Docker Hub's registry does not live where its name says. */
#define HUB_HOST "docker.io"
#define HUB_REGISTRY "registry-1.docker.io"

struct connector {
	struct session_maker maker;
	const struct connect_options *options;
	struct retry_policy policy;
	struct source **sources;
	size_t source_count;
	bool may_be_anonymous;
	struct retry_policy google_policy;
	struct transport *google_transport; /* both NULL when no source can want them */
	struct transport *bare_transport;
	struct google_options google;
};

const char *connect_registry(const char *host)
{
	return strcmp(host, HUB_HOST) == 0 ? HUB_REGISTRY : host;
}

#define BASES_MAX 2
struct bases {
	char *at[BASES_MAX];
	size_t count;
};

static void bases_clear(struct bases *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->at[i]);
}

/* Loopback registries speak http as often as not: https first, as docker does. */
static struct bases bases_of(const struct connector *c, const char *registry)
{
	struct bases b = { 0 };

	if (!c->options->plain_http)
		b.at[b.count++] = mem_printf("https://%s", registry);
	if (c->options->plain_http || host_kind_of(registry) == HOST_LOOPBACK)
		b.at[b.count++] = mem_printf("http://%s", registry);
	return b;
}

static bool open_transport(const struct connector *c, const struct world *w, const char *registry,
			   struct transport **ret, struct err *err)
{
	const struct transport_options options = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = c->options->stall_timeout_ms,
		.insecure = c->options->insecure,
		.cacert = c->options->cacert,
		.cert = c->options->cert,
		.key = c->options->key,
		.own_authority = registry,
	};

	return transport_curl_new(&options, ret, err);
}

static struct authorizer *new_authorizer(const struct connector *c, const struct world *w,
					 struct transport *transport, const char *base,
					 const struct reference *ref, enum session_access access)
{
	const struct authenticator_options options = {
		.sched = w->sched,
		.transport = transport,
		.policy = &c->policy,
		.base_url = base,
		.target = { .host = ref->host, .repository = ref->repository },
		.sources = c->sources,
		.source_count = c->source_count,
		.may_be_anonymous = c->may_be_anonymous,
		.renew_wait_ms = c->options->renew_wait_ms,
		/* a proof comes when all was sent: then it is too late to refuse */
		.min_life_ms = access == SESSION_PUSH ? c->options->min_token_life_ms : 0,
	};

	return authenticator_new(&options);
}

static bool say_hello(const struct connector *c, const struct world *w, const char *registry,
		      struct transport *transport, char **ret_base, struct http_answer *ret,
		      struct err *err)
{
	CLEANUP(bases_clear) struct bases bases = bases_of(c, registry);
	size_t i;

	if (!registry_ping(w, transport, &c->policy, (const char *const *)bases.at, bases.count, &i,
			   ret, err))
		return false;
	*ret_base = mem_strdup(bases.at[i]);
	return true;
}

static bool connector_make(struct session_maker *m, const struct world *w,
			   const struct reference *ref, enum session_access access,
			   struct session **ret, struct err *err)
{
	struct connector *c = (struct connector *)m;
	const char *registry = connect_registry(ref->host);
	CLEANUP(transport_freep) struct transport *transport = NULL;
	CLEANUP(http_answer_clear) struct http_answer hello = { 0 };
	CLEANUP(mem_freep) char *base = NULL;
	struct authorizer *authorizer;
	struct http_client *client;

	if (!open_transport(c, w, registry, &transport, err) ||
	    !say_hello(c, w, registry, transport, &base, &hello, err))
		return false;
	authorizer = new_authorizer(c, w, transport, base, ref, access);
	authorizer_challenged(authorizer, (const char *const *)hello.challenges);
	client = http_client_new(TAKE(transport), authorizer, base, &c->policy);
	atomic_store(&client->heard, true);
	c->policy.stranger_ms = NEVER_MS; /* the next session's registry is known */
	*ret = session_new(client, base, ref->repository, access);
	return true;
}

bool connect_hello(struct session_maker *m, const struct world *w, const struct reference *ref,
		   char **ret_base, struct http_answer *ret, struct err *err)
{
	struct connector *c = (struct connector *)m;
	const char *registry = connect_registry(ref->host);
	CLEANUP(transport_freep) struct transport *transport = NULL;

	return open_transport(c, w, registry, &transport, err) &&
	       say_hello(c, w, registry, transport, ret_base, ret, err);
}

bool connect_credential(struct session_maker *m, const struct world *w,
			const struct credential_target *target, struct credential **ret,
			struct err *err)
{
	struct connector *c = (struct connector *)m;

	*ret = NULL;
	for (size_t i = 0; i < c->source_count && !*ret; i++)
		if (!source_obtain(c->sources[i], w, target, ret, err))
			return false;
	return true;
}

bool connect_may_be_anonymous(const struct session_maker *m)
{
	return ((const struct connector *)m)->may_be_anonymous;
}

/* Google's endpoints are not the registry: its client certificate and --insecure are none of theirs. */
static bool open_google_transport(const struct connector *c, const struct world *w, bool no_proxy,
				  struct transport **ret, struct err *err)
{
	const struct transport_options options = {
		.sched = w->sched,
		.connect_ms = TRANSPORT_CONNECT_MS,
		.stall_ms = c->options->stall_timeout_ms,
		.cacert = c->options->cacert,
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

static bool open_google(struct connector *c, const struct world *w, struct err *err)
{
	c->google_policy = c->policy;
	if (!open_google_transport(c, w, false, &c->google_transport, err) ||
	    !open_google_transport(c, w, true, &c->bare_transport, err))
		return false;
	c->google = (struct google_options){
		.transport = c->google_transport,
		.bare = c->bare_transport,
		.policy = &c->google_policy,
		.lifetime_ms = c->options->token_lifetime_ms,
		.self_signed_jwt = wants_self_signed(),
		.impersonate = c->options->impersonate,
	};
	return true;
}

static void add_source(struct connector *c, struct source *s)
{
	c->sources = mem_realloc(c->sources, c->source_count + 1, sizeof(struct source *));
	c->sources[c->source_count++] = s;
}

static void open_usual_sources(struct connector *c, const struct world *w)
{
	const struct connect_options *o = c->options;

	if (!o->impersonate)
		add_source(c, source_docker_config_new(o->authfile));
	add_source(c, source_google_new(GOOGLE_ANY, NULL, o->cred_user, &c->google, w->sched));
	c->may_be_anonymous = !o->impersonate;
}

static bool open_named_sources(struct connector *c, const struct world *w, struct err *err)
{
	const struct source_options options = { .user = c->options->cred_user,
						.authfile = c->options->authfile,
						.google = &c->google,
						.sched = w->sched };
	const struct strings *named = &c->options->cred;

	for (size_t i = 0; i < named->count; i++) {
		struct source *s = NULL;

		if (!source_parse(named->at[i], &options, &s, err))
			return false;
		if (!s) { /* anon: nothing behind it is asked */
			c->may_be_anonymous = true;
			break;
		}
		add_source(c, s);
	}
	return true;
}

/* A wish that only some sources can fulfil is not dropped by the others. */
static bool check_impersonation(const struct connect_options *o, struct err *err)
{
	if (!o->impersonate)
		return true;
	if (!google_impersonation_check(o->impersonate, err))
		return err_wrap(err, "--impersonate");
	for (size_t i = 0; i < o->cred.count; i++)
		if (!source_word_is_google(o->cred.at[i])) {
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

static bool open_sources(struct connector *c, const struct world *w, struct err *err)
{
	if (!check_impersonation(c->options, err) ||
	    (may_want_google(&c->options->cred) && !open_google(c, w, err)))
		return false;
	if (c->options->cred.count)
		return open_named_sources(c, w, err);
	open_usual_sources(c, w);
	return true;
}

bool connect_new(const struct connect_options *options, const struct world *w,
		 struct session_maker **ret, struct err *err)
{
	struct connector *c = NEW(struct connector);

	c->maker.make = connector_make;
	c->options = options;
	c->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	c->policy.retries = options->retries;
	if (!open_sources(c, w, err)) {
		connect_free(&c->maker);
		return false;
	}
	*ret = &c->maker;
	return true;
}

void connect_free(struct session_maker *m)
{
	struct connector *c = (struct connector *)m;

	if (!c)
		return;
	for (size_t i = 0; i < c->source_count; i++)
		source_free(c->sources[i]);
	free(c->sources);
	transport_free(c->google_transport);
	transport_free(c->bare_transport);
	free(c);
}
