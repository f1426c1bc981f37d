/*
 * What the client reads an answer with; private to the room.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/client.h"

/* Status and headers of X. RET has its url already: Location is resolved against it. */
void answer_read_headers(struct http_answer *ret, const struct http_exchange *x);

#endif
