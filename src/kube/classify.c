#include "kube/classify.h"

#include "base/macros.h"

#include <string.h>

const struct cause_look cause_looks[CAUSES] = {
	[CAUSE_NONE] = { "none", GROUP_NONE, "being created", "nothing" },
	[CAUSE_UNCLASSIFIED] = { "unclassified", GROUP_TRANSIENT,
				 "a failure that we have no name for", "nothing: read the text" },
	[CAUSE_BACK_OFF] = { "back-off", GROUP_TRANSIENT, "the kubelet waits before it pulls again",
			     "that a pull failed, not why" },
	[CAUSE_NOT_FOUND] = { "not-found", GROUP_ASK, "the node does not find the image",
			      "that the node's registry or mirror answered 404" },
	[CAUSE_PLATFORM] = { "platform-missing", GROUP_ASK,
			     "the image has nothing for the node's platform",
			     "that the index is there, and has no entry for this node" },
	[CAUSE_BLOB_MISSING] = { "blob-missing", GROUP_ASK, "a part of the image is missing",
				 "that the manifest is there, and a part answered 404" },
	[CAUSE_BLOB_CORRUPT] = { "blob-corrupt", GROUP_ASK,
				 "a part of the image has other bytes than its digest says",
				 "that bytes were changed, in the registry or on the way" },
	[CAUSE_DENIED] = { "denied", GROUP_ACCESS, "the registry refuses the node",
			   "a refusal; registries say the same of a repository that is not there" },
	[CAUSE_ANONYMOUS] = { "anonymous", GROUP_ACCESS,
			      "the node showed no credential and was refused",
			      "that the node sent no credential: no pull secret, scope or plugin" },
	[CAUSE_NAME] = { "bad-name", GROUP_PERMANENT, "this is no image name",
			 "that the kubelet cannot parse the name; no registry was asked" },
	[CAUSE_POLICY] = { "policy", GROUP_PERMANENT, "a rule of the node forbids it",
			   "that the node decided it, not the registry" },
	[CAUSE_FORMAT] = { "old-format", GROUP_PERMANENT,
			   "the runtime does not take this kind of manifest",
			   "that the manifest is there, in a format that is no longer supported" },
	[CAUSE_TLS] = { "tls", GROUP_PERMANENT, "the node does not trust the registry's TLS",
			"that the node reaches a server, and not that it is the registry" },
	[CAUSE_QPS] = { "pull-qps", GROUP_TRANSIENT, "the kubelet pulls too many images at once",
			"nothing about the image: no registry was asked" },
	[CAUSE_RATE_LIMITED] = { "rate-limited", GROUP_TRANSIENT,
				 "the registry limits how often the node may pull",
				 "nothing about the image" },
	[CAUSE_SERVER] = { "server-error", GROUP_TRANSIENT, "the registry answers with an error",
			   "nothing about the image" },
	[CAUSE_DNS] = { "dns", GROUP_TRANSIENT, "the node cannot resolve the registry's name",
			"nothing about the image" },
	[CAUSE_NETWORK] = { "network", GROUP_TRANSIENT, "the node cannot reach the registry",
			    "nothing about the image" },
	[CAUSE_TIMEOUT] = { "timeout", GROUP_TRANSIENT, "the pull takes too long",
			    "nothing about the image" },
	[CAUSE_DISK] = { "disk-full", GROUP_TRANSIENT, "the node has no room for the image",
			 "that the image could be read" },
	[CAUSE_CONFIG] = { "config", GROUP_PERMANENT,
			   "something that the container's settings name is missing",
			   "that the image is on the node" },
	[CAUSE_CREATE] = { "not-created", GROUP_PERMANENT,
			   "the runtime cannot create the container",
			   "that the image is on the node" },
	[CAUSE_EXEC] = { "not-executable", GROUP_CRASH, "the container's command cannot be run",
			 "that the image is on the node" },
	[CAUSE_ARCHITECTURE] = { "wrong-architecture", GROUP_CRASH,
				 "the container's command is for another architecture",
				 "that the image is on the node" },
	[CAUSE_CRASH] = { "crash", GROUP_CRASH, "the container ends again and again",
			  "that the image was pulled and started" },
	[CAUSE_MEMORY] = { "out-of-memory", GROUP_CRASH, "the container is killed for its memory",
			   "that the image was pulled and started" },
	[CAUSE_MOUNT] = { "mount", GROUP_TRANSIENT, "a volume cannot be mounted",
			  "nothing about the image" },
	[CAUSE_SANDBOX] = { "sandbox", GROUP_TRANSIENT, "the node cannot set the pod up",
			    "nothing about the image" },
	[CAUSE_PROBE] = { "not-ready", GROUP_TRANSIENT, "the container runs and is not ready",
			  "that the image was pulled and started" },
	[CAUSE_UNSCHEDULABLE] = { "unschedulable", GROUP_PLACE, "no node takes the pod",
				  "nothing about the image" },
	[CAUSE_QUOTA] = { "quota", GROUP_REFUSED, "a quota allows no more pods",
			  "nothing about the image" },
	[CAUSE_ADMISSION] = { "admission", GROUP_REFUSED, "the cluster does not admit the pod",
			      "nothing about the image" },
	[CAUSE_EVICTED] = { "evicted", GROUP_TRANSIENT, "the node put the pod out",
			    "nothing about the image" },
};

