/*
 * A verdict in words: one headline, lines of evidence, what to run next. Pure text for whoever prints it; nothing here
 * decides. All of it is composed from texts of the cluster, so control characters are blanked and lines have ceilings.
 */
#ifndef KUBE_VERDICT_H
#define KUBE_VERDICT_H

#include "base/buf.h"
#include "kube/judge.h"

/* Who is spoken of. */
struct verdict_subject {
	enum workload_kind kind;
	const char *name;
	const char *namespace; /* NULL: as the command line has it */
};

/* A stable word for JSON: "running", "did-not-land" ... */
const char *verdict_word(enum verdict_kind kind);
const char *verdict_why_word(enum verdict_why why); /* NULL for WHY_NONE */

/* "deployment/my-app: the image never landed: ..."; lower case, no full stop, one line. The caller frees. */
char *verdict_headline(const struct verdict *v, const struct verdict_subject *s);

/* One line for each piece of evidence; NOW_MS dates it ("for 12 s"). Lines end with a newline. */
void verdict_evidence(const struct verdict *v, int64_t now_ms, struct buf *to);

/* The next command to run, without a newline; NULL when there is none. The caller frees. */
char *verdict_hint(const struct verdict *v, const struct verdict_subject *s);

#endif
