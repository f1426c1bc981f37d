/*
 * Whether, and after how long, a request is tried again. A pure function of what is known: no clock, no sleep,
 * no randomness of its own.
 *
 * Three kinds of fault, three patiences. A server that cannot be reached, or says that it is not available for
 * now, is asked until the deadline of the whole work, for it may be restarting; but only if it was ever heard in
 * this run, since a wrong name never comes back. Everything else that may pass (500, a reset, a stall) is tried
 * for a while.
 */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include "http/transport.h"

struct retry_policy {
	int64_t retries;  /* of one request, after the first attempt; negative: only time decides */
	int64_t first_ms; /* the first wait; doubled each time */
	int64_t longest_ms;  /* of one wait of our own choosing */
	int64_t patience_ms; /* a Retry-After beyond this is shortened to it */
	int64_t fault_ms;    /* how long a fault without an explanation is tried again */
	int64_t stranger_ms; /* how long a server is tried that never answered */
};

#define RETRY_POLICY_DEFAULT                                                              \
	{                                                                                 \
		.retries = -1, .first_ms = 250, .longest_ms = 5000, .patience_ms = 60000, \
		.fault_ms = 90000, .stranger_ms = 30000,                                  \
	}

struct retry_fault {
	bool answered;
	int status;		   /* when answered */
	enum http_failure failure; /* when not */
	int64_t retry_after_ms;	   /* -1 when the answer did not say */
	bool heard_before;	   /* the server has answered something in this run */
};

/* A status that another attempt may change, whatever was asked for. */
bool retry_status_is_passing(int status);

/*
 * FAULTS counts from 1, SINCE_FIRST_MS is the time since the first of them, JITTER is any number: it
 * spreads clients that failed together over a quarter of the wait. True, with the wait, when another attempt is
 * due.
 */
bool retry_decide(const struct retry_policy *p, size_t faults, int64_t since_first_ms,
		  const struct retry_fault *fault, uint32_t jitter, int64_t *ret_wait_ms);

/* Of the time between two faults what counts: a machine that was asleep has not been trying. */
int64_t retry_spent_ms(int64_t between_ms);

/*
 * The value of Retry-After (RFC 9110 §10.2.3): seconds, or an HTTP date against the answer's own Date, or
 * against NOW_WALL_MS when there is none. -1 for anything else, and for NULL.
 */
int64_t retry_after_parse(const char *value, const char *date, int64_t now_wall_ms);

#endif
