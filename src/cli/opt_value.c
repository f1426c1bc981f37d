/* What one option's text means. */
#include "cli/opt.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Descending: "1h30m" is a duration, "30m1h" is a slip. */
enum { UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND, UNIT_MS };

static const struct unit time_units[] = {
	[UNIT_HOUR] = { "h", 3600000 },
	[UNIT_MINUTE] = { "m", 60000 },
	[UNIT_SECOND] = { "s", 1000 },
	[UNIT_MS] = { "ms", 1 },
};

static const struct unit size_units[] = {
	{ "b", 1 },	    { "kb", 1000 },	  { "k", 1000 },       { "mb", 1000000 },
	{ "m", 1000000 },   { "gb", 1000000000 }, { "g", 1000000000 }, { "kib", 1 << 10 },
	{ "mib", 1 << 20 }, { "gib", 1 << 30 },
};

/* Digits at *p, past which *p is moved; false when there are none or too many. */
static bool take_digits(const char **p, int64_t *ret)
{
	int64_t n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **p - '0', &n))
			return false;
	}
	*ret = n;
	return true;
}

static bool take_unit(const char **p, const struct unit *units, size_t count, size_t *ret)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (size_t i = 0; i < count; i++) {
		if (len == strlen(units[i].name) && !strncasecmp(*p, units[i].name, len)) {
			*p += len;
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool parse_duration(const char *text, int64_t *ret_ms)
{
	size_t next_unit = 0, unit;
	int64_t n;

	*ret_ms = 0;
	do {
		if (!take_digits(&text, &n))
			return false;
		if (!*text && next_unit == 0)
			unit = UNIT_SECOND;
		else if (!take_unit(&text, time_units, ARRAY_SIZE(time_units), &unit) ||
			 unit < next_unit)
			return false;
		if (__builtin_mul_overflow(n, time_units[unit].factor, &n) ||
		    __builtin_add_overflow(*ret_ms, n, ret_ms))
			return false;
		next_unit = unit + 1;
	} while (*text);
	return true;
}

static bool parse_size(const char *text, int64_t *ret_bytes)
{
	size_t unit = 0;

	if (!take_digits(&text, ret_bytes))
		return false;
	if (*text && !take_unit(&text, size_units, ARRAY_SIZE(size_units), &unit))
		return false;
	return !*text && !__builtin_mul_overflow(*ret_bytes, size_units[unit].factor, ret_bytes);
}

static bool parse_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';

	if (negative)
		text++;
	if (!take_digits(&text, ret) || *text)
		return false;
	if (negative)
		*ret = -*ret;
	return true;
}

static bool store_number(const struct opt *o, int64_t *place, bool valid, int64_t n,
			 const char *text, const char *example, struct err *err)
{
	bool bounded = o->least || o->most || n < 0;

	if (!valid)
		return err_set(err, ERR_USAGE, "'%s' is not %s", text, example);
	if (bounded && (n < o->least || n > o->most)) {
		int64_t scale = o->kind == OPT_DURATION ? 1000 : 1;

		return err_set(err, ERR_USAGE, "'%s' is not between %" PRId64 " and %" PRId64 "%s",
			       text, o->least / scale, o->most / scale,
			       o->kind == OPT_DURATION ? " seconds" : "");
	}
	*place = n;
	return true;
}

static bool store_flag(bool *place, const char *text, struct err *err)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(text, yes[i]) || !strcasecmp(text, no[i])) {
			*place = !strcasecmp(text, yes[i]);
			return true;
		}
	}
	return err_set(err, ERR_USAGE, "'%s' is neither yes nor no", text);
}

static bool store_choice(const struct opt *o, int *place, const char *text, struct err *err)
{
	CLEANUP(buf_clear) struct buf words = BUF_INIT(BUF_TEXT_CEILING);

	for (int i = 0; o->words[i]; i++) {
		if (!strcmp(text, o->words[i])) {
			*place = i;
			return true;
		}
		buf_printf(&words, "%s%s", i ? ", " : "", o->words[i]);
	}
	err_set(err, ERR_USAGE, "'%s' is none of %s", text, buf_str(&words));
	return false;
}

static bool store_string(char **place, const char *text, struct err *err)
{
	if (!*text)
		return err_set(err, ERR_USAGE, "the value is empty");
	mem_replace(place, text);
	return true;
}

bool opt_store(const struct opt *o, void *place, const char *text, struct err *err)
{
	int64_t n = 0;
	bool valid;

	switch (o->kind) {
	case OPT_FLAG:
		return store_flag(place, text, err);
	case OPT_COUNT:
		valid = parse_integer(text, &n) && n <= 9;
		if (!valid)
			return err_set(err, ERR_USAGE, "'%s' is not a number up to 9", text);
		*(int *)place = (int)n;
		return true;
	case OPT_STRING:
		return store_string(place, text, err);
	case OPT_STRINGS:
		if (!*text)
			return err_set(err, ERR_USAGE, "the value is empty");
		strings_add(place, text);
		return true;
	case OPT_INTEGER:
		valid = parse_integer(text, &n);
		return store_number(o, place, valid, n, text, "a whole number", err);
	case OPT_DURATION:
		valid = parse_duration(text, &n);
		return store_number(o, place, valid, n, text, "a duration like 30s, 2m or 1h30m",
				    err);
	case OPT_SIZE:
		valid = parse_size(text, &n);
		return store_number(o, place, valid, n, text, "a size like 4096, 10MB or 8MiB",
				    err);
	case OPT_CHOICE:
		return store_choice(o, place, text, err);
	}
	return err_set(err, ERR_UNEXPECTED, "an option of no kind");
}

bool opt_store_list(const struct opt *o, void *place, const char *text, struct err *err)
{
	const char *separator = strchr(text, '\n') ? "\n" : ",";

	if (o->kind != OPT_STRINGS)
		return opt_store(o, place, text, err);
	while (*text) {
		size_t len = strcspn(text, separator);
		CLEANUP(mem_freep) char *one = mem_strndup(text, len);

		if (len && !opt_store(o, place, one, err))
			return false;
		text += len + (text[len] != '\0');
	}
	return true;
}

void opt_unset(const struct opt *o, void *place)
{
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)place = false;
		break;
	case OPT_COUNT:
	case OPT_CHOICE:
		*(int *)place = 0;
		break;
	case OPT_STRING:
		mem_replace(place, NULL);
		break;
	case OPT_STRINGS:
		strings_clear(place);
		break;
	case OPT_INTEGER:
	case OPT_DURATION:
	case OPT_SIZE:
		*(int64_t *)place = 0;
		break;
	}
}
