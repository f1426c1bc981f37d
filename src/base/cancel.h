/*
 * The wish that work should end. It is fired once, by a signal handler or by the first of several workers that
 * fails, and it can be polled for, so that no wait outlives it. A child is cancelled with its parent, never the
 * other way round.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include "base/err.h"

#include <poll.h>

struct cancel;

/* Why: a signal's number, or this. */
#define CANCEL_SIBLING_FAILED (-1)

/* PARENT may be NULL and must outlive the child. */
MUST_USE bool cancel_new(struct cancel *parent, struct cancel **ret, struct err *err);
void cancel_free(struct cancel *c);
DEFINE_FREEP(struct cancel, cancel_free)

/* Safe in a signal handler. The first reason stays. */
void cancel_fire(struct cancel *c, int reason);

/* 0 while nobody wished for it. C may be NULL: never cancelled. */
int cancel_reason(const struct cancel *c);

/* False and ERR_CANCELLED once it was fired. */
MUST_USE bool cancel_check(const struct cancel *c, struct err *err);

/* Fills up to CANCEL_POLL_MAX entries to poll for, returns how many. */
#define CANCEL_POLL_MAX 4
size_t cancel_poll(const struct cancel *c, struct pollfd fds[CANCEL_POLL_MAX]);

#endif
