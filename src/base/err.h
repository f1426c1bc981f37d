/*
 * What went wrong, told once by the command that gives up.
 *
 * A function that can fail is `MUST_USE bool f(..., struct err *err)`: true, or false with ERR filled. The one
 * who knows the fact sets it, those above wrap what they were doing around it. The code decides the exit code
 * (cli/exit.c) and nothing else; whether a retry may help is decided where the answer is known (http/retry.h).
 *
 *	return err_set(err, ERR_CORRUPT, "blob '%s' is cut short", name);
 *	...
 *	return err_wrap(err, "reading '%s'", path);
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
	ERR_NONE,
	ERR_UNEXPECTED,	   /* a bug, or a world that we have no word for */
	ERR_USAGE,	   /* command line, reference, configuration */
	ERR_UNPROVEN,	   /* sent or landed, but not proven or not reported */
	ERR_ABSENT,	   /* the registry says that it is not there */
	ERR_OTHER_DIGEST,  /* another image under that name */
	ERR_INCOMPLETE,	   /* manifest there, a child or a blob missing */
	ERR_REFUSED,	   /* refused although the credential was fresh */
	ERR_DENIED,	   /* known, but not allowed; or no such repository */
	ERR_NO_CREDENTIAL, /* none could be minted */
	ERR_NET,	   /* network or 5xx after retries */
	ERR_NO_REGISTRY,   /* it answers, but not the protocol */
	ERR_TIMEOUT,	   /* --timeout */
	ERR_RATE_LIMITED,
	ERR_NO_SOURCE, /* the image to send was not found */
	ERR_CORRUPT,   /* the image is not what it says */
	ERR_LOCAL,     /* disk full, permission, memory */
	ERR_DISPROVEN, /* a command said that it pushed, and the registry does not show it */
	ERR_WRAPPER,   /* what was to run a command has failed itself */
	ERR_NOT_EXECUTABLE,
	ERR_NOT_FOUND,
	ERR_NOT_LANDED,	     /* a node misses the image, and so does the registry */
	ERR_NOT_PULLED,	     /* the node may not or cannot pull what is there */
	ERR_CRASHES,	     /* the container does */
	ERR_NOT_RUNNING,     /* not placed, or not done in time */
	ERR_SUPERSEDED,	     /* by another rollout */
	ERR_CLUSTER_REFUSED, /* rights, quota, policy, admission */
	ERR_CANCELLED,	     /* by a signal */
};

struct err {
	enum err_code code;
	char *message;	/* what happened, widest context first; no newline, no full stop */
	char *evidence; /* the other side's own words, or NULL */
	char *cause;	/* if known, else NULL */
	char *hint;	/* the next command to run, or NULL */
};

#define ERR_INIT                  \
	{                         \
		.code = ERR_NONE, \
	}

void err_clear(struct err *err);

/* All three return false, so that they can be returned. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF(3, 4);
bool err_set_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF(3, 4);
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Added to an error that is set; the first word said wins. */
void err_evidence(struct err *err, const char *fmt, ...) PRINTF(2, 3);
void err_cause(struct err *err, const char *fmt, ...) PRINTF(2, 3);
void err_hint(struct err *err, const char *fmt, ...) PRINTF(2, 3);

void err_copy(struct err *to, const struct err *from);

/* FROM is empty afterwards. */
void err_move(struct err *to, struct err *from);

#endif