/*
 * A row holds when REASON (exactly, NULL: any) and both words (NULL: none) are there. Words are looked for in the prose
 * of the message, which begins and ends with a blank: what has to be a whole word brings its blanks.
 */
struct row {
	const char *reason;
	const char *word;
	const char *other;
	enum cause cause;
};

/* Reasons that say everything. */
static const struct row by_reason[] = {
	{ "InvalidImageName", NULL, NULL, CAUSE_NAME },
	{ "InspectFailed", " invalid reference format", NULL, CAUSE_NAME },
	{ "ErrImageNeverPull", NULL, NULL, CAUSE_POLICY },
	{ "SignatureValidationFailed", NULL, NULL, CAUSE_POLICY },
	{ "RegistryUnavailable", NULL, NULL, CAUSE_NETWORK },
	{ "OOMKilled", NULL, NULL, CAUSE_MEMORY },
	{ "CreateContainerConfigError", " failed to sync ", NULL, CAUSE_MOUNT },
	{ "CreateContainerConfigError", NULL, NULL, CAUSE_CONFIG },
	{ "FailedMount", NULL, NULL, CAUSE_MOUNT },
	{ "FailedAttachVolume", NULL, NULL, CAUSE_MOUNT },
	{ "FailedCreatePodSandBox", NULL, NULL, CAUSE_SANDBOX },
	{ "Unhealthy", NULL, NULL, CAUSE_PROBE },
	{ "Unschedulable", NULL, NULL, CAUSE_UNSCHEDULABLE },
	{ "FailedScheduling", NULL, NULL, CAUSE_UNSCHEDULABLE },
	{ "Evicted", NULL, NULL, CAUSE_EVICTED },
	{ "Preempting", NULL, NULL, CAUSE_EVICTED },
	{ "NodeShutdown", NULL, NULL, CAUSE_EVICTED },
	{ "Terminated", NULL, NULL, CAUSE_EVICTED },
	{ "FailedCreate", " exceeded quota: ", NULL, CAUSE_QUOTA },
	{ "FailedCreate", NULL, NULL, CAUSE_ADMISSION },
	{ NULL, " exec format error", NULL, CAUSE_ARCHITECTURE },
	{ "RunContainerError", " no such file or directory", NULL, CAUSE_EXEC },
	{ "RunContainerError", " permission denied", NULL, CAUSE_EXEC },
	{ "RunContainerError", " not found in $PATH", NULL, CAUSE_EXEC },
	{ "RunContainerError", NULL, NULL, CAUSE_CREATE },
	{ "StartError", NULL, NULL, CAUSE_EXEC },
	{ "ContainerCannotRun", NULL, NULL, CAUSE_EXEC },
	{ "CreateContainerError", " executable file not found", NULL, CAUSE_EXEC },
	{ "CreateContainerError", NULL, NULL, CAUSE_CREATE },
	{ "PreCreateHookError", NULL, NULL, CAUSE_CREATE },
	{ "PreStartHookError", NULL, NULL, CAUSE_CREATE },
	{ "PostStartHookError", NULL, NULL, CAUSE_CRASH },
	{ "CrashLoopBackOff", NULL, NULL, CAUSE_CRASH },
	{ "Error", NULL, NULL, CAUSE_CRASH },
	{ "Completed", NULL, NULL, CAUSE_CRASH },
	{ "ContainerCreating", NULL, NULL, CAUSE_NONE },
	{ "PodInitializing", NULL, NULL, CAUSE_NONE },
};

