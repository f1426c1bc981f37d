/*
 * What Google's minters get: a world, a network through a proxy and one without, a directory, and no variable of ours
 * in the environment. JSON is written with single quotes.
 */
#ifndef UNIT_AUTH_DESK_H
#define UNIT_AUTH_DESK_H

#include "base/fake_dir.h"
#include "http/fake_transport.h"

#include "auth/google.h"

#include "http/fake_transport.c"

struct desk {
	struct fake_world fake;
	struct fake_transport *t;
	struct fake_transport *bare;
	struct retry_policy policy;
	struct google_options options;
	struct fake_dir dir;
};

static inline int desk_setup(void **state)
{
	static const char *const variables[] = {
		"AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
		"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE",
		"GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL",
		"GOOGLE_CLOUD_UNIVERSE_DOMAIN",
		"GCE_METADATA_HOST",
		"GCE_METADATA_ROOT",
		"GCE_METADATA_IP",
		"GCE_METADATA_MTLS_MODE",
		"NO_GCE_CHECK",
	};
	struct desk *d = NEW(struct desk);

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	fake_world_init(&d->fake);
	fake_dir_init(&d->dir);
	d->t = fake_transport_new(&d->fake);
	d->bare = fake_transport_new(&d->fake);
	d->policy = (struct retry_policy)RETRY_POLICY_DEFAULT;
	d->options = (struct google_options){ .transport = &d->t->transport,
					      .policy = &d->policy,
					      .bare = &d->bare->transport };
	*state = d;
	return 0;
}

static inline int desk_teardown(void **state)
{
	struct desk *d = *state;

	assert_script_done(d->t);
	assert_script_done(d->bare);
	transport_free(&d->t->transport);
	transport_free(&d->bare->transport);
	fake_dir_clear(&d->dir);
	fake_world_clear(&d->fake);
	free(d);
	return 0;
}

#define DESK_CASE(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)

/* The caller frees. */
static inline char *desk_text(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static inline struct js *desk_json(const char *text)
{
	CLEANUP(mem_freep) char *copy = desk_text(text);
	struct err err = ERR_INIT;
	struct js *j = NULL;

	if (!js_parse(copy, strlen(copy), 1 * MIB, ERR_USAGE, &j, &err))
		fail_msg("the test's own JSON: %s: %s", err.message, copy);
	return j;
}

/* What must have failed as broken or refused, whatever else. */
static inline void assert_no_credential(struct desk *d, const char *words)
{
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, words);
}

#endif
