#include "registry/record.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct record {
	char *path;
	struct buf lines; /* of the file, whole lines */
	struct buf news;  /* what is to be added */
	bool is_torn;	  /* the file ends with half a line */
	bool is_unread;	  /* there is something else, or too much of it: it is replaced */
};

static void read_lines(struct record *r)
{
	struct err ignored = ERR_INIT;
	struct stat st;

	if (!file_read_all(r->path, &r->lines, &ignored)) {
		buf_clear(&r->lines);
		r->is_unread = stat(r->path, &st) == 0 && S_ISREG(st.st_mode);
	}
	err_clear(&ignored);
}

static void add(struct buf *lines, const char *text)
{
	if (!buf_add(lines, text, strlen(text)))
		return; /* more than a file would keep */
}

/* A write that was cut short has left half a line. */
static void drop_torn_end(struct record *r)
{
	size_t whole = r->lines.len;

	while (whole > 0 && r->lines.data[whole - 1] != '\n')
		whole--;
	r->is_torn = whole < r->lines.len;
	r->lines.len = whole;
	if (r->lines.data)
		r->lines.data[whole] = '\0';
}

struct record *record_open(const char *path)
{
	struct record *r = NEW(struct record);

	r->path = mem_strdup(path);
	r->lines = (struct buf)BUF_INIT(2 * RECORD_CEILING);
	r->news = (struct buf)BUF_INIT(RECORD_CEILING);
	read_lines(r);
	drop_torn_end(r);
	return r;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	buf_clear(&r->lines);
	buf_clear(&r->news);
	free(r->path);
	free(r);
}

/* Lines */

#define LAYER_WORDS 6
#define IMAGE_WORDS 4
#define WORDS_MAX 7

/* Ends half a line so that it is none: one word too many. */
#define TORN_END " torn torn torn\n"
#define WORD_LEN_MAX 600

/* A line with longer words is none of ours. */
struct line {
	char words[WORDS_MAX][WORD_LEN_MAX + 1];
	int count;
};

static void split(const char *text, size_t len, struct line *ret)
{
	size_t at = 0;

	for (ret->count = 0; ret->count < WORDS_MAX; ret->count++) {
		size_t word = 0;

		while (at + word < len && text[at + word] != ' ')
			word++;
		if (word == 0 || word > WORD_LEN_MAX)
			return;
		memcpy(ret->words[ret->count], text + at, word);
		ret->words[ret->count][word] = '\0';
		at += word + 1;
	}
}

/*
 * The lines that begin with START, newest first: *at is where the one before ended, the text's length at first. False
 * when there is none.
 */
static bool line_before(const struct buf *lines, const char *start, size_t *at, struct line *ret)
{
	const char *text = buf_str(lines);
	size_t start_len = strlen(start), end = *at;

	while (end > 0) {
		size_t begin = end - 1; /* the line's own end */

		while (begin > 0 && text[begin - 1] != '\n')
			begin--;
		if (end - begin > start_len && memcmp(text + begin, start, start_len) == 0) {
			split(text + begin, end - 1 - begin, ret);
			*at = begin;
			return true;
		}
		end = begin;
	}
	return false;
}

static bool take_blob(const struct line *l, struct descriptor *ret)
{
	struct err ignored = ERR_INIT;
	char *end;
	bool ok;

	if (l->count != LAYER_WORDS)
		return false;
	*ret = (struct descriptor){ .media_type = (char *)l->words[5] };
	ret->size_bytes = strtoll(l->words[4], &end, 10);
	ok = !*end && ret->size_bytes > 0 &&
	     digest_parse(l->words[3], ERR_CORRUPT, &ret->digest, &ignored);
	err_clear(&ignored);
	return ok;
}