/* What a failed pull says, the most telling first. */
static const struct row by_message[] = {
	{ NULL, " pull QPS exceeded ", NULL, CAUSE_QPS },
	{ NULL, " no match for platform in manifest", NULL, CAUSE_PLATFORM },
	{ NULL, " no matching manifest for ", NULL, CAUSE_PLATFORM },
	{ NULL, " no image found in image index for architecture", NULL, CAUSE_PLATFORM },
	{ NULL, " no image found in manifest list for architecture", NULL, CAUSE_PLATFORM },
	{ NULL, " image operating system ", " cannot be used on this platform", CAUSE_PLATFORM },
	{ NULL, " could not fetch content descriptor ", " not found", CAUSE_BLOB_MISSING },
	{ NULL, " blob unknown", NULL, CAUSE_BLOB_MISSING },
	{ NULL, " unexpected commit digest ", NULL, CAUSE_BLOB_CORRUPT },
	{ NULL, " filesystem layer verification failed ", NULL, CAUSE_BLOB_CORRUPT },
	{ NULL, " Digest did not match expected ", NULL, CAUSE_BLOB_CORRUPT },
	{ NULL, " is no longer supported since containerd ", NULL, CAUSE_FORMAT },
	{ NULL, " unsupported manifest media type", NULL, CAUSE_FORMAT },
	{ NULL, " schema 1 ", " no longer supported", CAUSE_FORMAT },
	{ NULL, " image verifier ", " blocked pull of ", CAUSE_POLICY },
	{ NULL, " Source image rejected: ", NULL, CAUSE_POLICY },
	{ NULL, " is rejected by policy", NULL, CAUSE_POLICY },
	{ NULL, " is not present with pull policy of Never", NULL, CAUSE_POLICY },
	{ NULL, " no space left on device", NULL, CAUSE_DISK },
	{ NULL, " x509: ", NULL, CAUSE_TLS },
	{ NULL, " first record does not look like a TLS handshake", NULL, CAUSE_TLS },
	{ NULL, " server gave HTTP response to HTTPS client", NULL, CAUSE_TLS },
	{ NULL, " remote error: tls: ", NULL, CAUSE_TLS },
	{ NULL, " invalid reference format", NULL, CAUSE_NAME },
	{ NULL, " 429 Too Many Requests", NULL, CAUSE_RATE_LIMITED },
	{ NULL, " toomanyrequests: ", NULL, CAUSE_RATE_LIMITED },
	{ NULL, " too many requests to registry", NULL, CAUSE_RATE_LIMITED },
	{ NULL, " 500 Internal Server Error", NULL, CAUSE_SERVER },
	{ NULL, " 502 Bad Gateway", NULL, CAUSE_SERVER },
	{ NULL, " 503 Service Unavailable", NULL, CAUSE_SERVER },
	{ NULL, " 504 Gateway Time", NULL, CAUSE_SERVER },
	{ NULL, " received unexpected HTTP status: 5", NULL, CAUSE_SERVER },
	{ NULL, " manifest unknown", NULL, CAUSE_NOT_FOUND },
	{ NULL, " name unknown", NULL, CAUSE_NOT_FOUND },
	{ NULL, " code = NotFound ", NULL, CAUSE_NOT_FOUND },
	{ NULL, " repository does not exist or may require ", NULL, CAUSE_DENIED },
	{ NULL, " anonymous token: ", " 401 Unauthorized", CAUSE_ANONYMOUS },
	{ NULL, " anonymous token: ", " 403 Forbidden", CAUSE_ANONYMOUS },
	{ NULL, " no basic auth credentials", NULL, CAUSE_ANONYMOUS },
	{ NULL, " Unauthenticated request", NULL, CAUSE_ANONYMOUS },
	{ NULL, " 403 Forbidden", NULL, CAUSE_DENIED },
	{ NULL, " 401 Unauthorized", NULL, CAUSE_DENIED },
	{ NULL, " denied: ", NULL, CAUSE_DENIED },
	{ NULL, " access to the resource is denied", NULL, CAUSE_DENIED },
	{ NULL, " unauthorized: ", NULL, CAUSE_DENIED },
	{ NULL, " authentication required", NULL, CAUSE_DENIED },
	{ NULL, " authorization failed", NULL, CAUSE_DENIED },
	{ NULL, " invalid username", NULL, CAUSE_DENIED },
	{ NULL, " incorrect username or password", NULL, CAUSE_DENIED },
	{ NULL, " no such host", NULL, CAUSE_DNS },
	{ NULL, " dial tcp: lookup ", NULL, CAUSE_DNS },
	{ NULL, " server misbehaving", NULL, CAUSE_DNS },
	{ NULL, " Temporary failure in name resolution", NULL, CAUSE_DNS },
	{ NULL, " connection refused", NULL, CAUSE_NETWORK },
	{ NULL, " connection reset by peer", NULL, CAUSE_NETWORK },
	{ NULL, " connection timed out", NULL, CAUSE_NETWORK },
	{ NULL, " broken pipe", NULL, CAUSE_NETWORK },
	{ NULL, " no route to host", NULL, CAUSE_NETWORK },
	{ NULL, " network is unreachable", NULL, CAUSE_NETWORK },
	{ NULL, " unexpected EOF", NULL, CAUSE_NETWORK },
	{ NULL, " i/o timeout", NULL, CAUSE_TIMEOUT },
	{ NULL, " TLS handshake timeout", NULL, CAUSE_TIMEOUT },
	{ NULL, " Client.Timeout exceeded", NULL, CAUSE_TIMEOUT },
	{ NULL, " request canceled", NULL, CAUSE_TIMEOUT },
	{ NULL, " context canceled", NULL, CAUSE_TIMEOUT },
	{ NULL, " context deadline exceeded", NULL, CAUSE_TIMEOUT },
	{ NULL, " code = DeadlineExceeded ", NULL, CAUSE_TIMEOUT },
	{ NULL, " code = Unavailable ", NULL, CAUSE_NETWORK },
	{ NULL, " failed to do request: ", NULL, CAUSE_NETWORK },
	{ NULL, " 404 Not Found", NULL, CAUSE_NOT_FOUND },
	{ NULL, " not found", NULL, CAUSE_NOT_FOUND },
};

