/*
 * Whole pushes in worlds drawn by seeds (sim_draw.h), each judged by the laws of sim_case.h. A failing seed replays
 * exactly: `landed-simulate --seed S -v` shows what happened. One process a core, each pinned to its own: what they
 * count is added up at the end.
 */
#include "sim/sim_draw.h"

#include "base/mem.h"

#include <getopt.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A seed that computes this long does not wait for anything: it is stuck. */
#define STUCK_S 60

#define FAILURES_SHOWN 20
#define JOBS_MAX 256
#define BEGIN_MS 3600000 /* of virtual time, see sim_sched.h */

static uint64_t current_seed; /* for the signal handler */

struct tally {
	size_t runs;
	size_t landed;
	size_t must;
	size_t must_landed;
	size_t broken[SIM_LAWS];
	size_t fired[SIM_FAULTS];
	size_t killed;
	size_t rivals;
	size_t requests;
	size_t stored_again;
	int64_t virtual_ms;
};

struct plan {
	uint64_t first;
	uint64_t count;
	size_t jobs;
	bool fail_fast; /* the first broken law ends it */
	bool verbose;
};

/* Telling */

static void tell(struct observer *o, const struct event *e)
{
	(void)o;
	if (e->kind == EVENT_WAIT)
		printf("%10.3f s  wait %lld ms: %s\n", (double)(e->at_ms - BEGIN_MS) / 1000,
		       (long long)e->wait.ms, e->text ? e->text : "");
	else if (e->kind != EVENT_REQUEST && e->kind != EVENT_BLOB && e->text)
		printf("%10.3f s  %s\n", (double)(e->at_ms - BEGIN_MS) / 1000, e->text);
}

static void show_world(const struct drawn *d)
{
	const struct sim_case *c = &d->c;
	const struct sim_options *o = &c->sim.registry.options;

	printf("%s world: %zu manifests, %zu blobs, largest %lld bytes, %zu workers\n",
	       d->wild ? "wild" : "mild", c->push.image->manifest_count, c->push.image->blob_count,
	       image_is_settled(c->push.image)
		       ? (long long)sim_image_largest(c->push.image)->size_bytes
		       : 0LL,
	       c->options.jobs);
	printf("tokens %lld ms, %u uses; passwords %lld ms, repeated for %lld ms; %lld bytes/ms\n",
	       (long long)o->token_life_ms, o->token_uses, (long long)c->source.life_ms,
	       (long long)c->source.repeat_ms, (long long)c->sim.net.bytes_per_ms);
	for (size_t i = 0; i < c->kill_count; i++)
		printf("killed after %lld ms\n", (long long)c->kills_ms[i]);
	if (c->rival.image)
		printf("after %lld ms somebody else pushes %s image\n",
		       (long long)c->rival_after_ms, c->rival_is_same ? "the same" : "another");
	for (int f = 0; f < SIM_FAULTS; f++)
		if (c->sim.plan.per_mille[f])
			printf("%u per mille %s\n", c->sim.plan.per_mille[f],
			       sim_fault_looks[f].name);
	for (size_t i = 0; i < c->sim.plan.outage_count; i++)
		printf("outage %s from %.3f s to %.3f s\n",
		       sim_fault_looks[c->sim.plan.outages[i].fault].name,
		       (double)(c->sim.plan.outages[i].from_ms - BEGIN_MS) / 1000,
		       (double)(c->sim.plan.outages[i].to_ms - BEGIN_MS) / 1000);
}

/* Counting */

static size_t failures(const struct tally *t)
{
	return t->runs - t->broken[LAW_KEPT];
}

static void add_run(struct tally *t, const struct drawn *d, bool must_land, enum sim_law law)
{
	const struct sim_case *c = &d->c;

	t->runs++;
	t->landed += c->push.landed;
	t->must += must_land;
	t->must_landed += must_land && c->push.landed;
	t->broken[law]++;
	t->killed += c->killed;
	t->rivals += c->rival.image != NULL;
	t->requests += c->sim.net.requests;
	t->stored_again += c->sim.registry.stored_again;
	t->virtual_ms += c->push.took_ms;
	for (int f = 0; f < SIM_FAULTS; f++)
		t->fired[f] += c->sim.plan.fired[f];
}

static void add_tally(struct tally *t, const struct tally *other)
{
	t->runs += other->runs;
	t->landed += other->landed;
	t->must += other->must;
	t->must_landed += other->must_landed;
	t->killed += other->killed;
	t->rivals += other->rivals;
	t->requests += other->requests;
	t->stored_again += other->stored_again;
	t->virtual_ms += other->virtual_ms;
	for (int l = 0; l < SIM_LAWS; l++)
		t->broken[l] += other->broken[l];
	for (int f = 0; f < SIM_FAULTS; f++)
		t->fired[f] += other->fired[f];
}

static void show_tally(const struct tally *t, double seconds)
{
	printf("%zu pushes, %.0f a second; %zu requests, %.0f virtual hours\n", t->runs,
	       (double)t->runs / seconds, t->requests, (double)t->virtual_ms / 3600000);
	printf("landed %.2f %%; of the %zu whose world became good %.2f %%\n",
	       100.0 * (double)t->landed / (double)t->runs, t->must,
	       t->must ? 100.0 * (double)t->must_landed / (double)t->must : 100);
	printf("killed and run again: %zu times; beside somebody else: %zu\n", t->killed,
	       t->rivals);
	printf("blobs that came although they were there: %zu\n", t->stored_again);
	for (int f = FAULT_NONE + 1; f < SIM_FAULTS; f++)
		printf("  %-20s %zu\n", sim_fault_looks[f].name, t->fired[f]);
	for (int l = LAW_KEPT + 1; l < SIM_LAWS; l++)
		if (t->broken[l])
			printf("BROKEN %s: %zu\n", sim_law_names[l], t->broken[l]);
}

