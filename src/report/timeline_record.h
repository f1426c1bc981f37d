/*
 * What a timeline remembers: between the one who listens (timeline.c) and the one who draws (timeline_draw.c).
 */
#ifndef REPORT_TIMELINE_RECORD_H
#define REPORT_TIMELINE_RECORD_H

#include "report/timeline.h"
#include "report/tokens.h"

/* Kinds of requests that have a row of their own; what comes later shares the last. */
#define TIMELINE_ROWS_MAX 16

/* Worse is greater: of merged requests the worst is shown. */
enum timeline_mark { MARK_NONE, MARK_DONE, MARK_FAULT, MARK_REFUSED };

struct timeline_request {
	int64_t start_ms;
	int64_t end_ms;
	uint32_t count; /* of requests that this one stands for */
	uint8_t row;
	uint8_t mark;
};

struct timeline_row {
	char *label; /* "PATCH blob" */
	size_t count;
};

struct timeline_record {
	struct timeline_request *requests;
	size_t request_count;
	struct timeline_row rows[TIMELINE_ROWS_MAX];
	size_t row_count;
	struct tokens tokens;
	int64_t first_ms; /* 0: nothing was heard */
	int64_t last_ms;
	int64_t wall_offset_ms; /* wall clock minus boot clock */
};

#endif