/* Prose */

#define BLANKS " \t\r\n"

struct prose {
	char text[CLASSIFY_TEXT_MAX + 8]; /* a blank at each end and where it was cut */
	size_t len;
};

static void prose_add(struct prose *p, const char *word, size_t len)
{
	if (p->len + len + 1 >= sizeof(p->text))
		return;
	memcpy(p->text + p->len, word, len);
	p->len += len;
	p->text[p->len++] = ' ';
}

/* Names, URLs and media types have a slash; what is quoted is a name, unless it has blanks. */
static bool is_prose(const char *word, size_t len)
{
	if (len == 3 && memcmp(word, "i/o", 3) == 0)
		return true;
	return memchr(word, '/', len) == NULL && memchr(word, '@', len) == NULL &&
	       !(word[0] == '"' && memchr(word + 1, '"', len - 1));
}

/* Brackets around an aggregate and around a status are no part of a word. */
static void prose_add_word(struct prose *p, const char *word, size_t len)
{
	while (len > 0 && strchr("[(", *word)) {
		word++;
		len--;
	}
	while (len > 0 && strchr("]),", word[len - 1]))
		len--;
	if (len > 0 && is_prose(word, len))
		prose_add(p, word, len);
}

/* One blank between words, whatever there was, and one at each end. */
static void prose_add_text(struct prose *p, const char *text, size_t left)
{
	while (left > 0) {
		size_t len = 0;

		while (len < left && !strchr(BLANKS, text[len]))
			len++;
		prose_add_word(p, text, len);
		len += len < left;
		text += len;
		left -= len;
	}
}

/* Of a long text its beginning and its end, where the cause stands. */
static void prose_of(const char *message, struct prose *p)
{
	size_t len = strlen(message), half = CLASSIFY_TEXT_MAX / 2;

	p->text[0] = ' ';
	p->len = 1;
	if (len > CLASSIFY_TEXT_MAX) {
		prose_add_text(p, message, half);
		message += len - half;
		len = half;
	}
	prose_add_text(p, message, len);
	p->text[p->len] = '\0';
}

/* The table */

static bool row_holds(const struct row *r, const char *reason, const struct prose *p)
{
	if (r->reason && (!reason || strcmp(r->reason, reason) != 0))
		return false;
	return (!r->word || strstr(p->text, r->word)) && (!r->other || strstr(p->text, r->other));
}

static const struct row *row_find(const struct row *rows, size_t count, const char *reason,
				  const struct prose *p)
{
	for (size_t i = 0; i < count; i++)
		if (row_holds(&rows[i], reason, p))
			return &rows[i];
	return NULL;
}

/* "Error: ImagePullBackOff" is a kubelet's event that repeats its own status. */
static bool is_bare_back_off(const char *reason, const struct prose *p)
{
	if (strstr(p->text, " Back-off pulling image "))
		return true;
	if (strcmp(p->text, " Error: ErrImagePull ") == 0 ||
	    strcmp(p->text, " Error: ImagePullBackOff ") == 0)
		return true;
	return reason && strcmp(reason, "BackOff") == 0;
}

enum cause classify(const char *reason, const char *message)
{
	struct prose p;
	const struct row *row;
	bool is_blank;

	if (!message)
		message = "";
	is_blank = message[strspn(message, BLANKS)] == '\0';
	if (!reason && is_blank)
		return CAUSE_NONE;
	prose_of(message, &p);
	row = row_find(by_reason, ARRAY_SIZE(by_reason), reason, &p);
	if (!row)
		row = row_find(by_message, ARRAY_SIZE(by_message), reason, &p);
	if (row)
		return row->cause;
	return is_blank || is_bare_back_off(reason, &p) ? CAUSE_BACK_OFF : CAUSE_UNCLASSIFIED;
}

static int telling(enum cause c)
{
	if (c == CAUSE_NONE)
		return 0;
	if (c == CAUSE_BACK_OFF)
		return 1;
	return c == CAUSE_UNCLASSIFIED ? 2 : 3;
}

bool cause_is_better(enum cause a, enum cause b)
{
	return telling(b) >= telling(a);
}
