#include "kube/watch.h"

#include "base/mem.h"
#include "kube/client_private.h"
#include "kube/status.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MS 30000

/* Asked of the server, as client-go does: streams of many clients do not all end at once. */
#define STREAM_S 300

/* Between attempts, doubled each time. */
#define FIRST_WAIT_MS 800
#define LONGEST_WAIT_MS 30000

/* A stream that brought nothing and was over sooner is a fault. */
#define SHORT_STREAM_MS 1000

/* One that lived longer was no fault before it was cut. */
#define LONG_STREAM_MS 10000

/* What cannot be read, or a login that cannot be had, may pass; so often in a row it does not. */
#define UNREADABLE_MAX 5
#define FIRST_FAULTS_MAX 3
#define LOGINS_MAX 6

enum stage {
	STAGE_LIST,   /* a list is to be begun */
	STAGE_ITEMS,  /* its items come */
	STAGE_WATCH,  /* a stream is to be begun at VERSION */
	STAGE_EVENTS, /* its events come */
};

struct kube_watch {
	struct kube_client *client;
	struct kube_selection selection;
	char *url;
	enum stage stage;
	char *version; /* the stream goes on behind it */
	char *next;    /* the token of the list's page to come, or NULL */
	bool begun; /* items of a list were handed over that did not become complete, or a complete one */
	bool synced;	   /* there was a complete list once: then the server is known */
	struct js *object; /* of the last event */
	int64_t opened_ms;
	bool brought;  /* the stream did */
	bool lost;     /* nothing is being read */
	size_t faults; /* in a row: waits grow by it */
	size_t unreadable;
	size_t logins;
	unsigned int salt;
	struct kube_watch_tally tally;
	struct kube_stream stream;
};

bool kube_watch_open(struct kube_client *c, const struct kube_selection *selection,
		     struct kube_watch **ret, struct err *err)
{
	CLEANUP(kube_watch_freep) struct kube_watch *k = NEW(struct kube_watch);

	k->client = c;
	k->selection = *selection;
	k->selection.path = mem_strdup(selection->path);
	k->selection.labels = mem_strdup_or_null(selection->labels);
	k->selection.fields = mem_strdup_or_null(selection->fields);
	if (!kube_selection_url(c, selection, &k->url, err))
		return false;
	*ret = TAKE(k);
	return true;
}

void kube_watch_free(struct kube_watch *k)
{
	if (!k)
		return;
	kube_stream_close(&k->stream);
	js_free(k->object);
	free((char *)k->selection.path);
	free((char *)k->selection.labels);
	free((char *)k->selection.fields);
	free(k->url);
	free(k->version);
	free(k->next);
	free(k);
}

struct kube_watch_tally kube_watch_tally(const struct kube_watch *k)
{
	return k->tally;
}

bool kube_watch_is_lost(const struct kube_watch *k)
{
	return k->lost;
}

/* Faults */

static void relist(struct kube_watch *k)
{
	kube_stream_close(&k->stream);
	free(TAKE(k->next));
	k->stage = STAGE_LIST;
}

/* The stream is over: the next one goes on where it was. */
static void resume(struct kube_watch *k)
{
	kube_stream_close(&k->stream);
	k->stage = STAGE_WATCH;
}

static bool wait_for_fault(struct kube_watch *k, const struct world *w, struct err *err)
{
	int64_t wait_ms = FIRST_WAIT_MS;
	CLEANUP(mem_freep) char *text = NULL;
	struct err cut_short = ERR_INIT;

	for (size_t i = 0; i < k->faults && wait_ms < LONGEST_WAIT_MS; i++)
		wait_ms *= 2;
	if (wait_ms > LONGEST_WAIT_MS)
		wait_ms = LONGEST_WAIT_MS;
	k->faults++;
	k->lost = true;
	text = mem_printf("watch of '%s': %s", k->selection.path,
			  err->message ? err->message : "the stream ended at once");
	world_tell(w,
		   &(struct event){ .kind = EVENT_WAIT, .text = text, .wait = { .ms = wait_ms } });
	if (world_sleep(w, wait_ms, &cut_short)) {
		err_clear(err);
		return true;
	}
	if (cut_short.code == ERR_TIMEOUT && err->message)
		err_evidence(&cut_short, "%s", err->message);
	err_move(err, &cut_short);
	return false;
}

/*
 * Whether what went wrong may pass. A server that nobody has heard yet gets the patience of any request, little more.
 * One that has just come up again may know neither logins nor rights for a moment.
 */
