/*
 * What the parts of following a rollout share: rollout_lane.c reads watches and tells the judge what came, rollout.c asks
 * the judge and the registry.
 */
#ifndef CLI_ROLLOUT_PRIVATE_H
#define CLI_ROLLOUT_PRIVATE_H

#include "cli/rollout.h"
#include "kube/watch.h"

struct follow;

/* One watch, and the task that reads it. */
struct lane {
	struct observer observer; /* hears of its own watch alone */
	struct follow *follow;
	enum sight_what of;
	struct kube_watch *watch;
	struct world world;
	struct task *task;
	enum watch_state state;
	bool was_synced;
	bool has_skipped;
};

#define LANES 4

struct asking {
	struct task *task;
	struct follow *follow;
	char *image;
	char *node;
	bool is_running;
};

struct follow {
	const struct world *world;
	const struct rollout_wanted *wanted;
	struct world inner; /* ends with the verdict, and not by itself */
	struct cancel *cancel;
	char *labels; /* the workload's selector */
	char *fields;
	struct lane lanes[LANES];
	size_t lane_count;
	struct asking asking;
	char told[256];
	int64_t told_ms;
	/* Under the monitor: */
	struct monitor *monitor;
	struct rollout *judge;
	bool has_news;
	bool is_over; /* by ERR, or a cancel */
	struct err err;
};

/* rollout_lane.c. From any thread. */
void rollout_tell_judge(struct follow *f, const struct sight *s);

/* What was opened is in F's lanes also when this fails. */
bool rollout_open_lanes(struct follow *f, struct err *err);

#endif
