/*
 * What begins with [ is taken for manifest.json, with { for a config, all else for a whole archive.
 */
#include "base/mem.h"
#include "image/pending.h"
#include "image/saved.h"

#include <sys/mman.h>
#include <unistd.h>

/* A few bytes can stand for a layer of 2^63 zeros: then time has to end it. */
#define PATIENCE_MS 300

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void parse_manifest(const char *bytes, size_t len, struct err *err)
{
	CLEANUP(saved_clear) struct saved s;
	const struct saved_image *image;
	bool parsed = saved_parse(bytes, len, &s, err);

	if (parsed && saved_choose(&s, "app:1", &image, err) && !image->config)
		__builtin_trap();
}

static void parse_config(const char *bytes, size_t len, struct err *err)
{
	CLEANUP(saved_config_clear) struct saved_config c;
	bool parsed = saved_config_parse(bytes, len, &c, err);

	for (size_t i = 0; parsed && i < c.count; i++)
		if (!digest_is_valid(c.diff_ids[i].text))
			__builtin_trap();
}

static void read_all(struct image *i)
{
	for (size_t k = 0; k < i->blob_count; k++) {
		CLEANUP(stream_freep) struct stream *s = NULL;
		struct err err = ERR_INIT;
		char chunk[4096];
		size_t read_len = 1, rounds = 0;

		if (image_open_blob(i, &i->blobs[k].descriptor, &s, &err))
			while (read_len && rounds++ < 1000)
				if (!stream_read(s, chunk, sizeof(chunk), &read_len, &err))
					break;
		err_clear(&err);
	}
}

static bool settle(const struct world *w, struct image *i, struct err *err)
{
	bool end = image_pending(i) == NULL;
	size_t layer;

	while (!end)
		if (!pending_pack_next(w, i, &layer, &end, err))
			return false;
	return !image_pending(i) || pending_settle(w, i, err);
}

static void open_archive(const void *bytes, size_t len, struct err *err)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	CLEANUP(mem_freep) char *source = mem_printf("docker-archive:/proc/self/fd/%d", fd);
	const struct image_options options = { .tmp_dir = "/dev/shm" };
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	const struct world w = { .clock = &clock,
				 .sched = &sched,
				 .deadline_ms = clock_boot_ms(&clock) + PATIENCE_MS };
	CLEANUP(image_freep) struct image *i = NULL;

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		__builtin_trap();
	if (image_open(&w, source, &options, &i, err) && settle(&w, i, err))
		read_all(i);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct err err = ERR_INIT;

	if (len > 0 && *text == '[')
		parse_manifest(text, len, &err);
	else if (len > 0 && *text == '{')
		parse_config(text, len, &err);
	else
		open_archive(bytes, len, &err);
	err_clear(&err);
	return 0;
}
