/* pool.h: threads that share the items of one loop. One pool per backend handle.
 *
 * Not OpenMP: ThreadSanitizer cannot see that.                                                      */
#ifndef LEHR_CPU_POOL_H
#define LEHR_CPU_POOL_H

#include <fenv.h>
#include <stdint.h>

#include "lehr/status.h"

typedef struct lehr_pool lehr_pool;

/* One item of a loop. worker: 0 (the caller) to threads-1; no two items run at once under one number. */
typedef void (*lehr_pool_fn)(void *data, int32_t worker, int64_t item);

/* The floating-point environment that the same-bits contract needs: round to nearest, subnormals kept.
 * A program around us may have set others: enter before computing, leave after.                     */
fenv_t lehr_fp_enter(void);
void lehr_fp_leave(const fenv_t *callers);

/* CPUs of the affinity mask, at least 1. */
int32_t lehr_pool_cpus(void);

/* A pool of `threads` threads, the caller of lehr_pool_run among them; 0: lehr_pool_cpus().
 * Fails with LEHR_ERR_MEMORY, also when a thread cannot be started.                                  */
lehr_status lehr_pool_create(int32_t threads, lehr_pool **out);
void lehr_pool_destroy(lehr_pool **pool);
int32_t lehr_pool_threads(const lehr_pool *pool);

/* Run fn for items 0 to count-1, in any order, and return when all are done. One call at a time. Workers
 * compute in the environment of lehr_fp_enter; the caller has entered it.                            */
void lehr_pool_run(lehr_pool *pool, int64_t count, lehr_pool_fn fn, void *data);

#endif
