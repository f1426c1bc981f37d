#include "wire/time.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

/* Every 'd' of SHAPE stands for a digit, everything else for itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == 'd' ? !isdigit((unsigned char)*text) : *text != *shape)
			return false;
	return true;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

static bool parse_zone(const char *text, int64_t *ret_offset_ms)
{
	int hours, minutes;

	*ret_offset_ms = 0;
	if ((*text == 'Z' || *text == 'z') && text[1] == '\0')
		return true;
	if ((*text != '+' && *text != '-') || !has_shape(text + 1, "dd:dd") || text[6] != '\0')
		return false;
	hours = two_digits(text + 1);
	minutes = two_digits(text + 4);
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

/* The 30th of February becomes the 2nd of March on the way to seconds: then it was none. */
static bool parse_seconds(const char *text, int64_t *ret_seconds)
{
	char moment[] = "yyyy-mm-ddThh:mm:ss";
	struct tm tm = { 0 };
	int day;

	memcpy(moment, text, sizeof(moment) - 1);
	moment[10] = 'T';
	if (!has_shape(moment, "dddd-dd-ddTdd:dd:dd") ||
	    !strptime(moment, "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	day = tm.tm_mday;
	*ret_seconds = timegm(&tm);
	return tm.tm_mday == day || two_digits(moment + 17) == 60;
}

/* RFC 3339 §5.6; T and Z may be small, as its note allows. */
bool time_parse_rfc3339(const char *text, int64_t *ret_wall_ms)
{
	int64_t seconds, offset_ms, fraction_ms = 0;
	const char *rest = text + strlen("yyyy-mm-ddThh:mm:ss");

	if (strlen(text) < 20 || !strchr("Tt", text[10]) || !parse_seconds(text, &seconds))
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
	*ret_wall_ms = seconds * 1000 + fraction_ms - offset_ms;
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