static bool may_pass(struct kube_watch *k, const struct err *err)
{
	switch (err->code) {
	case ERR_NET:
	case ERR_RATE_LIMITED:
		return k->synced || k->faults < FIRST_FAULTS_MAX;
	case ERR_NO_REGISTRY:
		return ++k->unreadable <= UNREADABLE_MAX;
	case ERR_NO_CREDENTIAL:
	case ERR_REFUSED:
	case ERR_CLUSTER_REFUSED:
		return k->synced && ++k->logins <= LOGINS_MAX;
	default:
		return false;
	}
}

/* CODE is the answer's, 0 when there was none. */
static bool after_fault(struct kube_watch *k, const struct world *w, int code, struct err *err)
{
	bool unreadable = err->code == ERR_NO_REGISTRY;

	if (code == 410) { /* the version, or the list's page, is too old: begin anew at once */
		err_clear(err);
		relist(k);
		/* but not again and again */
		return k->faults++ == 0 || wait_for_fault(k, w, err);
	}
	if (!may_pass(k, err))
		return false;
	k->tally.malformed += unreadable;
	if (k->stage == STAGE_EVENTS && world_now_ms(w) - k->opened_ms >= LONG_STREAM_MS)
		k->faults = 0;
	if (unreadable || k->stage == STAGE_LIST || k->stage == STAGE_ITEMS)
		relist(k);
	else
		resume(k);
	return wait_for_fault(k, w, err);
}

/* It was answered. */
static void found(struct kube_watch *k, const struct world *w)
{
	CLEANUP(mem_freep) char *text = NULL;

	if (!k->lost)
		return;
	text = mem_printf("watch of '%s' goes on", k->selection.path);
	k->lost = false;
	world_tell(w, &(struct event){ .kind = EVENT_WAIT, .text = text });
}

static void all_is_well(struct kube_watch *k)
{
	k->faults = 0;
	k->unreadable = 0;
	k->logins = 0;
}

/* The list */

static bool open_list(struct kube_watch *k, const struct world *w, struct err *err)
{
	const struct kube_stream_options options = {
		.verb = "list",
		.accept = kube_accept(&k->selection, true),
		.form = SPLITTER_LIST,
		.answer_ms = 2 * ANSWER_MS,
	};
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	CLEANUP(mem_freep) char *url = mem_strdup(k->url);
	char limit[24];

	snprintf(limit, sizeof(limit), "%zu", k->selection.page ? k->selection.page : KUBE_PAGE);
	if (!kube_add_query(&url, "limit", limit, err) ||
	    !kube_add_query(&url, "continue", k->next, err))
		return false;
	k->tally.lists += !k->next;
	if (!kube_stream_open(k->client, w, k->selection.path, url, &options, &k->stream, &reply,
			      err))
		return after_fault(k, w, reply.code, err);
	k->stage = STAGE_ITEMS;
	found(k, w);
	return true;
}

static char *text_at(const struct js *object, const char *key)
{
	const char *text = js_string(js_get(object, key));

	return text && *text ? mem_strdup(text) : NULL;
}

/* *ret says whether there is an event in EVENT. */
static bool end_page(struct kube_watch *k, const struct js *rest, struct kube_watch_event *event,
		     bool *ret)
{
	const struct js *metadata = js_get(rest, "metadata");

	free(k->next);
	k->next = text_at(metadata, "continue");
	kube_stream_close(&k->stream);
	k->stage = STAGE_LIST;
	if (k->next)
		return true;
	free(k->version);
	k->version = text_at(metadata, "resourceVersion");
	k->stage = STAGE_WATCH;
	k->synced = true;
	k->logins = 0;
	event->kind = KUBE_WATCH_SYNCED;
	*ret = true;
	return true;
}

static bool next_item(struct kube_watch *k, const struct world *w, struct kube_watch_event *event,
		      bool *ret, struct err *err)
{
	CLEANUP(js_freep) struct js *rest = NULL;

	if (!kube_stream_next(&k->stream, w, &k->object, &rest, err))
		return after_fault(k, w, 0, err);
	if (!k->object)
		return end_page(k, rest, event, ret);
	event->kind = KUBE_WATCH_ADDED;
	event->object = k->object;
	*ret = true;
	return true;
}

/* The stream of changes */

static bool open_stream(struct kube_watch *k, const struct world *w, struct err *err)
{
	const struct kube_stream_options options = {
		.verb = "watch",
		.accept = kube_accept(&k->selection, false),
		.form = SPLITTER_STREAM,
		.stall_ms = kube_silence_ms(k->client),
		.answer_ms = ANSWER_MS,
	};
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };
	CLEANUP(mem_freep) char *url = mem_strdup(k->url);
	char seconds[24];

	k->salt = k->salt * 1103515245U + (unsigned int)world_now_ms(w) + 12345U;
	snprintf(seconds, sizeof(seconds), "%u", STREAM_S + (k->salt >> 8) % STREAM_S);
	if (!kube_add_query(&url, "watch", "true", err) ||
	    !kube_add_query(&url, "allowWatchBookmarks", "true", err) ||
	    !kube_add_query(&url, "resourceVersion", k->version, err) ||
	    !kube_add_query(&url, "timeoutSeconds", seconds, err))
		return false;
	k->tally.streams++;
	k->opened_ms = world_now_ms(w);
	k->brought = false;
	if (!kube_stream_open(k->client, w, k->selection.path, url, &options, &k->stream, &reply,
			      err))
		return after_fault(k, w, reply.code, err);
	k->stage = STAGE_EVENTS;
	found(k, w);
	return true;
}

