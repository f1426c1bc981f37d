#include "report/progress.h"

#include "base/mem.h"
#include "report/display.h"

struct progress {
	struct observer observer;
	struct sched *sched;
	struct monitor *monitor;
	struct board board;
	struct display *display;
	bool holds_terminal;
	bool finished;
};

static void progress_tell(struct observer *o, const struct event *e)
{
	struct progress *p = (struct progress *)o;
	struct board_blob *blob;

	monitor_enter(p->sched, p->monitor);
	blob = board_note(&p->board, e);
	if (!p->finished)
		p->display->ops->show(p->display, e, blob);
	monitor_leave(p->sched, p->monitor);
}

static enum progress_mode mode_of(const struct progress_options *options)
{
	if (options->mode != PROGRESS_AUTO)
		return options->mode;
	return options->look.terminal ? PROGRESS_TTY : PROGRESS_PLAIN;
}

static struct display *display_of(enum progress_mode mode)
{
	switch (mode) {
	case PROGRESS_TTY:
		return display_tty_new();
	case PROGRESS_JSON:
		return display_json_new();
	case PROGRESS_NONE:
		return display_none_new();
	case PROGRESS_AUTO:
	case PROGRESS_PLAIN:
		break;
	}
	return display_plain_new();
}

struct progress *progress_new(const struct progress_options *options, const struct world *world)
{
	struct progress *p = NEW(struct progress);
	enum progress_mode mode = mode_of(options);

	p->observer.tell = progress_tell;
	p->sched = world->sched;
	p->monitor = monitor_new(world->sched);
	p->holds_terminal = mode == PROGRESS_TTY;
	p->display = display_of(mode);
	p->display->board = &p->board;
	p->display->clock = world->clock;
	p->display->look = options->look;
	p->display->verbose = options->verbose;
	p->display->out = options->out;
	return p;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	progress_finish(p);
	p->display->ops->free(p->display);
	board_clear(&p->board);
	monitor_free(p->sched, p->monitor);
	free(p);
}

struct observer *progress_observer(struct progress *p)
{
	return &p->observer;
}

bool progress_holds_terminal(const struct progress *p)
{
	return p->holds_terminal && !p->finished;
}

void progress_title(struct progress *p, const char *title)
{
	monitor_enter(p->sched, p->monitor);
	if (!p->finished)
		p->display->ops->settle(p->display);
	board_begin(&p->board, title);
	monitor_leave(p->sched, p->monitor);
}

void progress_settle(struct progress *p)
{
	monitor_enter(p->sched, p->monitor);
	if (!p->finished)
		p->display->ops->settle(p->display);
	monitor_leave(p->sched, p->monitor);
}

void progress_finish(struct progress *p)
{
	monitor_enter(p->sched, p->monitor);
	if (!p->finished)
		p->display->ops->finish(p->display);
	p->finished = true;
	monitor_leave(p->sched, p->monitor);
}
