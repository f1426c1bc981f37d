/*
 * What happens, told to one listener while it happens. Rooms that do the work tell; they never print. The
 * listener is called from any thread, one call at a time is its own business; what an event points to lives
 * only during the call. Nothing in an event is ever a secret: a token is known by its fingerprint.
 */
#ifndef BASE_OBSERVER_H
#define BASE_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_PHASE,   /* a step of the work begins: .text */
	EVENT_NOTE,    /* something worth a line: .text */
	EVENT_REQUEST, /* an attempt has ended: .request */
	EVENT_TOKEN,   /* a credential or registry token was obtained: .token */
	EVENT_REFUSED, /* a token was refused and is given up: .token, .text says with what words */
	EVENT_WAIT,    /* nothing happens for .wait.ms, .text says why */
	EVENT_BLOB,    /* a blob or manifest moved on: .blob */
	EVENT_PROOF,   /* the registry has shown something: .text */
};

enum blob_stage {
	BLOB_STAGE_PLANNED,
	BLOB_STAGE_PACKING, /* being compressed; done counts bytes read */
	BLOB_STAGE_EXISTS,  /* the registry had it */
	BLOB_STAGE_MOUNTED,
	BLOB_STAGE_SENDING, /* told often; done counts bytes handed to the network in this attempt */
	BLOB_STAGE_AGAIN,   /* the upload starts anew */
	BLOB_STAGE_SENT,
	BLOB_STAGE_SKIPPED, /* non-distributable: the registry need not have it */
};

struct event_request {
	const char *method;
	const char *url;  /* without its query: upload URLs carry capabilities there */
	const char *what; /* "blob", "token", "manifest", ... */
	int status;	  /* 0 when there was no answer */
	int attempt;	  /* from 1 */
	int64_t start_ms; /* boot clock */
	int64_t end_ms;
	int64_t sent_bytes;
	int64_t received_bytes;
	const char *token;   /* fingerprint or NULL */
	const char *failure; /* why there was no answer, or NULL */
};

struct event_token {
	const char *what;   /* "credential" or "registry token" */
	const char *source; /* where from */
	const char *fingerprint;
	int64_t expires_ms; /* boot clock; NEVER_MS when it is not known */
	bool expiry_known;
};

struct event_blob {
	enum blob_stage stage;
	const char *digest;
	int64_t done_bytes;
	int64_t size_bytes;
};

struct event_wait {
	int64_t ms;
};

struct event {
	enum event_kind kind;
	int64_t at_ms; /* boot clock */
	const char *text;
	union {
		struct event_request request;
		struct event_token token;
		struct event_blob blob;
		struct event_wait wait;
	};
};

struct observer {
	void (*tell)(struct observer *o, const struct event *e);
};

#endif
