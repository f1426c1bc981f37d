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
	struct sources_options wanted;
	struct sources *sources;
	struct sched *sched;
	struct monitor *monitor; /* around plain */
	struct strings plain;	 /* registries of this machine that were found to speak http */
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

static bool is_known_plain(const struct connector *c, const char *registry)
{
	bool known;

	monitor_enter(c->sched, c->monitor);
	known = strings_have(&c->plain, registry);
	monitor_leave(c->sched, c->monitor);
	return known;
}

static void note_plain(struct connector *c, const char *registry, const char *base)
{
	monitor_enter(c->sched, c->monitor);
	if (!url_is_https(base) && !strings_have(&c->plain, registry))
		strings_add(&c->plain, registry);
	monitor_leave(c->sched, c->monitor);
}

/* Loopback registries speak http as often as not: https first, as docker does, but once only. */
static struct bases bases_of(const struct connector *c, const char *registry)
{
	struct bases b = { 0 };

	if (!c->options->plain_http && !is_known_plain(c, registry))
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
		.sources = c->sources->at,
		.source_count = c->sources->count,
		.may_be_anonymous = c->sources->may_be_anonymous,
		.renew_wait_ms = c->options->renew_wait_ms,
		/* a proof comes when all was sent: then it is too late to refuse */
		.min_life_ms = access == SESSION_PUSH ? c->options->min_token_life_ms : 0,
	};

	return authenticator_new(&options);
}

static bool say_hello(struct connector *c, const struct world *w, const char *registry,
		      struct transport *transport, char **ret_base, struct http_answer *ret,
		      struct err *err)
{
	CLEANUP(bases_clear) struct bases bases = bases_of(c, registry);
	size_t i;

	if (!registry_ping(w, transport, &c->policy, (const char *const *)bases.at, bases.count, &i,
			   ret, err))
		return false;
	*ret_base = mem_strdup(bases.at[i]);
	note_plain(c, registry, *ret_base);
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
	return sources_obtain(((struct connector *)m)->sources, w, target, ret, err);
}

bool connect_may_be_anonymous(const struct session_maker *m)
{
	return ((const struct connector *)m)->sources->may_be_anonymous;
}

bool connect_new(const struct connect_options *options, const struct world *w,
		 struct session_maker **ret, struct err *err)
{
	struct connector *c = NEW(struct connector);

	c->maker.make = connector_make;
	c->sched = w->sched;
	c->monitor = monitor_new(w->sched);
	c->options = options;
	c->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	c->policy.retries = options->retries;
	c->wanted = connect_sources(options);
	if (!sources_new(&c->wanted, &c->policy, w, &c->sources, err)) {
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
	sources_free(c->sources);
	strings_clear(&c->plain);
	monitor_free(c->sched, c->monitor);
	free(c);
}
