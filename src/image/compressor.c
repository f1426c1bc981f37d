#include "image/compressor.h"

#include "base/mem.h"
#include "image/codec.h"

#include <sched.h>

/* More than this is faster than one layer can be hashed. */
#define WORKERS_MAX 16

/* Of a block's size: what it works on, what it writes into, and one that waits for it. */
#define BUFFERS_A_WORKER 3

/* One that is filled while another is worked on. */
#define SHARE_MIN 2

/* Blocks */

static struct block *block_new(const struct compressor *c)
{
	struct block *b = NEW(struct block);

	b->bytes = mem_alloc(codec_bound_bytes(c->compression.algorithm));
	return b;
}

static void block_free(struct block *b)
{
	if (!b)
		return;
	err_clear(&b->err);
	free(b->bytes);
	free(b);
}

/* What comes out stays in the scratch block's buffer; the input's is the scratch from now on. */
static void block_pack(struct block *b, struct codec *codec, struct block *scratch)
{
	char *packed = scratch->bytes;
	size_t len = 0;

	if (!codec_pack(codec, b->bytes, b->len, packed, &len, &b->err))
		return;
	scratch->bytes = b->bytes;
	b->bytes = packed;
	b->len = len;
}

/*
 * A packing always gets one, so that all get on; the oldest as many as workers can use; another one
 * more only within its share, which is that of those who have something under way.
 */
static bool may_have(const struct packing *p)
{
	const struct compressor *c = p->compressor;
	size_t share, active = 0;

	if (p->held == 0 || (p == c->packings && p->held < c->blocks_max))
		return true;
	for (const struct packing *other = c->packings; other; other = other->next)
		active += other->held > 0;
	share = c->blocks_max / active;
	return c->blocks < c->blocks_max && (p->held < share || p->held < SHARE_MIN);
}

struct block *block_get(struct packing *p)
{
	struct compressor *c = p->compressor;
	struct block *b = c->spare;

	if (!may_have(p))
		return NULL;
	if (b)
		c->spare = b->next;
	else
		b = block_new(c);
	b->next = NULL;
	b->len = 0;
	p->held++;
	c->blocks++;
	return b;
}

void block_give_back(struct packing *p, struct block *b)
{
	struct compressor *c = p->compressor;

	err_clear(&b->err);
	p->held--;
	c->blocks--;
	b->next = c->spare;
	c->spare = b;
	monitor_wake_all(c->sched, c->monitor);
}

static struct block *first_queued(const struct packing *p)
{
	struct block *b = p->first;

	while (b && b->state != BLOCK_QUEUED)
		b = b->next;
	return b;
}

/* Workers */

void compressor_enrol(struct compressor *c, struct packing *p)
{
	struct packing **at = &c->packings;

	while (*at)
		at = &(*at)->next;
	p->next = NULL;
	*at = p;
}

