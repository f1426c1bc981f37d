/* What an exchange takes from the network: status, headers, the body as far as somebody reads it. */
#include "http/curl_private.h"

#include "base/mem.h"

#include <string.h>

void exchange_moved(struct curl_exchange *x)
{
	struct clock clock = clock_system();

	x->moved_ms = clock_boot_ms(&clock);
}

static void came(struct curl_exchange *x)
{
	x->begun = true;
	exchange_moved(x);
}

void exchange_clear_headers(struct curl_exchange *x)
{
	for (size_t i = 0; i < x->header_count; i++) {
		free(x->headers[i].name);
		free(x->headers[i].value);
	}
	x->header_count = 0;
	x->header_bytes = 0;
}

static bool headers_add(struct curl_exchange *x, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *value;

	x->header_bytes += len;
	if (x->header_count == HTTP_HEADERS_MAX || x->header_bytes > HTTP_HEADER_BYTES_MAX)
		return false;
	if (!colon)
		return true;
	value = colon + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	x->headers[x->header_count++] = (struct header_line){
		.name = mem_strndup(line, (size_t)(colon - line)),
		.value = mem_strndup(value, (size_t)(line + len - value)),
	};
	return true;
}

static int status_of_line(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	int status = 0;

	if (!space || line + len - space < 4)
		return 0;
	for (int i = 1; i <= 3; i++) {
		if (space[i] < '0' || space[i] > '9')
			return 0;
		status = status * 10 + (space[i] - '0');
	}
	return status;
}

size_t exchange_on_header(char *line, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t whole = size * count, len = whole;

	came(x);
	if (x->headers_complete)
		return whole; /* a trailer */
	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		exchange_clear_headers(x);
		x->status = status_of_line(line, len);
	} else if (len == 0) {
		x->headers_complete = x->status >= 200;
	} else if (!headers_add(x, line, len)) {
		return 0;
	}
	return whole;
}

size_t exchange_on_receive(char *bytes, size_t size, size_t count, void *arg)
{
	struct curl_exchange *x = arg;
	size_t len = size * count;

	came(x);
	if (x->pending.len - x->pending_read >= PENDING_PAUSE) {
		x->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (x->pending_read == x->pending.len) {
		x->pending.len = 0;
		x->pending_read = 0;
	}
	return buf_add(&x->pending, bytes, len) ? len : 0;
}
