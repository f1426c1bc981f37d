/* Any bytes as the record of this machine's pushes: what is found in it is whole. */
#include "base/mem.h"
#include "registry/record.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void look(const char *path)
{
	CLEANUP(record_freep) struct record *r = record_open(path);
	CLEANUP(known_clear) struct known known = { .at = NULL };
	struct digest d = digest_of("a", 1), found;

	record_find_layer(r, "gzip", &d, &known);
	for (size_t i = 0; i < known.count; i++) {
		const struct descriptor *blob = &known.at[i].blob;

		if (!digest_is_valid(blob->digest.text) || blob->size_bytes <= 0 ||
		    !blob->media_type || !*blob->media_type)
			__builtin_trap();
		record_note_layer(r, "gzip", &d, blob);
	}
	if (record_find_image(r, &d, "host/repository", &found) && !digest_is_valid(found.text))
		__builtin_trap();
	record_note_image(r, &d, "host/repository", &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("record", MFD_CLOEXEC);
	CLEANUP(mem_freep) char *path = mem_printf("/proc/self/fd/%d", fd);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		__builtin_trap();
	look(path);
	close(fd);
	return 0;
}
