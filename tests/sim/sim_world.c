#include "sim/sim_world.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static struct authorizer *scripted(struct sim *s, struct transport *transport,
				   const struct reference *ref, enum session_access access)
{
	(void)transport;
	return sim_authorizer_new(s, ref->repository, access);
}

/* As cli/connect.c does it: a transport, a ping, what it was challenged with, a session. */
static bool sim_make(struct session_maker *m, const struct world *w, const struct reference *ref,
		     enum session_access access, struct session **ret, struct err *err)
{
	struct sim *s = (struct sim *)((char *)m - offsetof(struct sim, maker));
	static const char *const bases[] = { SIM_BASE };
	CLEANUP(transport_freep) struct transport *transport = NULL;
	CLEANUP(http_answer_clear) struct http_answer hello = { 0 };
	struct authorizer *authorizer;
	struct http_client *client;
	size_t base;

	s->sessions++;
	transport = sim_transport_new(&s->net, access == SESSION_PULL);
	if (!registry_ping(w, transport, &s->policy, bases, 1, &base, &hello, err))
		return false;
	authorizer = s->make_authorizer(s, transport, ref, access);
	authorizer_challenged(authorizer, (const char *const *)hello.challenges);
	s->policy.stranger_ms = NEVER_MS; /* as there: the next one's registry is known */
	client = http_client_new(TAKE(transport), authorizer, SIM_BASE, &s->policy);
	atomic_store(&client->heard, true);
	*ret = session_new(client, SIM_BASE, ref->repository, access);
	return true;
}

void sim_init(struct sim *s, uint64_t seed)
{
	struct sim_rng rng = { seed };
	struct err err = ERR_INIT;

	*s = (struct sim){ .policy = RETRY_POLICY_DEFAULT };
	s->sched = sim_sched_new(sim_rng_next(&rng));
	s->plan.rng.state = sim_rng_next(&rng);
	s->plan.late_ms = 1000;
	s->registry.options.auth = SIM_AUTH_BEARER;
	s->registry.options.token_life_ms = 300000;
	s->net = (struct sim_net){
		.sched = s->sched,
		.registry = &s->registry,
		.plan = &s->plan,
		.rng = { sim_rng_next(&rng) },
		.latency_ms = 5,
		.bytes_per_ms = 10000,
	};
	if (!cancel_new(NULL, &s->cancel, &err))
		abort();
	s->world = (struct world){
		.clock = sim_clock_of(s->sched),
		.sched = sim_sched_of(s->sched),
		.cancel = s->cancel,
		.deadline_ms = sim_now_ms(s->sched) + SIM_TIMEOUT_MS,
	};
	s->maker.make = sim_make;
	s->make_authorizer = scripted;
}

void sim_revive(struct sim *s, int64_t timeout_ms)
{
	struct err err = ERR_INIT;

	cancel_free(s->cancel);
	if (!cancel_new(NULL, &s->cancel, &err))
		abort();
	s->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	s->net.dead = false;
	s->world.cancel = s->cancel;
	s->world.deadline_ms = sim_now_ms(s->sched) + timeout_ms;
}

void sim_clear(struct sim *s)
{
	cancel_free(s->cancel);
	sim_registry_clear(&s->registry);
	sim_sched_free(s->sched);
}

struct reference sim_reference(const char *tag)
{
	return (struct reference){ .host = mem_strdup(SIM_HOST),
				   .repository = mem_strdup(SIM_REPO),
				   .tag = mem_strdup_or_null(tag) };
}

bool sim_holds(struct sim *s, const struct image *image, const char *tag, struct buf *why)
{
	return sim_store_holds(&s->registry.store, SIM_REPO,
			       tag ? tag : image_root(image)->digest.text,
			       &image_root(image)->digest, why);
}

/* The scripted authorizer. Nothing in it waits, so nothing in it needs a monitor. */

struct sim_authorizer {
	struct authorizer authorizer;
	struct sim *sim;
	char *scope;
	char *token; /* NULL: to be minted */
	int64_t serial;
};

static bool sim_ticket(struct authorizer *authorizer, const struct world *w,
		       const struct http_scope *scope, int64_t need_ms, size_t refusals,
		       struct http_ticket *ret, struct err *err)
{
	struct sim_authorizer *a = (struct sim_authorizer *)authorizer;
	CLEANUP(mem_freep) char *header = NULL;

	(void)w;
	(void)need_ms;
	(void)refusals;
	(void)err;
	if (!a->token || scope->resources[1]) {
		CLEANUP(mem_freep)
		char *all = mem_printf("%s %s", a->scope, scope->resources[1] ?: "");

		mem_replace(&a->token,
			    sim_registry_mint(&a->sim->registry, all, sim_now_ms(a->sim->sched)));
		a->serial++;
	}
	header = mem_printf("Bearer %s", a->token);
	ret->authorization = secret_new(header, strlen(header));
	ret->token_serial = a->serial;
	ret->expires_ms = NEVER_MS;
	snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%lld", (long long)a->serial);
	return true;
}

static enum auth_verdict sim_refused(struct authorizer *authorizer, const struct world *w,
				     const struct http_scope *scope,
				     const struct http_ticket *shown,
				     const struct http_refusal *refusal, size_t nth,
				     struct err *err)
{
	struct sim_authorizer *a = (struct sim_authorizer *)authorizer;

	(void)w;
	(void)scope;
	if (shown->token_serial == a->serial)
		mem_replace(&a->token, NULL);
	if (nth <= SIM_REFUSALS_MAX)
		return AUTH_TRY_AGAIN;
	err_set(err, refusal->says_denied ? ERR_DENIED : ERR_REFUSED, "refused %zu times", nth);
	err_evidence(err, "%d %s", refusal->status, refusal->words);
	return AUTH_FINAL;
}

static void sim_challenged(struct authorizer *a, const char *const *challenges)
{
	(void)a;
	(void)challenges;
}

static void sim_authorizer_free(struct authorizer *authorizer)
{
	struct sim_authorizer *a = (struct sim_authorizer *)authorizer;

	free(a->scope);
	free(a->token);
	free(a);
}

static const struct authorizer_ops sim_authorizer_ops = {
	.ticket = sim_ticket,
	.refused = sim_refused,
	.challenged = sim_challenged,
	.free = sim_authorizer_free,
};

struct authorizer *sim_authorizer_new(struct sim *s, const char *repository,
				      enum session_access access)
{
	struct sim_authorizer *a = NEW(struct sim_authorizer);

	a->authorizer.ops = &sim_authorizer_ops;
	a->sim = s;
	a->scope = mem_printf("repository:%s:%s", repository,
			      access == SESSION_PUSH ? "pull,push" : "pull");
	return &a->authorizer;
}
