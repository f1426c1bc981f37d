/*
 * What became of one reference. Results, receipts and metadata are made of nothing else. All of it is borrowed.
 */
#ifndef REPORT_OUTCOME_H
#define REPORT_OUTCOME_H

#include "registry/push.h"
#include "report/tally.h"

struct outcome {
	const char *command; /* "push", "verify" */
	const struct reference *ref;
	const struct manifest *meant;	/* what was to land; NULL when that is not known */
	const struct push_result *push; /* NULL: nothing was pushed */
	const struct proof *proof;	/* as far as it went; NULL: it did not begin */
	const struct err *err;		/* NULL: it is proven */
	const char *verdict;		/* the exit code's name: "landed", "denied", ... */
	int exit_code;
	struct tally_count count;
	int64_t took_ms;
};

/* What landed, or was to; NULL when nobody knows. */
const struct digest *outcome_digest(const struct outcome *o);

#endif
