/*
 * Private to compress.h: the workers (compressor.c) and the layers that they work for (packing.c).
 * All but what stays as it was made is looked at and changed inside the monitor only.
 */
#ifndef IMAGE_COMPRESSOR_H
#define IMAGE_COMPRESSOR_H

#include "image/compress.h"

struct codec;

enum block_state {
	BLOCK_QUEUED,
	BLOCK_TAKEN, /* by a worker, outside of the monitor */
	BLOCK_DONE,
};

struct block {
	struct block *next; /* of its packing, in order; or the next spare one */
	enum block_state state;
	char *bytes;
	size_t len;
	struct err err;
};

struct packing {
	struct compressor *compressor;
	const struct world *world;
	packing_out out;
	void *arg;
	struct packing *next;
	size_t taken; /* when a worker last took a block of it: the compressor's count then */
	struct block *first; /* not yet given out, in order */
	struct block *last;
	struct block *filling; /* not in the row yet */
	size_t held;	       /* in the row, and the one that is filled */
	bool begun;	       /* something is in the row, or was */
};

struct compressor {
	struct compression compression;
	struct sched *sched;
	struct monitor *monitor;
	size_t block_bytes;
	struct packing *packings; /* the oldest first */
	size_t taken;		  /* blocks, by workers */
	struct block *spare;
	size_t blocks; /* held by packings */
	size_t blocks_max;
	struct task **workers;
	size_t worker_count;
	size_t workers_max;
	size_t idle;
	bool ending;
	struct codec *codec; /* where there are no workers: of whoever waits */
	struct block *scratch;
	bool busy;
};

/* All that follows is called inside the monitor. */

/* An empty block; NULL when P has to wait until one of its own is done or another's given back. */
struct block *block_get(struct packing *p);
void block_give_back(struct packing *p, struct block *b);

void compressor_enrol(struct compressor *c, struct packing *p);
void compressor_strike_out(struct compressor *c, struct packing *p);

/* There is a block to be worked on: a worker more if nobody is idle. */
void compressor_call_worker(struct compressor *c);

/* Until something has changed, or some time has passed; where there are no workers, works. */
MUST_USE bool compressor_await(struct compressor *c, int64_t at_most_ms, struct err *err);

#endif