/* Running */

static void show_end(const struct sim_push *p)
{
	printf("%s after %lld ms%s%s\n", p->landed ? "landed" : "not landed", (long long)p->took_ms,
	       p->landed ? "" : ": ", p->landed ? "" : p->err.message);
}

static void run_seed(uint64_t seed, bool verbose, struct tally *t)
{
	struct observer teller = { .tell = tell };
	struct buf why = BUF_INIT(BUF_TEXT_CEILING);
	struct drawn d;
	enum sim_law law;
	bool must_land;

	current_seed = seed;
	alarm(STUCK_S);
	draw(&d, seed);
	if (verbose) {
		show_world(&d);
		d.c.sim.net.trace = stdout;
		d.c.sim.world.observer = &teller;
	}
	sim_case_run(&d.c);
	must_land = drawn_must_land(&d);
	law = sim_case_judge(&d.c, must_land, &why);
	if (verbose)
		show_end(&d.c.push);
	if (verbose && d.c.rival.image)
		show_end(&d.c.rival);
	if (law != LAW_KEPT && failures(t) < FAILURES_SHOWN)
		printf("seed %llu: %s: %s\n", (unsigned long long)seed, sim_law_names[law],
		       buf_str(&why));
	add_run(t, &d, must_land, law);
	drawn_clear(&d);
	buf_clear(&why);
}

/* Every STEP-th seed of the plan, from the NTH on. */
static void run_share(const struct plan *p, size_t nth, size_t step, struct tally *t)
{
	for (uint64_t i = nth; i < p->count; i += step) {
		run_seed(p->first + i, p->verbose, t);
		if (p->fail_fast && failures(t))
			break;
	}
	alarm(0);
}

/* Processes */

static size_t cores(cpu_set_t *ret)
{
	CPU_ZERO(ret);
	return sched_getaffinity(0, sizeof(*ret), ret) == 0 ? (size_t)CPU_COUNT(ret) : 1;
}

/* To the NTH of the cores that there are; that it cannot be is no harm. */
static void pin(size_t nth)
{
	cpu_set_t all, one;

	if (!cores(&all))
		return;
	nth %= (size_t)CPU_COUNT(&all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static _Noreturn void child(const struct plan *p, size_t nth, int out)
{
	struct tally t = { 0 };

	pin(nth);
	run_share(p, nth, p->jobs, &t);
	fflush(stdout);
	_exit(write(out, &t, sizeof(t)) == (ssize_t)sizeof(t) ? 0 : 2);
}

/* Whether every child lived to its end. */
static bool run_children(const struct plan *p, struct tally *total)
{
	int from[JOBS_MAX];
	bool well = true;

	for (size_t i = 0; i < p->jobs; i++) {
		int ends[2];
		pid_t pid = pipe(ends) == 0 ? fork() : -1;

		if (pid < 0) {
			perror("landed-simulate");
			exit(2);
		}
		if (pid == 0)
			child(p, i, ends[1]);
		close(ends[1]);
		from[i] = ends[0];
	}
	for (size_t i = 0; i < p->jobs; i++) {
		struct tally t;

		if (read(from[i], &t, sizeof(t)) == (ssize_t)sizeof(t))
			add_tally(total, &t);
		else
			well = false;
		close(from[i]);
	}
	while (wait(NULL) > 0)
		continue;
	return well;
}

static void on_end(int signal_number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "landed-simulate: seed %llu\n",
			   (unsigned long long)current_seed);

	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		_exit(2);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Memory is kept for the next push instead of going back and forth to the kernel. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 16 << 20);
}

static int usage(void)
{
	fputs("usage: landed-simulate [--seeds N] [--first S] [--seed S] [--jobs N] [--fail-fast] [-v]\n",
	      stderr);
	return 2;
}

static bool read_plan(int argc, char **argv, struct plan *p)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "fail-fast", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	int word;

	while ((word = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (word == 'n')
			p->count = strtoull(optarg, NULL, 10);
		else if (word == 'f' || word == 's')
			p->first = strtoull(optarg, NULL, 10);
		else if (word == 'j')
			p->jobs = strtoul(optarg, NULL, 10);
		else if (word == 'q')
			p->fail_fast = true;
		else if (word == 'v')
			p->verbose = true;
		else
			return false;
		if (word == 's')
			p->count = 1;
	}
	if (p->verbose || p->count == 1)
		p->jobs = 1;
	return optind == argc && p->count > 0 && p->jobs > 0 && p->jobs <= JOBS_MAX;
}

int main(int argc, char **argv)
{
	cpu_set_t set;
	struct plan plan = { .first = 1, .count = 1000, .jobs = cores(&set) };
	struct tally total = { 0 };
	double begun_s = now_s();
	bool well = true;

	if (!read_plan(argc, argv, &plan))
		return usage();
	keep_memory();
	signal(SIGABRT, on_end);
	signal(SIGALRM, on_end);
	if (plan.jobs == 1)
		run_share(&plan, 0, 1, &total);
	else
		well = run_children(&plan, &total);
	if (total.runs)
		show_tally(&total, now_s() - begun_s);
	return well && !failures(&total) ? 0 : 1;
}
