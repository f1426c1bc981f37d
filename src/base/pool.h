/*
 * Work that is done side by side: COUNT pieces, at most JOBS at once, begun in order.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/world.h"

typedef bool (*pool_work)(const struct world *w, void *arg, size_t index, struct err *err);

/*
 * Runs work(w, arg, 0 .. count-1). True when all were done; else ERR is the first failure: the pieces under way
 * are cancelled (the world they were given says so) and waited for, the rest is not begun.
 */
MUST_USE bool pool_run(const struct world *w, size_t jobs, size_t count, pool_work work, void *arg,
		       struct err *err);

#endif
