#include "cli/connect.h"

#include "auth/authenticator.h"
#include "base/mem.h"
#include "http/transport_curl.h"
#include "http/url.h"

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
};

static const char *registry_of(const char *host)
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
					 const struct reference *ref)
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
	};

	return authenticator_new(&options);
}

static bool connector_make(struct session_maker *m, const struct world *w,
			   const struct reference *ref, enum session_access access,
			   struct session **ret, struct err *err)
{
	struct connector *c = (struct connector *)m;
	const char *registry = registry_of(ref->host);
	CLEANUP(bases_clear) struct bases bases = bases_of(c, registry);
	CLEANUP(transport_freep) struct transport *transport = NULL;
	CLEANUP(http_answer_clear) struct http_answer hello = { 0 };
	struct authorizer *authorizer;
	struct http_client *client;
	const char *base;
	size_t i;

	if (!open_transport(c, w, registry, &transport, err))
		return false;
	if (!registry_ping(w, transport, &c->policy, (const char *const *)bases.at, bases.count, &i,
			   &hello, err))
		return false;
	base = bases.at[i];
	authorizer = new_authorizer(c, w, transport, base, ref);
	authorizer_challenged(authorizer, (const char *const *)hello.challenges);
	client = http_client_new(TAKE(transport), authorizer, base, &c->policy);
	atomic_store(&client->heard, true);
	c->policy.stranger_ms = NEVER_MS; /* the next session's registry is known */
	*ret = session_new(client, base, ref->repository, access);
	return true;
}

/* docker's and podman's own files, then anonymously, unless something was named. */
static bool open_sources(struct connector *c, struct err *err)
{
	const struct strings *named = &c->options->cred;
	size_t count = named->count ? named->count : 1;

	c->may_be_anonymous = named->count == 0;
	c->sources = mem_alloc(count * sizeof(struct source *));
	for (size_t i = 0; i < count; i++) {
		const char *text = named->count ? named->at[i] : "docker-config";
		struct source *s = NULL;

		if (!source_parse(text, c->options->cred_user, c->options->authfile, &s, err))
			return false;
		if (!s) { /* anon: nothing behind it is asked */
			c->may_be_anonymous = true;
			break;
		}
		c->sources[c->source_count++] = s;
	}
	return true;
}

bool connect_new(const struct connect_options *options, struct session_maker **ret, struct err *err)
{
	struct connector *c = NEW(struct connector);

	c->maker.make = connector_make;
	c->options = options;
	c->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	c->policy.retries = options->retries;
	if (!open_sources(c, err)) {
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
	free(c);
}
