/*
 * Why a container does not run, from what kubelet, containerd, CRI-O and docker write. One table of patterns, the most
 * telling first: "not found" ends four different causes. Pure; of a text longer than CLASSIFY_TEXT_MAX its
 * beginning and its end are looked at. Names, URLs and media types are passed over, so that no image name can look like
 * a cause.
 *
 * A class says what the text proves, not what is true: only the registry knows whether an image is there.
 */
#ifndef KUBE_CLASSIFY_H
#define KUBE_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#define CLASSIFY_TEXT_MAX 4096

enum cause {
	CAUSE_NONE,	    /* nothing is wrong: it is being created */
	CAUSE_UNCLASSIFIED, /* something is, and no pattern knows the text */
	CAUSE_BACK_OFF,	    /* the kubelet waits and does not repeat the cause (before 1.32) */

	CAUSE_NOT_FOUND,
	CAUSE_PLATFORM,	    /* the image is there, not for this architecture */
	CAUSE_BLOB_MISSING, /* the manifest is there, a child, config or layer is not */
	CAUSE_BLOB_CORRUPT, /* other bytes than their digest says */
	CAUSE_DENIED,	    /* refused with the credential that the node showed */
	CAUSE_ANONYMOUS,    /* refused because the node showed none */
	CAUSE_NAME,	    /* no image name */
	CAUSE_POLICY,	    /* a rule of the node: pull policy, verifier, signature */
	CAUSE_FORMAT,	    /* a manifest that the runtime does not take any more */
	CAUSE_TLS,	    /* the node does not trust the registry, or one of them speaks no TLS */

	CAUSE_QPS,	    /* the kubelet's own limit: no registry was asked */
	CAUSE_RATE_LIMITED, /* 429 */
	CAUSE_SERVER,	    /* 5xx */
	CAUSE_DNS,
	CAUSE_NETWORK,
	CAUSE_TIMEOUT, /* also a pull that was given up without progress */
	CAUSE_DISK,

	CAUSE_CONFIG,	     /* a secret, a config map or a key is missing */
	CAUSE_CREATE,	     /* the runtime could not create it, for another reason */
	CAUSE_EXEC,	     /* the command is not there or may not be run */
	CAUSE_ARCHITECTURE,  /* exec format error */
	CAUSE_CRASH,	     /* it ran and ended */
	CAUSE_MEMORY,	     /* killed for memory */
	CAUSE_MOUNT,	     /* a volume cannot be mounted */
	CAUSE_SANDBOX,	     /* the pod's network or sandbox */
	CAUSE_PROBE,	     /* runs, and is not ready */
	CAUSE_UNSCHEDULABLE, /* no node takes it */
	CAUSE_QUOTA,
	CAUSE_ADMISSION, /* a webhook or pod security refuses it */
	CAUSE_EVICTED,	 /* the node put it out; another will come */
	CAUSES,
};

/* What follows from a cause; the graces stand in kube/judge.h. */
enum cause_group {
	GROUP_NONE,
	GROUP_ASK, /* the registry decides */
	GROUP_ACCESS, /* the registry decides whether it is there, a second attempt whether it stays refused */
	GROUP_PERMANENT, /* stays as it is until somebody changes something */
	GROUP_TRANSIENT, /* may heal: never before the deadline */
	GROUP_CRASH,
	GROUP_REFUSED, /* by the cluster: no pod comes into being */
	GROUP_PLACE,   /* waits for room: never before the deadline */
};

struct cause_look {
	const char *word; /* stable: for JSON */
	enum cause_group group;
	const char *says;  /* for people, lower case */
	const char *proof; /* what it proves, or does not */
};

extern const struct cause_look cause_looks[CAUSES];

/*
 * REASON is that of a waiting or ended state, of an event or of a condition; MESSAGE its text; both may be NULL. The
 * member that is most telling decides where several are listed ("[a, b]").
 */
enum cause classify(const char *reason, const char *message);

/* Whether B is to replace A as what is known about one container: a text with a cause outranks one without. */
bool cause_is_better(enum cause a, enum cause b);

#endif
