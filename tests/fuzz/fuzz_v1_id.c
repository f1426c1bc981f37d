/* Any bytes as DIR/json of a `docker save`: what is guessed of it is a layer, or none. */
#include "image/v1_id.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define DIR "169282205e22d87db1dd84e6b36409eaed3be167e66cd3a99c3603073018e947"
#define DIFF_ID "sha256:5cff554e7eb92daa63e016a402e27a92c815fe1085367859f074cbf0fdbaf9dc"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct pending_layer layer = { .diff_id = { DIFF_ID } };
	size_t order = 0;
	const struct pending p = {
		.layers = &layer, .layer_count = 1, .order = &order, .order_count = 1
	};
	CLEANUP(v1_id_freep) struct v1_id *v = v1_id_new(&p);

	if (!v1_id_take(v, DIR "/json", (const char *)bytes, len) ||
	    v1_id_layer(v, DIR "/layer.tar") > p.layer_count)
		__builtin_trap();
	return 0;
}
