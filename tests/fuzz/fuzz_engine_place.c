/*
 * Any bytes as what says where an engine is; the first one chooses: a context's meta.json, config.json, or an address
 * with TLS or without.
 */
#include "image/engine_place.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool parse_address(const char *text, bool tls, struct err *err)
{
	CLEANUP(engine_place_clear) struct engine_place p = { 0 };
	CLEANUP(mem_freep) char *authority = NULL;

	if (!engine_place_parse(text, tls, &p, err))
		return false;
	authority = url_authority(p.url);
	if (!authority || !*authority || strpbrk(p.url, "\r\n\t ?#@"))
		__builtin_trap();
	if (p.socket ? strcmp(p.url, "http://localhost") != 0 : tls && !url_is_https(p.url))
		__builtin_trap();
	return true;
}

static void parse_context(const char *text, size_t len)
{
	CLEANUP(mem_freep) char *host = NULL;
	struct err err = ERR_INIT;
	bool skip = false;

	if (engine_context_parse(text, len, &host, &skip, &err) != (host != NULL) ||
	    (err.code != ERR_NONE && err.code != ERR_LOCAL))
		__builtin_trap();
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = len ? mem_strndup((const char *)bytes + 1, len - 1) : NULL;
	CLEANUP(mem_freep) char *name = NULL;
	struct err err = ERR_INIT;

	if (len == 0)
		return 0;
	if (bytes[0] == 'c') {
		parse_context((const char *)bytes + 1, len - 1);
	} else if (bytes[0] == 'j') {
		name = engine_context_chosen((const char *)bytes + 1, len - 1);
		if (name && (!*name || strcmp(name, "default") == 0))
			__builtin_trap();
	} else if (!parse_address(text, bytes[0] == 't', &err) &&
		   (err.code != ERR_USAGE || !err.hint)) {
		__builtin_trap();
	}
	err_clear(&err);
	return 0;
}
