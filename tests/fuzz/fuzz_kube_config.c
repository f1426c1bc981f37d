/* Any bytes as one or two kubeconfigs (a NUL stands between them). */
#include "kube/config.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_line(const char *text)
{
	if (strpbrk(text, "\r\n"))
		__builtin_trap();
}

static void check(const struct kube_config *c)
{
	CLEANUP(mem_freep) char *authority = url_authority(c->cluster.server);
	CLEANUP(mem_freep) char *kind = kube_user_kind(&c->user);

	if (!authority || !*kind || !c->namespace || !*c->namespace)
		__builtin_trap();
	for (size_t i = 0; i < c->user.as_headers.count; i++)
		check_line(c->user.as_headers.at[i]);
	if (c->user.token)
		check_line(secret_reveal(c->user.token));
	if (c->user.exec && !*c->user.exec->command)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	const char *nul = memchr(text, '\0', len);
	size_t first = nul ? (size_t)(nul - text) : len;
	const struct kube_config_text files[] = {
		{ "/a/config", text, first },
		{ "/b/config", text + first + (nul != NULL), len - first - (nul != NULL) },
	};
	const struct kube_config_wanted wanted = { 0 };
	CLEANUP(kube_config_freep) struct kube_config *c = NULL;
	struct err err = ERR_INIT;
	bool ok = kube_config_parse(files, 2, &wanted, &c, &err);

	if (ok != (err.code == ERR_NONE) || (!ok && (c || err.code != ERR_USAGE)))
		__builtin_trap();
	if (c)
		check(c);
	err_clear(&err);
	return 0;
}
