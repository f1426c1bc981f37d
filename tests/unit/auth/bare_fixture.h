/*
 * Google's endpoints again, where it matters whether a request went by the network that may have a proxy or by the bare
 * one; and nothing says that this is no machine of Google's. JSON may be written with single quotes.
 */
#ifndef UNIT_AUTH_BARE_FIXTURE_H
#define UNIT_AUTH_BARE_FIXTURE_H

#include "auth/google_fixture.h"

static inline int bare_setup(void **state)
{
	struct desk *d;

	desk_setup(state);
	d = *state;
	d->bare = fake_transport_new(&d->fake);
	d->options.bare = &d->bare->transport;
	unsetenv("NO_GCE_CHECK");
	return 0;
}

static inline int bare_teardown(void **state)
{
	struct desk *d = *state;

	assert_script_done(d->bare);
	transport_free(&d->bare->transport);
	return desk_teardown(state);
}

#define BARE_CASE(test) cmocka_unit_test_setup_teardown(test, bare_setup, bare_teardown)

/* The caller frees. */
static inline char *double_quoted(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static inline struct js *js_of_single_quoted(const char *text)
{
	CLEANUP(mem_freep) char *copy = double_quoted(text);

	return js_of(copy);
}

/* What must have failed as broken or refused. */
static inline void assert_no_credential(struct desk *d, const char *words)
{
	assert_err(&d->fake.err, ERR_NO_CREDENTIAL, words);
}

#endif
