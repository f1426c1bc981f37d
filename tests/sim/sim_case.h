/*
 * Whole pushes in a simulated world, and the laws they are judged by (the promise of the program, seen from the
 * registry's side): one push, or one that is killed and run again, or two to the same tag at once.
 */
#ifndef SIM_CASE_H
#define SIM_CASE_H

#include "registry/push.h"
#include "sim/sim_pending.h"
#include "sim/sim_source.h"

#define SIM_TAG "v1"
#define SIM_KILLS_MAX 3

struct sim_push {
	struct image *image;
	struct push_result result;
	struct err err;
	int64_t begun_ms;    /* boot clock */
	size_t first_record; /* of the registry's, since it began */
	int64_t took_ms;
	bool landed;
};

struct sim_case {
	struct sim sim;
	struct sim_source source;
	struct sim_push push;
	struct strings more_tags;
	struct strings mount_from;
	struct push_options options;
	struct reference cache_from; /* host NULL: none */
	int64_t timeout_ms;

	/* the image has pending layers: each process opens it anew */
	bool is_pending;
	struct sim_pending_options pending;
	uint64_t pending_seed;

	int64_t suspended_ms; /* meanwhile: nothing can end before the machine wakes up */

	/* SIGKILL so long after the start, and the same command again */
	int64_t kills_ms[SIM_KILLS_MAX];
	size_t kill_count;
	size_t killed;

	/* somebody else, who pushes to the same tag; no image: nobody */
	struct sim_push rival;
	bool rival_is_same; /* his image is ours */
	int64_t rival_after_ms;
};

enum sim_law {
	LAW_KEPT,
	LAW_WRONG_SUCCESS, /* true, and the image is not whole in the registry */
	LAW_SURRENDER,	   /* false, although the world had become good in time */
	LAW_DISOWNED,	   /* the tag was moved, and the error does not say that it may have been */
	LAW_SECRET,	   /* a token went to another origin */
	LAW_TOO_LONG,
	LAW_UNFOUNDED,	/* a manifest was sent before what it names, with no fault to blame */
	LAW_SENT_TWICE, /* a blob was there and shown, and was sent again without a reason */
	LAW_TOKEN_RUSH, /* several token requests of one session under way at once */
	SIM_LAWS,
};

extern const char *const sim_law_names[SIM_LAWS];

/* An index over two platforms, four workers, tokens of five minutes; everything may be changed before it runs. */
void sim_case_init(struct sim_case *c, uint64_t seed);
void sim_case_image(struct sim_case *c, struct sim_rng *rng,
		    const struct sim_image_options *options);
/* Pending is set: the image as a process finds it that has just been started. */
void sim_case_open(struct sim_case *c);
void sim_case_run(struct sim_case *c);
void sim_case_clear(struct sim_case *c);

/* WHY gets a sentence when a law is broken. */
enum sim_law sim_case_judge(struct sim_case *c, bool must_land, struct buf *why);

size_t sim_case_faults(const struct sim_case *c);

#endif
