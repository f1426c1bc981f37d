#include "http/retry.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* However much time has passed: one stall, or a suspended machine, is not yet a pattern. */
#define FAULTS_AT_LEAST 4

bool retry_status_is_passing(int status)
{
	switch (status) {
	case 408: /* request timeout */
	case 425: /* too early */
	case 429:
	case 499: /* nginx: the client went away, said by a proxy that did */
		return true;
	case 501: /* not implemented */
	case 505: /* HTTP version not supported */
		return false;
	default:
		return status >= 500;
	}
}

/* It says itself that it is only away for a while. */
static bool is_outage(const struct retry_fault *f)
{
	if (!f->answered)
		return f->failure == HTTP_FAILED_BEFORE_SENDING;
	return f->status == 429 || f->status == 502 || f->status == 503 || f->status == 504;
}

static int64_t patience_ms(const struct retry_policy *p, const struct retry_fault *f)
{
	if (!f->heard_before)
		return p->stranger_ms;
	return is_outage(f) ? NEVER_MS : p->fault_ms;
}

static int64_t backoff_ms(const struct retry_policy *p, size_t faults, uint32_t jitter)
{
	int64_t wait_ms = p->first_ms;

	for (size_t i = 1; i < faults && wait_ms < p->longest_ms; i++)
		wait_ms *= 2;
	if (wait_ms > p->longest_ms)
		wait_ms = p->longest_ms;
	return wait_ms + wait_ms / 4 * (jitter % 1000) / 1000;
}

bool retry_decide(const struct retry_policy *p, size_t faults, int64_t since_first_ms,
		  const struct retry_fault *fault, uint32_t jitter, int64_t *ret_wait_ms)
{
	if (!fault->answered &&
	    (fault->failure == HTTP_FAILED_FOR_GOOD || fault->failure == HTTP_FAILED_CANCELLED))
		return false;
	if (p->retries >= 0 && faults > (size_t)p->retries)
		return false;
	if (p->retries < 0 && faults >= FAULTS_AT_LEAST && since_first_ms >= patience_ms(p, fault))
		return false;
	*ret_wait_ms = backoff_ms(p, faults, jitter);
	if (fault->retry_after_ms > 0) /* 0 is no licence to hammer */
		*ret_wait_ms = fault->retry_after_ms < p->patience_ms ? fault->retry_after_ms
								      : p->patience_ms;
	return true;
}

/* No single attempt takes longer. */
#define SPENT_LONGEST_MS 60000

int64_t retry_spent_ms(int64_t between_ms)
{
	return between_ms < SPENT_LONGEST_MS ? between_ms : SPENT_LONGEST_MS;
}

int64_t retry_after_parse(const char *value, const char *date, int64_t now_wall_ms)
{
	time_t then, now;
	char *end;
	long seconds;

	if (!value)
		return -1;
	seconds = strtol(value, &end, 10);
	if (end != value && end[strspn(end, " \t")] == '\0')
		return seconds < 0	 ? -1
		       : seconds > 86400 ? (int64_t)86400000
					 : (int64_t)seconds * 1000;
	then = curl_getdate(value, NULL);
	if (then < 0)
		return -1;
	now = date ? curl_getdate(date, NULL) : -1;
	if (now < 0)
		now = (time_t)(now_wall_ms / 1000);
	if (then - now > 86400) /* any year is taken for one: milliseconds must not run over */
		return 86400000;
	return then > now ? (int64_t)(then - now) * 1000 : 0;
}
