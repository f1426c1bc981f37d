#include "report/format.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t bytes;
};

static const struct unit units[] = {
	{ "TB", 1000000000000 },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "kB", 1000 },
};

/* The largest unit in which BYTES is at least one; NULL for plain bytes. */
static const struct unit *unit_of(int64_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		/* 999 999 is "1 MB" in three digits, not "1000 kB" */
		if (bytes >= units[i].bytes - units[i].bytes / 2000)
			return &units[i];
	}
	return NULL;
}

/* Three significant digits, without trailing zeros behind the point. */
static int print_in_unit(int64_t bytes, const struct unit *unit, char *ret, size_t size)
{
	double value = (double)bytes / (double)unit->bytes;
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	int len = snprintf(ret, size, "%.*f", decimals, value);

	if (!decimals)
		return len;
	while (len > 0 && ret[len - 1] == '0')
		len--;
	if (len > 0 && ret[len - 1] == '.')
		len--;
	ret[len] = '\0';
	return len;
}

void format_bytes(int64_t bytes, char ret[FORMAT_TEXT_SIZE])
{
	const struct unit *unit = unit_of(bytes);
	int len;

	if (!unit) {
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 " B", bytes);
		return;
	}
	len = print_in_unit(bytes, unit, ret, FORMAT_TEXT_SIZE);
	snprintf(ret + len, FORMAT_TEXT_SIZE - (size_t)len, " %s", unit->name);
}

void format_bytes_of(int64_t done_bytes, int64_t size_bytes, char ret[FORMAT_TEXT_SIZE])
{
	const struct unit *unit = unit_of(size_bytes);
	char size[FORMAT_TEXT_SIZE];
	int len;

	if (!unit) {
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 "/%" PRId64 " B", done_bytes,
			 size_bytes);
		return;
	}
	format_bytes(size_bytes, size);
	len = print_in_unit(done_bytes, unit, ret, FORMAT_TEXT_SIZE);
	snprintf(ret + len, FORMAT_TEXT_SIZE - (size_t)len, "/%.15s", size);
}

void format_duration(int64_t ms, char ret[FORMAT_TEXT_SIZE])
{
	int64_t seconds = (ms + 500) / 1000, minutes = (seconds + 30) / 60;

	if (ms < 1000)
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 " ms", ms);
	else if (ms < 9950)
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000,
			 (ms + 50) % 1000 / 100);
	else if (seconds < 120)
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 " s", seconds);
	else if (minutes < 120)
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 " min", minutes);
	else
		snprintf(ret, FORMAT_TEXT_SIZE, "%" PRId64 " h %" PRId64 " min", minutes / 60,
			 minutes % 60);
}

void format_digest(const char *digest, char ret[FORMAT_TEXT_SIZE])
{
	const char *colon = strchr(digest, ':');
	size_t prefix = colon ? (size_t)(colon + 1 - digest) : 0;

	snprintf(ret, FORMAT_TEXT_SIZE, "%.*s", (int)(prefix + 12 < 24 ? prefix + 12 : 24), digest);
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t format_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += !is_continuation(*text);
	return columns;
}

size_t format_fit(const char *text, size_t columns)
{
	size_t i = 0;

	for (; text[i]; i++) {
		if (is_continuation(text[i]))
			continue;
		if (columns-- == 0)
			break;
	}
	return i;
}

/* C0, DEL, and C1 as UTF-8 writes it: U+009B alone can begin a command to a terminal. */
static bool is_control(const unsigned char *c)
{
	return c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);
}

void format_clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (!is_control(c))
			continue;
		if (*c == 0xc2)
			*c++ = '?';
		*c = '?';
	}
}

void print_clean(FILE *out, const char *text)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(text);

	format_clean(copy);
	fputs(copy, out);
}
