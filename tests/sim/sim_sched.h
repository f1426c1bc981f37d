/*
 * A world in which nothing is left to the machine: several tasks run one at a time, who goes on at a yield point
 * is chosen by the seed, and time passes only when all of them wait. Every verb of struct sched is a yield point.
 *
 * Tasks are ucontext fibers on one thread; the sanitizers are told of every switch. A state in which everybody
 * waits for somebody, and one in which time has passed a limit, end the process with a line that says who waited
 * for what: these are findings.
 */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include "base/sched.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_sched;

/* The caller becomes task 0. Boot time begins at an hour, wall time in 2025. */
struct sim_sched *sim_sched_new(uint64_t seed);
void sim_sched_free(struct sim_sched *s);

struct sched *sim_sched_of(struct sim_sched *s);
struct clock *sim_clock_of(struct sim_sched *s);
int64_t sim_now_ms(const struct sim_sched *s);

/* The number of the running task. */
size_t sim_task_number(const struct sim_sched *s);

/* The machine was suspended: time went on and nobody ran. */
void sim_jump(struct sim_sched *s, int64_t ms);

/* Somebody sets the clock on the wall. */
void sim_set_wall(struct sim_sched *s, int64_t by_ms);

/* fire(arg) as soon as boot time is AT_MS; it must not wait. */
void sim_at(struct sim_sched *s, int64_t at_ms, void (*fire)(void *arg), void *arg);

/* Beyond this time on the boot clock the process ends with a complaint. */
void sim_sched_limit(struct sim_sched *s, int64_t limit_ms);

#endif
