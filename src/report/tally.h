/*
 * An observer that counts what results and receipts say: renewals, retries, requests.
 */
#ifndef REPORT_TALLY_H
#define REPORT_TALLY_H

#include "base/observer.h"
#include "base/sched.h"

struct tally_count {
	size_t requests; /* every attempt of every one */
	size_t retries;	 /* attempts after the first, and uploads begun anew */
	size_t renewals;
	char token_source[64]; /* of the token that all depended on, "" when there was none */
};

struct tally;

struct tally *tally_new(struct sched *sched);
void tally_free(struct tally *t);
DEFINE_FREEP(struct tally, tally_free)

struct observer *tally_observer(struct tally *t);

/* What was counted since the last call with BEGIN_ANEW; tokens stay known. */
struct tally_count tally_read(struct tally *t, bool begin_anew);

#endif
