/*
 * What the tests of this room share: a directory that goes away, a world, and files that can be
 * written as a directory or as a tar, byte by byte, so that a test can also write a bad one.
 */
#ifndef TESTS_IMAGE_FIXTURE_H
#define TESTS_IMAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stream.h"
#include "base/world.h"
#include "image/pending.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 64

struct file {
	char *name;
	char *bytes; /* of a link: its target */
	size_t len;
	char type; /* as in a tar: '0' file, '1' hard link, '2' symbolic link */
};

struct files {
	struct file at[FILES_MAX];
	size_t count;
};

struct fixture {
	char dir[64];
	struct clock clock;
	struct sched sched;
	struct observer observer;
	struct world world;
	struct monitor *monitor;
	struct buf notes;
	int packing_told;
	size_t jobs; /* layers packed side by side; 0: two */
	struct files files;
	struct err err;
};

static void fixture_hear(struct observer *o, const struct event *e)
{
	struct fixture *f = (struct fixture *)((char *)o - offsetof(struct fixture, observer));

	monitor_enter(&f->sched, f->monitor);
	if (e->kind == EVENT_NOTE)
		buf_puts(&f->notes, e->text);
	if (e->kind == EVENT_BLOB && e->blob.stage == BLOB_STAGE_PACKING)
		f->packing_told++;
	monitor_leave(&f->sched, f->monitor);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = NEW(struct fixture);

	strcpy(f->dir, "/tmp/landed-unit-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->clock = clock_system();
	f->sched = sched_threads();
	f->monitor = monitor_new(&f->sched);
	f->observer.tell = fixture_hear;
	f->notes.ceiling = MIB;
	f->world = (struct world){ .clock = &f->clock,
				   .sched = &f->sched,
				   .observer = &f->observer,
				   .deadline_ms = NEVER_MS };
	*state = f;
	return 0;
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void files_clear(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->at[i].name);
		free(files->at[i].bytes);
	}
	files->count = 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	files_clear(&f->files);
	err_clear(&f->err);
	buf_clear(&f->notes);
	monitor_free(&f->sched, f->monitor);
	free(f);
	return 0;
}

/* The caller frees. */
static inline char *fixture_path(const struct fixture *f, const char *name)
{
	return mem_printf("%s/%s", f->dir, name);
}

static inline struct file *files_add(struct files *files, const char *name, const void *bytes,
				     size_t len)
{
	struct file *file = &files->at[files->count++];

	assert_true(files->count <= FILES_MAX);
	*file = (struct file){ mem_strdup(name), mem_strndup(bytes, len), len, '0' };
	return file;
}

static inline struct file *files_add_text(struct files *files, const char *name, const char *text)
{
	return files_add(files, name, text, strlen(text));
}

static inline void files_add_link(struct files *files, const char *name, const char *target,
				  char type)
{
	files_add_text(files, name, target)->type = type;
}

static inline struct file *files_find(struct files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->at[i].name, name) == 0)
			return &files->at[i];
	fail_msg("no file '%s'", name);
	return NULL;
}

static inline void files_drop(struct files *files, const char *name)
{
	struct file *file = files_find(files, name);

	free(file->name);
	free(file->bytes);
	*file = files->at[--files->count];
}

/* As a blob of a layout. */
static inline struct digest files_add_blob(struct files *files, const void *bytes, size_t len)
{
	struct digest d = digest_of(bytes, len);
	char *name = mem_printf("blobs/sha256/%s", digest_hex(&d));
	bool there = false;

	for (size_t i = 0; i < files->count; i++)
		there = there || strcmp(files->at[i].name, name) == 0;
	if (!there)
		files_add(files, name, bytes, len);
	free(name);
	return d;
}

static inline char *blob_path(const struct digest *d)
{
	return mem_printf("blobs/sha256/%s", digest_hex(d));
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static inline void make_parents(const char *path)
{
	char *copy = mem_strdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0700);
		*slash = '/';
	}
	free(copy);
}

