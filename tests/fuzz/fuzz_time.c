/*
 * Any text as a moment. One that is taken is the same second when it was written and read again.
 */
#include "base/mem.h"
#include "wire/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_again(int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	int64_t again_ms;

	if (ms <
	    0) /* before 1970 the fraction is cut off towards it; a zone may even lead to year 0 */
		return;
	time_format_rfc3339(ms, text);
	if (time_parse_rfc3339(text, &again_ms) && again_ms != ms / 1000 * 1000)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)bytes, len);
	int64_t ms;

	if (time_parse_rfc3339(text, &ms)) {
		if (ms < -(int64_t)62170000000000 || ms > (int64_t)253403000000000)
			__builtin_trap(); /* years 0 to 9999 and a day */
		read_again(ms);
	}
	return 0;
}
