/* Any bytes as a reason and a message, a line end between them. */
#include "kube/classify.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *reason = mem_strndup((const char *)bytes, len);
	char *message = strchr(reason, '\n');
	enum cause cause;

	if (message)
		*message++ = '\0';
	cause = classify(reason, message);
	if (cause >= CAUSES || cause != classify(reason, message))
		__builtin_trap();
	if (!cause_is_better(cause, cause) || !cause_is_better(CAUSE_NONE, cause))
		__builtin_trap();
	return 0;
}
