#include "wire/time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool parse_zone(const char *text, int64_t *ret_offset_ms)
{
	unsigned int hours, minutes;
	int used = 0;

	*ret_offset_ms = 0;
	if ((*text == 'Z' || *text == 'z') && text[1] == '\0')
		return true;
	if ((*text != '+' && *text != '-') || !isdigit((unsigned char)text[1]))
		return false;
	if (sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 || used != 5 || text[6] != '\0')
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*ret_offset_ms = (int64_t)(hours * 60 + minutes) * 60000 * (*text == '-' ? -1 : 1);
	return true;
}

static int64_t parse_fraction_ms(const char *digits, size_t len)
{
	int64_t ms = 0;

	for (size_t i = 0; i < 3; i++)
		ms = ms * 10 + (i < len ? digits[i] - '0' : 0);
	return ms;
}

bool time_parse_rfc3339(const char *text, int64_t *ret_wall_ms)
{
	struct tm tm = { 0 };
	int64_t offset_ms, fraction_ms = 0;
	const char *rest;

	if (strlen(text) < 20 || strspn(text, "0123456789") != 4)
		return false;
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return false;
	if (*rest == '.') {
		size_t len = strspn(++rest, "0123456789");

		if (len == 0)
			return false;
		fraction_ms = parse_fraction_ms(rest, len);
		rest += len;
	}
	if (!parse_zone(rest, &offset_ms))
		return false;
	*ret_wall_ms = (int64_t)timegm(&tm) * 1000 + fraction_ms - offset_ms;
	return true;
}

void time_format_rfc3339(int64_t wall_ms, char ret[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(ret, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		ret[0] = '\0';
}

void time_format_clock(int64_t wall_ms, char ret[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(ret, TIME_TEXT_SIZE, "%H:%M:%S", &tm))
		ret[0] = '\0';
}
