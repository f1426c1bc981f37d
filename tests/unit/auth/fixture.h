/*
 * A little registry with its token endpoint, played over the fake transport, and sources that give what a test says
 * at the time it says. Every token and password in here has SECRET in it: the fake world sees that none is told.
 */
#ifndef UNIT_AUTH_FIXTURE_H
#define UNIT_AUTH_FIXTURE_H

#include "http/fake_transport.h"

#include "auth/authenticator.h"
#include "auth/token_endpoint.h"

#include "http/fake_transport.c"

#define REGISTRY "https://r.example"
#define REALM REGISTRY "/token"
#define SCOPE "repository:a/b:pull,push"

/* A credential from FROM_MS (after the start) on; the last one that has begun counts. */
struct fake_value {
	int64_t from_ms;
	const char *secret; /* NULL: nothing there; "!": the source fails */
};

#define FAKE_VALUES_MAX 4

struct fake_source {
	struct source source;
	struct fake_world *world;
	struct fake_value values[FAKE_VALUES_MAX];
	bool stored;	 /* cannot be renewed */
	int64_t life_ms; /* 0: not known */
	atomic_int asked;
};

static inline const char *fake_source_value(const struct fake_source *s)
{
	const char *secret = NULL;

	for (size_t i = 0; i < FAKE_VALUES_MAX; i++)
		if (s->values[i].secret && fake_since_start(s->world) >= s->values[i].from_ms)
			secret = s->values[i].secret;
	return secret;
}

static inline bool fake_obtain(struct source *source, const struct world *w,
			       const struct credential_target *target, struct credential **ret,
			       struct err *err)
{
	struct fake_source *s = (struct fake_source *)source;
	const char *secret = fake_source_value(s);
	struct credential *c;

	(void)target;
	atomic_fetch_add(&s->asked, 1);
	*ret = NULL;
	if (!secret)
		return true;
	if (strcmp(secret, "!") == 0)
		return err_set(err, ERR_NO_CREDENTIAL, "the source is broken");
	c = NEW(struct credential);
	c->user = mem_strdup("user");
	c->secret = secret_new(secret, strlen(secret));
	c->life.minted_ms = world_now_ms(w);
	c->life.expires_ms = s->life_ms ? world_now_ms(w) + s->life_ms : NEVER_MS;
	c->expiry_known = s->life_ms != 0;
	c->renewable = !s->stored;
	c->source = mem_strdup("fake:source");
	*ret = c;
	return true;
}

static inline void fake_source_free(struct source *s)
{
	(void)s;
}

static const struct source_ops fake_source_ops = { fake_obtain, fake_source_free };

#define TOKENS_MAX 2000

struct registry {
	/* how it behaves */
	bool basic;		  /* asks for a login, has no endpoint */
	const char *good[4];	  /* credentials that are taken; none: each */
	int64_t good_until_ms;	  /* after the start: good[0] is taken until then; 0: always */
	int64_t life_s;		  /* expires_in that is said; 0: not said */
	int64_t real_life_ms;	  /* that a token lives; 0: for ever */
	size_t uses;		  /* that a token is good for; 0: any number */
	int64_t repeats_until_ms; /* the endpoint gives out its first token again until then */
	int64_t token_takes_ms;
	bool denies; /* every token is turned away with words about permission */
	bool anonymous_is_fine;
	const char *denied_scope; /* the endpoint's 403 for it */
	int refuses_tokens;	  /* the first so many are turned away at their first use */

	/* what happened */
	size_t minted;
	struct {
		int64_t at_ms;
		size_t uses;
	} tokens[TOKENS_MAX];
	size_t token_requests, requests, refusals;
	char answer[256];
};

struct fixture {
	struct fake_world fake;
	struct fake_transport *t;
	struct registry registry;
	struct fake_source source;
	struct source *sources[2];
	struct authenticator_options options;
	struct retry_policy policy;
	struct http_client *client; /* over the authenticator */
	struct authorizer *a;
};

/* Of "user:SECRET" for each good credential. */
static inline bool credential_is_good(struct fixture *f, const char *authorization)
{
	struct registry *r = &f->registry;
	int64_t now_ms = fake_since_start(&f->fake);

	if (!authorization)
		return r->anonymous_is_fine;
	for (size_t i = 0; i < ARRAY_SIZE(r->good) && r->good[i]; i++) {
		struct credential c = { .user = (char *)"user",
					.secret = secret_new(r->good[i], strlen(r->good[i])) };
		struct secret *header = basic_header(&c);
		bool same = strcmp(secret_reveal(header), authorization) == 0;

		secret_free(header);
		secret_free(c.secret);
		if (same)
			return i > 0 || !r->good_until_ms || now_ms < r->good_until_ms;
	}
	return !r->good[0];
}

static inline void refuse(struct registry *r, struct fake_answer *ret)
{
	r->refusals++;
	*ret = (struct fake_answer){ .status = 401, .body = "authentication required" };
	ret->headers[0] =
		(struct http_header){ "WWW-Authenticate", r->basic ? "Basic realm=\"r\""
								   : "Bearer realm=\"" REALM
								     "\",service=\"r\"" };
}

static inline void serve_token(struct fixture *f, const struct fake_request *request,
			       struct fake_answer *ret)
{
	struct registry *r = &f->registry;
	size_t nth = 0;