/* Of one layer there are rarely two: the newest counts. */
void record_find_layer(const struct record *r, const char *compression,
		       const struct digest *diff_id, struct known *k)
{
	CLEANUP(mem_freep) char *start = mem_printf("layer %s %s ", compression, diff_id->text);
	CLEANUP(mem_freep) struct line *line = NEW(struct line);
	struct descriptor blob;
	size_t at = r->lines.len;

	if (line_before(&r->lines, start, &at, line) && take_blob(line, &blob))
		known_add(k, diff_id, &blob, NULL);
}

bool record_find_image(const struct record *r, const struct digest *id, const char *place,
		       struct digest *ret)
{
	CLEANUP(mem_freep) char *start = mem_printf("image %s %s ", id->text, place);
	CLEANUP(mem_freep) struct line *line = NEW(struct line);
	struct err ignored = ERR_INIT;
	size_t at = r->lines.len;
	bool found;

	found = line_before(&r->lines, start, &at, line) && line->count == IMAGE_WORDS &&
		digest_parse(line->words[3], ERR_CORRUPT, ret, &ignored);
	err_clear(&ignored);
	return found;
}

static void note(struct record *r, const char *line)
{
	if (!strstr(buf_str(&r->lines), line) && !strstr(buf_str(&r->news), line))
		add(&r->news, line);
}

/* A registry's own words must not become lines of ours. */
static bool is_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

void record_note_layer(struct record *r, const char *compression, const struct digest *diff_id,
		       const struct descriptor *blob)
{
	CLEANUP(mem_freep)
	char *line = mem_printf("layer %s %s %s %lld %s\n", compression, diff_id->text,
				blob->digest.text, (long long)blob->size_bytes, blob->media_type);

	if (is_word(blob->media_type))
		note(r, line);
}

void record_note_image(struct record *r, const struct digest *id, const char *place,
		       const struct digest *manifest)
{
	CLEANUP(mem_freep)
	char *line = mem_printf("image %s %s %s\n", id->text, place, manifest->text);
	struct digest last;

	/* going back to an older manifest makes that the newest */
	if (!record_find_image(r, id, place, &last) || !digest_same(&last, manifest))
		add(&r->news, line);
}

/* Saving */

static bool make_parents(const char *path, struct err *err)
{
	CLEANUP(mem_freep) char *dir = mem_strdup(path);

	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_set(err, ERR_LOCAL, "'%s': %s", dir, strerror(errno));
		*slash = '/';
	}
	return true;
}

/* One write of whole lines at the end: pushes side by side do not mix theirs. */
static bool append(const struct record *r, struct err *err)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("%s%s", r->is_torn ? TORN_END : "", buf_str(&r->news));
	int fd = open(r->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0600);
	ssize_t written;

	if (fd < 0)
		return err_set(err, ERR_LOCAL, "'%s': %s", r->path, strerror(errno));
	written = write(fd, text, strlen(text));
	if (written != (ssize_t)strlen(text))
		err_set(err, ERR_LOCAL, "'%s': %s", r->path,
			written < 0 ? strerror(errno) : "cut short");
	close(fd);
	return err->code == ERR_NONE;
}

/* Another push's lines of this very moment may be lost: they are worth nothing but time. */
static bool rewrite_newer_half(const struct record *r, struct err *err)
{
	const char *half = buf_str(&r->lines) + r->lines.len / 2, *line = strchr(half, '\n');
	CLEANUP(mem_freep) char *text = mem_printf("%s%s", line ? line + 1 : "", buf_str(&r->news));

	return file_write_all(r->path, text, strlen(text), 0600, err);
}

bool record_save(struct record *r, struct err *err)
{
	if (r->news.len == 0)
		return true;
	if (!make_parents(r->path, err))
		return false;
	if (r->is_unread || r->lines.len + r->news.len > RECORD_CEILING
		    ? !rewrite_newer_half(r, err)
		    : !append(r, err))
		return false;
	add(&r->lines, buf_str(&r->news));
	buf_clear(&r->news);
	r->is_unread = r->is_torn = false;
	return true;
}