static bool is_event(const char *type, enum kube_watch_kind *ret)
{
	static const struct {
		const char *word;
		enum kube_watch_kind kind;
	} kinds[] = { { "ADDED", KUBE_WATCH_ADDED },
		      { "MODIFIED", KUBE_WATCH_MODIFIED },
		      { "DELETED", KUBE_WATCH_DELETED } };

	for (size_t i = 0; type && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(type, kinds[i].word) == 0) {
			*ret = kinds[i].kind;
			return true;
		}
	return false;
}

/* {"type": "ERROR", "object": Status}: the stream is over. */
static bool on_error(struct kube_watch *k, const struct world *w, const struct js *status,
		     struct err *err)
{
	CLEANUP(kube_reply_clear) struct kube_reply reply = { 0 };

	kube_status_of_object(status, &reply);
	kube_status_err("watch", k->selection.path, &reply, err);
	if (reply.code != 410 && err->code != ERR_NET && err->code != ERR_RATE_LIMITED) {
		/* rights are judged where a stream begins: there the same is said again if it stays so */
		err->code = ERR_NET;
	}
	return after_fault(k, w, reply.code, err);
}

static bool unreadable(struct kube_watch *k, const struct world *w, struct err *err)
{
	err_set(err, ERR_NO_REGISTRY, "what the cluster sent is no event of a watch");
	return after_fault(k, w, 0, err);
}

static bool take_event(struct kube_watch *k, const struct world *w, struct kube_watch_event *event,
		       bool *ret, struct err *err)
{
	const char *type = js_string(js_get(k->object, "type"));
	const struct js *object = js_get(k->object, "object");
	char *version = text_at(js_get(object, "metadata"), "resourceVersion");
	bool bookmark = type && strcmp(type, "BOOKMARK") == 0;

	if (type && strcmp(type, "ERROR") == 0) {
		free(version);
		return on_error(k, w, object, err);
	}
	*ret = is_event(type, &event->kind);
	if (!version || (!*ret && !bookmark)) {
		free(version);
		*ret = false;
		return unreadable(k, w, err);
	}
	free(k->version);
	k->version = version;
	k->brought = true;
	k->tally.bookmarks += bookmark;
	event->object = *ret ? object : NULL;
	all_is_well(k);
	return true;
}

static bool end_stream(struct kube_watch *k, const struct world *w, struct err *err)
{
	bool at_once = !k->brought && world_now_ms(w) - k->opened_ms < SHORT_STREAM_MS;

	resume(k);
	if (at_once)
		return wait_for_fault(k, w, err);
	all_is_well(k);
	return true;
}

static bool next_event(struct kube_watch *k, const struct world *w, struct kube_watch_event *event,
		       bool *ret, struct err *err)
{
	if (!kube_stream_next(&k->stream, w, &k->object, NULL, err))
		return after_fault(k, w, 0, err);
	if (!k->object)
		return end_stream(k, w, err);
	return take_event(k, w, event, ret, err);
}

/* One step; true without an event when the next one is due. */
static bool step(struct kube_watch *k, const struct world *w, struct kube_watch_event *event,
		 bool *ret, struct err *err)
{
	switch (k->stage) {
	case STAGE_LIST:
		if (k->begun && !k->next) {
			k->begun = false;
			event->kind = KUBE_WATCH_RESTARTED;
			*ret = true;
			return true;
		}
		return open_list(k, w, err);
	case STAGE_ITEMS:
		k->begun = true;
		return next_item(k, w, event, ret, err);
	case STAGE_WATCH:
		return open_stream(k, w, err);
	case STAGE_EVENTS:
		return next_event(k, w, event, ret, err);
	}
	return false;
}

bool kube_watch_next(struct kube_watch *k, const struct world *w, struct kube_watch_event *ret,
		     struct err *err)
{
	bool has_event = false;

	*ret = (struct kube_watch_event){ 0 };
	do {
		js_free(TAKE(k->object));
		if (!world_check(w, err) || !step(k, w, ret, &has_event, err))
			return false;
	} while (!has_event);
	return true;
}
