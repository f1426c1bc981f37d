#include "report/tally.h"

#include "base/mem.h"
#include "report/tokens.h"

#include <stdio.h>

struct tally {
	struct observer observer;
	struct sched *sched;
	struct monitor *monitor;
	struct tokens tokens;
	struct tally_count count;
};

static void count_event(struct tally *t, const struct event *e)
{
	const struct token *before;

	switch (e->kind) {
	case EVENT_REQUEST:
		t->count.requests++;
		t->count.retries += e->request.attempt > 1;
		break;
	case EVENT_BLOB:
		t->count.retries += e->blob.stage == BLOB_STAGE_AGAIN;
		break;
	case EVENT_TOKEN:
		t->count.renewals += tokens_note(&t->tokens, e, &before) == TOKEN_RENEWED;
		break;
	case EVENT_REFUSED:
		tokens_refused(&t->tokens, e);
		break;
	case EVENT_PHASE:
	case EVENT_NOTE:
	case EVENT_WAIT:
	case EVENT_PROOF:
		break;
	}
}

static void tally_tell(struct observer *o, const struct event *e)
{
	struct tally *t = (struct tally *)o;

	monitor_enter(t->sched, t->monitor);
	count_event(t, e);
	monitor_leave(t->sched, t->monitor);
}

struct tally *tally_new(struct sched *sched)
{
	struct tally *t = NEW(struct tally);

	t->observer.tell = tally_tell;
	t->sched = sched;
	t->monitor = monitor_new(sched);
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	tokens_clear(&t->tokens);
	monitor_free(t->sched, t->monitor);
	free(t);
}

struct observer *tally_observer(struct tally *t)
{
	return &t->observer;
}

struct tally_count tally_read(struct tally *t, bool begin_anew)
{
	const struct token *leading;
	struct tally_count count;

	monitor_enter(t->sched, t->monitor);
	count = t->count;
	leading = tokens_leading(&t->tokens);
	if (leading && leading->source) {
		snprintf(count.token_source, sizeof(count.token_source), "%s", leading->source);
	}
	if (begin_anew)
		t->count = (struct tally_count){ 0 };
	monitor_leave(t->sched, t->monitor);
	return count;
}
