#include "cli/talk.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/tell.h"
#include "report/format.h"
#include "report/result.h"
#include "report/tee.h"
#include "report/timeline.h"

struct talk {
	struct tee tee;
	struct tally *tally;
	struct progress *progress;
	struct timeline *timeline; /* NULL: not asked for */
	struct look look;
	bool quiet;
	bool json; /* every line is an object, also what is said and the error */
	FILE *out;
};

struct talk *talk_new(const struct world *world, const struct common_settings *settings, FILE *out)
{
	struct talk *t = NEW(struct talk);
	struct progress_options options = {
		.mode = settings->quiet ? PROGRESS_NONE : settings->progress,
		.verbose = settings->quiet ? 0 : settings->verbose,
		.look = look_of(out),
		.out = out,
	};

	t->look = options.look;
	t->quiet = settings->quiet;
	t->json = settings->progress == PROGRESS_JSON;
	t->out = out;
	t->tally = tally_new(world->sched);
	t->progress = progress_new(&options, world);
	if (settings->timeline)
		t->timeline = timeline_new(world);
	tee_init(&t->tee);
	tee_add(&t->tee, tally_observer(t->tally));
	tee_add(&t->tee, progress_observer(t->progress));
	if (t->timeline)
		tee_add(&t->tee, timeline_observer(t->timeline));
	return t;
}

void talk_free(struct talk *t)
{
	if (!t)
		return;
	progress_free(t->progress);
	timeline_free(t->timeline);
	tally_free(t->tally);
	free(t);
}

struct observer *talk_observer(struct talk *t)
{
	return &t->tee.observer;
}

bool talk_holds_terminal(const struct talk *t)
{
	return progress_holds_terminal(t->progress);
}

void talk_title(struct talk *t, const char *title)
{
	tally_read(t->tally, true);
	progress_title(t->progress, title);
}

static void print_object(struct talk *t, struct js *object, const char *event)
{
	CLEANUP(mem_freep) char *text = NULL;

	js_put_string(object, "event", event);
	text = js_text(object, JS_COMPACT);
	fprintf(t->out, "%s\n", text);
	fflush(t->out);
	js_free(object);
}

static void say_json(struct talk *t, const char *line)
{
	struct js *object = js_object();

	js_put_string(object, "text", line);
	print_object(t, object, "note");
}

void talk_say(struct talk *t, const char *line)
{
	progress_settle(t->progress);
	if (t->quiet)
		return;
	if (t->json) {
		say_json(t, line);
		return;
	}
	print_clean(t->out, line);
	fputc('\n', t->out);
	fflush(t->out);
}

void talk_error(struct talk *t, const struct err *err)
{
	progress_settle(t->progress);
	if (t->json)
		print_object(t, error_json(err), "error");
	else
		tell_error(t->out, t->look.colour, err);
}

struct tally_count talk_count(struct talk *t)
{
	return tally_read(t->tally, false);
}

void talk_finish(struct talk *t)
{
	CLEANUP(buf_clear) struct buf drawing = BUF_INIT(BUF_TEXT_CEILING);

	progress_finish(t->progress);
	if (t->timeline)
		timeline_draw(t->timeline, &t->look, &drawing);
	fputs(buf_str(&drawing), t->out);
	fflush(t->out);
	timeline_free(TAKE(t->timeline));
}
