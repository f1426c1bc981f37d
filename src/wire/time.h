/*
 * Moments as text: RFC 3339, in which JSON answers and our own receipts write them.
 */
#ifndef WIRE_TIME_H
#define WIRE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* Milliseconds since 1970; any zone, any fraction. False for anything else. */
MUST_USE bool time_parse_rfc3339(const char *text, int64_t *ret_wall_ms);

/* "2026-11-24T11:03:54Z" */
#define TIME_TEXT_SIZE 32
void time_format_rfc3339(int64_t wall_ms, char ret[TIME_TEXT_SIZE]);

/* "14:03:11" in local time, for people. */
void time_format_clock(int64_t wall_ms, char ret[TIME_TEXT_SIZE]);

#endif
