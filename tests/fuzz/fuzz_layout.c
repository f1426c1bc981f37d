/*
 * A whole layout: parts with a NUL between them. The first is index.json, each other one a blob.
 * "$B" in a part stands for digest and size of the blob B (a letter from A) that comes later, so
 * that what is found at random can still be a tree. The first byte says for which platform it is
 * opened, and as which form.
 */
#include "base/mem.h"
#include "image/forms.h"

#include <string.h>

#define PARTS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct memory {
	struct container container;
	struct buf parts[PARTS_MAX];
	struct digest digests[PARTS_MAX];
	size_t count;
};

static const struct buf *find(struct memory *m, const char *name)
{
	static struct buf marker = { .data = (char *)"{\"imageLayoutVersion\":\"1.0.0\"}",
				     .len = 30 };

	if (strcmp(name, "oci-layout") == 0)
		return &marker;
	if (strcmp(name, "index.json") == 0)
		return &m->parts[0];
	for (size_t i = 1; i < m->count; i++)
		if (strncmp(name, "blobs/sha256/", 13) == 0 &&
		    strcmp(name + 13, digest_hex(&m->digests[i])) == 0)
			return &m->parts[i];
	return NULL;
}

static bool memory_size(struct container *c, const char *name, int64_t *ret_size_bytes,
			struct err *err)
{
	const struct buf *b = find((struct memory *)c, name);

	(void)err;
	*ret_size_bytes = b ? (int64_t)b->len : CONTAINER_ABSENT;
	return true;
}

static bool memory_open(struct container *c, const char *name, struct stream **ret, struct err *err)
{
	const struct buf *b = find((struct memory *)c, name);

	if (!b)
		return err_set(err, ERR_CORRUPT, "'%s' is missing", name);
	*ret = stream_of_bytes(buf_str(b), b->len);
	return true;
}

static void memory_free(struct container *c)
{
	struct memory *m = (struct memory *)c;

	for (size_t i = 0; i < m->count; i++)
		buf_clear(&m->parts[i]);
	free(m);
}

static const struct container_ops memory_ops = { memory_size, memory_open, memory_free };

/* From the last part to the first, so that what a part names is complete. */
static void expand(struct memory *m, size_t index, const char *text, size_t len)
{
	struct buf *b = &m->parts[index];

	b->ceiling = MIB;
	for (size_t i = 0; i < len; i++) {
		size_t other = i + 1 < len ? (unsigned char)text[i + 1] - 'A' + 1U : 0;

		if (text[i] == '$' && other > index && other < m->count) {
			buf_printf(b, "\"digest\":\"%s\",\"size\":%zu", m->digests[other].text,
				   m->parts[other].len);
			i++;
		} else {
			buf_putc(b, text[i]);
		}
	}
	m->digests[index] = digest_of(buf_str(b), b->len);
}

static struct memory *memory_new(const char *text, size_t len)
{
	struct memory *m = NEW(struct memory);
	const char *starts[PARTS_MAX] = { text };
	size_t lens[PARTS_MAX] = { 0 };

	m->container.ops = &memory_ops;
	m->count = 1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' && m->count < PARTS_MAX)
			starts[m->count++] = text + i + 1;
		else
			lens[m->count - 1]++;
	}
	for (size_t i = m->count; i-- > 0;)
		expand(m, i, starts[i], lens[i]);
	return m;
}

static void open_it(unsigned int how, struct container *c)
{
	struct platform platforms[] = { { (char *)"linux", (char *)"amd64", NULL },
					{ (char *)"linux", (char *)"arm64", NULL } };
	const struct image_options options = { .platforms = platforms,
					       .platform_count = how % 3,
					       .tmp_dir = "/tmp" };
	struct clock clock = clock_system();
	struct sched sched = sched_threads();
	const struct world w = { .clock = &clock, .sched = &sched, .deadline_ms = NEVER_MS };
	const char *ref = how & 0x40 ? "v1" : NULL;
	CLEANUP(image_freep) struct image *image = NEW(struct image);
	struct err err = ERR_INIT;
	bool opened = how & 0x80 ? read_docker(&w, c, ref, &options, image, &err)
				 : read_oci(&w, c, ref, &options, image, &err);

	if (opened && (image->manifest_count == 0 || !image->content))
		__builtin_trap();
	if (!opened && err.code != ERR_CORRUPT && err.code != ERR_NO_SOURCE)
		__builtin_trap();
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len > 0)
		open_it(bytes[0], &memory_new((const char *)bytes + 1, len - 1)->container);
	return 0;
}
