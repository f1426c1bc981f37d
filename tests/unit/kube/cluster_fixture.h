/*
 * A cluster over the fake transport: https://k.example:6443, where one is known by a token with SECRET in it.
 */
#ifndef UNIT_KUBE_CLUSTER_FIXTURE_H
#define UNIT_KUBE_CLUSTER_FIXTURE_H

#include "base/fake_dir.h"
#include "http/fake_transport.h"

#include "kube/client.h"

#include "http/fake_transport.c"

#define PODS "/api/v1/namespaces/n/pods"
#define JSON_TYPE                                          \
	{                                                  \
		{                                          \
			"Content-Type", "application/json" \
		}                                          \
	}

struct cluster {
	struct fake_world fake;
	struct fake_transport *t;
	struct kube_config *config;
	struct kube_client *c;
	struct kube_reply reply;
	struct fake_dir dir;
};

static const char plain_config[] =
	"{clusters: [{name: c, cluster: {server: 'https://k.example:6443'}}],"
	" users: [{name: u, user: {token: SECRET-token}}],"
	" contexts: [{name: x, context: {cluster: c, user: u, namespace: 'n'}}],"
	" current-context: x}";

static inline struct kube_config *config_of(struct fake_world *fake, const char *text)
{
	const struct kube_config_text file = { "/etc/k/config", text, strlen(text) };
	const struct kube_config_wanted wanted = { 0 };
	struct kube_config *c = NULL;

	if (!kube_config_parse(&file, 1, &wanted, &c, &fake->err))
		fail_msg("%s", fake->err.message);
	assert_non_null(c);
	return c;
}

/* Anew, with what CONFIG says; it becomes the cluster's. */
static inline void cluster_use(struct cluster *k, struct kube_config *config)
{
	struct kube_client_options options = { .policy = RETRY_POLICY_DEFAULT,
					       .renew_wait_ms = 30000 };

	if (k->c)
		kube_client_free(k->c);
	kube_config_free(k->config);
	k->c = NULL;
	k->config = config;
	k->t = fake_transport_new(&k->fake);
	options.transport = &k->t->transport;
	if (!kube_client_new(config, &options, &k->fake.world, &k->c, &k->fake.err))
		fail_msg("%s", k->fake.err.message);
}

static inline int cluster_setup(void **state)
{
	struct cluster *k = NEW(struct cluster);

	fake_world_init(&k->fake);
	fake_dir_init(&k->dir);
	cluster_use(k, config_of(&k->fake, plain_config));
	*state = k;
	return 0;
}

static inline int cluster_teardown(void **state)
{
	struct cluster *k = *state;

	kube_reply_clear(&k->reply);
	assert_script_done(k->t);
	kube_client_free(k->c);
	kube_config_free(k->config);
	fake_world_clear(&k->fake);
	fake_dir_clear(&k->dir);
	free(k);
	return 0;
}

/* An answer of JSON, once. */
static inline void answer(struct cluster *k, const char *method, const char *url, int status,
			  const char *body)
{
	fake_expect(k->t, (struct fake_answer){ .method = method,
						.url = url,
						.status = status,
						.headers = JSON_TYPE,
						.body = body });
}

static inline void assert_kube_err(struct cluster *k, enum err_code code, const char *words,
				   const char *evidence, const char *cause)
{
	const struct err *e = &k->fake.err;

	if (evidence && (!e->evidence || !strstr(e->evidence, evidence)))
		fail_msg("'%s' is not in '%s'", evidence, e->evidence ? e->evidence : "");
	if (cause && (!e->cause || !strstr(e->cause, cause)))
		fail_msg("'%s' is not in '%s'", cause, e->cause ? e->cause : "");
	assert_err(&k->fake.err, code, words);
}

/* The query's parameter is in the nth request, as it stands there. */
static inline void assert_asked(struct cluster *k, size_t nth, const char *method, const char *part)
{
	const struct fake_request *r = fake_request_at(k->t, nth);

	assert_string_equal(r->method, method);
	if (!strstr(r->url, part))
		fail_msg("'%s' is not in '%s'", part, r->url);
}

static inline void assert_not_asked(struct cluster *k, size_t nth, const char *part)
{
	const struct fake_request *r = fake_request_at(k->t, nth);

	if (strstr(r->url, part))
		fail_msg("'%s' is in '%s'", part, r->url);
}

#endif
