/*
 * Any bytes as what a file, a variable, a command or a helper says to be a credential; what begins with ':' is
 * taken for the name of a source instead.
 */
#include "auth/source.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void parse_credential(const char *text, size_t len)
{
	CLEANUP(credential_freep) struct credential *c = NULL;
	struct err err = ERR_INIT;
	bool parsed = credential_parse(text, len, "user", 1000, 1795528800000, &c, &err);

	if (parsed != (c != NULL) || (!parsed && err.code != ERR_NO_CREDENTIAL))
		__builtin_trap();
	if (parsed && (secret_len(c->secret) == 0 || (!c->user && !c->is_identity_token)))
		__builtin_trap();
	if (parsed && !c->expiry_known && c->life.expires_ms != NEVER_MS)
		__builtin_trap();
	err_clear(&err);
}

static void parse_source(const char *name)
{
	struct sched sched = sched_threads();
	const struct source_options options = { .sched = &sched };
	struct source *s = NULL;
	struct err err = ERR_INIT;

	if (!source_parse(name, &options, &s, &err) && (s || err.code != ERR_USAGE))
		__builtin_trap();
	source_free(s);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);

	if (*text == ':')
		parse_source(text + 1);
	else
		parse_credential(text, len);
	return 0;
}
