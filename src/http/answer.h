/*
 * What the client reads an answer with; private to the room.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/client.h"

/*
 * Status and headers of X. RET has its url already: Location is resolved against it. NOW_WALL_MS is for a Retry-After
 * that is a date, where the answer has no date of its own.
 */
void answer_read_headers(struct http_answer *ret, const struct http_exchange *x,
			 int64_t now_wall_ms);

#endif