void compressor_strike_out(struct compressor *c, struct packing *p)
{
	struct packing **at = &c->packings;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

/*
 * Every second block is the oldest packing's, so that there is soon a layer to be sent; the others'
 * are taken in turn, so that a large layer does not hold up small ones.
 */
static struct block *take_queued(struct compressor *c)
{
	bool by_age = c->taken % 2 == 0;
	struct packing *next = NULL;
	struct block *b;

	for (struct packing *p = c->packings; p; p = p->next)
		if (first_queued(p) && (!next || (!by_age && p->taken < next->taken)))
			next = p;
	if (!next)
		return NULL;
	next->taken = ++c->taken;
	b = first_queued(next);
	b->state = BLOCK_TAKEN;
	return b;
}

static void work_on(struct compressor *c, struct block *b, struct codec *codec,
		    struct block *scratch)
{
	monitor_leave(c->sched, c->monitor);
	block_pack(b, codec, scratch);
	monitor_enter(c->sched, c->monitor);
	b->state = BLOCK_DONE;
	monitor_wake_all(c->sched, c->monitor);
}

/* Without a codec it fails every block that it takes, so that each layer says so. */
static void fail_block(struct compressor *c, struct block *b, const struct err *err)
{
	err_copy(&b->err, err);
	b->state = BLOCK_DONE;
	monitor_wake_all(c->sched, c->monitor);
}

static void worker(void *arg)
{
	struct compressor *c = arg;
	CLEANUP(codec_freep) struct codec *codec = NULL;
	struct block *scratch = block_new(c), *b;
	struct err err = ERR_INIT;
	bool able = codec_new(&c->compression, &codec, &err);

	monitor_enter(c->sched, c->monitor);
	while (!c->ending) {
		b = take_queued(c);
		if (b && able)
			work_on(c, b, codec, scratch);
		else if (b)
			fail_block(c, b, &err);
		if (b)
			continue;
		c->idle++;
		monitor_wait(c->sched, c->monitor, NEVER_MS);
		c->idle--;
	}
	monitor_leave(c->sched, c->monitor);
	block_free(scratch);
	err_clear(&err);
}

void compressor_call_worker(struct compressor *c)
{
	struct task *t;

	if (c->idle || c->worker_count == c->workers_max)
		return;
	t = sched_spawn(c->sched, worker, c);
	if (t)
		c->workers[c->worker_count++] = t;
	else
		c->workers_max = c->worker_count; /* there will be no more */
}

bool compressor_await(struct compressor *c, int64_t at_most_ms, struct err *err)
{
	struct block *b;

	if (c->workers_max || c->busy) {
		monitor_wait(c->sched, c->monitor, at_most_ms);
		return true;
	}
	if (!c->codec && !codec_new(&c->compression, &c->codec, err))
		return false;
	if (!c->scratch)
		c->scratch = block_new(c);
	b = take_queued(c);
	if (!b)
		return true;
	c->busy = true;
	work_on(c, b, c->codec, c->scratch);
	c->busy = false;
	return true;
}

/* The compressor */

static size_t cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : WORKERS_MAX;
}

static size_t workers_within(const struct compression *c, size_t wanted)
{
	size_t each = codec_memory_bytes(c) + BUFFERS_A_WORKER * codec_bound_bytes(c->algorithm);
	size_t fit = COMPRESSOR_CEILING_BYTES / each;

	if (!wanted)
		wanted = cores();
	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	if (wanted > fit)
		wanted = fit;
	return wanted ? wanted : 1;
}

static bool check(const struct compression *c, struct err *err)
{
	int min = codec_level_min(c->algorithm), max = codec_level_max(c->algorithm);

	return (c->level >= min && c->level <= max) ||
	       err_set(err, ERR_USAGE, "compression level %d is not within %d to %d", c->level, min,
		       max);
}

bool compressor_new(const struct world *w, const struct compression *compression, size_t workers,
		    struct compressor **ret, struct err *err)
{
	struct compression settled = codec_settled(compression);
	struct compressor *c;

	if (!check(&settled, err))
		return false;
	c = NEW(struct compressor);
	c->compression = settled;
	c->sched = w->sched;
	c->monitor = monitor_new(w->sched);
	c->block_bytes = codec_block_bytes(settled.algorithm);
	c->workers_max = workers_within(&settled, workers);
	c->workers = mem_alloc(c->workers_max * sizeof(struct task *));
	c->blocks_max = (BUFFERS_A_WORKER - 1) * c->workers_max;
	*ret = c;
	return true;
}

void compressor_free(struct compressor *c)
{
	struct block *next;

	if (!c)
		return;
	monitor_enter(c->sched, c->monitor);
	c->ending = true;
	monitor_wake_all(c->sched, c->monitor);
	monitor_leave(c->sched, c->monitor);
	for (size_t i = 0; i < c->worker_count; i++)
		sched_join(c->sched, c->workers[i]);
	for (struct block *b = c->spare; b; b = next) {
		next = b->next;
		block_free(b);
	}
	block_free(c->scratch);
	codec_free(c->codec);
	monitor_free(c->sched, c->monitor);
	free(c->workers);
	free(c);
}

const struct compression *compressor_compression(const struct compressor *c)
{
	return &c->compression;
}
