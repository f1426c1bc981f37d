/*
 * The result on stdout, and the sentence on stderr that ends a command.
 */
#ifndef REPORT_RESULT_H
#define REPORT_RESULT_H

#include "report/outcome.h"
#include "wire/js.h"

enum result_form {
	RESULT_TEXT,   /* "repo@sha256:...", so that commands nest; the sentence goes to stderr */
	RESULT_JSON,   /* an object for every outcome, failures too: result_json */
	RESULT_REF,    /* as TEXT, without the sentence */
	RESULT_DIGEST, /* "sha256:..." */
};

/*
 * The line for O in that form, without its end; NULL when there is none: a failure has a line in JSON only. The
 * caller frees.
 */
char *result_line(const struct outcome *o, enum result_form form);

/*
 * Schema "landed/1": fields may be added; those that are here stay.
 *	schema, command, ref, digest, mediaType, size, verdict, exit
 *	proof	{tag, digest, depth, manifests, blobs [present, all], elsewhere, bytes, at, ms}	when it began
 *	bytes	{sent, existing}, blobs {sent, existing, mounted, elsewhere}			of a push
 *	before	the digest that the tag was on, when it was on another
 *	token	{source, renewals}, retries, requests, seconds
 *	error	{message, evidence, cause, hint}						of a failure
 */
struct js *result_json(const struct outcome *o);

/* Parts of it that others write too. */
struct js *error_json(const struct err *err);
struct js *strings_json(const struct strings *list);

/* "Landed. 6 blobs, 412 MB: 288 MB sent, 124 MB already there; proven in 180 ms". The caller frees. */
char *result_sentence(const struct outcome *o);

#endif