static inline void files_write_directory(const struct files *files, const char *dir)
{
	mkdir(dir, 0700);
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->at[i];
		char *path = mem_printf("%s/%s", dir, file->name);

		make_parents(path);
		if (file->type == '0')
			write_file(path, file->bytes, file->len);
		else
			assert_int_equal(symlink(file->bytes, path), 0);
		free(path);
	}
}

static inline void tar_add_header(struct buf *tar, const char *name, size_t len, char type,
				  const char *target)
{
	unsigned char h[512] = { 0 };
	unsigned int sum = 0;

	assert_true(strlen(name) <= 100 && strlen(target) <= 100);
	memcpy(h, name, strlen(name));
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf((char *)h + 124, 12, "%011zo", len);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	memcpy(h + 157, target, strlen(target));
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	assert_true(buf_add(tar, h, sizeof(h)));
}

static inline void tar_add_body(struct buf *tar, const void *bytes, size_t len)
{
	static const char zeros[512];

	assert_true(buf_add(tar, bytes, len));
	assert_true(buf_add(tar, zeros, (512 - len % 512) % 512));
}

static inline void tar_add(struct buf *tar, const struct file *file)
{
	bool is_link = file->type != '0';

	tar_add_header(tar, file->name, is_link ? 0 : file->len, file->type,
		       is_link ? file->bytes : "");
	if (!is_link)
		tar_add_body(tar, file->bytes, file->len);
}

static inline void tar_end(struct buf *tar)
{
	static const char zeros[1024];

	assert_true(buf_add(tar, zeros, sizeof(zeros)));
}

static inline void files_tar(const struct files *files, struct buf *tar)
{
	for (size_t i = 0; i < files->count; i++)
		tar_add(tar, &files->at[i]);
	tar_end(tar);
}

static inline void files_write_tar(const struct files *files, const char *path)
{
	struct buf tar = BUF_INIT(64 * MIB);

	files_tar(files, &tar);
	write_file(path, tar.data, tar.len);
	buf_clear(&tar);
}

/*
 * "application/..." and its size and digest as a JSON object; EXTRA begins with a comma or is
 * empty. Caller frees.
 */
static inline char *descriptor_json(const char *media_type, const struct digest *d, size_t len,
				    const char *extra)
{
	return mem_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", media_type,
			  d->text, len, extra);
}

/*
 * An image of one config and LAYER as its only layer, as blobs of a layout; its descriptor as JSON,
 * with EXTRA. The caller frees.
 */
static inline char *files_add_image(struct files *files, const char *os, const char *architecture,
				    const char *layer_media, const char *layer, const char *extra)
{
	struct digest diff_id = digest_of(layer, strlen(layer));
	char *config =
		mem_printf("{\"os\":\"%s\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\","
			   "\"diff_ids\":[\"%s\"]}}",
			   os, architecture, diff_id.text);
	struct digest config_digest = files_add_blob(files, config, strlen(config));
	struct digest layer_digest = files_add_blob(files, layer, strlen(layer));
	char *config_json = descriptor_json(MEDIA_OCI_CONFIG, &config_digest, strlen(config), "");
	char *layer_json = descriptor_json(layer_media, &layer_digest, strlen(layer), "");
	char *manifest = mem_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}",
		MEDIA_OCI_MANIFEST, config_json, layer_json);
	struct digest d = files_add_blob(files, manifest, strlen(manifest));
	char *json = descriptor_json(MEDIA_OCI_MANIFEST, &d, strlen(manifest), extra);

	free(manifest);
	free(layer_json);
	free(config_json);
	free(config);
	return json;
}

/*
 * Of the descriptors in LIST, separated by commas; as a blob; its descriptor as JSON, with EXTRA.
 * Caller frees.
 */
static inline char *files_add_index(struct files *files, const char *list, const char *extra)
{
	char *index = mem_printf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}",
				 MEDIA_OCI_INDEX, list);
	struct digest d = files_add_blob(files, index, strlen(index));
	char *json = descriptor_json(MEDIA_OCI_INDEX, &d, strlen(index), extra);

	free(index);
	return json;
}

