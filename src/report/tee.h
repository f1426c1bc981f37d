/*
 * One listener that is many: each hears every event, in the order in which they stand.
 */
#ifndef REPORT_TEE_H
#define REPORT_TEE_H

#include "base/observer.h"

#define TEE_MAX 4

struct tee {
	struct observer observer;
	struct observer *listeners[TEE_MAX];
	size_t count;
};

void tee_init(struct tee *t);

/* LISTENER is borrowed; NULL is nobody. */
void tee_add(struct tee *t, struct observer *listener);

#endif
