#include "sim/sim_source.h"

#include "base/mem.h"

#include <string.h>

#define RENEW_WAIT_MS 30000

static void renew(struct sim_source *s, int64_t now_ms)
{
	bool lasts = s->is_stored || now_ms < clock_after(s->minted_ms, s->repeat_ms);

	if (s->password && lasts)
		return;
	mem_replace(&s->password,
		    sim_registry_password(&s->sim->registry, clock_after(now_ms, s->life_ms)));
	s->minted_ms = now_ms;
}

static bool sim_obtain(struct source *source, const struct world *w,
		       const struct credential_target *target, struct credential **ret,
		       struct err *err)
{
	struct sim_source *s = (struct sim_source *)source;
	struct credential *c;

	(void)target;
	s->asked++;
	if (!world_sleep(w, 20, err))
		return false;
	renew(s, world_now_ms(w));
	c = NEW(struct credential);
	c->user = mem_strdup("user");
	c->secret = secret_new(s->password, strlen(s->password));
	c->life = (struct token_life){ s->minted_ms, NEVER_MS };
	if (s->says_life)
		c->life.expires_ms = clock_after(s->minted_ms, s->life_ms);
	c->expiry_known = s->says_life;
	c->renewable = !s->is_stored;
	c->source = mem_strdup("sim");
	*ret = c;
	return true;
}

static void sim_source_free(struct source *source)
{
	(void)source;
}

static const struct source_ops sim_source_ops = { .obtain = sim_obtain, .free = sim_source_free };

static struct authorizer *real(struct sim *s, struct transport *transport,
			       const struct reference *ref, enum session_access access)
{
	struct sim_source *source = s->arg;
	const struct authenticator_options options = {
		.sched = s->world.sched,
		.transport = transport,
		.policy = &s->policy,
		.base_url = SIM_BASE,
		.target = { .host = ref->host, .repository = ref->repository },
		.sources = source->list,
		.source_count = 1,
		.renew_wait_ms = RENEW_WAIT_MS,
	};

	(void)access;
	return authenticator_new(&options);
}

void sim_source_init(struct sim_source *source, struct sim *s)
{
	*source = (struct sim_source){ .sim = s, .life_ms = 3600000, .says_life = true };
	source->source.ops = &sim_source_ops;
	source->list[0] = &source->source;
	s->arg = source;
	s->make_authorizer = real;
}

void sim_source_clear(struct sim_source *source)
{
	free(source->password);
}
