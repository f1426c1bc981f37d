/*
 * Any text as Retry-After, and, behind a line break, as the Date beside it. A wait is never before now, and what
 * the policy makes of it is never longer than its patience.
 */
#include "base/mem.h"
#include "http/retry.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void decide(int64_t retry_after_ms, uint32_t jitter)
{
	const struct retry_policy p = RETRY_POLICY_DEFAULT;
	const struct retry_fault fault = { .answered = true,
					   .status = 503,
					   .retry_after_ms = retry_after_ms,
					   .heard_before = true };
	int64_t wait_ms;

	if (!retry_decide(&p, jitter % 100 + 1, 0, &fault, jitter, &wait_ms))
		__builtin_trap();
	if (wait_ms <= 0 || wait_ms > p.patience_ms)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	char *rest = text, *value = strsep(&rest, "\n");
	int64_t ms = retry_after_parse(value, rest, 1795528800000);

	if (ms < -1)
		__builtin_trap();
	decide(ms, (uint32_t)len * 2654435761U);
	return 0;
}
