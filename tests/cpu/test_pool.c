/* The thread pool: every item once, under one number at a time, in the right floating-point environment. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cpu/pool.h"

enum { ITEMS = 1000, THREADS = 4 };

typedef struct tally {
    atomic_int done[ITEMS];
    atomic_int inside[THREADS];
    atomic_int overlaps, rounding;
} tally;

static void count(void *data, int32_t worker, int64_t item)
{
    tally *t = data;
    if (atomic_fetch_add(&t->inside[worker], 1) != 0)
        atomic_fetch_add(&t->overlaps, 1);
    atomic_fetch_add(&t->done[item], 1);
    if (fegetround() != FE_TONEAREST)
        atomic_fetch_add(&t->rounding, 1);
    atomic_fetch_sub(&t->inside[worker], 1);
}

Test(pool, runs_every_item_once_for_every_size)
{
    lehr_pool *pool = NULL;
    cr_assert_eq(lehr_pool_create(THREADS, &pool), LEHR_OK);
    cr_assert_eq(lehr_pool_threads(pool), THREADS);
    for (int items = 0; items <= 40; items++) {
        tally *t = calloc(1, sizeof *t);
        for (int repeat = 0; repeat < 5; repeat++)
            lehr_pool_run(pool, items, count, t);
        for (int i = 0; i < ITEMS; i++)
            cr_assert_eq(atomic_load(&t->done[i]), i < items ? 5 : 0);
        cr_assert_eq(atomic_load(&t->overlaps), 0);
        free(t);
    }
    lehr_pool_destroy(&pool);
    cr_assert_null(pool);
    lehr_pool_destroy(&pool);
}

/* A thread inherits the rounding of the one that made it. */
Test(pool, computes_in_the_default_environment)
{
    lehr_pool *pool = NULL;
    fesetround(FE_UPWARD);
    cr_assert_eq(lehr_pool_create(THREADS, &pool), LEHR_OK);
    tally *t = calloc(1, sizeof *t);
    const fenv_t callers = lehr_fp_enter();
    lehr_pool_run(pool, ITEMS, count, t);
    lehr_fp_leave(&callers);
    cr_assert_eq(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    cr_assert_eq(atomic_load(&t->rounding), 0);
    free(t);
    lehr_pool_destroy(&pool);
}

Test(pool, counts_cpus_and_gives_back_what_it_took)
{
    cr_assert_geq(lehr_pool_cpus(), 1);
    lehr_pool *pool = NULL;
    cr_assert_eq(lehr_pool_create(0, &pool), LEHR_OK);
    cr_assert_eq(lehr_pool_threads(pool), lehr_pool_cpus());
    lehr_pool_destroy(&pool);
    for (int n = 1; n <= 4; n++) {
        lehr_memory_fail_at(n);
        cr_assert_eq(lehr_pool_create(3, &pool), LEHR_ERR_MEMORY);
        cr_assert_null(pool);
    }
    lehr_memory_fail_at(0);
}
