/* Any bytes on a credential helper's stdin: a host is one, and nothing of Google's is seen where it is not. */
#include "auth/helper_protocol.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(const struct helper_request *r)
{
	if (r->host && (!*r->host || strpbrk(r->host, "/?#@ \\%\n")))
		__builtin_trap();
	if (r->missing && r->host && strcmp(r->missing, HELPER_NO_USER) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct helper_request r;
	struct err err = ERR_INIT;

	helper_read_server((const char *)bytes, len, &r);
	check(&r);
	helper_request_clear(&r);
	if (helper_read_login((const char *)bytes, len, &r, &err))
		check(&r);
	helper_request_clear(&r);
	err_clear(&err);
	return 0;
}
