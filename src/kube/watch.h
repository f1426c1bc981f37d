/*
 * What a collection holds and how it changes, as one verb for a thread that reads: the list first, then its changes,
 * through everything that passes: expired versions, streams that end or go silent, credentials that die, a control
 * plane that is restarted. It fails only when reading on is pointless.
 *
 *	ADDED ... SYNCED  { ADDED | MODIFIED | DELETED } ...  [ RESTARTED  ADDED ... SYNCED  ... ]
 *
 * A watch belongs to one thread. Whatever it waits for ends at once with the world's cancel or deadline.
 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

#include "kube/client.h"

enum kube_watch_kind {
	KUBE_WATCH_ADDED, /* of the list, or new since; may be known already after a restart */
	KUBE_WATCH_MODIFIED,
	KUBE_WATCH_DELETED, /* the object is its last state */
	KUBE_WATCH_SYNCED,  /* the list is complete; no object */
	KUBE_WATCH_RESTARTED, /* the list begins anew: what is not in it up to SYNCED is gone; no object */
};

struct kube_watch_event {
	enum kube_watch_kind kind;
	const struct js *
		object; /* lives until the next call; of a list it carries no kind nor apiVersion */
};

struct kube_watch;

/* SELECTION is copied; C is borrowed. Asks nothing yet. */
MUST_USE bool kube_watch_open(struct kube_client *c, const struct kube_selection *selection,
			      struct kube_watch **ret, struct err *err);
void kube_watch_free(struct kube_watch *k);
DEFINE_FREEP(struct kube_watch, kube_watch_free)

/*
 * The next event, whenever it comes. Fails with ERR_CANCELLED, ERR_TIMEOUT (W's deadline); ERR_CLUSTER_REFUSED when the
 * right to list or watch is missing, ERR_USAGE when there is no such collection; ERR_REFUSED, ERR_NO_CREDENTIAL;
 * ERR_NET when the server was never reached; ERR_NO_REGISTRY when what it sends stays unreadable.
 */
MUST_USE bool kube_watch_next(struct kube_watch *k, const struct world *w,
			      struct kube_watch_event *ret, struct err *err);

/* Whether it is cut off just now. What tells it is the world's observer, with EVENT_WAIT at its begin and of no time at its end. */
bool kube_watch_is_lost(const struct kube_watch *k);

/* For people and tests: how often it had to begin a stream or a list anew. */
struct kube_watch_tally {
	size_t lists;
	size_t streams;
	size_t bookmarks;
	size_t malformed;
};
struct kube_watch_tally kube_watch_tally(const struct kube_watch *k);

#endif