/* oci-layout and index.json around the descriptors in LIST. */
static inline void files_add_layout(struct files *files, const char *list)
{
	char *index = mem_printf("{\"schemaVersion\":2,\"manifests\":[%s]}", list);

	files_add_text(files, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	files_add_text(files, "index.json", index);
	free(index);
}

/* The digest in a descriptor's JSON. */
static inline struct digest json_digest(const char *json)
{
	const char *text = strstr(json, "sha256:");
	struct digest d = { "" };

	assert_non_null(text);
	memcpy(d.text, text, 7 + 64);
	return d;
}

#define LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define LAYER_PLAIN "application/vnd.oci.image.layer.v1.tar"

static inline bool fixture_pack_one(const struct world *w, void *arg, size_t index, struct err *err)
{
	size_t layer;
	bool end;

	(void)index;
	return pending_pack_next(w, arg, &layer, &end, err);
}

/* Nothing is adopted: all layers are packed, f->jobs of them at once. */
static inline bool fixture_settle(struct fixture *f, struct image *i)
{
	const struct pending *p = image_pending(i);

	return !p || (pool_run(&f->world, f->jobs ? f->jobs : 2, p->layer_count, fixture_pack_one,
			       i, &f->err) &&
		      pending_settle(&f->world, i, &f->err));
}

/* Writes the files as "layout" or "archive.tar" and opens WORD:thatREF; REF is "" or ":name". */
static inline bool fixture_open(struct fixture *f, const char *word, const char *ref,
				const struct image_options *options, struct image **ret)
{
	const struct image_options none = { .tmp_dir = f->dir };
	bool is_directory = strcmp(word, "oci") == 0;
	char *path = fixture_path(f, is_directory ? "layout" : "archive.tar");
	char *source = mem_printf("%s:%s%s", word, path, ref);
	bool opened;

	if (is_directory)
		files_write_directory(&f->files, path);
	else
		files_write_tar(&f->files, path);
	err_clear(&f->err);
	opened = image_open(&f->world, source, options ? options : &none, ret, &f->err) &&
		 fixture_settle(f, *ret);
	if (!opened) {
		image_free(*ret);
		*ret = NULL;
	}
	free(source);
	free(path);
	return opened;
}

/* What must fail, with CODE and with WORDS in its message. */
static inline void fixture_refuses(struct fixture *f, const char *word, const char *ref,
				   const struct image_options *options, enum err_code code,
				   const char *words)
{
	struct image *i = NULL;

	assert_false(fixture_open(f, word, ref, options, &i));
	assert_null(i);
	if (f->err.code != code || !strstr(f->err.message, words))
		fail_msg("expected code %d and '%s', got code %d and '%s'", code, words,
			 f->err.code, f->err.message);
}

static inline struct image *fixture_opens(struct fixture *f, const char *word, const char *ref,
					  const struct image_options *options)
{
	struct image *i = NULL;

	if (!fixture_open(f, word, ref, options, &i))
		fail_msg("%s", f->err.message);
	return i;
}

/* Reads a blob to its end: its bytes are what its descriptor says. */
static inline void assert_blob_good(struct image *i, const struct descriptor *d)
{
	CLEANUP(stream_freep) struct stream *s = NULL;
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(&d->digest);
	struct err err = ERR_INIT;
	struct digest found;
	char chunk[1000];
	size_t len;

	assert_true(image_open_blob(i, d, &s, &err));
	do {
		assert_true(stream_read(s, chunk, sizeof(chunk), &len, &err));
		hasher_add(h, chunk, len);
	} while (len);
	assert_int_equal(hasher_bytes(h), d->size_bytes);
	found = hasher_finish(h);
	assert_string_equal(found.text, d->digest.text);
}

static inline void assert_blobs_good(struct image *i)
{
	for (size_t k = 0; k < i->blob_count; k++)
		if (i->blobs[k].in_source)
			assert_blob_good(i, &i->blobs[k].descriptor);
}

#endif