	r->token_requests++;
	*ret = (struct fake_answer){ .takes_ms = r->token_takes_ms, .status = 403 };
	ret->body = "denied: no permission";
	if (r->denied_scope && strstr(request->url, r->denied_scope))
		return;
	ret->status = 401;
	ret->body = "unauthorized";
	if (!credential_is_good(f, request->authorization))
		return;
	if (!r->minted || fake_since_start(&f->fake) >= r->repeats_until_ms) {
		nth = r->minted++;
		r->tokens[nth].at_ms = fake_since_start(&f->fake);
		if (r->minted == TOKENS_MAX)
			abort();
	}
	if (r->life_s)
		snprintf(r->answer, sizeof(r->answer),
			 "{\"token\":\"SECRET-%zu\",\"expires_in\":%lld}", nth,
			 (long long)r->life_s);
	else
		snprintf(r->answer, sizeof(r->answer), "{\"token\":\"SECRET-%zu\"}", nth);
	ret->status = 200;
	ret->body = r->answer;
}

static inline bool token_is_good(struct fixture *f, const struct fake_request *request)
{
	struct registry *r = &f->registry;
	unsigned long nth;

	if (r->basic)
		return request->authorized && credential_is_good(f, request->authorization);
	if (!request->authorized || strncmp(request->authorization, "Bearer SECRET-", 14) != 0)
		return false;
	nth = strtoul(request->authorization + 14, NULL, 10);
	if (nth >= r->minted || (int)nth < r->refuses_tokens)
		return false;
	if (r->real_life_ms && fake_since_start(&f->fake) >= r->tokens[nth].at_ms + r->real_life_ms)
		return false;
	return !r->uses || r->tokens[nth].uses++ < r->uses;
}

static inline bool serve_registry(void *arg, const struct fake_request *request,
				  struct fake_answer *ret)
{
	struct fixture *f = arg;

	if (strncmp(request->url, REALM, strlen(REALM)) == 0) {
		serve_token(f, request, ret);
		return true;
	}
	if (strncmp(request->url, REGISTRY "/v2/", strlen(REGISTRY "/v2/")) != 0)
		return false;
	f->registry.requests++;
	if (!token_is_good(f, request)) {
		refuse(&f->registry, ret);
	} else if (f->registry.denies) {
		f->registry.refusals++;
		*ret = (struct fake_answer){ .status = 403, .body = "denied: no permission" };
	} else {
		*ret = (struct fake_answer){ .status = 200, .body = "ok" };
	}
	return true;
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	fake_world_init(&f->fake);
	f->t = fake_transport_new(&f->fake);
	f->t->serve = serve_registry;
	f->t->serve_arg = f;
	f->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	f->source = (struct fake_source){ .source.ops = &fake_source_ops, .world = &f->fake };
	f->source.values[0].secret = "SECRET-password";
	f->sources[0] = &f->source.source;
	f->registry.life_s = 300;
	f->options = (struct authenticator_options){
		.sched = &f->fake.sched,
		.transport = &f->t->transport,
		.policy = &f->policy,
		.base_url = REGISTRY,
		.target = { .host = "r.example", .repository = "a/b" },
		.sources = f->sources,
		.source_count = 1,
		.renew_wait_ms = 30000,
	};
	*state = f;
	return 0;
}

/* After the test has said how things behave. */
static inline void fixture_connect(struct fixture *f)
{
	f->a = authenticator_new(&f->options);
	f->client = http_client_new_borrowing(&f->t->transport, &f->policy);
	free(f->client->origin);
	f->client->origin = mem_strdup(REGISTRY);
	f->client->authorizer = f->a;
}

/* The same after the registry has said what it asks for, as a session's first request hears it. */
static inline void fixture_connect_and_learn(struct fixture *f)
{
	const char *const challenges[] = { f->registry.basic ? "Basic realm=\"r\""
							     : "Bearer realm=\"" REALM
							       "\",service=\"r\"",
					   NULL };

	fixture_connect(f);
	authorizer_challenged(f->a, challenges);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	assert_int_equal(f->t->open_count, 0);
	assert_int_equal(f->t->unexpected, 0);
	transport_free(&f->t->transport);
	fake_world_clear(&f->fake);
	free(f);
	return 0;
}

static inline struct http_call fixture_call(const char *scope)
{
	return (struct http_call){ .what = "blob",
				   .method = "GET",
				   .url = REGISTRY "/v2/a/b/blobs/x",
				   .scope = { { scope } } };
}

/* One request of SCOPE; its world may be another than the fixture's. */
static inline bool fixture_ask_in(struct fixture *f, const struct world *w, const char *scope,
				  struct err *err)
{
	CLEANUP(http_answer_clear) struct http_answer answer = { 0 };
	struct http_call call = fixture_call(scope);

	return http_call(f->client, w, &call, &answer, err) && answer.status == 200;
}

static inline bool fixture_ask(struct fixture *f)
{
	err_clear(&f->fake.err);
	return fixture_ask_in(f, &f->fake.world, SCOPE, &f->fake.err);
}

static inline void assert_asks(struct fixture *f)
{
	if (!fixture_ask(f))
		fail_msg("code %d: %s; %s", f->fake.err.code, f->fake.err.message,
			 f->fake.err.evidence ? f->fake.err.evidence : "");
}

#endif
