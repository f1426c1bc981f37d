/*
 * What goes wrong, as data: at which request, or how often by chance, and what it looks like from outside. The
 * transport asks before each request; what was asked for and does not fit the request (a HEAD that lies, at a
 * POST) does not happen and is not counted.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim/sim_rng.h"

#include <stddef.h>
#include <stdint.h>

/* What a request is about. */
enum sim_what {
	SIM_PING,
	SIM_TOKEN,
	SIM_BLOB_HEAD,
	SIM_BLOB_GET,
	SIM_STORAGE_GET, /* on the host that a redirect names */
	SIM_MOUNT,
	SIM_UPLOAD_POST,
	SIM_UPLOAD_PATCH,
	SIM_UPLOAD_PUT,
	SIM_UPLOAD_DELETE,
	SIM_MANIFEST_GET,
	SIM_MANIFEST_PUT,
	SIM_OTHER,
	SIM_WHATS,
};

extern const char *const sim_what_names[SIM_WHATS];

enum sim_fault {
	FAULT_NONE,
	FAULT_CONNECT,	    /* no connection */
	FAULT_RESET_BEFORE, /* the server saw it and did nothing */
	FAULT_RESET_MIDWAY, /* half the body had arrived */
	FAULT_RESET_AFTER,  /* the server did it; the answer was lost */
	FAULT_STALL_BEFORE,
	FAULT_STALL_AFTER,
	FAULT_401_CHALLENGE,
	FAULT_401_BARE,
	FAULT_403_UNAUTHENTICATED, /* Artifact Registry's words for an expired token */
	FAULT_403_DENIED,
	FAULT_400_UNAUTHORIZED,
	FAULT_404,
	FAULT_408,
	FAULT_429, /* with Retry-After */
	FAULT_500,
	FAULT_502,
	FAULT_503,
	FAULT_504,
	FAULT_500_AFTER,    /* it was done, and 500 is said */
	FAULT_PAGE,	    /* 200 and a proxy's HTML page; the server never saw it */
	FAULT_TRUNCATED,    /* done, but the answer's body breaks off */
	FAULT_DROPPED,	    /* success is said and nothing is kept */
	FAULT_DAMAGED,	    /* success is said, the size is right and the bytes are not */
	FAULT_LATE,	    /* kept, but shown only after a while */
	FAULT_HEAD_PRESENT, /* says that it has what it has not */
	FAULT_HEAD_ABSENT,
	FAULT_HEAD_LENGTH, /* a wrong Content-Length */
	FAULT_TOKEN_DIES,  /* every token so far is worth nothing from now on */
	SIM_FAULTS,
};

struct sim_fault_looks {
	const char *name;
	unsigned int whats; /* bits: where it can happen */
	int status;	    /* that is answered in place of the server, 0: none */
	const char *code;   /* of the error body */
	const char *words;
	bool is_verdict; /* said often enough it is the truth: see sim_plan.verdicts_once */
};

extern const struct sim_fault_looks sim_fault_looks[SIM_FAULTS];

#define SIM_PLANNED_MAX 8
#define SIM_OUTAGES_MAX 4
#define SIM_SEEN_MAX 512

struct sim_outage {
	int64_t from_ms; /* boot clock */
	int64_t to_ms;
	enum sim_fault fault;
};

struct sim_planned {
	size_t request; /* from 1, in the order in which they were sent */
	enum sim_fault fault;
};

struct sim_plan {
	struct sim_planned planned[SIM_PLANNED_MAX];
	size_t planned_count;

	struct sim_rng rng;
	unsigned int per_mille[SIM_FAULTS];
	int64_t until_ms;    /* boot clock: by chance only before */
	bool bytes_are_read; /* the proof downloads blobs: only then can damaged ones be told */
	bool verdicts_once;  /* what would be believed when said twice is said once of one thing */

	struct sim_outage outages[SIM_OUTAGES_MAX];
	size_t outage_count;

	int64_t late_ms;
	size_t fired[SIM_FAULTS];

	uint64_t seen[SIM_SEEN_MAX]; /* things of which a verdict was said */
	size_t seen_count;
};

/*
 * The fault of request NUMBER at NOW_MS, counted. THING identifies what is asked for; FOR_PROOF says that the answer
 * vouches for an image: a registry that lies then cannot be seen through and does not.
 */
enum sim_fault sim_plan_next(struct sim_plan *p, size_t number, int64_t now_ms, enum sim_what what,
			     uint64_t thing, bool for_proof);

bool sim_fault_fits(enum sim_fault fault, enum sim_what what, bool for_proof);

#endif
